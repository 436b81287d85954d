//! The checker finds what it is there to find: evidence of a sound run, and the same tampered with.

use serde_json::{Value, json};
use tests::checker::{Accepted, Entry, Evidence, Rule, check};

const INTENT: &str = "018f0000-0000-7000-8000-000000000001";

fn entry(sequence: u64, subject: &str, body: Value) -> Entry {
    let payload = serde_json::to_vec(&body).unwrap_or_default();
    let at = i128::from(sequence) * 1_000_000_000;
    Entry { sequence, subject: subject.to_owned(), at, payload, body }
}

/// One intent that made one DNS record.
fn sound() -> Evidence {
    let submitted = entry(1, "swarm.intent.submit", json!({ "id": INTENT, "text": "…" }));
    let address = "docs/cloudflare.dns_record/record";
    let plan = json!({ "id": "p1", "plan": {
        "intent": INTENT, "order": 1, "stack": "docs",
        "changes": [{ "resource": address, "after": { "name": "docs.example.com" } }],
    }});
    let applied = json!({ "stack": "docs", "intent": INTENT, "plan": "p1", "generation": 1 });
    let accepted =
        Accepted { intent: INTENT.to_owned(), sequence: 1, payload: submitted.payload.clone() };
    Evidence {
        swarm: vec![
            submitted,
            entry(2, "swarm.plan.proposed.docs", plan),
            entry(4, "swarm.provision.applied.docs", applied),
        ],
        intents: vec![intent(1, "planned"), intent(2, "converged")],
        stacks: vec![entry(
            1,
            "$KV.stacks.stack.docs",
            json!({
                "resources": { address: { "cloud_id": "r1" } },
            }),
        )],
        cloud: json!({
            "zones": { "z": { "records": { "r1": {
                "id": "r1", "name": "docs.example.com", "comment": "zerodrift:docs/record",
            }}}},
            "audit": [write("POST", "create", "r1", 3)],
        }),
        accepted: vec![accepted],
    }
}

fn intent(sequence: u64, phase: &str) -> Entry {
    let subject = format!("$KV.intents.intent.{INTENT}");
    entry(sequence, &subject, json!({ "phase": phase, "plan": { "id": "p1" } }))
}

fn write(method: &str, action: &str, id: &str, second: u64) -> Value {
    json!({
        "action": { "type": action, "result": "success", "time": format!("1970-01-01T00:00:0{second}Z") },
        "actor": { "token_name": "token 1" },
        "raw": { "method": method, "uri": "/client/v4/zones/z/dns_records" },
        "resource": { "id": id, "name": "docs.example.com", "type": "dns_records" },
        "zone": { "name": "example.com" },
    })
}

fn rules(evidence: &Evidence) -> Vec<Rule> {
    check(evidence).into_iter().map(|violation| violation.rule).collect()
}

fn audit(evidence: &mut Evidence) -> &mut Vec<Value> {
    let log = evidence.cloud.get_mut("audit").and_then(Value::as_array_mut);
    log.unwrap_or_else(|| unreachable!("it is a list"))
}

#[test]
fn a_sound_run_has_no_violation() {
    assert_eq!(check(&sound()), vec![]);
}

#[test]
fn an_intent_that_has_not_ended_or_ended_twice_is_found() {
    let mut open = sound();
    open.intents.pop();
    assert_eq!(rules(&open), [Rule::OneEnd]);
    let mut twice = sound();
    twice.intents.push(intent(3, "failed"));
    assert_eq!(rules(&twice), [Rule::OneEnd]);
    let mut unknown = sound();
    unknown.intents.clear();
    assert_eq!(rules(&unknown), [Rule::OneEnd]);
}

#[test]
fn an_end_that_the_stream_denies_is_found() {
    let mut failed = sound();
    failed.intents = vec![intent(1, "failed")];
    failed.swarm.push(entry(
        5,
        "swarm.provision.failed.docs",
        json!({
            "stack": "docs", "intent": INTENT, "plan": "p1",
        }),
    ));
    assert_eq!(rules(&failed), [Rule::OneEnd]);
    let mut silent = sound();
    silent.swarm.retain(|it| !it.subject.starts_with("swarm.provision"));
    assert_eq!(rules(&silent), [Rule::OneEnd]);
}

#[test]
fn an_object_made_twice_is_found_and_one_made_again_after_its_end_is_not() {
    let mut twice = sound();
    audit(&mut twice).push(write("POST", "create", "r2", 4));
    assert_eq!(rules(&twice), [Rule::MadeOnce]);
    let mut again = sound();
    let log = audit(&mut again);
    log.insert(0, write("DELETE", "delete", "r0", 3));
    log.insert(0, write("POST", "create", "r0", 3));
    assert_eq!(rules(&again), []);
}

#[test]
fn an_object_without_a_stack_and_a_resource_without_an_object_are_found() {
    let mut orphan = sound();
    orphan.stacks.clear();
    assert_eq!(rules(&orphan), [Rule::NoStray]);
    let mut missing = sound();
    missing.cloud["zones"] = json!({});
    assert_eq!(rules(&missing), [Rule::NoStray]);
    let mut foreign = sound();
    foreign.cloud["zones"]["z"]["records"]["r1"]["comment"] = json!("zerodrift:other/record");
    assert_eq!(rules(&foreign), [Rule::NoStray]);
    let mut held = sound();
    held.stacks.push(entry(2, "$KV.stacks.claim.c1", json!({ "holders": [] })));
    assert_eq!(rules(&held), [Rule::NoStray]);
}

#[test]
fn an_acknowledged_submission_that_is_lost_or_altered_is_found() {
    let mut lost = sound();
    lost.accepted[0].sequence = 9;
    assert_eq!(rules(&lost), [Rule::NothingLost]);
    let mut altered = sound();
    altered.accepted[0].payload.push(b' ');
    assert_eq!(rules(&altered), [Rule::NothingLost]);
}

#[test]
fn a_write_before_its_plan_or_without_any_is_found() {
    let mut early = sound();
    audit(&mut early)[0] = write("POST", "create", "r1", 1);
    assert_eq!(rules(&early), [Rule::PlannedFirst]);
    let mut other = sound();
    let mut foreign = write("PATCH", "update", "r7", 5);
    foreign["resource"]["name"] = json!("other.example.com");
    audit(&mut other).push(foreign);
    assert_eq!(rules(&other), [Rule::PlannedFirst]);
}

#[test]
fn a_plan_applied_after_that_of_a_later_intent_is_found() {
    let mut late = sound();
    let plan = json!({ "id": "p0", "plan": { "order": 0, "changes": [] } });
    late.swarm.push(entry(5, "swarm.plan.proposed.docs", plan));
    late.swarm.push(entry(
        6,
        "swarm.provision.applied.docs",
        json!({
            "stack": "docs", "plan": "p0", "generation": 2,
        }),
    ));
    assert_eq!(rules(&late), [Rule::InOrder]);
}
