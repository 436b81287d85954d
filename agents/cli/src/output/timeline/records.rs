//! What the records of intents and stacks say that the stream's messages do not.

use bus_schema::{
    IntentPhase, IntentState, ResourceAddress, ResourceState, Run, StackState, Step, StepState,
};
use jiff::Timestamp;

use super::{Event, Tone};

/// What a new record of an intent says: only its end, since the messages say the rest.
pub fn of_intent(state: &IntentState, at: Timestamp) -> Option<Event> {
    let (did, tone) = match state.phase {
        // The refusal was announced by its message.
        IntentPhase::Planned | IntentPhase::Refused => return None,
        IntentPhase::Converged => ("converged", Tone::Good),
        IntentPhase::Failed => ("failed", Tone::Bad),
        IntentPhase::Stuck => ("stuck", Tone::Bad),
        IntentPhase::Superseded => ("superseded", Tone::Warning),
        IntentPhase::Withdrawn => ("withdrawn", Tone::Warning),
    };
    Some(Event {
        at,
        who: "planner".to_owned(),
        did,
        about: state.reason.clone().unwrap_or_default(),
        intent: Some(state.intent),
        stack: state.understanding.as_ref().map(|it| it.stack.clone()),
        tone,
        ends: true,
    })
}

/// What one record of a stack says that the one before did not: the run's steps, and that it is
/// left alone.
pub fn of_stack(before: Option<&StackState>, after: &StackState, at: Timestamp) -> Vec<Event> {
    let mut events: Vec<Event> = before.and_then(|it| rests(it, after, at)).into_iter().collect();
    match &after.run {
        Some(run) => events.extend(of_run(before, after, run, at)),
        // The steps that ended with the commit are only in what became of the resources.
        None => events.extend(before.into_iter().flat_map(|it| committed(it, after, at))),
    }
    events
}

/// That the stack is left alone from now on, or no longer.
fn rests(before: &StackState, after: &StackState, at: Timestamp) -> Option<Event> {
    let (did, about) = match (&before.paused, &after.paused) {
        (None, Some(_)) => ("rests", "nothing of the stack is changed until it is resumed"),
        (Some(_), None) => ("goes on", "with what waited"),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(Event {
        at,
        who: "provisioner".to_owned(),
        did,
        about: about.to_owned(),
        intent: None,
        stack: Some(after.stack.clone()),
        tone: Tone::Warning,
        ends: false,
    })
}

fn of_run(before: Option<&StackState>, after: &StackState, run: &Run, at: Timestamp) -> Vec<Event> {
    let known =
        before.and_then(|before| before.run.as_ref()).filter(|known| known.plan == run.plan);
    let mut events = Vec::new();
    match known {
        None => {
            events.push(event(after, run, at, "began", format!("as {}", run.holder), Tone::Minor));
        }
        Some(known) if known.holder != run.holder => {
            let about = format!("the run of {}, which is gone", known.holder);
            events.push(event(after, run, at, "took over", about, Tone::Warning));
        }
        Some(_) => {}
    }
    for (address, step) in &run.steps {
        let was = known.and_then(|known| known.steps.get(address));
        if was.is_none_or(|was| was.state != step.state) {
            events.push(step_event(after, run, at, address, step));
        }
    }
    if let Some(reason) = &run.failure
        && known.is_none_or(|known| known.failure.is_none())
    {
        let about = format!("{reason}; what was done is undone");
        events.push(event(after, run, at, "rolls back", about, Tone::Bad));
    }
    events
}

fn step_event(
    stack: &StackState,
    run: &Run,
    at: Timestamp,
    address: &ResourceAddress,
    step: &Step,
) -> Event {
    let (did, tone) = match step.state {
        StepState::Started => ("begins", Tone::Minor),
        StepState::Done => (made(step), Tone::Plain),
        StepState::Refused => ("refused", Tone::Bad),
        StepState::Undoing => ("undoes", Tone::Minor),
        StepState::Undone => ("undone", Tone::Warning),
        StepState::Stuck => ("stuck", Tone::Bad),
    };
    let mut about = address.local();
    if let Some(error) = &step.error {
        about.push_str(": ");
        about.push_str(error);
    }
    event(stack, run, at, did, about, tone)
}

fn made(step: &Step) -> &'static str {
    did(there(step.before.as_ref()), there(step.after.as_ref()))
}

/// Whether there is such an object: one that was found gone is declared still, and not there.
fn there(resource: Option<&ResourceState>) -> bool {
    resource.is_some_and(|it| it.observed.is_some())
}

const fn did(was: bool, is: bool) -> &'static str {
    match (was, is) {
        (false, true) => "created",
        (true, false) => "deleted",
        (true, true) | (false, false) => "updated",
    }
}

/// Steps whose end was written together with the new generation.
fn committed(before: &StackState, after: &StackState, at: Timestamp) -> Vec<Event> {
    let Some(run) = &before.run else { return Vec::new() };
    if after.generation == before.generation {
        return Vec::new();
    }
    run.steps
        .iter()
        .filter(|(_, step)| step.state == StepState::Started)
        .map(|(address, step)| {
            let was = there(step.before.as_ref());
            let is = there(after.resources.get(address));
            event(after, run, at, did(was, is), address.local(), Tone::Plain)
        })
        .collect()
}

fn event(
    stack: &StackState,
    run: &Run,
    at: Timestamp,
    did: &'static str,
    about: String,
    tone: Tone,
) -> Event {
    Event {
        at,
        who: "provisioner".to_owned(),
        did,
        about,
        intent: Some(run.intent),
        stack: Some(stack.stack.clone()),
        tone,
        ends: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn stack(generation: u64, resources: &Value, run: &Value) -> StackState {
        serde_json::from_value(json!({
            "stack": "edge-api", "environment": "prod", "path": "edge-cache",
            "generation": generation, "resources": resources, "run": run,
            "updated_at": "2026-11-22T16:00:00Z",
        }))
        .unwrap()
    }

    fn run(holder: &str, steps: &Value) -> Value {
        json!({
            "plan": "0".repeat(64), "sequence": 3,
            "intent": "018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55",
            "holder": holder, "steps": steps, "started_at": "2026-11-22T16:00:00Z",
        })
    }

    fn resource() -> Value {
        json!({"place": "zone/example.com", "declared": {}, "observed": {}})
    }

    fn said(before: Option<&StackState>, after: &StackState) -> Vec<String> {
        of_stack(before, after, Timestamp::UNIX_EPOCH)
            .iter()
            .map(|event| format!("{} {}", event.did, event.about))
            .collect()
    }

    const RECORD: &str = "edge-api/cloudflare.dns_record/api";

    #[test]
    fn each_step_is_told_once() {
        let begun = stack(0, &json!({}), &run("one", &json!({RECORD: {"state": "started"}})));
        let done = stack(
            0,
            &json!({}),
            &run("one", &json!({RECORD: {"state": "done", "after": resource()}})),
        );
        assert_eq!(said(None, &begun), ["began as one", "begins cloudflare.dns_record/api"]);
        assert_eq!(said(Some(&begun), &done), ["created cloudflare.dns_record/api"]);
        assert!(said(Some(&done), &done).is_empty());
    }

    #[test]
    fn a_step_that_ends_with_the_commit_is_told_too() {
        let begun = stack(0, &json!({}), &run("one", &json!({RECORD: {"state": "started"}})));
        let committed = stack(1, &json!({RECORD: resource()}), &Value::Null);
        assert_eq!(said(Some(&begun), &committed), ["created cloudflare.dns_record/api"]);
    }

    #[test]
    fn a_takeover_is_told() {
        let begun = stack(0, &json!({}), &run("one", &json!({RECORD: {"state": "started"}})));
        let taken = stack(0, &json!({}), &run("two", &json!({RECORD: {"state": "started"}})));
        assert_eq!(said(Some(&begun), &taken), ["took over the run of one, which is gone"]);
    }
}
