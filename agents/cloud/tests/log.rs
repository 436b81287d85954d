//! What the client says of itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use std::sync::Arc;

use cloud::Cloud;
use serde_json::json;
use support::{Server, account, kind, namespace, ok, refused};

#[tokio::test]
async fn calls_are_in_spans_and_the_token_is_in_no_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: this test is alone in it.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = Server::start(|n, _| match n {
        0 => ok(&json!([])),
        _ => refused(403, 10_000, "Authentication error"),
    })
    .await;
    let cloudflare = server.cloudflare();
    cloudflare.list(&kind("kv_namespace"), &account()).await.unwrap();
    let error = cloudflare.create(&namespace()).await.unwrap_err();

    let text = log.text();
    for expected in [
        "otel.name=\"GET kv_namespace\"",
        "otel.name=\"POST kv_namespace\"",
        "otel.kind=\"client\"",
        "http.request.method=\"POST\"",
        "http.response.status_code=403",
        "server.address=\"127.0.0.1\"",
        "error.type=\"unauthorised\"",
        "cloudflare.ray_id=\"8f3a-ICN\"",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let all = format!("{text}{cloudflare:?}{error:?}{error}");
    assert!(!all.contains("token-that-shows"), "{all}");
}

#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
