//! What is counted and measured about repairs.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};

/// From the change, where the cloud tells when that was, else from its detection, until it was seen
/// put back.
const REPAIR_DURATION: &str = "zerodrift.repair.duration";
/// Plans that were proposed.
const PROPOSED: &str = "zerodrift.repair.proposed";
/// Findings of which a person was asked.
const ESCALATED: &str = "zerodrift.repair.escalated";

const SECONDS: [f64; 14] =
    [0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0];

/// The remediator's instruments.
#[derive(Debug)]
pub(crate) struct Meters {
    duration: Histogram<f64>,
    proposed: Counter<u64>,
    escalated: Counter<u64>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("zerodrift.remediator");
        Self {
            duration: meter
                .f64_histogram(REPAIR_DURATION)
                .with_description("From a change by somebody else until it was seen put back")
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            proposed: meter
                .u64_counter(PROPOSED)
                .with_description("Repairs proposed")
                .with_unit("{plan}")
                .build(),
            escalated: meter
                .u64_counter(ESCALATED)
                .with_description("Findings of which a person was asked")
                .with_unit("{finding}")
                .build(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a duration in milliseconds is far below 2^52")]
    pub(crate) fn repaired(&self, kind: &str, milliseconds: u64) {
        let labels = [KeyValue::new("zerodrift.kind", kind.to_owned())];
        self.duration.record(milliseconds as f64 / 1_000.0, &labels);
    }

    pub(crate) fn proposed(&self, origin: &'static str) {
        self.proposed.add(1, &[KeyValue::new("zerodrift.origin", origin)]);
    }

    pub(crate) fn escalated(&self, kind: &str) {
        self.escalated.add(1, &[KeyValue::new("zerodrift.kind", kind.to_owned())]);
    }
}
