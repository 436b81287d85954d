//! One sample of every message and record, with every field set.
#![allow(
    clippy::unwrap_used,
    reason = "samples are literals; a wrong one fails every test at once"
)]

mod watched;

use std::collections::BTreeMap;

use bus_schema::*;
use serde_json::json;

pub(crate) use watched::*;

pub(crate) const INTENT: &str = "018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55";

fn at() -> jiff::Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn intent() -> IntentId {
    INTENT.parse().unwrap()
}

fn stack() -> StackName {
    "edge-api".parse().unwrap()
}

fn record() -> ResourceAddress {
    "edge-api/cloudflare.dns_record/api".parse().unwrap()
}

fn setting() -> ResourceAddress {
    "edge-api/cloudflare.zone_setting/ssl".parse().unwrap()
}

fn place() -> Place {
    "zone/example.com".parse().unwrap()
}

fn plan_id() -> PlanId {
    "ab".repeat(32).parse().unwrap()
}

fn properties(content: &str) -> Properties {
    [
        ("content".to_owned(), json!(content)),
        ("proxied".to_owned(), json!(true)),
        ("ttl".to_owned(), json!(1)),
    ]
    .into_iter()
    .collect()
}

fn parameters() -> BTreeMap<String, Grounded> {
    BTreeMap::from([
        (
            "hostname".to_owned(),
            Grounded {
                value: json!("api.example.com"),
                source: Source::Environment {
                    environment: "prod".parse().unwrap(),
                    key: "services.api.hostname".into(),
                },
            },
        ),
        (
            "rps".to_owned(),
            Grounded {
                value: json!(10_000),
                source: Source::Words { start: 14, end: 21, text: "10k RPS".into() },
            },
        ),
    ])
}

pub(crate) fn submitted() -> IntentSubmitted {
    IntentSubmitted {
        id: Some(intent()),
        request: Request {
            text: Some("Secure edge cache for API with DDoS guardrails".into()),
            path: None,
            parameters: BTreeMap::from([("rps".to_owned(), json!(10_000))]),
            environment: Some("prod".parse().unwrap()),
            stack: Some(stack()),
        },
        by: Some("kim@example.com".into()),
    }
}

fn refusal() -> Refusal {
    Refusal {
        code: RefusalCode::Incomplete,
        reason: "No hostname is named.".into(),
        missing: vec!["hostname".into()],
        nearest: vec!["edge-cache".parse().unwrap()],
        example: Some("Cache api.example.com at the edge".into()),
    }
}

pub(crate) fn refused() -> IntentRefused {
    IntentRefused { intent: intent(), refusal: refusal() }
}

pub(crate) fn plan() -> Plan {
    Plan {
        intent: intent(),
        order: 7,
        stack: stack(),
        environment: "prod".parse().unwrap(),
        path: "edge-cache".parse().unwrap(),
        origin: Origin::Intent,
        from: Generation(0),
        to: Generation(1),
        parameters: parameters(),
        changes: vec![Change {
            resource: record(),
            place: place(),
            action: Action::Update,
            before: Some(properties("203.0.113.9")),
            after: Some(properties("203.0.113.10")),
            depends_on: vec![setting()],
            waits_for: vec![setting()],
            object: None,
        }],
        unchanged: vec![Resource {
            address: setting(),
            place: place(),
            properties: properties("unchanged"),
            depends_on: vec![],
        }],
        excluded: Vec::new(),
        remedy: None,
    }
}

pub(crate) fn proposed() -> PlanProposed {
    PlanProposed::new(plan())
}

pub(crate) fn applied() -> PlanApplied {
    PlanApplied {
        stack: stack(),
        intent: intent(),
        plan: plan_id(),
        origin: Origin::Intent,
        generation: Generation(1),
        changes: 1,
    }
}

pub(crate) fn failed() -> PlanFailed {
    PlanFailed {
        stack: stack(),
        intent: intent(),
        plan: plan_id(),
        origin: Origin::Intent,
        resource: Some(record()),
        reason: "The record exists and is not ours.".into(),
        next: "Remove or rename it, then submit again.".into(),
        undone: 2,
    }
}

pub(crate) fn stale() -> PlanStale {
    PlanStale {
        stack: stack(),
        intent: intent(),
        plan: plan_id(),
        origin: Origin::Intent,
        because: StaleReason::Cloud {
            observations: vec![Observation {
                resource: record(),
                properties: Some(properties("198.51.100.1")),
            }],
        },
    }
}

pub(crate) fn superseded() -> PlanSuperseded {
    PlanSuperseded {
        stack: stack(),
        intent: intent(),
        plan: plan_id(),
        origin: Origin::Intent,
        by: IntentId::of_stream_sequence(9),
    }
}

pub(crate) fn stuck() -> RunStuck {
    RunStuck {
        stack: stack(),
        intent: intent(),
        plan: plan_id(),
        origin: Origin::Intent,
        reason: "The zone refused the rule.".into(),
        resources: vec![StuckResource {
            resource: record(),
            cloud_id: Some("372e67954025e0ba6aaa6d586b9e0b59".into()),
            wanted: Some(properties("203.0.113.9")),
            reason: "Internal error".into(),
        }],
        next: "Put the record back by hand.".into(),
    }
}

pub(crate) fn resume() -> ResumeRequested {
    ResumeRequested { stack: stack(), plan: plan_id(), by: Some("kim@example.com".into()) }
}

pub(crate) fn intent_state() -> IntentState {
    IntentState {
        intent: intent(),
        order: 7,
        request: submitted().request,
        by: Some("kim@example.com".into()),
        phase: IntentPhase::Planned,
        understanding: Some(Understanding {
            path: "edge-cache".parse().unwrap(),
            stack: stack(),
            environment: "prod".parse().unwrap(),
            parameters: parameters(),
        }),
        plan: Some(PlanReference { id: plan_id(), to: Generation(1), sequence: 8 }),
        replans: 1,
        reason: Some("Planned.".into()),
        next: Some("Wait.".into()),
        refusal: Some(refusal()),
        submitted_at: at(),
        since: at(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

pub(crate) fn stack_state() -> StackState {
    let resource = ResourceState {
        place: place(),
        declared: properties("203.0.113.10"),
        observed: Some(properties("203.0.113.10")),
        cloud_id: Some("372e67954025e0ba6aaa6d586b9e0b59".into()),
        outputs: BTreeMap::from([("id".to_owned(), "372e67954025e0ba6aaa6d586b9e0b59".to_owned())]),
        depends_on: vec![setting()],
        prior: Some(properties("before")),
    };
    StackState {
        stack: stack(),
        environment: "prod".parse().unwrap(),
        path: "edge-cache".parse().unwrap(),
        generation: Generation(1),
        intent: Some(intent()),
        order: 7,
        resources: BTreeMap::from([(record(), resource.clone())]),
        run: Some(Run {
            plan: plan_id(),
            sequence: 8,
            intent: intent(),
            origin: Origin::Intent,
            holder: "provisioner-1".parse().unwrap(),
            steps: BTreeMap::from([(
                record(),
                Step {
                    state: StepState::Done,
                    before: Some(resource.clone()),
                    after: Some(resource),
                    error: Some("none".into()),
                },
            )]),
            failure: Some("The zone refused the rule.".into()),
            failed_at: Some(setting()),
            stuck: true,
            resting: false,
            started_at: at(),
        }),
        last: Some(Outcome::Applied(applied())),
        failed: Vec::new(),
        deleted: Vec::new(),
        paused: None,
        waiting: Vec::new(),
        heeded: 0,
        ignored: BTreeMap::from([(record(), BTreeMap::from([("ttl".to_owned(), ignored())]))]),
        updated_at: at(),
    }
}

fn ignored() -> Ignored {
    Ignored {
        lifted: true,
        heeded: 9,
        since: at(),
        reason: Some("An autoscaler's.".into()),
        by: Some("kim".into()),
    }
}

pub(crate) fn ignore() -> IgnoreRequested {
    IgnoreRequested {
        stack: stack(),
        resource: record(),
        fields: vec!["ttl".into()],
        ignored: true,
        reason: Some("An autoscaler's.".into()),
        by: Some("kim".into()),
    }
}

pub(crate) fn import() -> ImportAsked {
    ImportAsked {
        stack: stack(),
        environment: "prod".parse().unwrap(),
        place: place(),
        kinds: vec!["cloudflare.dns_record".parse().unwrap()],
        only: vec!["api.example.com".into()],
        dry_run: true,
        by: Some("kim".into()),
    }
}

pub(crate) fn import_answered() -> ImportAnswered {
    ImportAnswered {
        stack: stack(),
        asked: 7,
        dry_run: true,
        refused: Some("There is one.".into()),
        taken: vec![Imported {
            resource: record(),
            object: "api.example.com".into(),
            cloud_id: "372e67954025e0ba6aaa6d586b9e0b59".into(),
        }],
        left: vec![NotImported {
            kind: "cloudflare.worker_script".parse().unwrap(),
            object: Some("shop".into()),
            cloud_id: Some("shop".into()),
            reason: "Its name is its mark.".into(),
        }],
        left_out: 1,
    }
}

pub(crate) fn session() -> Session {
    Session { instance: "provisioner-1".parse().unwrap(), started_at: at() }
}

pub(crate) fn claim() -> Claim {
    Claim { holders: vec![setting()], properties: properties("strict"), prior: properties("off") }
}

/// Calls `$check!(name, value)` for every sample.
macro_rules! for_every_sample {
    ($check:ident) => {
        $check!("IntentSubmitted", support::submitted());
        $check!("IntentRefused", support::refused());
        $check!("PlanProposed", support::proposed());
        $check!("PlanApplied", support::applied());
        $check!("PlanFailed", support::failed());
        $check!("PlanStale", support::stale());
        $check!("PlanSuperseded", support::superseded());
        $check!("RunStuck", support::stuck());
        $check!("ResumeRequested", support::resume());
        $check!("IgnoreRequested", support::ignore());
        $check!("ImportAsked", support::import());
        $check!("ImportAnswered", support::import_answered());
        $check!("IntentState", support::intent_state());
        $check!("StackState", support::stack_state());
        $check!("Session", support::session());
        $check!("Claim", support::claim());
        $check!("Hint", support::hint());
        $check!("DriftFound", support::drift_found());
        $check!("FindingResolved", support::finding_resolved());
        $check!("Watch", support::watch());
        $check!("StackObservation", support::observation());
        $check!("TakenHint", support::taken_hint());
    };
}
pub(crate) use for_every_sample;
