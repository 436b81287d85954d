//! What is to be done about a stack's open findings, and doing it: the one way to a repair, whatever
//! woke the remediator.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bus_schema::{
    Finding, FindingId, Lesson, Observation, Origin, Plan, PlanId, PlanProposed, Remedy, Repair,
    ResourceAddress, StackName, StackState,
};
use runtime::{BusError, HandleError, Outbox, Retry, Revision, chain};

use crate::agent::Remediator;
use crate::course::{self, Course};
use crate::damping::{self, Ruling};
use crate::lesson;
use crate::repair::{self, Case, Seen};

/// How long a repair under way is believed in without a sign of it in the stack's record.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a finding's repair is planned again because it was stale, before that is damped as
/// well.
const MOST_STALE: u32 = 5;

/// What the remediator was woken by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wake<'it> {
    /// Its sequence in the stream.
    pub(crate) sequence: u64,
    /// How often it has been delivered.
    pub(crate) delivery: u64,
    /// A finding that it tells of.
    pub(crate) finding: Option<&'it Finding>,
    /// A plan that has come to nothing.
    pub(crate) ended: Option<Ended<'it>>,
}

/// A repair that has come to nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'it> {
    pub(crate) plan: &'it PlanId,
    /// What was found instead, where it was stale because of that.
    pub(crate) found: &'it [Observation],
    /// Whether it was only that it was about something else than what is there.
    pub(crate) stale: bool,
    /// Why, for people.
    pub(crate) reason: &'it str,
}

/// Where a finding stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A repair is under way, since then.
    UnderWay(jiff::Timestamp),
    /// A repair is not to be made before this has passed.
    Wait(Duration),
    /// It is over, or left as it is, or a person is asked.
    Settled,
}

/// An open finding with what is known and what is done about it.
pub(crate) struct Open {
    pub(crate) finding: Finding,
    pub(crate) lesson: Lesson,
    revision: Option<Revision>,
    pub(crate) changed: bool,
    pub(crate) course: Course,
    /// Which attempt would be next.
    pub(crate) attempt: u32,
    standing: Option<Standing>,
}

impl Remediator {
    /// Does what is to be done about everything that is open of a stack, and says where each finding
    /// stands then.
    pub(crate) async fn evaluate(
        &self,
        stack: &StackName,
        wake: Wake<'_>,
        outbox: &Outbox,
    ) -> Result<BTreeMap<FindingId, Standing>, HandleError> {
        let Some((state, _)) = self.stacks.get(stack).await? else { return Ok(BTreeMap::new()) };
        let observation = self.observations.get(stack).await?.map(|(it, _)| it);
        let mut seen: Seen = observation.as_ref().map(|it| it.drifted.clone()).unwrap_or_default();
        let mut findings: Vec<Finding> =
            observation.map(|it| it.findings.into_values().collect()).unwrap_or_default();
        if let Some(finding) = wake.finding
            && !findings.iter().any(|it| it.id == finding.id)
            && wake.delivery < 4
        {
            // It is recorded before it is announced; a server that lags behind does not know yet.
            // Where it is over by now, a few more looks do no harm.
            return Err(HandleError::new(
                Retry::Later(Duration::from_millis(50)),
                "the finding is not in the observations yet",
            ));
        }
        for found in wake.ended.map(|it| it.found).unwrap_or_default() {
            seen.insert(found.resource.clone(), found.properties.clone());
        }
        findings.sort_by(|a, b| a.signature.cmp(&b.signature));
        let now = runtime::now();
        let mut open = Vec::new();
        for finding in findings {
            let Some(resource) = finding.resource.clone() else { continue };
            open.push(self.opened(&state, finding, &resource, wake, now).await?);
        }
        for it in &mut open {
            self.judge(it, &state, wake, now).await?;
        }
        self.act(&state, &seen, &mut open, wake, outbox).await?;
        Ok(open
            .into_iter()
            .map(|it| (it.finding.id, it.standing.unwrap_or(Standing::Settled)))
            .collect())
    }

    async fn opened(
        &self,
        state: &StackState,
        finding: Finding,
        resource: &ResourceAddress,
        wake: Wake<'_>,
        now: jiff::Timestamp,
    ) -> Result<Open, HandleError> {
        let (known, revision) = match self.lessons.get(&finding.signature).await? {
            Some((lesson, revision)) => (Some(lesson), Some(revision)),
            None => (None, None),
        };
        let mut lesson = lesson::count(known.clone(), &state.stack, resource, &finding, now);
        let repair = lesson.repair.as_mut().filter(|it| it.finding == finding.id);
        if let (Some(repair), Some(ended)) = (repair, wake.ended)
            && repair.plan == *ended.plan
        {
            repair.ended = Some(ended.reason.to_owned());
        }
        let changed = known.as_ref() != Some(&lesson);
        let course = match self.environments.get(&state.environment) {
            Some(environment) => {
                course::of(&finding, &environment.remediation, lesson.decision.as_ref())
            }
            None => {
                Course::Ask(format!("there is no environment `{}` any more", state.environment))
            }
        };
        Ok(Open { finding, lesson, revision, changed, course, attempt: 1, standing: None })
    }

    /// Settles where a finding stands, where that is not for the plan to be made now.
    async fn judge(
        &self,
        open: &mut Open,
        state: &StackState,
        wake: Wake<'_>,
        now: jiff::Timestamp,
    ) -> Result<(), HandleError> {
        if open.lesson.closed {
            open.standing = Some(Standing::Settled);
            return Ok(());
        }
        let repair = open.lesson.repair.clone().filter(|it| it.finding == open.finding.id);
        let mut free = false;
        if let Some(repair) = &repair {
            if repair.ended.is_some() {
                let outdated = wake.ended.is_some_and(|it| it.stale && *it.plan == repair.plan);
                free = outdated && repair.attempt < MOST_STALE;
                open.attempt = repair.attempt + 1;
            } else if self.under_way(repair, state, wake, now).await? {
                open.standing = Some(Standing::UnderWay(repair.since));
                return Ok(());
            } else if repair.after == wake.sequence && !self.published(state, repair).await? {
                // The handling that claimed it died before it had proposed it: the same again.
                free = true;
                open.attempt = repair.attempt;
            } else {
                open.attempt = repair.attempt + 1;
            }
        }
        if !matches!(open.course, Course::Revert { .. } | Course::Adopt) {
            return Ok(());
        }
        if state.paused.is_some() {
            // A plan proposed now would wait with the others, whatever a person decides meanwhile.
            open.standing = Some(Standing::Wait(Duration::from_secs(1)));
            return Ok(());
        }
        let ruling = damping::rule(&open.lesson.damping, &self.damped, now);
        match ruling {
            Ruling::Now => {}
            _ if free => {}
            Ruling::Wait(then) => open.standing = Some(Standing::Wait(damping::until(then, now))),
            Ruling::Open(until) => {
                if open.lesson.damping.open_since.is_none() {
                    open.lesson.damping = damping::opened(&open.lesson.damping, now);
                    open.changed = true;
                }
                open.course = Course::Ask(lesson::why_stopped(&open.lesson, until));
                open.standing = Some(Standing::Wait(damping::until(until, now)));
            }
        }
        Ok(())
    }

    /// Whether a repair that was claimed is still on its way.
    async fn under_way(
        &self,
        repair: &Repair,
        state: &StackState,
        wake: Wake<'_>,
        now: jiff::Timestamp,
    ) -> Result<bool, HandleError> {
        let here =
            state.paused.is_some() || state.run.as_ref().is_some_and(|it| it.plan == repair.plan);
        if here {
            return Ok(true);
        }
        if damping::until(now, repair.since) >= PATIENCE {
            return Ok(false);
        }
        // Who claimed it publishes it in the next moment; unless this is that very handling, again.
        if repair.after == wake.sequence && wake.delivery > 1 {
            return self.published(state, repair).await;
        }
        Ok(true)
    }

    async fn published(&self, state: &StackState, repair: &Repair) -> Result<bool, HandleError> {
        let subject = bus_schema::Subject::plan_proposed(&state.stack);
        let mut from = repair.after + 1;
        loop {
            match self.bus.message_from::<PlanProposed>(&subject, from).await {
                Ok(Some(found)) if found.message.id == repair.plan => return Ok(true),
                Ok(Some(found)) => from = found.sequence + 1,
                Err(BusError::NotThis { sequence, .. }) => from = sequence + 1,
                Ok(None) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Proposes what is due, asks people about what they are to be asked, and keeps the lessons.
    async fn act(
        &self,
        state: &StackState,
        seen: &Seen,
        open: &mut [Open],
        wake: Wake<'_>,
        outbox: &Outbox,
    ) -> Result<(), HandleError> {
        let mut plan = None;
        for origin in [Origin::Heal, Origin::Adopt] {
            let due: Vec<usize> = open
                .iter()
                .enumerate()
                .filter(|(_, it)| it.standing.is_none() && origin_of(&it.course) == Some(origin))
                .map(|(i, _)| i)
                .collect();
            if due.is_empty() {
                continue;
            }
            plan = self.planned(state, seen, open, &due, origin);
            if let Some((plan, due)) = &plan {
                let now = runtime::now();
                for i in due {
                    let Some(it) = open.get_mut(*i) else { continue };
                    let attempt = it.attempt;
                    it.claim(plan, attempt, wake, &self.damped, now);
                }
                break;
            }
        }
        for it in open.iter_mut() {
            if it.standing.is_none() && origin_of(&it.course).is_some() {
                // Of the other origin, or nothing to change as far as is known: looked at again.
                it.standing = Some(Standing::Wait(Duration::from_secs(1)));
            }
            self.ask(state, seen, it, outbox).await?;
            it.keep(self).await?;
        }
        let Some((plan, _)) = plan else { return Ok(()) };
        self.propose(state, plan, outbox).await
    }

    /// One plan for all that is due of an origin. What cannot be planned is for a person, and the
    /// rest is planned without it.
    fn planned(
        &self,
        state: &StackState,
        seen: &Seen,
        open: &mut [Open],
        due: &[usize],
        origin: Origin,
    ) -> Option<(Plan, Vec<usize>)> {
        let mut due = due.to_vec();
        loop {
            let findings = due.iter().filter_map(|i| open.get(*i));
            let attempt = findings.clone().map(|it| it.attempt).max()?;
            let reason = findings.clone().find_map(|it| it.lesson.decision.as_ref()).map_or_else(
                || format!("by the rules of environment {}", state.environment),
                |it| format!("asked by {}", it.by.as_deref().unwrap_or("a person")),
            );
            let findings = findings.map(|it| it.finding.id.clone()).collect();
            let remedy = Remedy { findings, attempt, reason };
            match repair::plan(state, seen, &cases(open, &due), origin, remedy, self.catalogue) {
                Ok(plan) => return plan.map(|plan| (plan, due)),
                Err(why) => {
                    // The first that cannot be planned alone.
                    let at = due.iter().position(|i| {
                        let remedy =
                            Remedy { findings: Vec::new(), attempt, reason: String::new() };
                        repair::plan(
                            state,
                            seen,
                            &cases(open, &[*i]),
                            origin,
                            remedy,
                            self.catalogue,
                        )
                        .is_err()
                    });
                    let i = due.remove(at.unwrap_or_default());
                    if let Some(it) = open.get_mut(i) {
                        it.course = Course::Ask(chain(&why));
                    }
                }
            }
        }
    }
}

impl Open {
    /// Notes in the lesson that this plan is what is done.
    fn claim(
        &mut self,
        plan: &Plan,
        attempt: u32,
        wake: Wake<'_>,
        damped: &damping::Damped,
        now: jiff::Timestamp,
    ) {
        let again = self.lesson.repair.as_ref().filter(|it| it.finding == self.finding.id);
        let same = again
            .is_some_and(|it| it.attempt == attempt || wake.ended.is_some_and(|ended| ended.stale));
        if !same {
            self.lesson.damping = damping::repaired(&self.lesson.damping, damped, now);
        }
        self.lesson.repair = Some(Repair {
            finding: self.finding.id.clone(),
            plan: plan.id(),
            attempt,
            after: wake.sequence,
            since: now,
            ended: None,
        });
        self.changed = true;
        self.standing = Some(Standing::UnderWay(now));
    }

    async fn keep(&mut self, remediator: &Remediator) -> Result<(), HandleError> {
        if !self.changed {
            return Ok(());
        }
        self.lesson.updated_at = runtime::now();
        let (key, lessons) = (&self.lesson.signature, &remediator.lessons);
        runtime::failpoint!("remediator::before_lesson");
        let revision = match self.revision {
            Some(over) => lessons.update(key, &self.lesson, over).await?,
            None => lessons.create(key, &self.lesson).await?,
        };
        runtime::failpoint!("remediator::after_lesson");
        self.revision = Some(revision);
        self.changed = false;
        Ok(())
    }
}

pub(crate) const fn origin_of(course: &Course) -> Option<Origin> {
    match course {
        Course::Revert { .. } => Some(Origin::Heal),
        Course::Adopt => Some(Origin::Adopt),
        Course::Leave | Course::Ask(_) | Course::Propose(_) => None,
    }
}

/// Every finding of the stack; what is not due is left as it is.
fn cases<'it>(open: &'it [Open], due: &[usize]) -> Vec<Case<'it>> {
    const LEFT: Course = Course::Leave;
    let due: BTreeSet<usize> = due.iter().copied().collect();
    open.iter()
        .enumerate()
        .map(|(i, it)| Case {
            finding: &it.finding,
            course: if due.contains(&i) { &it.course } else { &LEFT },
        })
        .collect()
}
