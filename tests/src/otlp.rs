//! A real OpenTelemetry receiver (rotel), and what it received.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

use crate::process::Process;
use crate::tools::tool;
use wait::{secs, until};

/// A span as the receiver printed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of the process that made it.
    pub service: String,
    /// The trace it belongs to.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The span it is under; empty for a root.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// For example `SPAN_KIND_PRODUCER`.
    pub kind: String,
    /// Its attributes, values as printed.
    pub attributes: BTreeMap<String, String>,
}

/// A running receiver.
#[derive(Debug)]
pub struct Receiver {
    process: Process,
    /// Base URL to send to by OTLP over HTTP.
    pub endpoint: String,
}

impl Receiver {
    /// Starts one that keeps everything it receives in its log.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let (http, grpc) = (free_port()?, free_port()?);
        let python = tool("venv/lib")?;
        let agent = std::fs::read_dir(&python)?
            .flatten()
            .map(|entry| entry.path().join("site-packages/rotel/rotel-agent"))
            .find(|path| path.exists())
            .context("rotel is not installed; run `make tools`")?;
        let mut command = Command::new(agent);
        command.args(["start", "--exporter", "blackhole", "--debug-log-verbosity", "detailed"]);
        command.args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs"]);
        command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
        command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
        let process = Process::start("otlp", command, folder)?;
        until("the OTLP receiver listens", secs(10), || async move {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", http)).await.ok())
        })
        .await?;
        Ok(Self { process, endpoint: format!("http://127.0.0.1:{http}") })
    }

    /// Everything it printed.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Every span received so far.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        let (mut service, mut current): (String, Option<Span>) = (String::new(), None);
        for line in self.log().lines() {
            let line = line.trim();
            if line.starts_with("ResourceSpans #") {
                spans.extend(current.take());
                service.clear();
            } else if line.starts_with("Span #") {
                spans.extend(current.replace(Span { service: service.clone(), ..Span::default() }));
            } else if line.starts_with("ScopeSpans #") {
                spans.extend(current.take());
            } else if let Some((name, value)) =
                line.strip_prefix("-> ").and_then(|it| it.split_once(": "))
            {
                let value =
                    value.split_once('(').map_or(value, |(_, inner)| inner.trim_end_matches(')'));
                match &mut current {
                    Some(span) => drop(span.attributes.insert(name.to_owned(), value.to_owned())),
                    None if name == "service.name" => value.clone_into(&mut service),
                    None => {}
                }
            } else if let (Some(span), Some((field, value))) = (&mut current, line.split_once(':'))
            {
                let value = value.trim().to_owned();
                match field.trim() {
                    "Trace ID" => span.trace = value,
                    "Parent ID" => span.parent = value,
                    "ID" => span.id = value,
                    "Name" => span.name = value,
                    "Kind" => span.kind = value,
                    _ => {}
                }
            }
        }
        spans.extend(current);
        spans
    }
}

/// A port nobody listens on right now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
