//! What a real OTLP receiver gets from an agent, up to the last second of its life.

mod support;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use bus_schema::header;
use support::{PATIENCE, Server, eventually, plan, publish, stored, terminate};

/// A receiver that writes down everything it gets.
struct Receiver {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Receiver {
    async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let out = std::fs::File::create(folder.path().join("received"))?;
        let child = Command::new(rotel()?)
            .args(["start", "--exporter", "blackhole", "--disable-batching"])
            .args(["--otlp-grpc-endpoint", "127.0.0.1:0"])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{port}")])
            .args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs"])
            .args(["--debug-log-verbosity", "detailed"])
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()?;
        let receiver = Self { child, folder, port };
        eventually("the receiver is up", || async {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok())
        })
        .await
        .with_context(|| receiver.received())?;
        Ok(receiver)
    }

    fn received(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("received")).unwrap_or_default()
    }
}

/// The receiver's program within its Python package.
fn rotel() -> Result<PathBuf> {
    let python = support::tool("ZERODRIFT_PYTHON", "venv/bin/python")?;
    let output = Command::new(python)
        .args(["-c", "import os, rotel; print(os.path.dirname(rotel.__file__))"])
        .output()?;
    anyhow::ensure!(output.status.success(), "rotel is not installed: run `make tools`");
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()).join("rotel-agent"))
}

/// The part of the text that begins with the line and ends before the next blank one.
fn block<'a>(text: &'a str, begins: &str, has: &str) -> Option<&'a str> {
    text.split(begins).skip(1).find(|block| block.contains(has))
}

/// The value after a label in a block.
fn value<'a>(block: &'a str, label: &str) -> &'a str {
    block
        .lines()
        .find_map(|line| line.trim().strip_prefix(label))
        .map_or("", |rest| rest.trim_start_matches([' ', ':']).trim())
}

#[tokio::test]
async fn traces_metrics_and_logs_arrive_with_the_last_second() -> Result<()> {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";
    let server = Server::start().await?;
    let collector = Receiver::start().await?;
    let bus = server.bus().await?;
    let mut child = support::echo()
        .env("ZERODRIFT_NATS_URL", server.url())
        .env("ZERODRIFT_OTLP_ENDPOINT", format!("http://127.0.0.1:{}/", collector.port))
        .stderr(Stdio::null())
        .spawn()?;
    let proposed = plan("edge", 1)?;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let sequence = publish(
        &bus,
        "swarm.plan.proposed.edge",
        &[(header::TRACE_PARENT, &parent)],
        bus_schema::codec::encode(&proposed)?,
    )
    .await?;
    let outcome = eventually("the outcome", || stored(&bus, "SWARM", sequence + 1)).await?;
    // Nothing was exported yet: the batches wait longer than this took.
    terminate(&child)?;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await??;
    assert!(status.success(), "{status}");
    let received = eventually("everything has arrived", || async {
        let text = collector.received();
        let all = ["Name           : send", "zerodrift.messages.handled", "Body: Str(draining)"];
        Ok(all.iter().all(|what| text.contains(what)).then_some(text))
    })
    .await
    .with_context(|| collector.received())?;

    let process = block(&received, "Span #", "process swarm.plan.proposed.>").context("span")?;
    assert_eq!(value(process, "Trace ID"), TRACE);
    assert_eq!(value(process, "Parent ID"), PARENT);
    assert_eq!(value(process, "Kind"), "SPAN_KIND_CONSUMER");
    assert!(process.contains("messaging.system: Str(nats)"), "{process}");
    assert!(process.contains("messaging.destination.name: Str(swarm.plan.proposed.edge)"));
    let send = block(&received, "Span #", "send swarm.provision.>").context("span")?;
    assert_eq!(value(send, "Trace ID"), TRACE);
    assert_eq!(value(send, "Parent ID"), value(process, "ID"));
    assert_eq!(value(send, "Kind"), "SPAN_KIND_PRODUCER");
    // The outcome goes on with the trace.
    let given = outcome.headers.get(header::TRACE_PARENT).context("header")?.to_string();
    assert_eq!(given, format!("00-{TRACE}-{}-01", value(send, "ID")));
    let log = block(&received, "LogRecord #", "Str(applied)").context("log")?;
    assert_eq!(value(log, "Trace ID"), TRACE);
    for metric in ["messaging.process.duration", "messaging.client.sent.messages"] {
        assert!(received.contains(metric), "{metric}");
    }
    Ok(())
}
