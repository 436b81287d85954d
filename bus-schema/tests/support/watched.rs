//! Samples of what is seen of the cloud.

use std::collections::BTreeMap;

use bus_schema::*;

use super::{at, intent, place, properties, record, setting, stack};

fn scope() -> Scope {
    Scope::new("cloudflare.dns_record".parse().unwrap(), place())
}

fn finding() -> Finding {
    let differences = properties("198.51.100.9").differences(&properties("203.0.113.10"));
    let signature = Signature::of(&scope(), &record().to_string(), Drift::Changed, &differences);
    Finding {
        id: FindingId::of(&signature, at()),
        signature,
        drift: Drift::Changed,
        scope: scope(),
        resource: Some(record()),
        object: "api.example.com".into(),
        cloud_id: Some("372e67954025e0ba6aaa6d586b9e0b59".into()),
        differences,
        generation: Generation(1),
        intent: Some(intent()),
        changed_at: Some(at()),
        by: Some("kim@example.com".into()),
        detected_at: at(),
    }
}

pub(crate) fn hint() -> Hint {
    Hint { scope: scope(), by: Some("kim@example.com".into()) }
}

pub(crate) fn drift_found() -> DriftFound {
    DriftFound { stack: stack(), finding: finding() }
}

pub(crate) fn finding_resolved() -> FindingResolved {
    FindingResolved {
        stack: stack(),
        finding: finding(),
        generation: Generation(2),
        resolved_at: at(),
        became: Some(FindingId::given("0123456789abcdef")),
    }
}

pub(crate) fn watch() -> Watch {
    Watch {
        scope: scope(),
        due_at: at(),
        taken: Some(Taken { by: "auditor-1".parse().unwrap(), since: at(), until: at() }),
        again_at: Some(at()),
        looked_at: Some(at()),
        looks: 3,
        calls: 1,
        trouble: Some("The zone is gone.".into()),
        cadence_seconds: 30,
        latency_seconds: 31,
        unmanaged: BTreeMap::from([("A www.example.com".to_owned(), finding())]),
        unmanaged_left_out: 1,
    }
}

pub(crate) fn observation() -> StackObservation {
    StackObservation {
        stack: stack(),
        generation: Generation(1),
        drifted: BTreeMap::from([(record(), Some(properties("198.51.100.9"))), (setting(), None)]),
        findings: BTreeMap::from([(finding().signature, finding())]),
        unsaid: vec![
            Announcement::Resolved(finding_resolved()),
            Announcement::Found(drift_found()),
        ],
        updated_at: at(),
    }
}

pub(crate) fn taken_hint() -> TakenHint {
    TakenHint { at: at() }
}
