//! How a run ends, and what is said of it. Pure.
//!
//! The end of a run and its outcome stand in one write of the stack's record, so that a plan delivered
//! again gets the same answer.

use bus_schema::{
    EnvironmentName, Origin, Outcome, PathName, Plan, PlanApplied, PlanFailed, PlanProposed,
    ResourceState, Run, RunStuck, StackName, StackState, StepState, StuckResource,
};

use crate::ignores;
use crate::journal::{End, next, run_of};

/// Every change is done: the stack is what they left.
pub(crate) fn commit(state: &mut StackState, proposed: &PlanProposed) -> Option<()> {
    let plan = &proposed.plan;
    let run = run_of(state, &proposed.id)?;
    if next(run, plan).end != Some(End::Commit) {
        return None;
    }
    let run = state.run.take()?;
    for (resource, step) in run.steps {
        let recorded = state.resources.get(&resource).cloned();
        state.note_deleted(recorded.as_ref(), step.after.as_ref());
        state.note_deleted(step.before.as_ref(), step.after.as_ref());
        match step.after {
            Some(after) => {
                let after = kept_as_declared(after, state.resources.get(&resource), plan);
                state.resources.insert(resource, after)
            }
            None => state.resources.remove(&resource),
        };
    }
    accept(state, proposed);
    ignores::forget(state);
    Some(())
}

/// A repair changes what is there, and never what is declared.
fn kept_as_declared(
    mut after: ResourceState,
    before: Option<&ResourceState>,
    plan: &Plan,
) -> ResourceState {
    if let (Origin::Heal, Some(before)) = (plan.origin, before) {
        after.declared.clone_from(&before.declared);
        after.depends_on.clone_from(&before.depends_on);
    }
    after
}

/// Takes over what the plan declares, once the cloud is so.
pub fn accept(state: &mut StackState, proposed: &PlanProposed) {
    let plan = &proposed.plan;
    let declares = plan.origin != Origin::Heal;
    for unchanged in plan.unchanged.iter().filter(|_| declares) {
        if let Some(resource) = state.resources.get_mut(&unchanged.address) {
            resource.declared.clone_from(&unchanged.properties);
            resource.depends_on.clone_from(&unchanged.depends_on);
        }
    }
    state.generation = plan.to;
    state.intent = Some(plan.intent);
    state.order = plan.order;
    state.environment = plan.environment.clone();
    state.path = plan.path.clone();
    state.conclude(Outcome::Applied(PlanApplied {
        stack: plan.stack.clone(),
        intent: plan.intent,
        plan: proposed.id.clone(),
        origin: plan.origin,
        generation: plan.to,
        changes: plan.changes.len(),
    }));
}

/// Every change that was done is undone: the stack is what it was.
pub(crate) fn roll_back(
    state: &mut StackState,
    proposed: &PlanProposed,
    advice: Option<&str>,
) -> Option<()> {
    let run = run_of(state, &proposed.id)?;
    if next(run, &proposed.plan).end != Some(End::RollBack) {
        return None;
    }
    let run = state.run.take()?;
    let mut undone = 0;
    for (resource, step) in run.steps {
        if step.state != StepState::Undone {
            continue;
        }
        undone += 1;
        let recorded = state.resources.get(&resource).cloned();
        state.note_deleted(recorded.as_ref(), step.before.as_ref());
        state.note_deleted(step.after.as_ref(), step.before.as_ref());
        match step.before {
            Some(before) => state.resources.insert(resource, before),
            None => state.resources.remove(&resource),
        };
    }
    state.conclude(Outcome::Failed(PlanFailed {
        stack: state.stack.clone(),
        intent: proposed.plan.intent,
        plan: proposed.id.clone(),
        origin: proposed.plan.origin,
        resource: run.failed_at,
        reason: run.failure.unwrap_or_default(),
        next: format!(
            "Everything this intent had changed was put back. To go on: {}.",
            advice.unwrap_or("put right what the reason names, and submit the intent again")
        ),
        undone,
    }));
    Some(())
}

/// Something could not be undone: the run stays, for a person.
pub(crate) fn halt(state: &mut StackState, proposed: &PlanProposed) -> Option<()> {
    let run = run_of(state, &proposed.id)?;
    if next(run, &proposed.plan).end != Some(End::Halt) {
        return None;
    }
    state.run.as_mut()?.stuck = true;
    state.conclude(Outcome::Stuck(stuck_outcome(state)?));
    Some(())
}

/// What is to be said of a stack whose run is stuck; `None` where it is not.
pub fn stuck_outcome(state: &StackState) -> Option<RunStuck> {
    state.run.as_ref().filter(|run| run.stuck).map(|run| stuck(state, run))
}

/// What is to be said of a run of the stack that is stuck.
pub(crate) fn stuck(state: &StackState, run: &Run) -> RunStuck {
    let resources = run
        .steps
        .iter()
        .filter(|(_, step)| matches!(step.state, StepState::Stuck | StepState::Done))
        .map(|(resource, step)| StuckResource {
            resource: resource.clone(),
            cloud_id: [&step.after, &step.before]
                .into_iter()
                .flatten()
                .find_map(|object| object.cloud_id.clone()),
            wanted: step.before.as_ref().and_then(|before| before.observed.clone()),
            reason: match (step.state, &step.error) {
                (StepState::Stuck, Some(error)) => error.clone(),
                _ => "waits for another that could not be put back".to_owned(),
            },
        })
        .collect();
    RunStuck {
        stack: state.stack.clone(),
        intent: run.intent,
        plan: run.plan.clone(),
        origin: run.origin,
        reason: run.failure.clone().unwrap_or_default(),
        resources,
        next: format!(
            "Put each object named here into the state wanted for it (absent: remove it), or remove \
             what keeps the swarm from doing so; then `zerodrift resume {}` has it put back what is \
             left and go on.",
            state.stack
        ),
    }
}

/// A stack nothing has been applied to yet.
pub fn blank(plan: &Plan, now: jiff::Timestamp) -> StackState {
    unwritten(&plan.stack, &plan.environment, &plan.path, now)
}

/// A stack of which there is no record yet.
pub(crate) fn unwritten(
    stack: &StackName,
    environment: &EnvironmentName,
    path: &PathName,
    now: jiff::Timestamp,
) -> StackState {
    StackState {
        stack: stack.clone(),
        environment: environment.clone(),
        path: path.clone(),
        generation: bus_schema::Generation::default(),
        intent: None,
        order: 0,
        resources: std::collections::BTreeMap::new(),
        run: None,
        last: None,
        failed: Vec::new(),
        deleted: Vec::new(),
        paused: None,
        waiting: Vec::new(),
        heeded: 0,
        ignored: std::collections::BTreeMap::new(),
        updated_at: now,
    }
}
