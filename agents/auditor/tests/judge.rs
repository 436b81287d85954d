//! What of a listing may be believed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auditor::judge::{Judgement, judge};
use bus_schema::{Generation, Run, StackState};
use cloud::Observed;
use cloud::cloudflare::catalogue;
use jiff::Timestamp;
use runtime::{Entry, Revision, Snapshot};
use support::{kind, made_of, record, scope};

const LAG: Duration = Duration::from_secs(2);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A record as the cloud shows it.
fn shown(content: &str, modified: i64) -> Observed {
    let resource = record("edge-api", "api", content);
    Observed {
        id: "1".to_owned(),
        key: kind("dns_record").key(&resource.address, &resource.properties),
        owner: Some(cloud::Marker::of(&resource.address)),
        properties: resource.properties,
        outputs: BTreeMap::new(),
        modified_at: Some(at(modified).to_string()),
    }
}

/// A stack that was written at second 10.
fn stack() -> StackState {
    let resource = record("edge-api", "api", "203.0.113.10");
    let made = made_of(&resource, &shown("203.0.113.10", 9));
    StackState {
        stack: "edge-api".parse().unwrap(),
        environment: "prod".parse().unwrap(),
        path: "edge-cache".parse().unwrap(),
        generation: Generation(1),
        intent: None,
        order: 1,
        resources: BTreeMap::from([(resource.address, made)]),
        run: None,
        last: None,
        failed: Vec::new(),
        paused: None,
        deleted: Vec::new(),
        waiting: Vec::new(),
        heeded: 0,
        ignored: BTreeMap::new(),
        updated_at: at(10),
    }
}

fn snapshot(record: StackState, revision: u64) -> Snapshot<StackState> {
    let key = record.stack.to_string();
    let entry = Entry { key: key.clone(), record, revision: Revision(revision) };
    Arc::new(BTreeMap::from([(key, Arc::new(entry))]))
}

fn judged(listing: &[Observed], before: &Snapshot<StackState>, now: i64) -> Judgement {
    let after = snapshot(stack(), 7);
    judge(&scope(kind("dns_record")), listing, before, &after, catalogue(), at(now), LAG)
}

#[test]
fn a_stack_at_rest_is_believed() {
    let judgement = judged(&[shown("198.51.100.9", 5)], &snapshot(stack(), 7), 12);
    assert_eq!((judgement.drifted.len(), judgement.held.len()), (1, 0));
    assert_eq!(judgement.again_at, None);
}

#[test]
fn a_stack_that_was_written_meanwhile_is_looked_at_again() {
    for before in [snapshot(stack(), 6), Snapshot::default()] {
        let judgement = judged(&[shown("198.51.100.9", 11)], &before, 60);
        assert_eq!((judgement.drifted.len(), judgement.held.len()), (0, 1));
        assert_eq!(judgement.again_at, Some(at(60)));
    }
}

#[test]
fn a_stack_that_is_being_changed_is_left_to_whoever_changes_it() {
    let mut running = stack();
    running.run = Some(Run {
        plan: "ab".repeat(32).parse().unwrap(),
        sequence: 8,
        intent: bus_schema::IntentId::fresh(),
        origin: bus_schema::Origin::Intent,
        holder: "provisioner-1".parse().unwrap(),
        steps: BTreeMap::new(),
        failure: None,
        failed_at: None,
        stuck: false,
        resting: false,
        started_at: at(10),
    });
    let running = snapshot(running, 7);
    let listing = [shown("198.51.100.9", 11)];
    let of = scope(kind("dns_record"));
    let judgement = judge(&of, &listing, &running, &running, catalogue(), at(60), LAG);
    assert_eq!((judgement.drifted.len(), judgement.held.len()), (0, 1));
}

#[test]
fn what_may_be_a_read_from_before_our_write_is_looked_at_again_before_it_is_said() {
    let before = snapshot(stack(), 7);
    let stale = judged(&[shown("198.51.100.9", 5)], &before, 11);
    assert_eq!((stale.drifted.len(), stale.again_at), (0, Some(at(12))));
    // The cloud says that it was changed after what we wrote.
    let edited = judged(&[shown("198.51.100.9", 11)], &before, 11);
    assert_eq!((edited.drifted.len(), edited.again_at), (1, None));
    // A repair is believed at once.
    let put_back = judged(&[shown("203.0.113.10", 10)], &before, 10);
    assert_eq!((put_back.drifted.len(), put_back.held.len(), put_back.again_at), (0, 0, None));
    // A clock that was ahead when it wrote must not hold it for longer than the lag.
    let gone = judged(&[], &before, 4);
    assert_eq!(gone.again_at, Some(at(6)));
}
