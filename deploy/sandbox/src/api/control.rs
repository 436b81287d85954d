//! `/__sandbox/`: what a test or a person does to the sandbox itself. Needs no token.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Api;
use super::budget::Limit;
use super::call::Body;
use super::envelope::Failure;
use super::faults::Fault;
use crate::store::World;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/__sandbox/health", get(async || Json(json!({"status": "ok"}))))
        .route("/__sandbox/faults", get(list).post(add).delete(clear))
        .route("/__sandbox/faults/{id}", delete(clear_one))
        .route("/__sandbox/limits", post(limit))
        .route("/__sandbox/requests", get(requests).delete(forget))
        .route("/__sandbox/state", get(state))
        .route("/__sandbox/reset", post(reset))
}

async fn list(State(api): State<Arc<Api>>) -> Json<Vec<Fault>> {
    Json(api.faults.list())
}

async fn add(State(api): State<Arc<Api>>, Body(fault): Body<Fault>) -> Json<Fault> {
    Json(api.faults.add(fault, &api.store))
}

async fn clear(State(api): State<Arc<Api>>) -> Json<Value> {
    Json(json!({"cleared": api.faults.clear(None)}))
}

async fn clear_one(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Json<Value> {
    Json(json!({"cleared": api.faults.clear(Some(&id))}))
}

async fn limit(State(api): State<Arc<Api>>, Body(limit): Body<Limit>) -> Json<Limit> {
    api.budget.set(limit);
    Json(limit)
}

async fn requests(State(api): State<Arc<Api>>) -> Json<Value> {
    Json(api.requests.show())
}

async fn forget(State(api): State<Arc<Api>>) -> Json<Value> {
    api.requests.clear();
    Json(json!({}))
}

/// The whole state; long values are named by their hash, and of tokens only the hash is known.
async fn state(State(api): State<Arc<Api>>) -> Result<Json<Value>, Failure> {
    let (world, audit) =
        api.store.read(|world| (serde_json::to_value(world), serde_json::to_value(&world.audit)));
    let internal = |error: serde_json::Error| Failure::internal(&error.to_string());
    let mut state = world.map_err(internal)?;
    if let Some(state) = state.as_object_mut() {
        state.insert("audit".to_owned(), audit.map_err(internal)?);
    }
    Ok(Json(state))
}

/// Back to what the command line asked for: no objects, no faults, no counts, the budget whole. The
/// audit log stays: it is only ever added to.
async fn reset(State(api): State<Arc<Api>>) -> Json<Value> {
    api.faults.clear(None);
    api.requests.clear();
    api.budget.set(api.limit);
    api.store.write(|world| {
        let (audited, audit) = (world.audited, std::mem::take(&mut world.audit));
        *world = World::default();
        (world.audited, world.audit) = (audited, audit);
        world.sow(&api.seed);
    });
    api.store.saved().await;
    Json(json!({}))
}
