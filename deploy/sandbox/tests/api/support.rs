//! A control plane of its own for each test, and a client for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sandbox::api::{Api, Limit};
use sandbox::store::{Seed, Store, World};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "first-token";
pub(crate) const OTHER: &str = "second-token";

/// A running control plane with two zones and two tokens; it ends with the value.
pub(crate) struct Local {
    address: SocketAddr,
    client: Client<HttpConnector, Body>,
    pub(crate) store: Store,
    _stop: DropGuard,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    /// The first error's code; 0 for a success.
    pub(crate) fn code(&self) -> u64 {
        self.body["errors"][0]["code"].as_u64().unwrap_or_default()
    }

    pub(crate) fn result(&self) -> &Value {
        &self.body["result"]
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Fails unless it is a success.
    pub(crate) fn ok(self) -> anyhow::Result<Self> {
        anyhow::ensure!(self.status.is_success(), "{} {}", self.status, self.text);
        Ok(self)
    }
}

fn seed() -> Seed {
    Seed {
        accounts: vec![ACCOUNT.to_owned()],
        zones: vec!["example.com".to_owned(), "example.net".to_owned()],
        tokens: vec![TOKEN.to_owned(), OTHER.to_owned()],
        read_tokens: Vec::new(),
    }
}

impl Local {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::with(Store::in_memory(World::default()), None).await
    }

    /// With the state in a folder.
    pub(crate) async fn kept_in(folder: &Path) -> anyhow::Result<Self> {
        Self::with(Store::open(folder).await?, None).await
    }

    /// With scripts compiled by real workerd.
    pub(crate) async fn with_workerd() -> anyhow::Result<Self> {
        let workerd = sandbox::workers::locate(None)
            .context("workerd is not installed; `make tools` gets it")?;
        Self::with(Store::in_memory(World::default()), Some(workerd)).await
    }

    async fn with(store: Store, workerd: Option<PathBuf>) -> anyhow::Result<Self> {
        store.write(|world| world.sow(&seed()));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let api = Api::new(store.clone(), seed(), Limit::default(), workerd);
        tokio::spawn(api.serve(listener, stop.clone()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { address, client, store, _stop: stop.drop_guard() })
    }

    /// The id of `example.com`.
    pub(crate) fn zone(&self) -> String {
        self.store.zone_for_host("example.com").map(|zone| zone.id).unwrap_or_default()
    }

    /// A path below the first zone.
    pub(crate) fn in_zone(&self, path: &str) -> String {
        format!("/zones/{}/{path}", self.zone())
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call("PUT", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call("PATCH", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.call("DELETE", path, None).await
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.raw(method, path, &[("content-type", "application/json")], body).await
    }

    /// A call with another token.
    pub(crate) async fn with_token(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<Answer> {
        let body = body.to_string().into_bytes();
        self.send(Some(token), method, &format!("/client/v4{path}"), &[], body).await
    }

    /// A call with headers and a body of one's own.
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> anyhow::Result<Answer> {
        let path = format!("/client/v4{path}");
        self.send(Some(TOKEN), method, &path, headers, body).await
    }

    /// A call to the control interface, without a token.
    pub(crate) async fn control(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<Answer> {
        let body = body.to_string().into_bytes();
        self.send(None, method, &format!("/__sandbox/{path}"), &[], body).await
    }

    async fn send(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> anyhow::Result<Answer> {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.client.request(request.body(Body::from(body))?).await?;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(Body::new(body), usize::MAX).await?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}
