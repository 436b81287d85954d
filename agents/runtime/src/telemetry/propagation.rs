//! W3C trace context in and out of message headers.

use async_nats::HeaderMap;
use bus_schema::header;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(async_nats::HeaderValue::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        vec![header::TRACE_PARENT, header::TRACE_STATE]
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = match key {
            header::TRACE_PARENT => header::TRACE_PARENT,
            header::TRACE_STATE => header::TRACE_STATE,
            _ => return,
        };
        if !value.is_empty() {
            crate::bus::put(self.0, name, &value);
        }
    }
}

fn context_of(traceparent: &str) -> Option<Context> {
    let mut headers = HeaderMap::new();
    headers.insert(header::TRACE_PARENT, traceparent.parse::<async_nats::HeaderValue>().ok()?);
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Incoming(&headers));
    context.span().span_context().is_valid().then_some(context)
}

/// Links the span to the one that a W3C trace context names: another trace that has to do with it.
pub fn link(span: &Span, traceparent: &str) {
    if let Some(context) = context_of(traceparent) {
        span.add_link(context.span().span_context().clone());
    }
}

/// Makes the span a child of the one that a W3C trace context names; must come before the span is
/// entered.
pub fn join(span: &Span, traceparent: &str) {
    if let Some(context) = context_of(traceparent)
        && span.set_parent(context).is_err()
    {
        tracing::trace!("span takes no parent");
    }
}

/// Makes the span a child of what the headers name, if they do; must come before the span is
/// entered.
pub(crate) fn adopt(span: &Span, headers: &HeaderMap) {
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Incoming(headers));
    if context.span().span_context().is_valid() && span.set_parent(context).is_err() {
        // Without a tracing layer, as in the command line, there is nothing to adopt.
        tracing::trace!("span takes no parent");
    }
}

/// Names the span in the headers, so that who receives them goes on with its trace.
pub(crate) fn inject(span: &Span, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&span.context(), &mut Outgoing(headers));
}

/// The span's W3C trace context; `None` where it is not traced.
pub fn traceparent(span: &Span) -> Option<String> {
    let mut headers = HeaderMap::new();
    inject(span, &mut headers);
    headers.get(header::TRACE_PARENT).map(|value| value.as_str().to_owned())
}

/// The id of the span's trace, for log lines.
pub(crate) fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let id = span.span_context().trace_id();
    span.span_context().is_valid().then(|| id.to_string())
}
