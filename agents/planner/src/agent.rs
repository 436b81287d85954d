//! The agent: reads records, publishes plans, keeps where each intent stands.
//!
//! The order of effects makes every crash harmless. First the intent's record claims its place in
//! the order of intents, so that a copy delivered beside it cannot take another. Then what is
//! published, under an id that derives from the message handled; and last the record says that all
//! of it is done. A message handled again before that publishes under the same ids, and takes as
//! published what the stream already holds; a message handled again after that finds the record and
//! stops.

use std::sync::Arc;
use std::time::Duration;

use bus_schema::{
    IntentPhase, IntentRefused, IntentState, IntentSubmitted, Outcome, Plan, PlanApplied,
    PlanFailed, PlanProposed, PlanReference, PlanStale, PlanSuperseded, Received, Refusal,
    RunStuck, StackName, StackObservation, StackState, Understanding, stream,
};
use cloud::Catalogue;
use runtime::{
    Agent, Bus, HandleError, Outbox, Published, Retry, Routes, StartError, Store, chain,
};
use tracing::Instrument;

use crate::begun::{self, Begun};
use crate::decide::{self, Ending, Next};
use crate::history::{self, Earlier};
use crate::plan::{Asked, Planned, Unplannable, plan};
use crate::understand::{language_of, understand};
use crate::{Library, PlannerSettings};

/// How soon an outcome is looked at again whose plan the intent's record does not name yet.
const RECORD_DELAY: Duration = Duration::from_millis(100);
/// The same at first: the record is written just after the plan is published, and the provisioner
/// can be quicker.
const FIRST_RECORD_DELAY: Duration = Duration::from_millis(5);

/// Makes plans. Several may run; a record's revision orders their writes.
#[derive(Debug)]
pub struct Planner {
    bus: Bus,
    library: Library,
    catalogue: Catalogue,
    intents: Store<IntentState>,
    stacks: Store<StackState>,
    observations: Store<StackObservation>,
}

impl Agent for Planner {
    const NAME: &'static str = "planner";
    const ABOUT: &'static str = "Makes of what somebody wants a plan along a golden path";
    type Settings = PlannerSettings;

    fn routes() -> Routes<Self> {
        Routes::new()
            .on(stream::PLANNER_INTENTS, Self::intent)
            .on(stream::PLANNER_OUTCOMES, Self::applied)
            .on(stream::PLANNER_OUTCOMES, Self::failed)
            .on(stream::PLANNER_OUTCOMES, Self::stale)
            .on(stream::PLANNER_OUTCOMES, Self::superseded)
            .on(stream::PLANNER_OUTCOMES, Self::stuck)
    }

    async fn start(settings: PlannerSettings, bus: Bus) -> Result<Self, StartError> {
        let library =
            Library::load(settings.golden_paths.as_deref(), settings.environments.as_deref())
                .map_err(|error| {
                    StartError::caused("the golden paths and environments are not usable", error)
                })?;
        tracing::info!(
            golden_paths = library.paths.iter().count(),
            environments = library.environments.iter().count(),
            "loaded"
        );
        Ok(Self {
            intents: bus.store(),
            stacks: bus.store(),
            observations: bus.store(),
            catalogue: cloud::cloudflare::catalogue(),
            library,
            bus,
        })
    }
}

impl Planner {
    async fn intent(
        self: Arc<Self>,
        received: Received<IntentSubmitted>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let span = tracing::info_span!("plan intent", sequence = received.sequence);
        async move {
            let state = new_state(&received, &outbox);
            runtime::failpoint!("planner::before_understanding");
            let understood =
                understand(&state.request, &self.library.environments, &self.library.paths);
            let Some(Begun { state, claimed, before }) =
                begun::begin(&self.intents, state, understood.is_ok()).await?
            else {
                return Ok(());
            };
            let state = match understood {
                Ok(understanding) => {
                    runtime::failpoint!("planner::after_claim");
                    let earlier = before.then_some(Earlier { after: state.order, but: None });
                    self.planned(state, understanding, earlier, &outbox).await?
                }
                Err(refusal) => refused(state, refusal, &outbox).await?,
            };
            runtime::failpoint!("planner::before_record");
            match claimed {
                Some(claimed) => self.intents.update(&state.intent, &state, claimed).await?,
                None => self.intents.create(&state.intent, &state).await?,
            };
            runtime::failpoint!("planner::after_record");
            tracing::info!(
                intent = %state.intent,
                phase = ?state.phase,
                stack = state.understanding.as_ref().map(|it| it.stack.as_str()),
                reason = state.reason,
                "intent taken"
            );
            Ok(())
        }
        .instrument(span)
        .await
    }

    async fn applied(
        self: Arc<Self>,
        received: Received<PlanApplied>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let delivery = received.delivery;
        self.outcome(Outcome::Applied(received.message), delivery, &outbox).await
    }

    async fn failed(
        self: Arc<Self>,
        received: Received<PlanFailed>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let delivery = received.delivery;
        self.outcome(Outcome::Failed(received.message), delivery, &outbox).await
    }

    async fn stale(
        self: Arc<Self>,
        received: Received<PlanStale>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let delivery = received.delivery;
        let span = tracing::info_span!("plan intent", again = true);
        self.outcome(Outcome::Stale(received.message), delivery, &outbox).instrument(span).await
    }

    async fn superseded(
        self: Arc<Self>,
        received: Received<PlanSuperseded>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let delivery = received.delivery;
        self.outcome(Outcome::Superseded(received.message), delivery, &outbox).await
    }

    async fn stuck(
        self: Arc<Self>,
        received: Received<RunStuck>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let delivery = received.delivery;
        self.outcome(Outcome::Stuck(received.message), delivery, &outbox).await
    }

    async fn outcome(
        &self,
        outcome: Outcome,
        delivery: u64,
        outbox: &Outbox,
    ) -> Result<(), HandleError> {
        if !outcome.origin().is_intent() {
            // A repair's: its intent has ended, and what is made of it is the remediator's.
            return Ok(());
        }
        let intent = intent_of(&outcome);
        let known = self.intents.get(&intent).await?;
        let outcome = match &known {
            Some((state, _)) if !state.phase.is_final() => {
                history::foremost(&self.bus, state, outcome).await?
            }
            Some(_) | None => outcome,
        };
        let state = known.as_ref().map(|(state, _)| state);
        let language = state.map_or(policy::Language::English, |it| language_of(&it.request));
        let next = decide::after(state, &outcome, delivery, language);
        let Some((state, revision)) = known else {
            return match next {
                Next::Wait => Err(not_recorded_yet(delivery)),
                Next::Ignore(_) | Next::End(_) | Next::Replan { .. } => {
                    tracing::warn!(%intent, "outcome for an intent that is not known");
                    Ok(())
                }
            };
        };
        let state = match next {
            Next::Wait => return Err(not_recorded_yet(delivery)),
            Next::Ignore(why) => {
                tracing::debug!(%intent, plan = outcome.plan().short(), why, "outcome ignored");
                return Ok(());
            }
            Next::End(ending) => ended(state, ending),
            Next::Replan { replans } => {
                let Some(understanding) = state.understanding.clone() else {
                    tracing::error!(%intent, "planned without an understanding");
                    return Ok(());
                };
                runtime::failpoint!("planner::before_replanning");
                let refused = outcome.plan().clone();
                let after = state.plan.as_ref().map_or(state.order, |plan| plan.sequence);
                let earlier = Earlier { after, but: Some(refused.clone()) };
                let earlier = (delivery > 1).then_some(earlier);
                let state = IntentState { replans, ..state };
                let state = self.planned(state, understanding, earlier, outbox).await?;
                if state.plan.as_ref().is_some_and(|plan| plan.id == refused)
                    && state.phase == IntentPhase::Planned
                {
                    // A replica of the server may answer from before the write that made it stale.
                    return Err(HandleError::new(
                        Retry::After(RECORD_DELAY),
                        "the stack's record is not as new as the outcome",
                    ));
                }
                state
            }
        };
        runtime::failpoint!("planner::before_moving_on");
        self.intents.update(&intent, &state, revision).await?;
        runtime::failpoint!("planner::after_moving_on");
        tracing::info!(%intent, phase = ?state.phase, reason = state.reason, "intent moved on");
        Ok(())
    }

    /// The intent's state once its plan is proposed; or where it ends if there is none.
    async fn planned(
        &self,
        state: IntentState,
        understanding: Understanding,
        earlier: Option<Earlier>,
        outbox: &Outbox,
    ) -> Result<IntentState, HandleError> {
        let again = state.plan.is_some();
        if let Some(earlier) = earlier
            && let Some(plan) =
                history::published(&self.bus, &state, &understanding.stack, earlier).await?
        {
            return Ok(IntentState {
                plan: Some(plan),
                understanding: Some(understanding),
                since: runtime::now(),
                ..state
            });
        }
        let stack = self.stack(&understanding.stack, state.replans == 0).await?;
        let language = language_of(&state.request);
        let asked = Asked {
            intent: state.intent,
            order: state.order,
            understanding: &understanding,
            again,
        };
        match plan(asked, &self.library, self.catalogue, stack.as_ref()) {
            Ok(Planned::Plan(plan)) => {
                let environment = plan.environment.clone();
                let reference = self.propose(*plan, outbox).await?;
                Ok(IntentState {
                    phase: IntentPhase::Planned,
                    understanding: Some(Understanding { environment, ..understanding }),
                    plan: Some(reference),
                    since: runtime::now(),
                    ..state
                })
            }
            Ok(Planned::Superseded { by }) => {
                let state = IntentState { understanding: Some(understanding), ..state };
                Ok(ended(state, decide::superseded_by(by, language)))
            }
            Err(unplannable) => {
                if matches!(unplannable, Unplannable::Render { .. } | Unplannable::Diff { .. }) {
                    tracing::error!(error = chain(&unplannable), "a golden path is broken");
                }
                let refusal = unplannable.refusal(&understanding.path, language);
                refused(state, refusal, outbox).await
            }
        }
    }

    /// A stack's record, with what the auditor has seen since. Not once a plan was stale because of
    /// the cloud: then the record holds what was seen last.
    async fn stack(
        &self,
        name: &StackName,
        observed: bool,
    ) -> Result<Option<StackState>, HandleError> {
        let Some((mut stack, _)) = self.stacks.get(name).await? else { return Ok(None) };
        if observed && let Some((seen, _)) = self.observations.get(name).await? {
            let later = seen.generation == stack.generation && seen.updated_at > stack.updated_at;
            if later {
                stack.overlay(&seen.drifted);
            }
        }
        Ok(Some(stack))
    }

    /// Publishes a plan and says where it stands in the stream; the one an earlier handling of the
    /// same message published counts, even if this one came out otherwise.
    async fn propose(&self, plan: Plan, outbox: &Outbox) -> Result<PlanReference, HandleError> {
        let proposed = PlanProposed::new(plan);
        runtime::failpoint!("planner::before_proposing");
        let Published { sequence, before } = outbox.publish(&proposed).await?;
        runtime::failpoint!("planner::after_proposing");
        let stored = if before { self.bus.message_at(sequence).await? } else { None };
        let stored = stored.map_or_else(|| proposed.clone(), |stored| stored.message);
        if stored.plan.intent != proposed.plan.intent {
            // A replayed copy of a message within the stream's window: the stream takes the plan
            // once the window has passed.
            return Err(HandleError::new(
                Retry::After(stream::SWARM.dedup_window),
                "a plan for another intent stands under this id",
            ));
        }
        Ok(PlanReference { id: stored.id, to: stored.plan.to, sequence })
    }
}

/// The record of an intent nothing was done about yet.
fn new_state(received: &Received<IntentSubmitted>, outbox: &Outbox) -> IntentState {
    let submitted = &received.message;
    let order = received.sequence;
    IntentState {
        intent: submitted.id.unwrap_or_else(|| bus_schema::IntentId::of_stream_sequence(order)),
        order,
        request: submitted.request.clone(),
        by: submitted.by.clone(),
        phase: IntentPhase::Planned,
        understanding: None,
        plan: None,
        replans: 0,
        reason: None,
        next: None,
        refusal: None,
        submitted_at: received.published_at,
        since: runtime::now(),
        traceparent: outbox.traceparent(),
    }
}

/// Says so on the bus, and gives the record of it.
async fn refused(
    state: IntentState,
    refusal: Refusal,
    outbox: &Outbox,
) -> Result<IntentState, HandleError> {
    let announced = IntentRefused { intent: state.intent, refusal: refusal.clone() };
    runtime::failpoint!("planner::before_refusing");
    outbox.publish(&announced).await?;
    runtime::failpoint!("planner::after_refusing");
    let next = refusal.example.as_ref().map(|example| match language_of(&state.request) {
        policy::Language::English => format!("this would work: {example}"),
        policy::Language::Korean => format!("이렇게 하면 됩니다: {example}"),
    });
    let ending = Ending { phase: IntentPhase::Refused, reason: refusal.reason.clone(), next };
    Ok(IntentState { refusal: Some(refusal), ..ended(state, ending) })
}

fn ended(state: IntentState, ending: Ending) -> IntentState {
    IntentState {
        phase: ending.phase,
        reason: Some(ending.reason),
        next: ending.next,
        since: runtime::now(),
        ..state
    }
}

fn not_recorded_yet(delivery: u64) -> HandleError {
    let delay = if delivery > 2 { RECORD_DELAY } else { FIRST_RECORD_DELAY };
    HandleError::new(Retry::After(delay), "the intent's record does not name this plan yet")
}

const fn intent_of(outcome: &Outcome) -> bus_schema::IntentId {
    match outcome {
        Outcome::Applied(it) => it.intent,
        Outcome::Failed(it) => it.intent,
        Outcome::Stale(it) => it.intent,
        Outcome::Superseded(it) => it.intent,
        Outcome::Stuck(it) => it.intent,
    }
}
