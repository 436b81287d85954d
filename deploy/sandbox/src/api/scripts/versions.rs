//! Versions of a script and their deployments: what was uploaded, and which of it serves.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::Api;
use super::super::call::{Body, Call};
use super::super::envelope::{Answer, Failure, Reply};
use super::upload::{Upload, held, source_of};
use super::{found, found_mut, shown_bindings};
use crate::store::{Deployment, Script, Version, now};
use crate::workers::{self, Code};

pub(super) fn routes() -> Router<Arc<Api>> {
    let of = |part: &str| format!("/accounts/{{account}}/workers/scripts/{{script}}/{part}");
    Router::new()
        .route(&of("versions"), get(list).post(upload))
        .route(&of("versions/{version}"), get(one))
        .route(&of("deployments"), get(deployments).post(deploy))
}

type At = Path<(String, String)>;

fn missing() -> Failure {
    Failure::new(404, 10_007, "This version does not exist.")
}

/// What was said about it, and what brought it about.
fn annotated(annotations: &Map<String, Value>, trigger: &str) -> Value {
    let mut all = annotations.clone();
    all.retain(|_, value| !value.is_null());
    all.entry("workers/triggered_by").or_insert_with(|| json!(trigger));
    Value::Object(all)
}

/// A version as a listing shows it.
fn summary(version: &Version) -> Map<String, Value> {
    let metadata = json!({
        "created_on": version.created_on, "modified_on": version.created_on,
        "source": version.source, "author_email": "sandbox@example.com", "has_preview": false,
    });
    Map::from_iter([
        ("id".to_owned(), json!(version.id)),
        ("number".to_owned(), json!(version.number)),
        ("metadata".to_owned(), metadata),
        ("annotations".to_owned(), annotated(&version.annotations, "upload")),
    ])
}

/// A version with what is in it.
fn show(version: &Version) -> Map<String, Value> {
    let mut shown = summary(version);
    let resources = json!({
        "bindings": shown_bindings(&version.bindings),
        "script": {
            "etag": version.etag, "handlers": ["fetch"], "last_deployed_from": version.source,
        },
        "script_runtime": {
            "compatibility_date": version.compatibility_date,
            "compatibility_flags": version.compatibility_flags,
            "usage_model": "standard",
        },
    });
    shown.insert("resources".to_owned(), resources);
    shown
}

async fn list(call: Call, Path((account, script)): At) -> Answer {
    call.account(&account, |account| {
        let script = found(account, &script)?;
        Reply::of(json!({"items": script.versions.iter().map(summary).collect::<Vec<_>>()}))
    })
}

async fn one(
    call: Call,
    Path((account, script, version)): Path<(String, String, String)>,
) -> Answer {
    call.account(&account, |account| {
        Reply::of(show(version_of(found(account, &script)?, &version)?))
    })
}

fn version_of<'a>(script: &'a Script, id: &str) -> Result<&'a Version, Failure> {
    script.versions.iter().find(|version| version.id == id).ok_or_else(missing)
}

/// An upload that does not serve until it is deployed.
async fn upload(call: Call, Path((account, name)): At, upload: Upload) -> Answer {
    upload.metadata.offered()?;
    let tried = call.account(&account, |account| {
        let old = found(account, &name)?;
        upload.script(account, &name, Some(old))
    })?;
    workers::check(call.workerd.as_deref(), &Code::from(&tried))
        .await
        .map_err(|reason| Failure::new(400, 10_021, reason))?;
    call.change_account(&account, |account| {
        let version = upload.version(account, &name, Some(found(account, &name)?))?;
        let mut shown = show(&version);
        shown.insert("startup_time_ms".to_owned(), json!(1));
        found_mut(account, &name)?.add(version);
        Reply::of(shown)
    })
}

async fn deployments(call: Call, Path((account, script)): At) -> Answer {
    call.account(&account, |account| {
        let script = found(account, &script)?;
        let each: Vec<Value> = script.deployments.iter().map(show_deployment).collect();
        Reply::of(json!({"deployments": each}))
    })
}

fn show_deployment(deployment: &Deployment) -> Value {
    json!({
        "id": deployment.id,
        "source": deployment.source,
        "strategy": "percentage",
        "author_email": "sandbox@example.com",
        "created_on": deployment.created_on,
        "annotations": annotated(&deployment.annotations, "deployment"),
        "versions": [{"version_id": deployment.version, "percentage": 100}],
    })
}

#[derive(Deserialize)]
struct Sent {
    strategy: String,
    versions: Vec<Share>,
    #[serde(default)]
    annotations: Map<String, Value>,
}

#[derive(Deserialize)]
struct Share {
    version_id: String,
    percentage: f64,
}

/// Lets an uploaded version serve, wholly: the edge does not divide requests among several.
async fn deploy(
    call: Call,
    headers: HeaderMap,
    Path((account, name)): At,
    Body(sent): Body<Sent>,
) -> Answer {
    let total: f64 = sent.versions.iter().map(|share| share.percentage).sum();
    if sent.strategy != "percentage" || (total - 100.0).abs() > 0.01 {
        let message = "the strategy is percentage, and the versions' percentages make 100";
        return Err(Failure::new(400, 10_021, message));
    }
    let [Share { version_id, .. }] = sent.versions.as_slice() else {
        return Err(Failure::unsupported("deployments of several versions at once"));
    };
    call.change_account(&account, |account| {
        let version = version_of(found(account, &name)?, version_id)?.clone();
        for binding in &version.bindings {
            held(binding, account, &name)?;
        }
        let deployment = Deployment {
            id: uuid::Uuid::new_v4().to_string(),
            version: version.id.clone(),
            created_on: now(),
            source: source_of(&headers).to_owned(),
            annotations: sent.annotations,
        };
        let shown = show_deployment(&deployment);
        found_mut(account, &name)?.deploy(&version, deployment);
        Reply::of(shown)
    })
}
