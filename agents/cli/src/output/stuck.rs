//! A stack whose last run could not be undone: which object is in which state, and what to do.

use bus_schema::{ResourceState, Run, StackState, Step, StepState};

use crate::output::style::{ADVICE, BAD, FAINT, STRONG, paint};

/// What is stuck, for people; nothing where nothing is.
pub fn page(stack: &StackState) -> Option<String> {
    let run = stack.run.as_ref().filter(|run| run.stuck)?;
    let mut lines = vec![format!(
        "{} {} is stuck: {}",
        paint(BAD, "✗"),
        paint(STRONG, &stack.stack),
        run.failure.as_deref().unwrap_or("it failed and could not be undone")
    )];
    lines.extend(left(run));
    lines.push(format!(
        "  {} put each into the state it should have, or remove what keeps the swarm from doing so; \
         then {}",
        paint(ADVICE, "→"),
        paint(STRONG, format!("zerodrift resume {}", stack.stack))
    ));
    Some(lines.join("\n"))
}

/// A line for each object that is not put back.
fn left(run: &Run) -> impl Iterator<Item = String> {
    run.steps.iter().filter_map(|(address, step)| {
        let why = match step.state {
            StepState::Stuck => step.error.as_deref().unwrap_or("its undoing failed"),
            StepState::Done => "waits for another to be put back first",
            StepState::Started | StepState::Refused | StepState::Undoing | StepState::Undone => {
                return None;
            }
        };
        Some(format!("  {}  {}: {why}", address.local(), paint(FAINT, state(step))))
    })
}

/// Where the object is, and how it is and should be.
fn state(step: &Step) -> String {
    let known = step.after.as_ref().or(step.before.as_ref());
    let place = known.map(|it| format!("in {}", it.place)).unwrap_or_default();
    let id = known.and_then(|it| it.cloud_id.as_deref());
    let id = id.map(|id| format!(" (id {id})")).unwrap_or_default();
    let is = match step.after {
        Some(_) => "is as the intent made it",
        None => "is not known to be there",
    };
    let wanted = step.before.as_ref().and_then(observed);
    let wanted = wanted.unwrap_or_else(|| "should be gone".to_owned());
    format!("{place}{id} {is}, {wanted}")
}

fn observed(before: &ResourceState) -> Option<String> {
    let fields = serde_json::to_string(before.observed.as_ref()?).ok()?;
    Some(format!("should be {fields}"))
}
