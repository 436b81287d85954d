//! Liveness and readiness, over HTTP.
//!
//! `/livez`: the process answers. `/readyz`: the server has confirmed every consumer, and nothing
//! is wrong with them or the connection now; otherwise 503 and, in the body, what is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What stands in the way of being ready; a cheap handle. Each trouble has a name and goes when it
/// is well.
#[derive(Debug, Clone)]
pub(crate) struct Health(Arc<Mutex<BTreeMap<&'static str, String>>>);

/// The agent's own start.
const START: &str = "agent";

impl Health {
    /// Not ready: nothing was started yet.
    pub(crate) fn starting() -> Self {
        Self(Arc::new(Mutex::new(BTreeMap::from([(START, "starting".to_owned())]))))
    }

    pub(crate) fn trouble(&self, name: &'static str, reason: String) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.get(name) != Some(&reason) {
            tracing::warn!(what = name, reason, "not ready");
            troubles.insert(name, reason);
        }
    }

    pub(crate) fn well(&self, name: &'static str) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.remove(name).is_some() && troubles.is_empty() {
            tracing::info!("ready");
        }
    }

    /// The agent is started.
    pub(crate) fn started(&self) {
        self.well(START);
    }

    /// The agent is being stopped: takes no more.
    pub(crate) fn draining(&self) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.insert(START, "draining".to_owned());
    }

    fn report(&self) -> (StatusCode, String) {
        let troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.is_empty() {
            return (StatusCode::OK, "ready\n".to_owned());
        }
        let lines: Vec<String> =
            troubles.iter().map(|(name, reason)| format!("{name}: {reason}\n")).collect();
        (StatusCode::SERVICE_UNAVAILABLE, lines.concat())
    }
}

/// Serves until told to stop. Gives the bound address once it listens.
///
/// # Errors
/// When the address cannot be bound.
pub(crate) async fn serve(
    address: SocketAddr,
    health: Health,
    stop: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(|State(health): State<Health>| async move { health.report() }))
        .with_state(health);
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "health is no longer served");
        }
    });
    tracing::info!(address = %bound, "listening");
    Ok(bound)
}
