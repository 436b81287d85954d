//! What is counted and measured about messages, in OpenTelemetry's conventions where they have a
//! name for it.

use std::time::Duration;

use bus_schema::Filter;
use bus_schema::stream::Consumer;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram};

/// Messages published.
const SENT: &str = "messaging.client.sent.messages";
/// Time a handler took, in seconds.
const PROCESS_DURATION: &str = "messaging.process.duration";
/// Messages whose handler succeeded.
const HANDLED: &str = "zerodrift.messages.handled";
/// Deliveries handed back to be tried again.
const RETRIED: &str = "zerodrift.messages.retried";
/// Messages given up.
const DEAD_LETTERED: &str = "zerodrift.messages.dead_lettered";
/// Messages waiting in a consumer, those under way included.
const QUEUE_DEPTH: &str = "zerodrift.queue.depth";
/// Actions the server denied this identity.
const VIOLATIONS: &str = "zerodrift.bus.permission_violations";

/// Bounds of [`PROCESS_DURATION`], as the conventions advise for durations in seconds, with more
/// above: an apply takes a while.
const SECONDS: [f64; 17] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    120.0, 300.0,
];

/// The runtime's instruments.
#[derive(Debug)]
pub(crate) struct Meters {
    sent: Counter<u64>,
    duration: Histogram<f64>,
    handled: Counter<u64>,
    retried: Counter<u64>,
    dead_lettered: Counter<u64>,
    depth: Gauge<u64>,
    violations: Counter<u64>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("zerodrift.runtime");
        let counter = |name, about| {
            meter.u64_counter(name).with_description(about).with_unit("{message}").build()
        };
        Self {
            sent: counter(SENT, "Messages published and acknowledged"),
            duration: meter
                .f64_histogram(PROCESS_DURATION)
                .with_description("Time a handler took")
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            handled: counter(HANDLED, "Messages whose handler succeeded"),
            retried: counter(RETRIED, "Deliveries handed back to be tried again"),
            dead_lettered: counter(DEAD_LETTERED, "Messages given up"),
            depth: meter
                .u64_gauge(QUEUE_DEPTH)
                .with_description("Messages waiting or under way")
                .with_unit("{message}")
                .build(),
            violations: meter
                .u64_counter(VIOLATIONS)
                .with_description("Actions the server denied this identity")
                .with_unit("{violation}")
                .build(),
        }
    }

    pub(crate) fn sent(&self, template: Filter) {
        self.sent.add(1, &[system(), destination(template)]);
    }

    pub(crate) fn handled(&self, consumer: &Consumer, kind: &'static str) {
        self.handled.add(1, &labels(consumer, kind));
    }

    pub(crate) fn retried(&self, consumer: &Consumer, kind: &'static str) {
        self.retried.add(1, &labels(consumer, kind));
    }

    pub(crate) fn dead_lettered(&self, consumer: &Consumer, kind: &'static str) {
        self.dead_lettered.add(1, &labels(consumer, kind));
    }

    pub(crate) fn took(&self, consumer: &Consumer, kind: &'static str, time: Duration) {
        self.duration.record(time.as_secs_f64(), &labels(consumer, kind));
    }

    pub(crate) fn depth(&self, consumer: &Consumer, messages: u64) {
        let group = KeyValue::new("messaging.consumer.group.name", consumer.name);
        self.depth.record(messages, &[system(), group]);
    }

    pub(crate) fn violation(&self) {
        self.violations.add(1, &[system()]);
    }
}

fn system() -> KeyValue {
    KeyValue::new("messaging.system", "nats")
}

fn destination(template: Filter) -> KeyValue {
    KeyValue::new("messaging.destination.template", template.as_str())
}

fn labels(consumer: &Consumer, kind: &'static str) -> [KeyValue; 4] {
    [
        system(),
        destination(consumer.filter),
        KeyValue::new("messaging.consumer.group.name", consumer.name),
        KeyValue::new("zerodrift.message.type", kind),
    ]
}
