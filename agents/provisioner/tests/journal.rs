//! Whatever happens in whatever order, a journal leads to one of three ends and never breaks the
//! graph's order.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use bus_schema::{
    Action, Change, Generation, InstanceId, IntentId, Origin, Outcome, Place, Plan, PlanProposed,
    Properties, ResourceAddress, ResourceState, StackState, StepState, codec,
};
use proptest::prelude::*;
use provisioner::ending;
use provisioner::journal::{self, End, Event};

fn address(n: usize) -> ResourceAddress {
    format!("edge/cloudflare.item/r{n}").parse().expect("an address")
}

fn properties(value: &str) -> Properties {
    [("value".to_owned(), value.into())].into_iter().collect()
}

fn object(value: &str) -> ResourceState {
    ResourceState {
        place: Place::Zone("example.com".to_owned()),
        declared: properties(value),
        observed: Some(properties(value)),
        cloud_id: Some(format!("id-{value}")),
        outputs: BTreeMap::new(),
        depends_on: Vec::new(),
        prior: None,
    }
}

/// Each change: what is done, and which earlier ones it waits for.
fn plans() -> impl Strategy<Value = PlanProposed> {
    let action = prop_oneof![
        Just(Action::Create),
        Just(Action::Update),
        Just(Action::Replace),
        Just(Action::Delete)
    ];
    proptest::collection::vec((action, any::<u8>()), 1..7).prop_map(|changes| {
        let changes = changes.into_iter().enumerate().map(|(n, (action, edges))| Change {
            resource: address(n),
            place: Place::Zone("example.com".to_owned()),
            action,
            before: (action != Action::Create).then(|| properties("before")),
            after: (action != Action::Delete).then(|| properties("after")),
            depends_on: Vec::new(),
            waits_for: (0..n).filter(|m| edges & (1 << m) != 0).map(address).collect(),
            object: None,
        });
        PlanProposed::new(Plan {
            intent: IntentId::of_stream_sequence(1),
            order: 1,
            stack: "edge".parse().expect("a stack name"),
            environment: "prod".parse().expect("an environment name"),
            path: "edge-cache".parse().expect("a path name"),
            origin: Origin::Intent,
            from: Generation(0),
            to: Generation(1),
            parameters: BTreeMap::new(),
            changes: changes.collect(),
            unchanged: Vec::new(),
            excluded: Vec::new(),
            remedy: None,
        })
    })
}

fn start(proposed: &PlanProposed) -> StackState {
    let mut state = ending::blank(&proposed.plan, jiff::Timestamp::UNIX_EPOCH);
    for change in proposed.plan.changes.iter().filter(|change| change.before.is_some()) {
        state.resources.insert(change.resource.clone(), object("before"));
    }
    state
}

/// Everything that may happen next: what the journal asks for, and what may come of what is open.
fn possible(state: &StackState, proposed: &PlanProposed) -> Vec<Event> {
    let Some(run) = &state.run else { return Vec::new() };
    let next = journal::next(run, &proposed.plan);
    let mut events: Vec<Event> = Vec::new();
    for resource in next.start {
        let before = state.resources.get(&resource).cloned();
        events.push(Event::Started { resource, before });
    }
    events.extend(next.undo.into_iter().map(|resource| Event::Undoing { resource }));
    events.extend(next.end.map(|end| match end {
        End::Commit => Event::Committed,
        End::RollBack => Event::RolledBack { advice: None },
        End::Halt => Event::Halted,
    }));
    for (resource, step) in &run.steps {
        let resource = resource.clone();
        let error = "no".to_owned();
        match step.state {
            StepState::Started => {
                let deletes = proposed
                    .plan
                    .changes
                    .iter()
                    .any(|it| it.resource == resource && it.action == Action::Delete);
                let after = (!deletes).then(|| object("after"));
                events.push(Event::Done { resource: resource.clone(), after });
                events.push(Event::Refused { resource: resource.clone(), error: error.clone() });
                events.push(Event::Broken { resource, error });
            }
            StepState::Undoing => {
                let restored = step.before.clone();
                events.push(Event::Undone { resource: resource.clone(), restored });
                events.push(Event::Stuck { resource, error });
            }
            StepState::Done | StepState::Refused | StepState::Undone | StepState::Stuck => {}
        }
    }
    events
}

/// What must hold in every state of a run.
fn check(state: &StackState, plan: &Plan) {
    let Some(run) = &state.run else { return };
    let of = |resource: &ResourceAddress| run.steps.get(resource).map(|step| step.state);
    for change in &plan.changes {
        if of(&change.resource).is_none() {
            continue;
        }
        for first in &change.waits_for {
            let later = of(&change.resource);
            let earlier = of(first);
            assert!(earlier.is_some(), "{} began before {first}", change.resource);
            if matches!(earlier, Some(StepState::Undoing | StepState::Undone)) {
                assert!(
                    matches!(later, Some(StepState::Undone | StepState::Refused)),
                    "{first} is undone under {} in {later:?}",
                    change.resource
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn every_history_ends_and_ends_whole(
        proposed in plans(),
        choices in proptest::collection::vec(any::<u16>(), 200),
        luck in 0_u16..4,
    ) {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let before = start(&proposed);
        let mut state = before.clone();
        let me = InstanceId::new("me").expect("an instance id");
        let begun = Event::Begun { sequence: 1, holder: me.clone() };
        journal::apply(&mut state, &proposed, &begun, now).expect("it begins");
        let mut choices = choices.into_iter();
        let mut tried_again = false;
        loop {
            check(&state, &proposed.plan);
            let mut events = possible(&state, &proposed);
            if events.is_empty() {
                let stuck = state.run.as_ref().is_some_and(|run| run.stuck);
                if !stuck || tried_again {
                    break;
                }
                tried_again = true;
                events.push(Event::TriedAgain);
            }
            let choice = choices.next().unwrap_or(0);
            // With luck, failures are rare.
            if choice % 4 < luck {
                let good = |event: &Event| !matches!(
                    event,
                    Event::Refused { .. } | Event::Broken { .. } | Event::Stuck { .. }
                );
                if events.iter().any(good) {
                    events.retain(good);
                }
            }
            let event = &events[usize::from(choice) % events.len()];
            journal::apply(&mut state, &proposed, event, now).expect("what follows can be written");
            if choice % 11 == 0 {
                // A crash: what goes on is what was written, under another holder.
                let bytes = codec::encode(&state).expect("it encodes");
                state = codec::decode(None, &bytes).expect("it decodes");
                let taken = Event::TakenOver { holder: me.clone() };
                let open = state.run.is_some();
                prop_assert_eq!(
                    journal::apply(&mut state, &proposed, &taken, now).is_ok(),
                    open
                );
            }
        }
        match state.last.as_ref().expect("it says what became of it") {
            Outcome::Applied(applied) => {
                prop_assert_eq!(state.generation, Generation(1));
                prop_assert_eq!(applied.changes, proposed.plan.changes.len());
                prop_assert!(state.run.is_none());
                let kept: BTreeSet<&ResourceAddress> = state.resources.keys().collect();
                let wanted: BTreeSet<&ResourceAddress> = proposed.plan.changes.iter()
                    .filter(|change| change.after.is_some())
                    .map(|change| &change.resource)
                    .collect();
                prop_assert_eq!(kept, wanted);
                prop_assert!(state.resources.values().all(|it| *it == object("after")));
            }
            Outcome::Failed(_) => {
                prop_assert!(state.run.is_none());
                prop_assert_eq!(state.generation, Generation(0));
                prop_assert_eq!(&state.resources, &before.resources);
            }
            Outcome::Stuck(stuck) => {
                prop_assert!(!stuck.resources.is_empty());
                prop_assert_eq!(&state.resources, &before.resources);
                prop_assert!(state.run.is_some());
            }
            other @ (Outcome::Stale(_) | Outcome::Superseded(_)) => {
                prop_assert!(false, "{:?}", other);
            }
        }
    }

    #[test]
    fn an_event_out_of_order_changes_nothing(
        proposed in plans(),
        choices in proptest::collection::vec(any::<u16>(), 1..30),
    ) {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut state = start(&proposed);
        let me = InstanceId::new("me").expect("an instance id");
        let begun = Event::Begun { sequence: 1, holder: me };
        journal::apply(&mut state, &proposed, &begun, now).expect("it begins");
        for choice in choices {
            let any = [
                begun.clone(),
                Event::Committed,
                Event::RolledBack { advice: None },
                Event::Halted,
                Event::TriedAgain,
                Event::Started { resource: address(5), before: None },
                Event::Done { resource: address(0), after: None },
                Event::Undoing { resource: address(0) },
                Event::Undone { resource: address(0), restored: None },
            ];
            for event in any {
                let mut after = state.clone();
                let written = journal::apply(&mut after, &proposed, &event, now);
                if written.is_err() {
                    prop_assert_eq!(&after, &state);
                }
            }
            let events = possible(&state, &proposed);
            if events.is_empty() {
                break;
            }
            let event = &events[usize::from(choice) % events.len()];
            journal::apply(&mut state, &proposed, event, now).expect("what follows can be written");
        }
    }
}
