//! What answers for the zones' hosts: rules, rate limits, Workers, cache and origin, in
//! Cloudflare's order.
//!
//! [`Edge::start`] serves a listener; everything it obeys is read from the store, so that a change
//! through the API holds for the next request. The parts that decide (`firewall`, `ratelimit`,
//! `cache_policy`, `route`) do no I/O; `answer` puts them in order. What the edge does not do
//! (TLS, HTTP/2, web sockets) is listed in the sandbox's `EDGE.md`.

mod answer;
mod cache;
mod cache_policy;
mod compiled;
mod echo;
mod firewall;
mod origin;
mod page;
mod ratelimit;
mod route;
mod visit;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use futures::FutureExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::store::Store;
use crate::workers::{Outbound, Runtime};
use answer::Pipeline;
use cache_policy::CacheSettings;
use origin::Upstream;
use ratelimit::Limit;

/// The HTTP client for workerd and origins: plain HTTP, streaming, decodes nothing.
pub type Client = hyper_util::client::legacy::Client<HttpConnector, Body>;

/// Whether the edge could follow a cache rule's `action_parameters`; the message says what not.
pub fn validate_cache_settings(parameters: &Value) -> Result<(), String> {
    CacheSettings::of(parameters).map(drop)
}

/// Whether the edge could follow a rule's `ratelimit`; the message says what not.
pub fn validate_rate_limit(parameters: &Value) -> Result<(), String> {
    Limit::of(parameters).map(drop)
}

/// What the edge is started with besides the store.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The workerd binary; without it Workers answer 503 and say how to get it.
    pub workerd: Option<PathBuf>,
    /// Where a host, or the content of the DNS record it leads to, is served from. What is not
    /// here is answered by the built-in echo origin.
    pub origins: BTreeMap<String, SocketAddr>,
}

/// A running edge.
#[derive(Debug)]
pub struct Edge {
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
    workers: Runtime,
}

impl Edge {
    /// Serves a listener until [`Edge::stop`].
    pub async fn start(store: Store, listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let client: Client =
            hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        let upstream = Upstream::new(store.clone(), options.origins, client.clone());
        let outbound: Outbound = {
            let upstream = upstream.clone();
            Arc::new(move |request| {
                let upstream = upstream.clone();
                async move { upstream.subrequest(request).await }.boxed()
            })
        };
        let workers = Runtime::start(store.clone(), options.workerd, client, outbound).await?;
        let pipeline = Arc::new(Pipeline::new(store, upstream, workers.clone()));
        let router = Router::new().fallback(serve).with_state(pipeline);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let stop = CancellationToken::new();
        let stopping = stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            if let Err(error) =
                axum::serve(listener, service).with_graceful_shutdown(stopping).await
            {
                tracing::error!(%error, "the edge no longer listens");
            }
        });
        Ok(Self { address, stop, server, workers })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, and ends workerd. Requests under way have a moment to finish.
    pub async fn stop(self) {
        self.stop.cancel();
        let mut server = self.server;
        if tokio::time::timeout(std::time::Duration::from_secs(2), &mut server).await.is_err() {
            server.abort();
        }
        self.workers.stop().await;
    }
}

async fn serve(
    State(pipeline): State<Arc<Pipeline>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    pipeline.answer(client.ip(), request).await
}
