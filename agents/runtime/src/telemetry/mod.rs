//! Traces, metrics and logs: set up once for a process, flushed at its end.

pub(crate) mod meters;
pub(crate) mod propagation;
pub(crate) mod spans;
mod transport;

use std::time::Duration;

use bus_schema::InstanceId;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{
    LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, RuntimeSettings};
use transport::Transport;

/// How often metrics are exported.
const METRICS_EVERY: Duration = Duration::from_secs(10);
/// What the exporters themselves say is not exported: every export would make the next.
const OWN_TARGETS: [&str; 6] = ["hyper", "hyper_util", "reqwest", "h2", "rustls", "opentelemetry"];

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("cannot make the HTTP client for telemetry")]
    Client(#[source] reqwest::Error),
    #[error("cannot make an exporter for {url}")]
    Exporter { url: String, source: opentelemetry_otlp::ExporterBuildError },
    #[error("telemetry is set up already")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Keeps the exporters; without an endpoint there are traces all the same, so that their ids stand
/// in the logs and go on in messages.
#[derive(Debug)]
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: Option<SdkMeterProvider>,
    logs: Option<SdkLoggerProvider>,
}

/// Sets it up for the whole process, which is called `name` and is this instance.
///
/// # Errors
/// When an exporter cannot be made, or it is set up already.
pub(crate) fn start(
    settings: &RuntimeSettings,
    name: &'static str,
    instance: &InstanceId,
) -> Result<Telemetry, TelemetryError> {
    install_tls();
    let resource = Resource::builder()
        .with_service_name(name)
        .with_attributes([
            KeyValue::new("service.namespace", "zerodrift"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_string()),
        ])
        .build();
    let telemetry = match &settings.otlp_endpoint {
        Some(endpoint) => exporting(endpoint.trim_end_matches('/'), resource)?,
        None => Telemetry {
            traces: SdkTracerProvider::builder().with_resource(resource).build(),
            metrics: None,
            logs: None,
        },
    };
    if let Some(metrics) = &telemetry.metrics {
        opentelemetry::global::set_meter_provider(metrics.clone());
    }
    let traces = tracing_opentelemetry::layer()
        .with_tracer(telemetry.traces.tracer("zerodrift"))
        .with_location(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_threads(false)
        .with_filter(exported());
    let logs = telemetry
        .logs
        .as_ref()
        .map(|logs| OpenTelemetryTracingBridge::new(logs).with_filter(exported()));
    tracing_subscriber::registry()
        .with(lines(settings))
        .with(traces)
        .with(logs)
        .try_init()
        .map_err(TelemetryError::Twice)?;
    log_panics();
    Ok(telemetry)
}

/// Log lines on standard error; those of a message's handling carry its trace id.
fn lines<S>(settings: &RuntimeSettings) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a> + Send + Sync,
{
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .with_filter(filter)
            .boxed(),
        LogFormat::Text => layer.with_filter(filter).boxed(),
    }
}

/// Traces and logs leave at `info` whatever the log lines' filter says: a trace with holes helps
/// nobody.
fn exported() -> Targets {
    let own = OWN_TARGETS.map(|target| (target, LevelFilter::OFF));
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("async_nats", LevelFilter::WARN)
        .with_targets(own)
}

fn exporting(endpoint: &str, resource: Resource) -> Result<Telemetry, TelemetryError> {
    let transport = Transport::new().map_err(TelemetryError::Client)?;
    let failed = |url: &str| {
        let url = url.to_owned();
        move |source| TelemetryError::Exporter { url, source }
    };
    let url = format!("{endpoint}/v1/traces");
    let spans = SpanExporter::builder()
        .with_http()
        .with_http_client(transport.clone())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(&url)
        .build()
        .map_err(failed(&url))?;
    let url = format!("{endpoint}/v1/metrics");
    let metrics = MetricExporter::builder()
        .with_http()
        .with_http_client(transport.clone())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(&url)
        .build()
        .map_err(failed(&url))?;
    let url = format!("{endpoint}/v1/logs");
    let logs = LogExporter::builder()
        .with_http()
        .with_http_client(transport)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(&url)
        .build()
        .map_err(failed(&url))?;
    let reader = PeriodicReader::builder(metrics).with_interval(METRICS_EVERY).build();
    Ok(Telemetry {
        traces: SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(spans)
            .build(),
        metrics: Some(
            SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(reader).build(),
        ),
        logs: Some(
            SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(logs).build(),
        ),
    })
}

impl Telemetry {
    /// Exports what is left, for at most this long.
    pub(crate) async fn flush(self, longest: Duration) {
        // The exporters work on this runtime while the thread that flushes waits for them.
        let flushing = tokio::task::spawn_blocking(move || {
            if let Err(error) = self.traces.shutdown_with_timeout(longest) {
                tracing::warn!(%error, "traces not flushed");
            }
            if let Some(metrics) = self.metrics
                && let Err(error) = metrics.shutdown_with_timeout(longest)
            {
                tracing::warn!(%error, "metrics not flushed");
            }
            if let Some(logs) = self.logs
                && let Err(error) = logs.shutdown_with_timeout(longest)
            {
                tracing::warn!(%error, "logs not flushed");
            }
        });
        if tokio::time::timeout(longest, flushing).await.is_err() {
            tracing::warn!("telemetry not flushed in time");
        }
    }
}

/// A panic is a log line like any other, with its place and the trace it happened in.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = crate::retry::panic_message(panic.payload());
        tracing::error!(place, message, "panic");
    }));
}

/// The one TLS implementation of the process; whoever comes first installs it.
pub(crate) fn install_tls() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::trace!("TLS is installed already");
    }
}
