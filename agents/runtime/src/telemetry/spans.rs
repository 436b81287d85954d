//! The spans of messages, in OpenTelemetry's conventions for messaging.
//!
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>

use bus_schema::stream::Consumer;
use bus_schema::{Filter, MessageId, Subject};
use tracing::Span;

use super::propagation;
use crate::delivery::raw::Raw;

/// The span of handling one delivery, child of whoever published it.
pub(crate) fn process(consumer: &Consumer, raw: &Raw, kind: &str, intent: Option<&str>) -> Span {
    let template = consumer.filter.as_str();
    let span = tracing::info_span!(
        "process",
        otel.name = format!("process {template}"),
        otel.kind = "consumer",
        otel.status_code = tracing::field::Empty,
        otel.status_description = tracing::field::Empty,
        error.type = tracing::field::Empty,
        trace_id = tracing::field::Empty,
        messaging.system = "nats",
        messaging.operation.name = "process",
        messaging.operation.r#type = "process",
        messaging.destination.name = raw.subject(),
        messaging.destination.template = template,
        messaging.consumer.group.name = consumer.name,
        messaging.message.id = raw.id().as_str(),
        messaging.message.body.size = length(raw.payload().len()),
        zerodrift.message.r#type = kind,
        zerodrift.message.sequence = raw.sequence().cast_signed(),
        zerodrift.message.delivery = raw.delivery().cast_signed(),
        zerodrift.intent = intent,
    );
    propagation::adopt(&span, raw.headers());
    if let Some(id) = propagation::trace_id(&span) {
        span.record("trace_id", id);
    }
    span
}

/// The span of publishing one message.
pub(crate) fn send(
    template: Filter,
    subject: &Subject,
    id: &MessageId,
    kind: &str,
    bytes: usize,
) -> Span {
    let template = template.as_str();
    tracing::info_span!(
        "send",
        otel.name = format!("send {template}"),
        otel.kind = "producer",
        otel.status_code = tracing::field::Empty,
        otel.status_description = tracing::field::Empty,
        error.type = tracing::field::Empty,
        messaging.system = "nats",
        messaging.operation.name = "send",
        messaging.operation.r#type = "send",
        messaging.destination.name = subject.as_str(),
        messaging.destination.template = template,
        messaging.message.id = id.as_str(),
        messaging.message.body.size = length(bytes),
        zerodrift.message.r#type = kind,
    )
}

/// `OpenTelemetry` has signed integers only; others would become text.
fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Marks a span as failed; `sort` is of few values, `reason` is for people.
pub(crate) fn fail(span: &Span, sort: &str, reason: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("otel.status_description", reason);
    span.record("error.type", sort);
}
