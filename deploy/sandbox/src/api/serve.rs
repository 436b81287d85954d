//! Serves a router over TCP, able to close a connection instead of answering.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Marks a response that must never be sent: the connection closes instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut;

impl Cut {
    /// A response that closes the connection.
    pub(super) fn response() -> Response {
        let mut response = ().into_response();
        response.extensions_mut().insert(Self);
        response
    }

    /// Whether a response is one.
    pub(super) fn is(response: &Response) -> bool {
        response.extensions().get::<Self>().is_some()
    }
}

/// How long open calls may go on once the sandbox stops.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until stopped, then lets open calls end.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: give others time to close theirs.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "nodelay not set");
        }
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let router = router.clone();
            async move {
                let response = router
                    .call(request.map(Body::new))
                    .await
                    .unwrap_or_else(|never| match never {});
                if Cut::is(&response) {
                    return Err(io::Error::from(io::ErrorKind::ConnectionReset));
                }
                Ok(response)
            }
        });
        let connection = auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::debug!("calls were still open when the sandbox stopped");
    }
}
