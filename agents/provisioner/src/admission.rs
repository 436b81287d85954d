//! What is to be done about a plan, given what is recorded of its stack. Pure.

use std::collections::BTreeSet;

use bus_schema::{
    Generation, InstanceId, IntentId, Observation, Outcome, Plan, PlanId, PlanProposed, PlanStale,
    PlanSuperseded, RunStuck, StackState, StaleReason,
};

use crate::ending;
use crate::journal::run_of;

/// What is to be done about a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// Apply it.
    Begin,
    /// Go on with its run.
    Resume,
    /// It was handled before: say the same again.
    Repeat(Box<Outcome>),
    /// The stack has moved on.
    Stale {
        /// Where it is.
        current: Generation,
    },
    /// Something was seen in the cloud after the plan was made, and the plan says nothing of it:
    /// applied, it would leave that behind.
    Unaware {
        /// What was seen, as recorded.
        of: Vec<Observation>,
    },
    /// A later intent has been applied.
    Superseded {
        /// Which one.
        by: IntentId,
    },
    /// Another process is at work on the stack.
    Wait {
        /// Which one.
        holder: InstanceId,
    },
    /// A run of another plan was left behind: finish it first.
    FinishOther {
        /// The sequence of its plan in the stream.
        sequence: u64,
    },
    /// The stack's last run could not be undone: nothing goes on until a person says so.
    Blocked(Box<RunStuck>),
    /// A person said that the stack is to be left alone.
    Paused,
}

/// The process that holds the stack's run, where it is another than this one: whether it is alive
/// has to be known before [`admit`] can decide.
pub fn contender<'state>(
    state: Option<&'state StackState>,
    me: &InstanceId,
) -> Option<&'state InstanceId> {
    let run = state?.run.as_ref()?;
    (run.holder != *me && !run.stuck && !run.resting).then_some(&run.holder)
}

/// Decides what is to be done about a plan. `holder_alive`: whether the process named by
/// [`contender`] is; of no matter where there is none.
pub fn admit(
    state: Option<&StackState>,
    proposed: &PlanProposed,
    me: &InstanceId,
    holder_alive: bool,
) -> Admission {
    let plan = &proposed.plan;
    let Some(state) = state else {
        return if plan.from == Generation::default() {
            Admission::Begin
        } else {
            Admission::Stale { current: Generation::default() }
        };
    };
    if let Some(outcome) = state.outcome_of(&proposed.id) {
        return Admission::Repeat(Box::new(outcome));
    }
    if state.paused.is_some() {
        return Admission::Paused;
    }
    if let Some(run) = &state.run {
        if !run.stuck {
            if run.holder != *me && holder_alive && !run.resting {
                return Admission::Wait { holder: run.holder.clone() };
            }
            return if run.plan == proposed.id {
                Admission::Resume
            } else {
                Admission::FinishOther { sequence: run.sequence }
            };
        }
        let stuck = ending::stuck(state, run);
        if stuck.plan == proposed.id {
            return Admission::Repeat(Box::new(Outcome::Stuck(stuck)));
        }
        // One from another generation may have been applied before the run: it is told the same as
        // without it.
        if plan.from == state.generation {
            return Admission::Blocked(Box::new(stuck));
        }
    }
    // Also where the generation is the same: the later intent may have found nothing to change.
    if let Some(by) = state.intent.filter(|by| state.order > plan.order && *by != plan.intent) {
        return Admission::Superseded { by };
    }
    if plan.from != state.generation {
        return Admission::Stale { current: state.generation };
    }
    let unnamed = unnamed(state, plan);
    if !unnamed.is_empty() {
        return Admission::Unaware { of: unnamed };
    }
    Admission::Begin
}

/// Resources of the stack that a plan names nowhere.
fn unnamed(state: &StackState, plan: &Plan) -> Vec<Observation> {
    let changed = plan.changes.iter().map(|change| &change.resource);
    let named: BTreeSet<_> =
        changed.chain(plan.unchanged.iter().map(|it| &it.address)).chain(&plan.excluded).collect();
    let unnamed = state.resources.iter().filter(|(address, _)| !named.contains(address));
    unnamed
        .map(|(address, it)| Observation {
            resource: address.clone(),
            properties: it.observed.clone(),
        })
        .collect()
}

/// What is to be done about a request to go on with a stuck run.
#[derive(Debug, Clone, PartialEq)]
pub enum Resumption {
    /// Try again to undo it.
    TryAgain {
        /// The sequence of its plan in the stream.
        sequence: u64,
    },
    /// Somebody began to and died: finish it.
    GoOn {
        /// The sequence of its plan in the stream.
        sequence: u64,
    },
    /// Another process is at work on it.
    Wait {
        /// Which one.
        holder: InstanceId,
    },
    /// It was handled before: say the same again.
    Repeat(Box<Outcome>),
    /// That run is past, or never was.
    Nothing,
    /// The stack is to be left alone.
    Paused,
}

/// Decides what is to be done about a request to go on with the run of a plan. `holder_alive` as for
/// [`admit`].
pub fn resume(
    state: Option<&StackState>,
    plan: &PlanId,
    me: &InstanceId,
    holder_alive: bool,
) -> Resumption {
    let Some(state) = state else { return Resumption::Nothing };
    match run_of(state, plan) {
        Some(_) if state.paused.is_some() => Resumption::Paused,
        Some(run) if run.stuck => Resumption::TryAgain { sequence: run.sequence },
        Some(run) if run.holder != *me && holder_alive && !run.resting => {
            Resumption::Wait { holder: run.holder.clone() }
        }
        Some(run) => Resumption::GoOn { sequence: run.sequence },
        None => match state.outcome_of(plan) {
            Some(outcome @ Outcome::Failed(_)) => Resumption::Repeat(Box::new(outcome)),
            _ => Resumption::Nothing,
        },
    }
}

/// The outcome of a plan for a generation that is past.
pub fn stale(proposed: &PlanProposed, because: StaleReason) -> Outcome {
    Outcome::Stale(PlanStale {
        stack: proposed.plan.stack.clone(),
        intent: proposed.plan.intent,
        plan: proposed.id.clone(),
        origin: proposed.plan.origin,
        because,
    })
}

/// The outcome of a plan that came too late.
pub fn superseded(proposed: &PlanProposed, by: IntentId) -> Outcome {
    Outcome::Superseded(PlanSuperseded {
        stack: proposed.plan.stack.clone(),
        intent: proposed.plan.intent,
        plan: proposed.id.clone(),
        origin: proposed.plan.origin,
        by,
    })
}

/// Why a plan fails on a stack that is stuck.
pub fn refused_by_stuck(stuck: &RunStuck) -> String {
    let objects: Vec<String> = stuck
        .resources
        .iter()
        .map(|it| match &it.cloud_id {
            Some(id) => format!("{} (id {id}): {}", it.resource, it.reason),
            None => format!("{}: {}", it.resource, it.reason),
        })
        .collect();
    format!(
        "stack {} is stuck since an earlier intent failed and could not be undone: {}",
        stuck.stack,
        objects.join("; ")
    )
}

/// What to do about that.
pub fn after_stuck(stuck: &RunStuck) -> String {
    format!(
        "mend what is named here, have the swarm put back the rest with `zerodrift resume {}`, then \
         submit this again",
        stuck.stack
    )
}
