//! Deciding what must change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

use std::collections::BTreeMap;

use bus_schema::{
    Action, Change, Generation, Properties, Resource, ResourceAddress, ResourceState, StackName,
    StackState,
};
use cloud::cloudflare::catalogue;
use cloud::{Diff, DiffError, diff};
use proptest::prelude::*;
use serde_json::{Value, json};

const ACCOUNT: &str = "account/0123456789abcdef0123456789abcdef";
const ZONE: &str = "zone/example.com";

fn stack() -> StackName {
    "edge-api".parse().unwrap()
}

fn at(local: &str) -> ResourceAddress {
    format!("edge-api/cloudflare.{local}").parse().unwrap()
}

fn resource(local: &str, place: &str, properties: Value) -> Resource {
    Resource {
        address: at(local),
        place: place.parse().unwrap(),
        properties: serde_json::from_value(properties).unwrap(),
        depends_on: Vec::new(),
    }
}

fn record(name: &str, content: &str) -> Resource {
    let fields = json!({ "name": format!("{name}.example.com"), "type": "A", "content": content });
    resource(&format!("dns_record/{name}"), ZONE, fields)
}

fn worker() -> Vec<Resource> {
    vec![
        resource("kv_namespace/cache", ACCOUNT, json!({})),
        resource(
            "worker_script/api",
            ACCOUNT,
            json!({
                "content": "export default {};",
                "compatibility_date": "2026-01-01",
                "bindings": [{
                    "type": "kv_namespace",
                    "name": "CACHE",
                    "namespace_id": "${cloudflare.kv_namespace/cache.id}",
                }],
            }),
        ),
        resource(
            "worker_route/api",
            ZONE,
            json!({
                "pattern": "api.example.com/*",
                "script": "${cloudflare.worker_script/api.name}",
            }),
        ),
    ]
}

/// The stack after a diff was carried out: each output is `<local address>.<output>`.
fn applied(before: Option<&StackState>, diff: &Diff) -> StackState {
    let mut resources = before.map(|it| it.resources.clone()).unwrap_or_default();
    for change in &diff.changes {
        match &change.after {
            None => drop(resources.remove(&change.resource)),
            Some(after) => {
                let state = done(&change.resource, &change.place, after, &change.depends_on);
                resources.insert(change.resource.clone(), state);
            }
        }
    }
    StackState {
        stack: stack(),
        environment: "prod".parse().unwrap(),
        path: "edge-worker".parse().unwrap(),
        generation: Generation(1),
        intent: None,
        order: 0,
        resources,
        run: None,
        last: None,
        failed: Vec::new(),
        deleted: Vec::new(),
        paused: None,
        waiting: Vec::new(),
        heeded: 0,
        ignored: BTreeMap::new(),
        updated_at: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

fn done(
    address: &ResourceAddress,
    place: &bus_schema::Place,
    after: &Properties,
    depends_on: &[ResourceAddress],
) -> ResourceState {
    let answer = |local: &str, output: &str| Some(format!("{local}.{output}"));
    let kind = catalogue().get(&address.kind).unwrap();
    ResourceState {
        place: place.clone(),
        declared: after.clone(),
        observed: Some(cloud::references::resolve(after, answer).unwrap()),
        cloud_id: None,
        outputs: kind
            .describe()
            .outputs
            .iter()
            .map(|it| ((*it).to_owned(), answer(&address.local(), it).unwrap()))
            .collect(),
        depends_on: depends_on.to_vec(),
        prior: None,
    }
}

fn plan(current: Option<&StackState>, desired: &[Resource]) -> Diff {
    let diff = diff(&stack(), current, desired, catalogue()).unwrap();
    assert_order(&diff.changes);
    diff
}

fn assert_order(changes: &[Change]) {
    for (i, change) in changes.iter().enumerate() {
        for waited in &change.waits_for {
            let before = changes.iter().position(|it| it.resource == *waited);
            assert!(before.is_some_and(|it| it < i), "{} before {waited}", change.resource);
        }
    }
}

fn actions(diff: &Diff) -> Vec<(String, Action)> {
    diff.changes
        .iter()
        .map(|it| (it.resource.local().replace("cloudflare.", ""), it.action))
        .collect()
}

fn waits(diff: &Diff, local: &str) -> Vec<String> {
    let change = diff.changes.iter().find(|it| it.resource == at(local)).unwrap();
    change.waits_for.iter().map(|it| it.local().replace("cloudflare.", "")).collect()
}

#[test]
fn what_is_needed_comes_first_and_goes_last() {
    let made = plan(None, &worker());
    let expected =
        ["kv_namespace/cache", "worker_script/api", "worker_route/api"].map(str::to_owned);
    assert_eq!(actions(&made), expected.clone().map(|it| (it, Action::Create)));
    assert_eq!(waits(&made, "worker_route/api"), ["worker_script/api"]);

    let state = applied(None, &made);
    let mut expected = expected.map(|it| (it, Action::Delete));
    expected.reverse();
    assert_eq!(actions(&plan(Some(&state), &[])), expected);
}

#[test]
fn after_an_apply_there_is_nothing_to_do() {
    let state = applied(None, &plan(None, &worker()));
    let again = plan(Some(&state), &worker());
    assert_eq!(actions(&again), []);
    assert_eq!(again.unchanged.len(), 3);
}

#[test]
fn a_dependency_is_dropped_before_it_goes() {
    let state = applied(None, &plan(None, &worker()));
    let mut desired = worker();
    desired.remove(0);
    desired[0].properties.0.remove("bindings");
    let diff = plan(Some(&state), &desired);
    let expected = [("worker_script/api", Action::Update), ("kv_namespace/cache", Action::Delete)];
    assert_eq!(actions(&diff), expected.map(|(local, action)| (local.to_owned(), action)));
    assert_eq!(waits(&diff, "kv_namespace/cache"), ["worker_script/api"]);
}

#[test]
fn what_refers_to_something_made_anew_is_updated() {
    let mut state = applied(None, &plan(None, &worker()));
    // Somebody deleted the namespace: the new one will have another id.
    state.resources.get_mut(&at("kv_namespace/cache")).unwrap().observed = None;
    let diff = plan(Some(&state), &worker());
    let expected = [("kv_namespace/cache", Action::Create), ("worker_script/api", Action::Update)];
    assert_eq!(actions(&diff), expected.map(|(local, action)| (local.to_owned(), action)));
}

#[test]
fn a_field_the_cloud_cannot_change_means_a_replacement() {
    let state = applied(None, &plan(None, &[record("api", "203.0.113.10")]));
    let mut moved = record("api", "203.0.113.10");
    moved.properties.0.insert("name".to_owned(), "app.example.com".into());
    assert_eq!(actions(&plan(Some(&state), &[moved]))[0].1, Action::Replace);

    let mut elsewhere = record("api", "203.0.113.10");
    elsewhere.place = "zone/example.net".parse().unwrap();
    assert_eq!(actions(&plan(Some(&state), &[elsewhere]))[0].1, Action::Replace);

    let other = plan(Some(&state), &[record("api", "203.0.113.11")]);
    assert_eq!(actions(&other)[0].1, Action::Update);
    assert_eq!(other.changes[0].before.as_ref().unwrap().text("content"), Some("203.0.113.10"));
}

#[test]
fn a_renamed_resource_is_made_once_the_old_one_is_gone() {
    let state = applied(None, &plan(None, &[record("api", "203.0.113.10")]));
    let mut renamed = record("api", "203.0.113.10");
    renamed.address = at("dns_record/aaa");
    let diff = plan(Some(&state), &[renamed]);
    assert_eq!(waits(&diff, "dns_record/aaa"), ["dns_record/api"]);
}

#[test]
fn data_goes_when_nothing_else_can_fail_any_more() {
    let bucket = resource("r2_bucket/assets", ACCOUNT, json!({}));
    let state = applied(None, &plan(None, std::slice::from_ref(&bucket)));
    let diff = plan(Some(&state), &[record("api", "203.0.113.10")]);
    assert_eq!(waits(&diff, "r2_bucket/assets"), ["dns_record/api"]);
}

#[test]
fn what_is_gone_already_is_still_taken_off_the_books() {
    let mut state = applied(None, &plan(None, &[record("api", "203.0.113.10")]));
    state.resources.get_mut(&at("dns_record/api")).unwrap().observed = None;
    let diff = plan(Some(&state), &[]);
    assert_eq!(diff.changes[0].action, Action::Delete);
    assert_eq!(diff.changes[0].before, None);
}

#[test]
fn a_declaration_that_cannot_be_is_refused_by_name() {
    let refused = |desired: &[Resource]| diff(&stack(), None, desired, catalogue()).unwrap_err();

    let twice = [record("api", "203.0.113.10"), record("api", "203.0.113.11")];
    assert!(matches!(refused(&twice), DiffError::Twice { .. }));
    let alone = &worker()[1..];
    assert!(matches!(refused(alone), DiffError::UnknownDependency { .. }));
    let mut misplaced = record("api", "203.0.113.10");
    misplaced.place = ACCOUNT.parse().unwrap();
    assert!(matches!(refused(&[misplaced]), DiffError::WrongPlace { .. }));
    let mut foreign = record("api", "203.0.113.10");
    foreign.address.stack = "other".parse().unwrap();
    assert!(matches!(refused(&[foreign]), DiffError::ForeignStack { .. }));
    let unknown = resource("teapot/x", ZONE, json!({}));
    assert!(matches!(refused(&[unknown]), DiffError::UnknownKind { .. }));
    assert!(matches!(refused(&[record("api", "not-an-address")]), DiffError::Invalid { .. }));

    let mut worker = worker();
    worker[0].depends_on = vec![at("worker_route/api")];
    let DiffError::Cycle { addresses } = refused(&worker) else { panic!("a cycle is one") };
    assert_eq!(addresses.len(), 3);

    let mut wrong_output = self::worker();
    wrong_output[2]
        .properties
        .0
        .insert("script".to_owned(), "${cloudflare.worker_script/api.colour}".into());
    assert!(matches!(refused(&wrong_output), DiffError::UnknownDependency { .. }));
}

/// Records, each perhaps depending on ones before it in the list.
fn any_stack() -> impl Strategy<Value = Vec<Resource>> {
    let one =
        (any::<bool>(), 0..3_u8, proptest::collection::vec(any::<prop::sample::Index>(), 0..3));
    proptest::collection::vec(one, 8).prop_map(|choices| {
        let mut stack: Vec<Resource> = Vec::new();
        for (i, (present, content, depends_on)) in choices.into_iter().enumerate() {
            if !present {
                continue;
            }
            let mut record = record(&format!("r{i}"), &format!("203.0.113.{content}"));
            if !stack.is_empty() {
                record.depends_on =
                    depends_on.iter().map(|it| it.get(&stack).address.clone()).collect();
            }
            stack.push(record);
        }
        stack
    })
}

proptest! {
    #[test]
    fn from_any_stack_to_any_other(first in any_stack(), second in any_stack()) {
        let state = applied(None, &plan(None, &first));
        let change = plan(Some(&state), &second);
        for made in change.changes.iter().filter(|it| it.action != Action::Delete) {
            for needed in &made.depends_on {
                let changes = change.changes.iter().any(|it| it.resource == *needed);
                prop_assert!(!changes || made.waits_for.contains(needed));
            }
        }
        for gone in change.changes.iter().filter(|it| it.action == Action::Delete) {
            let dependents = state.resources.iter().filter(|(_, it)| it.depends_on.contains(&gone.resource));
            for (dependent, _) in dependents {
                let changes = change.changes.iter().any(|it| it.resource == *dependent);
                prop_assert!(!changes || gone.waits_for.contains(dependent));
            }
        }
        let after = applied(Some(&state), &change);
        let wanted: BTreeMap<_, _> = second.iter().map(|it| (&it.address, it.properties.text("content"))).collect();
        let there: BTreeMap<_, _> = after.resources.iter().map(|(address, it)| (address, it.observed.as_ref().unwrap().text("content"))).collect();
        prop_assert_eq!(there, wanted);
        prop_assert!(plan(Some(&after), &second).changes.is_empty());
        // The same question has the same answer.
        prop_assert_eq!(plan(Some(&state), &second), change);
    }
}
