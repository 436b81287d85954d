//! The control plane: Cloudflare's v4 API under `/client/v4`, and the sandbox's own interface under
//! `/__sandbox`.
//!
//! A call passes the gate (`gate`: faults, rate limit, token, audit), then the handler of its
//! family. Each family has a file; what it makes of its input is in that file too, as the cloud does
//! it. Paths that no family offers are refused in Cloudflare's shape.

mod access;
mod accounts;
mod audit;
mod budget;
mod call;
mod control;
mod dns;
mod envelope;
mod faults;
mod gate;
mod gateway;
mod kv;
mod kv_values;
mod r2;
mod requests;
mod routes;
mod rulesets;
mod scripts;
mod serve;
mod settings;
mod tokens;
mod zones;

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use budget::Limit;
pub use faults::{Fault, FaultKind};

use self::envelope::Failure;
use crate::store::{Seed, Store};

/// What an upload may be at most, in bytes: R2's limit for one request.
const BODY_LIMIT: usize = 300 * 1024 * 1024;

/// The control plane.
#[derive(Debug)]
pub struct Api {
    store: Store,
    seed: Seed,
    limit: Limit,
    workerd: Option<PathBuf>,
    faults: faults::Faults,
    budget: budget::Budget,
    requests: requests::Requests,
}

impl Api {
    /// A control plane over a store. `seed` is what a reset goes back to, `workerd` what compiles
    /// uploaded scripts.
    pub fn new(store: Store, seed: Seed, limit: Limit, workerd: Option<PathBuf>) -> Self {
        Self {
            store,
            seed,
            limit,
            workerd,
            faults: faults::Faults::default(),
            budget: budget::Budget::new(limit),
            requests: requests::Requests::default(),
        }
    }

    /// Every path there is.
    pub fn router(self) -> Router {
        let api = Arc::new(self);
        let v4 = Router::new()
            .merge(accounts::routes())
            .merge(audit::routes())
            .merge(dns::routes())
            .merge(gateway::routes())
            .merge(kv::routes())
            .merge(kv_values::routes())
            .merge(r2::routes())
            .merge(routes::routes())
            .merge(rulesets::routes())
            .merge(scripts::routes())
            .merge(settings::routes())
            .merge(tokens::routes())
            .merge(zones::routes())
            .method_not_allowed_fallback(async || {
                Failure::new(405, 10_405, "Method not allowed for this path")
            });
        Router::new()
            .nest(gate::BASE, v4)
            .fallback(async |request: Request| Failure::no_route(request.uri().path()))
            .layer(middleware::from_fn_with_state(Arc::clone(&api), gate::pass))
            .merge(control::routes())
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(api)
    }

    /// Serves until stopped.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        serve::serve(listener, self.router(), stop).await;
    }
}
