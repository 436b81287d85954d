//! The agent: hears of findings, of what became of repairs, and of what people decide.

use std::sync::Arc;
use std::time::Duration;

use bus_schema::{
    Decision, DriftFound, FindingId, FindingResolved, Lesson, Observation, Outcome, PlanApplied,
    PlanFailed, PlanStale, PlanSuperseded, Received, RemedyAsked, RemedyKind, RunStuck, StackName,
    StackObservation, StackState, StaleReason, stream,
};
use cloud::Catalogue;
use policy::Environments;
use runtime::{Agent, Bus, HandleError, Outbox, Retry, Routes, StartError, Store};

use crate::RemediatorSettings;
use crate::damping::{self, Damped};
use crate::environments;
use crate::evaluation::{Ended, Standing, Wake};
use crate::lesson;
use crate::meters::Meters;

/// When a finding whose repair was just begun is looked at again, at the soonest: most are over by
/// then, or soon after.
const SOONEST: Duration = Duration::from_millis(250);
/// And at the latest, in case nothing more is heard of it.
const LATEST: Duration = Duration::from_secs(10);
/// The same where the repair has waited for hours, as that of a paused stack does.
const LATEST_OF_ALL: Duration = Duration::from_secs(60);

/// Has put back what drifts. Several may run; a lesson's revision orders what they do.
#[derive(Debug)]
pub struct Remediator {
    pub(crate) bus: Bus,
    pub(crate) environments: Environments,
    pub(crate) catalogue: Catalogue,
    pub(crate) damped: Damped,
    pub(crate) stacks: Store<StackState>,
    pub(crate) observations: Store<StackObservation>,
    pub(crate) lessons: Store<Lesson>,
    pub(crate) meters: Meters,
}

impl Agent for Remediator {
    const NAME: &'static str = "remediator";
    const ABOUT: &'static str = "Has put back what drifts, and asks a person where it should not";
    type Settings = RemediatorSettings;

    fn routes() -> Routes<Self> {
        Routes::new()
            .on(stream::REMEDIATOR_FINDINGS, Self::found)
            .on(stream::REMEDIATOR_FINDINGS, Self::resolved)
            .on(stream::REMEDIATOR_OUTCOMES, Self::applied)
            .on(stream::REMEDIATOR_OUTCOMES, Self::failed)
            .on(stream::REMEDIATOR_OUTCOMES, Self::stale)
            .on(stream::REMEDIATOR_OUTCOMES, Self::superseded)
            .on(stream::REMEDIATOR_OUTCOMES, Self::stuck)
            .on(stream::REMEDIATOR_DECISIONS, Self::decided)
    }

    async fn start(settings: RemediatorSettings, bus: Bus) -> Result<Self, StartError> {
        let environments = environments::load(settings.environments.as_deref())
            .map_err(|error| StartError::caused("the environments are not usable", error))?;
        for environment in environments.iter() {
            let (mode, rules) = (environment.remediation.mode, environment.remediation.rules.len());
            tracing::info!(environment = %environment.name, ?mode, rules, "rules for drift");
        }
        Ok(Self {
            environments,
            catalogue: cloud::cloudflare::catalogue(),
            damped: settings.damped,
            stacks: bus.store(),
            observations: bus.store(),
            lessons: bus.store(),
            meters: Meters::new(),
            bus,
        })
    }
}

impl Remediator {
    async fn found(
        self: Arc<Self>,
        received: Received<DriftFound>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let DriftFound { stack, finding } = &received.message;
        let wake = Wake {
            sequence: received.sequence,
            delivery: received.delivery,
            finding: Some(finding),
            ended: None,
        };
        let standings = self.evaluate(stack, wake, &outbox).await?;
        come_back(standings.get(&finding.id))
    }

    async fn resolved(
        self: Arc<Self>,
        received: Received<FindingResolved>,
        _: Outbox,
    ) -> Result<(), HandleError> {
        let resolved = &received.message;
        let finding = &resolved.finding;
        let Some(resource) = &finding.resource else { return Ok(()) };
        let now = runtime::now();
        let (known, revision) = match self.lessons.get(&finding.signature).await? {
            Some((lesson, revision)) => (Some(lesson), Some(revision)),
            None => (None, None),
        };
        if known.as_ref().is_some_and(|known| known.last != finding.id) {
            // Either of them can be heard of first; what it went on as is what counts now.
            return Ok(());
        }
        let counted = lesson::count(known.clone(), &resolved.stack, resource, finding, now);
        let (lesson, took) = lesson::close(counted, resolved, now);
        if known.as_ref() == Some(&lesson) {
            return Ok(());
        }
        runtime::failpoint!("remediator::before_lesson");
        match revision {
            Some(over) => self.lessons.update(&finding.signature, &lesson, over).await?,
            None => self.lessons.create(&finding.signature, &lesson).await?,
        };
        runtime::failpoint!("remediator::after_lesson");
        if let Some(took) = took {
            self.meters.repaired(finding.scope.kind.as_str(), took);
            tracing::info!(stack = %resolved.stack, %resource, took_ms = took, by = finding.by, "repaired");
        }
        Ok(())
    }

    async fn applied(
        self: Arc<Self>,
        received: Received<PlanApplied>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        // The auditor says whether it is repaired. What is left to be done can be done now.
        let (sequence, delivery) = (received.sequence, received.delivery);
        let outcome = Outcome::Applied(received.message);
        self.came_of(&outcome, sequence, delivery, &outbox).await
    }

    async fn failed(
        self: Arc<Self>,
        received: Received<PlanFailed>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let (sequence, delivery) = (received.sequence, received.delivery);
        let outcome = Outcome::Failed(received.message);
        self.came_of(&outcome, sequence, delivery, &outbox).await
    }

    async fn stale(
        self: Arc<Self>,
        received: Received<PlanStale>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let (sequence, delivery) = (received.sequence, received.delivery);
        let outcome = Outcome::Stale(received.message);
        self.came_of(&outcome, sequence, delivery, &outbox).await
    }

    async fn superseded(
        self: Arc<Self>,
        received: Received<PlanSuperseded>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let (sequence, delivery) = (received.sequence, received.delivery);
        let outcome = Outcome::Superseded(received.message);
        self.came_of(&outcome, sequence, delivery, &outbox).await
    }

    async fn stuck(
        self: Arc<Self>,
        received: Received<RunStuck>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let (sequence, delivery) = (received.sequence, received.delivery);
        let outcome = Outcome::Stuck(received.message);
        self.came_of(&outcome, sequence, delivery, &outbox).await
    }

    async fn came_of(
        &self,
        outcome: &Outcome,
        sequence: u64,
        delivery: u64,
        outbox: &Outbox,
    ) -> Result<(), HandleError> {
        if outcome.origin().is_intent() {
            return Ok(());
        }
        let (stack, found, stale, reason): (&StackName, &[Observation], bool, &str) = match outcome
        {
            // Seen repaired by the auditor, who looks after every plan that was applied.
            Outcome::Applied(_) => return Ok(()),
            Outcome::Stuck(it) => {
                tracing::error!(stack = %it.stack, reason = it.reason, "a repair is stuck: a person is needed");
                return Ok(());
            }
            Outcome::Failed(it) => {
                tracing::warn!(stack = %it.stack, reason = it.reason, "a repair failed");
                (&it.stack, &[], false, it.reason.as_str())
            }
            Outcome::Superseded(it) => (&it.stack, &[], true, "a later intent was applied"),
            Outcome::Stale(it) => match &it.because {
                StaleReason::Generation { .. } => {
                    (&it.stack, &[], true, "another plan was applied before")
                }
                StaleReason::Cloud { observations } => {
                    (&it.stack, observations, true, "the cloud was not as the plan said")
                }
            },
        };
        let ended = Some(Ended { plan: outcome.plan(), found, stale, reason });
        let wake = Wake { sequence, delivery, finding: None, ended };
        self.evaluate(stack, wake, outbox).await?;
        Ok(())
    }

    /// A person has decided about a finding.
    async fn decided(
        self: Arc<Self>,
        received: Received<RemedyAsked>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let asked = &received.message;
        let Some(finding) = self.open(&asked.stack, &asked.finding).await? else {
            tracing::warn!(stack = %asked.stack, finding = %asked.finding, "decided about what is not open");
            return Ok(());
        };
        let Some(resource) = &finding.resource else { return Ok(()) };
        let now = runtime::now();
        let known = self.lessons.get(&finding.signature).await?;
        let (known, revision) = match known {
            Some((lesson, revision)) => (Some(lesson), Some(revision)),
            None => (None, None),
        };
        let mut lesson = lesson::count(known, &asked.stack, resource, &finding, now);
        let decision = Decision { remedy: asked.remedy, by: asked.by.clone() };
        if lesson.decision.as_ref() != Some(&decision) {
            tracing::info!(stack = %asked.stack, finding = %asked.finding, remedy = ?asked.remedy, by = asked.by, "decided");
            if asked.remedy != RemedyKind::Leave {
                // Whoever says so closes the circuit.
                lesson.damping = bus_schema::Damping::default();
            }
            lesson.decision = Some(decision);
            lesson.updated_at = now;
            match revision {
                Some(over) => self.lessons.update(&finding.signature, &lesson, over).await?,
                None => self.lessons.create(&finding.signature, &lesson).await?,
            };
        }
        let wake = Wake {
            sequence: received.sequence,
            delivery: received.delivery,
            finding: None,
            ended: None,
        };
        self.evaluate(&asked.stack, wake, &outbox).await?;
        Ok(())
    }

    async fn open(
        &self,
        stack: &StackName,
        finding: &FindingId,
    ) -> Result<Option<bus_schema::Finding>, HandleError> {
        let observation = self.observations.get(stack).await?;
        let findings = observation.map(|(it, _)| it.findings).unwrap_or_default();
        Ok(findings.into_values().find(|it| it.id == *finding))
    }
}

/// The message of a finding is its place in the queue: it comes back until the finding is settled.
fn come_back(standing: Option<&Standing>) -> Result<(), HandleError> {
    let (after, why) = match standing {
        Some(Standing::UnderWay(since)) => {
            let age = damping::until(runtime::now(), *since);
            (look_again(age), "its repair is under way")
        }
        Some(Standing::Wait(after)) => (*after, "its repair has to wait"),
        Some(Standing::Settled) | None => return Ok(()),
    };
    Err(HandleError::new(Retry::Later(after.max(Duration::from_millis(10))), why))
}

/// After how long a finding is looked at again whose repair was begun so long ago: after as long
/// again, so that its message is not kept much longer than the repair takes.
fn look_again(age: Duration) -> Duration {
    age.clamp(SOONEST, LATEST).max((age / 100).min(LATEST_OF_ALL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repair_is_looked_after_the_less_often_the_longer_it_takes() {
        let again = |age: u64| look_again(Duration::from_millis(age)).as_millis();
        assert_eq!([0, 200, 400, 3_000, 60_000].map(again), [250, 250, 400, 3_000, 10_000]);
        assert_eq!([1_500_000, 36_000_000].map(again), [15_000, 60_000]);
    }
}
