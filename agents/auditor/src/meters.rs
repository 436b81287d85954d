//! What the auditor counts and measures.

use std::time::Duration;

use bus_schema::{Drift, Finding, KindName, Scope};
use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram};

/// Looks, by kind and outcome.
const LOOKS: &str = "zerodrift.audit.looks";
/// Time a look took, in seconds.
const DURATION: &str = "zerodrift.audit.duration";
/// Calls to the cloud a look took.
const CALLS: &str = "zerodrift.audit.calls";
/// Longest that a change can stay unseen without a hint, in seconds, by kind.
const LATENCY: &str = "zerodrift.audit.latency";
/// Findings that are open.
const OPEN: &str = "zerodrift.drift.open";
/// Findings made.
const FOUND: &str = "zerodrift.drift.found";
/// From a change to its detection, in seconds, where the cloud tells when it was.
const TIME_TO_DETECT: &str = "zerodrift.drift.time_to_detect";

/// Bounds of durations, in seconds.
const SECONDS: [f64; 14] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// The auditor's instruments.
#[derive(Debug)]
pub(crate) struct Meters {
    looks: Counter<u64>,
    duration: Histogram<f64>,
    calls: Histogram<u64>,
    latency: Gauge<u64>,
    open: Gauge<u64>,
    found: Counter<u64>,
    time_to_detect: Histogram<f64>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("zerodrift.auditor");
        let seconds = |name, about| {
            let histogram = meter.f64_histogram(name).with_description(about).with_unit("s");
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        Self {
            looks: meter.u64_counter(LOOKS).with_description("Looks").with_unit("{look}").build(),
            duration: seconds(DURATION, "Time a look took"),
            calls: meter
                .u64_histogram(CALLS)
                .with_description("Calls to the cloud a look took")
                .with_unit("{call}")
                .build(),
            latency: meter
                .u64_gauge(LATENCY)
                .with_description("Longest that a change can stay unseen without a hint")
                .with_unit("s")
                .build(),
            open: meter
                .u64_gauge(OPEN)
                .with_description("Findings that are open")
                .with_unit("{finding}")
                .build(),
            found: meter
                .u64_counter(FOUND)
                .with_description("Findings made")
                .with_unit("{finding}")
                .build(),
            time_to_detect: seconds(TIME_TO_DETECT, "From a change to its detection"),
        }
    }

    pub(crate) fn looked(&self, scope: &Scope, took: Duration, calls: Option<u64>) {
        let outcome = if calls.is_some() { "looked" } else { "trouble" };
        self.looks.add(1, &[kind(&scope.kind), KeyValue::new("outcome", outcome)]);
        self.duration.record(took.as_secs_f64(), &[kind(&scope.kind)]);
        if let Some(calls) = calls {
            self.calls.record(calls, &[kind(&scope.kind)]);
        }
    }

    pub(crate) fn latency(&self, of: &KindName, latency: Duration) {
        self.latency.record(latency.as_secs(), &[kind(of)]);
    }

    pub(crate) fn open(&self, findings: u64) {
        self.open.record(findings, &[]);
    }

    pub(crate) fn found(&self, finding: &Finding) {
        let drift = match finding.drift {
            Drift::Changed => "changed",
            Drift::Missing => "missing",
            Drift::Surplus => "surplus",
            Drift::Unmanaged => "unmanaged",
        };
        self.found.add(1, &[kind(&finding.scope.kind), KeyValue::new("zerodrift.drift", drift)]);
        if let Some(at) = finding.changed_at {
            let took = seconds(at, finding.detected_at);
            self.time_to_detect.record(took, &[kind(&finding.scope.kind)]);
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

fn kind(kind: &KindName) -> KeyValue {
    KeyValue::new("zerodrift.kind", kind.to_string())
}
