//! The listener that workerd's bindings and its `fetch()` lead to. Not for anybody else: a call
//! must carry the key that only our workerd's configuration holds.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::config::{Backplane, KEY, SERVICE, TARGET};
use super::{kv, r2};
use crate::store::Store;

/// What a Worker's `fetch()` reaches.
pub type Outbound = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response> + Send + Sync>;

struct Shared {
    store: Store,
    key: String,
    outbound: Outbound,
}

/// Listens until `stop`.
pub(super) async fn listen(
    store: Store,
    outbound: Outbound,
    stop: CancellationToken,
) -> std::io::Result<Backplane> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let key = uuid::Uuid::new_v4().simple().to_string();
    let shared = Arc::new(Shared { store, key: key.clone(), outbound });
    let router = Router::new().fallback(answer).with_state(shared);
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the Workers' bindings are no longer served");
        }
    });
    Ok(Backplane { address, key })
}

/// A call of a binding, read whole.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    async fn read(request: Request<Body>, limit: usize) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let too_large = |_| refuse(StatusCode::PAYLOAD_TOO_LARGE, "larger than the sandbox takes");
        let body = to_bytes(body, limit).await.map_err(too_large)?;
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: query.into_owned().collect(),
            headers: parts.headers,
            body,
        })
    }
}

async fn answer(State(shared): State<Arc<Shared>>, mut request: Request<Body>) -> Response {
    let mut take = |name: &str| {
        let value = request.headers_mut().remove(name);
        value.and_then(|value| value.to_str().map(ToOwned::to_owned).ok()).unwrap_or_default()
    };
    let (key, service, target) = (take(KEY), take(SERVICE), take(TARGET));
    if key != shared.key {
        return refuse(StatusCode::FORBIDDEN, "only the sandbox's own workerd may call this");
    }
    match service.as_str() {
        "outbound" => (shared.outbound)(request).await,
        // The Cache API of Workers: nothing is ever kept, which is a cache's right.
        "cache" => match request.method().as_str() {
            "PUT" => StatusCode::NO_CONTENT.into_response(),
            "PURGE" => StatusCode::NOT_FOUND.into_response(),
            _ => (StatusCode::GATEWAY_TIMEOUT, [("cf-cache-status", "MISS")]).into_response(),
        },
        "kv" => match Call::read(request, kv::VALUE_BYTES).await {
            Ok(call) => kv::serve(&shared.store, &target, call),
            Err(refused) => refused,
        },
        "r2" => match Call::read(request, r2::OBJECT_BYTES).await {
            Ok(call) => r2::serve(&shared.store, &target, &call),
            Err(refused) => refused,
        },
        _ => refuse(StatusCode::NOT_FOUND, "no such binding"),
    }
}

/// An answer with its reason as text.
pub(super) fn refuse(status: StatusCode, reason: &'static str) -> Response {
    (status, reason).into_response()
}
