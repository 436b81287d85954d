//! A plan's turn: from its arrival to what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus_schema::{
    Action, InstanceId, Outcome, PlanFailed, PlanProposed, ResourceAddress, StackName, StaleReason,
    codec,
};
use tracing::Instrument;

use crate::admission::{self, Admission};
use crate::check;
use crate::ending;
use crate::journal::{self, Event};
use crate::preflight::{self, Survey, Verdict};
use crate::records;
use crate::saga::{Held, Saga, SagaError};
use crate::step;
use crate::turn::{Arrival, TurnError};

/// Applies plans, one turn at a time for each stack.
#[derive(Debug, Clone)]
pub struct Applier {
    /// This process.
    pub me: InstanceId,
    /// What runs are run with.
    pub saga: Saga,
    /// When to look again for a stack that another process works on.
    pub turn: Duration,
}

/// Largest plan that is applied, in bytes. A stack's record holds up to three times what its plan
/// does (before and after, declared and observed, in the stack and in the journal), and must be
/// writable at every moment of the run.
pub(crate) const LARGEST_PLAN: usize = codec::MAX_BYTES / 4;

/// Turns of other plans that one turn may have to finish first.
const DETOURS: usize = 3;

impl Applier {
    /// Gives a plan its turn. What it answers is to be published in this order: of a run left behind
    /// by another process first, of the plan itself last. All of it is recorded already, so a turn
    /// taken again answers the same. A plan for a stack that is to be left alone waits in the stack's
    /// record for its turn.
    ///
    /// # Errors
    /// When the turn has to be taken again, or the message is no plan.
    pub async fn turn(&self, arrival: Arrival<'_>) -> Result<Vec<Outcome>, TurnError> {
        let proposed = arrival.proposed;
        check::check(proposed, self.saga.catalogue)?;
        let mut outcomes = Vec::new();
        for _ in 0..=DETOURS {
            match self.taken(arrival, &mut outcomes).await {
                Err(TurnError::Paused { .. } | TurnError::Saga(SagaError::Paused)) => {
                    if self.wait(&proposed.plan.stack, arrival.sequence).await? {
                        return Ok(outcomes);
                    }
                }
                taken => return taken.map(|()| outcomes),
            }
        }
        Err(TurnError::Restless { stack: proposed.plan.stack.clone() })
    }

    async fn taken(
        &self,
        arrival: Arrival<'_>,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), TurnError> {
        let proposed = arrival.proposed;
        for _ in 0..=DETOURS {
            let held = self.read(&proposed.plan.stack).await?;
            let state = held.as_ref().map(|held| &held.state);
            let alive = match admission::contender(state, &self.me) {
                Some(holder) => self.saga.records.alive(holder).await?,
                None => false,
            };
            let admission = admission::admit(state, proposed, &self.me, alive);
            tracing::debug!(plan = %proposed.id.short(), ?admission, "admission");
            let outcome = match (admission, held) {
                // A copy of a plan that failed long ago, delivered again: its intent has ended.
                (Admission::Begin | Admission::Blocked(_), Some(_))
                    if proposed.plan.origin.is_intent()
                        && self.saga.records.ended(proposed.plan.intent).await? =>
                {
                    tracing::warn!(stack = %proposed.plan.stack, intent = %proposed.plan.intent, "a plan for an intent that has ended");
                    return Ok(());
                }
                (Admission::Paused, _) => {
                    return Err(TurnError::Paused { stack: proposed.plan.stack.clone() });
                }
                (Admission::Begin, held) => Box::pin(self.begin(arrival, held)).await?,
                (Admission::Repeat(outcome), _) => Some(*outcome),
                (Admission::Stale { current }, _) => {
                    Some(admission::stale(proposed, StaleReason::Generation { current }))
                }
                (Admission::Unaware { of }, _) => {
                    Some(admission::stale(proposed, StaleReason::Cloud { observations: of }))
                }
                (Admission::Superseded { by }, _) => Some(admission::superseded(proposed, by)),
                (Admission::Wait { holder }, _) => {
                    let stack = proposed.plan.stack.clone();
                    return Err(TurnError::Held { stack, holder, again: self.turn });
                }
                (Admission::Resume, Some(held)) => Box::pin(self.resume(proposed, held)).await?,
                (Admission::FinishOther { sequence }, Some(held)) => {
                    let other = self.plan(sequence).await?;
                    outcomes.extend(Box::pin(self.resume(&other, held)).await?);
                    continue;
                }
                (Admission::Blocked(stuck), Some(held)) => {
                    let reason = admission::refused_by_stuck(&stuck);
                    self.fail(proposed, held, &reason, &admission::after_stuck(&stuck)).await?
                }
                // Unreachable by the making of an admission; the next round reads it again.
                (
                    Admission::Resume | Admission::FinishOther { .. } | Admission::Blocked(_),
                    None,
                ) => None,
            };
            if let Some(outcome) = outcome {
                outcomes.push(outcome);
                return Ok(());
            }
        }
        Err(TurnError::Restless { stack: proposed.plan.stack.clone() })
    }

    pub(crate) async fn read(&self, stack: &StackName) -> Result<Option<Held>, TurnError> {
        let read = self.saga.records.stack(stack).await?;
        Ok(read.map(|(state, revision)| Held { state, revision: Some(revision) }))
    }

    pub(crate) async fn plan(&self, sequence: u64) -> Result<PlanProposed, TurnError> {
        match self.saga.records.plan(sequence).await {
            Ok(Some(plan)) => Ok(plan),
            Ok(None) => Err(TurnError::PlanLost { sequence, source: None }),
            Err(source) => Err(TurnError::PlanLost { sequence, source: Some(source) }),
        }
    }

    async fn survey(
        &self,
        proposed: &PlanProposed,
        held: &Held,
    ) -> Result<Survey, Arc<cloud::Error>> {
        let scopes = preflight::scopes(&proposed.plan, Some(&held.state));
        runtime::failpoint!("provisioner::before_survey");
        let survey = self.saga.clouds.survey(scopes, self.saga.parallelism).await;
        runtime::failpoint!("provisioner::after_survey");
        survey
    }

    /// What is there, and whether it is as the plan found it. Where it is not, that may be what was
    /// there before the last write, of this stack or of what just left its place: it counts once a
    /// second look, after reads have caught up, says so too.
    async fn compared(
        &self,
        proposed: &PlanProposed,
        held: &Held,
    ) -> Result<(Survey, Verdict), Arc<cloud::Error>> {
        let compare = |survey: &Survey| {
            preflight::compare(proposed, Some(&held.state), survey, self.saga.catalogue)
        };
        let survey = self.survey(proposed, held).await?;
        let verdict = compare(&survey);
        let since_written = elapsed(held.state.updated_at);
        let pause = match &verdict {
            Verdict::Go => Duration::ZERO,
            Verdict::Stale(_) => self.saga.lag.saturating_sub(since_written),
            Verdict::InTheWay { .. } => self.saga.lag,
        };
        if pause.is_zero() {
            return Ok((survey, verdict));
        }
        tracing::debug!(stack = %proposed.plan.stack, ?pause, "not as planned; looking again");
        tokio::time::sleep(pause).await;
        let survey = self.survey(proposed, held).await?;
        let verdict = compare(&survey);
        Ok((survey, verdict))
    }

    /// Applies a plan that nothing was done of yet.
    async fn begin(
        &self,
        arrival: Arrival<'_>,
        held: Option<Held>,
    ) -> Result<Option<Outcome>, TurnError> {
        let proposed = arrival.proposed;
        let mut held = held.unwrap_or_else(|| Held {
            state: ending::blank(&proposed.plan, runtime::now()),
            revision: None,
        });
        if codec::encode(proposed).map_or(usize::MAX, |bytes| bytes.len()) > LARGEST_PLAN {
            let reason = format!("the plan is over {LARGEST_PLAN} bytes and cannot be journalled");
            let next = "ask for less at once, or for a smaller Worker script, and submit that";
            return self.fail(proposed, held, &reason, next).await;
        }
        check::check_repair(&proposed.plan, &held.state)?;
        let span = span(proposed);
        let (survey, verdict) = match self.compared(proposed, &held).instrument(span.clone()).await
        {
            Ok(compared) => compared,
            Err(source) => {
                let asked = pause(&source);
                let patient = elapsed(arrival.at) < self.saga.patience;
                return match asked {
                    Some(after) if patient => Err(TurnError::Survey { source, after }),
                    _ => self.fail(proposed, held, &runtime::chain(&source), source.advice()).await,
                };
            }
        };
        if verdict == Verdict::Go {
            preflight::confirm(&mut held.state, &proposed.plan, &survey, self.saga.catalogue);
        }
        match verdict {
            Verdict::InTheWay { resource, object } => {
                let place = place_of(proposed, &resource);
                let reason = step::in_the_way(&resource, &place, &object);
                self.fail_at(proposed, held, Some(resource), &reason, step::IN_THE_WAY_ADVICE).await
            }
            Verdict::Stale(sightings) => {
                preflight::note(&mut held.state, &proposed.plan, &sightings);
                let observations = sightings.iter().map(preflight::Sighting::observation);
                let because = StaleReason::Cloud { observations: observations.collect() };
                let outcome = admission::stale(proposed, because);
                self.record(held, outcome).await
            }
            Verdict::Go if proposed.plan.is_empty() => {
                ending::accept(&mut held.state, proposed);
                match held.state.last.clone() {
                    Some(outcome) => self.record(held, outcome).await,
                    None => Ok(None),
                }
            }
            Verdict::Go => {
                let begun = Event::Begun { sequence: arrival.sequence, holder: self.me.clone() };
                let run = self.saga.run(proposed, held, vec![begun], Some(survey));
                Ok(run.instrument(span).await?.state.last)
            }
        }
    }

    /// Goes on with a run that was begun, by this process or another.
    pub(crate) async fn resume(
        &self,
        proposed: &PlanProposed,
        held: Held,
    ) -> Result<Option<Outcome>, TurnError> {
        runtime::failpoint!("provisioner::before_resuming");
        let span = span(proposed);
        let mut first = vec![Event::TakenOver { holder: self.me.clone() }];
        let run = journal::run_of(&held.state, &proposed.id);
        let failing = run.is_none_or(|run| run.failure.is_some());
        let began = run.map_or_else(runtime::now, |run| run.started_at);
        let mut survey = None;
        if !failing {
            match self.compared(proposed, &held).instrument(span.clone()).await {
                Ok((found, Verdict::Go)) => survey = Some(found),
                Ok((_, Verdict::Stale(sightings))) => first.push(changed_meanwhile(
                    sightings.into_iter().map(|sighting| sighting.resource),
                )),
                Ok((_, Verdict::InTheWay { resource, object })) => {
                    let place = place_of(proposed, &resource);
                    let reason = step::in_the_way(&resource, &place, &object);
                    first.push(Event::Failing { reason, at: Some(resource) });
                }
                Err(source) => match pause(&source) {
                    Some(after) if elapsed(began) < self.saga.patience => {
                        return Err(TurnError::Survey { source, after });
                    }
                    _ => first.push(Event::Failing { reason: runtime::chain(&source), at: None }),
                },
            }
        }
        tracing::info!(stack = %proposed.plan.stack, plan = %proposed.id.short(), "resuming");
        Ok(self.saga.run(proposed, held, first, survey).instrument(span).await?.state.last)
    }

    async fn fail(
        &self,
        proposed: &PlanProposed,
        held: Held,
        reason: &str,
        next: &str,
    ) -> Result<Option<Outcome>, TurnError> {
        self.fail_at(proposed, held, None, reason, next).await
    }

    /// Records that a plan failed before anything was done.
    async fn fail_at(
        &self,
        proposed: &PlanProposed,
        held: Held,
        resource: Option<ResourceAddress>,
        reason: &str,
        next: &str,
    ) -> Result<Option<Outcome>, TurnError> {
        let outcome = Outcome::Failed(PlanFailed {
            stack: proposed.plan.stack.clone(),
            intent: proposed.plan.intent,
            plan: proposed.id.clone(),
            origin: proposed.plan.origin,
            resource,
            reason: reason.to_owned(),
            next: format!("Nothing was changed. To go on: {next}."),
            undone: 0,
        });
        self.record(held, outcome).await
    }

    async fn record(&self, mut held: Held, outcome: Outcome) -> Result<Option<Outcome>, TurnError> {
        held.state.conclude(outcome.clone());
        held.state.updated_at = runtime::now();
        records::write(&*self.saga.records, &held.state, held.revision).await?;
        Ok(Some(outcome))
    }
}

fn changed_meanwhile(resources: impl Iterator<Item = ResourceAddress>) -> Event {
    let resources: Vec<ResourceAddress> = resources.collect();
    let names: Vec<String> = resources.iter().map(ToString::to_string).collect();
    Event::Failing {
        reason: format!(
            "{}: changed by somebody else while the plan was being applied",
            names.join(", ")
        ),
        at: resources.into_iter().next(),
    }
}

/// How long a failed listing is waited for; `None` where that does not help.
pub(crate) fn pause(error: &cloud::Error) -> Option<Duration> {
    match error.retry() {
        cloud::Retry::After(after) => Some(after.max(Duration::from_secs(1))),
        cloud::Retry::Never => None,
    }
}

fn elapsed(since: jiff::Timestamp) -> Duration {
    Duration::try_from(runtime::now().duration_since(since)).unwrap_or_default()
}

fn place_of(proposed: &PlanProposed, resource: &ResourceAddress) -> String {
    let change = proposed.plan.changes.iter().find(|change| change.resource == *resource);
    change.map(|change| change.place.to_string()).unwrap_or_default()
}

/// The span of a plan being applied; its changes and the cloud's calls are its children.
pub(crate) fn span(proposed: &PlanProposed) -> tracing::Span {
    let plan = &proposed.plan;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in &plan.changes {
        let action = match change.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
        };
        *counts.entry(action).or_default() += 1;
    }
    tracing::info_span!(
        "apply",
        otel.name = format!("apply {} {}", plan.stack, plan.to),
        zerodrift.stack = %plan.stack,
        zerodrift.generation = plan.to.0,
        zerodrift.intent = %plan.intent,
        zerodrift.plan = %proposed.id,
        zerodrift.origin = ?plan.origin,
        zerodrift.changes = ?counts,
    )
}
