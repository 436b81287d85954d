//! The journal of a run: what may be written in it, what follows from it. Pure.
//!
//! A run is a directed graph of changes, each with an undo. It goes forward until every change is
//! done, or until one fails; then what is done is undone against the direction of the graph. An undo
//! that fails leaves the run stuck for a person. The shape is that of `oxidecomputer/steno`: what is
//! not in the log did not happen, and what follows depends on the log alone.
//!
//! Not here: how an event comes about (see [`crate::saga`]) and how it is stored (see
//! [`crate::records`]).

use bus_schema::{
    Change, InstanceId, Plan, PlanId, PlanProposed, ResourceAddress, ResourceState, Run,
    StackState, Step, StepState,
};

use crate::ending;

/// Something that happened, or is about to.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A run of the plan begins.
    Begun {
        /// The plan's sequence in the stream.
        sequence: u64,
        /// Who runs it.
        holder: InstanceId,
    },
    /// Another process goes on with the run; the one before it is fenced by this very write.
    TakenOver {
        /// Who goes on.
        holder: InstanceId,
    },
    /// A change is about to be made.
    Started {
        /// Which one.
        resource: ResourceAddress,
        /// The object before it.
        before: Option<ResourceState>,
    },
    /// It took effect.
    Done {
        /// Which one.
        resource: ResourceAddress,
        /// The object as it is now; absent where it is gone.
        after: Option<ResourceState>,
    },
    /// It had no effect, and the run fails.
    Refused {
        /// Which one.
        resource: ResourceAddress,
        /// Why.
        error: String,
    },
    /// It had part of its effect, or nobody knows, and the run fails.
    Broken {
        /// Which one.
        resource: ResourceAddress,
        /// Why.
        error: String,
    },
    /// The run fails, though no change was refused.
    Failing {
        /// Why.
        reason: String,
        /// At which resource, where it is one.
        at: Option<ResourceAddress>,
    },
    /// A change is about to be undone.
    Undoing {
        /// Which one.
        resource: ResourceAddress,
    },
    /// It was undone.
    Undone {
        /// Which one.
        resource: ResourceAddress,
        /// The object as it was put back; its id may be another than before.
        restored: Option<ResourceState>,
    },
    /// It could not be undone.
    Stuck {
        /// Which one.
        resource: ResourceAddress,
        /// Why.
        error: String,
    },
    /// A person has been here: what could not be undone is tried once more.
    TriedAgain,
    /// The stack is to be left alone: its holder leaves the run, for whoever comes after that.
    Rested,
    /// Every change is done.
    Committed,
    /// Every change that was done is undone.
    RolledBack {
        /// What a person can do about the failure, where that is still known.
        advice: Option<String>,
    },
    /// Nothing can go on.
    Halted,
}

/// An event that cannot follow what the journal holds; a mistake in this program.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{event:?} cannot be written in the journal of {stack} now")]
pub struct OutOfOrder {
    stack: String,
    event: Box<Event>,
}

/// What follows from a journal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Next {
    /// Changes that can start now.
    pub start: Vec<ResourceAddress>,
    /// Changes that can be undone now.
    pub undo: Vec<ResourceAddress>,
    /// How the run ends, where nothing is left to do.
    pub end: Option<End>,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every change is done.
    Commit,
    /// Every change that was done is undone.
    RollBack,
    /// Something could not be undone.
    Halt,
}

/// Writes one event into a stack's state; `proposed` is the plan of its run.
///
/// # Errors
/// When the event cannot follow what is there; the state is unchanged then.
pub fn apply(
    state: &mut StackState,
    proposed: &PlanProposed,
    event: &Event,
    now: jiff::Timestamp,
) -> Result<(), OutOfOrder> {
    let written = match event {
        Event::Begun { sequence, holder } => begin(state, proposed, *sequence, holder, now),
        Event::Committed => ending::commit(state, proposed),
        Event::RolledBack { advice } => ending::roll_back(state, proposed, advice.as_deref()),
        Event::Halted => ending::halt(state, proposed),
        Event::TakenOver { .. }
        | Event::Started { .. }
        | Event::Done { .. }
        | Event::Refused { .. }
        | Event::Broken { .. }
        | Event::Failing { .. }
        | Event::Undoing { .. }
        | Event::Undone { .. }
        | Event::Stuck { .. }
        | Event::TriedAgain
        | Event::Rested => match state.run.as_mut().filter(|run| run.plan == proposed.id) {
            Some(run) => write(run, &proposed.plan, event),
            None => None,
        },
    };
    match written {
        Some(()) => {
            state.updated_at = now;
            Ok(())
        }
        None => Err(OutOfOrder { stack: state.stack.to_string(), event: Box::new(event.clone()) }),
    }
}

fn begin(
    state: &mut StackState,
    proposed: &PlanProposed,
    sequence: u64,
    holder: &InstanceId,
    now: jiff::Timestamp,
) -> Option<()> {
    if state.run.is_some() {
        return None;
    }
    state.run = Some(Run {
        plan: proposed.id.clone(),
        sequence,
        intent: proposed.plan.intent,
        origin: proposed.plan.origin,
        holder: holder.clone(),
        steps: std::collections::BTreeMap::new(),
        failure: None,
        failed_at: None,
        stuck: false,
        resting: false,
        started_at: now,
    });
    Some(())
}

/// The events within a run.
fn write(run: &mut Run, plan: &Plan, event: &Event) -> Option<()> {
    match event {
        Event::TakenOver { holder } => {
            run.holder = holder.clone();
            run.resting = false;
            Some(())
        }
        Event::Started { resource, before } => {
            let startable = next(run, plan).start.contains(resource);
            startable.then(|| {
                let step = Step {
                    state: StepState::Started,
                    before: before.clone(),
                    after: None,
                    error: None,
                };
                run.steps.insert(resource.clone(), step);
            })
        }
        Event::Done { resource, after } => {
            let step = step_in(run, resource, StepState::Started)?;
            step.state = StepState::Done;
            step.after.clone_from(after);
            Some(())
        }
        Event::Refused { resource, error } => {
            let step = step_in(run, resource, StepState::Started)?;
            step.state = StepState::Refused;
            step.error = Some(error.clone());
            fail(run, error, Some(resource));
            Some(())
        }
        Event::Broken { resource, error } => {
            // Counts as done, so that it is undone; its undo looks before it acts.
            let step = step_in(run, resource, StepState::Started)?;
            step.state = StepState::Done;
            step.error = Some(error.clone());
            fail(run, error, Some(resource));
            Some(())
        }
        Event::Failing { reason, at } => {
            fail(run, reason, at.as_ref());
            Some(())
        }
        Event::Undoing { resource } => {
            let undoable = next(run, plan).undo.contains(resource);
            let step = run.steps.get_mut(resource).filter(|_| undoable)?;
            step.state = StepState::Undoing;
            Some(())
        }
        Event::Undone { resource, restored } => {
            let step = step_in(run, resource, StepState::Undoing)?;
            step.state = StepState::Undone;
            step.before.clone_from(restored);
            Some(())
        }
        Event::Stuck { resource, error } => {
            let step = step_in(run, resource, StepState::Undoing)?;
            step.state = StepState::Stuck;
            step.error = Some(error.clone());
            Some(())
        }
        Event::TriedAgain => run.stuck.then(|| {
            run.stuck = false;
            for step in run.steps.values_mut().filter(|step| step.state == StepState::Stuck) {
                step.state = StepState::Done;
            }
        }),
        Event::Rested => {
            run.resting = true;
            Some(())
        }
        Event::Begun { .. } | Event::Committed | Event::RolledBack { .. } | Event::Halted => None,
    }
}

fn step_in<'run>(
    run: &'run mut Run,
    resource: &ResourceAddress,
    state: StepState,
) -> Option<&'run mut Step> {
    run.steps.get_mut(resource).filter(|step| step.state == state)
}

/// The first failure is the reason; what fails after it is a consequence.
fn fail(run: &mut Run, reason: &str, at: Option<&ResourceAddress>) {
    if run.failure.is_none() {
        run.failure = Some(reason.to_owned());
        run.failed_at = at.cloned();
    }
}

/// What follows from the journal of a run.
pub fn next(run: &Run, plan: &Plan) -> Next {
    let mut next = Next::default();
    if run.stuck {
        return next;
    }
    let is = |resource: &ResourceAddress, state| {
        run.steps.get(resource).is_some_and(|step| step.state == state)
    };
    if run.failure.is_none() {
        next.start = plan
            .changes
            .iter()
            .filter(|change| !run.steps.contains_key(&change.resource))
            .filter(|change| change.waits_for.iter().all(|first| is(first, StepState::Done)))
            .map(|change| change.resource.clone())
            .collect();
        if plan.changes.iter().all(|change| is(&change.resource, StepState::Done)) {
            next.end = Some(End::Commit);
        }
        return next;
    }
    // Nothing is undone while a change is still under way: what it does could rest on what is undone.
    if run.steps.values().any(|step| step.state == StepState::Started) {
        return next;
    }
    next.undo = plan
        .changes
        .iter()
        .filter(|change| is(&change.resource, StepState::Done))
        .filter(|change| dependents(plan, &change.resource).all(|later| settled(run, later)))
        .map(|change| change.resource.clone())
        .collect();
    if next.undo.is_empty() {
        let all = |states: &[StepState]| run.steps.values().all(|s| states.contains(&s.state));
        if all(&[StepState::Undone, StepState::Refused]) {
            next.end = Some(End::RollBack);
        } else if !run.steps.values().any(|step| step.state == StepState::Undoing) {
            next.end = Some(End::Halt);
        }
    }
    next
}

/// The changes that waited for this one.
fn dependents<'plan>(
    plan: &'plan Plan,
    resource: &'plan ResourceAddress,
) -> impl Iterator<Item = &'plan Change> {
    plan.changes.iter().filter(move |change| change.waits_for.contains(resource))
}

/// Whether nothing of a change is left in the cloud.
fn settled(run: &Run, change: &Change) -> bool {
    run.steps
        .get(&change.resource)
        .is_none_or(|step| matches!(step.state, StepState::Refused | StepState::Undone))
}

/// The run of a plan, where it is under way.
pub fn run_of<'state>(state: &'state StackState, plan: &PlanId) -> Option<&'state Run> {
    state.run.as_ref().filter(|run| run.plan == *plan)
}
