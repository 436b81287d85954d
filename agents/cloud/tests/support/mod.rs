//! A server that behaves as told, and what is asked of it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bus_schema::{KindName, Place, Resource};
use cloud::cloudflare::Cloudflare;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const TOKEN: &str = "v1.0-token-that-shows-nowhere";

/// A server whose answer to its n-th request is `answer(n, request)`.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(
        answer: impl Fn(usize, &Request) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let app = Router::new().fallback(move |request: Request| {
            let response = answer(counter.fetch_add(1, Ordering::SeqCst), &request);
            async move { response }
        });
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, requests, serving }
    }

    pub(crate) fn cloudflare(&self) -> Cloudflare {
        client(self.address)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) fn client(address: SocketAddr) -> Cloudflare {
    let base = format!("http://{address}/client/v4").parse().unwrap();
    Cloudflare::new(base, &SecretString::from(TOKEN)).unwrap()
}

pub(crate) fn ok(result: &Value) -> Response {
    envelope(
        StatusCode::OK,
        &json!({ "success": true, "errors": [], "messages": [], "result": result }),
    )
}

pub(crate) fn refused(status: u16, code: i64, message: &str) -> Response {
    let error = json!({ "code": code, "message": message, "source": { "pointer": "/content" } });
    let body = json!({ "success": false, "errors": [error], "messages": [], "result": null });
    envelope(StatusCode::from_u16(status).unwrap(), &body)
}

pub(crate) fn envelope(status: StatusCode, body: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("cf-ray", "8f3a-ICN")];
    (status, headers, body.to_string()).into_response()
}

pub(crate) fn kind(local: &str) -> KindName {
    format!("cloudflare.{local}").parse().unwrap()
}

pub(crate) fn account() -> Place {
    Place::Account("0123456789abcdef0123456789abcdef".to_owned())
}

pub(crate) fn namespace() -> Resource {
    Resource {
        address: "edge-api/cloudflare.kv_namespace/cache".parse().unwrap(),
        place: account(),
        properties: bus_schema::Properties::default(),
        depends_on: Vec::new(),
    }
}
