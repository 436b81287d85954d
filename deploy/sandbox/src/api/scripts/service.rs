//! Scripts as wrangler sees them: services, hosts bound to a script, a script's routes in one go.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, Multipart, Path, Request};
use axum::http::header;
use axum::routing::{get, put};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Api;
use super::super::call::{Body, Call, typed};
use super::super::envelope::{Answer, Failure, Reply};
use super::super::routes as zone_routes;
use super::upload::Metadata;
use super::{found, summary};
use crate::store::{Script, WorkerDomain, new_id};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/accounts/{account}/workers/services/{script}", get(service).delete(super::remove))
        .route(
            "/accounts/{account}/workers/services/{script}/environments/{environment}",
            get(environment),
        )
        .route("/accounts/{account}/workers/scripts/{script}/routes", put(set_routes))
        .route("/accounts/{account}/workers/domains", get(domains).put(attach))
        .route("/accounts/{account}/workers/domains/{domain}", get(domain).delete(detach))
}

/// Settings come as JSON, or as multipart with one part `settings`.
pub(super) async fn settings_of(request: Request) -> Result<Metadata, Failure> {
    let multipart = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if !multipart {
        let Body(metadata) = Body::from_request(request, &()).await?;
        return Ok(metadata);
    }
    let bad = |error: &dyn std::fmt::Display| {
        Failure::new(400, 10_001, format!("The settings are not valid: {error}"))
    };
    let mut parts = Multipart::from_request(request, &()).await.map_err(|e| bad(&e))?;
    while let Some(part) = parts.next_field().await.map_err(|e| bad(&e))? {
        if part.name() == Some("settings") {
            let bytes = part.bytes().await.map_err(|e| bad(&e))?;
            return typed(serde_json::from_slice(&bytes).map_err(|e| bad(&e))?);
        }
    }
    Err(Failure::new(400, 10_001, "there is no part `settings`"))
}

fn shown_environment(script: &Script) -> Value {
    json!({
        "environment": "production",
        "created_on": script.created_on,
        "modified_on": script.modified_on,
        "script": summary(script),
    })
}

async fn service(call: Call, Path((account, name)): Path<(String, String)>) -> Answer {
    call.account(&account, |account| {
        let script = account.scripts.get(&name).ok_or_else(|| {
            Failure::new(404, 10_090, "This Worker does not exist on your account.")
        })?;
        Reply::of(json!({
            "id": script.name,
            "default_environment": shown_environment(script),
            "created_on": script.created_on,
            "modified_on": script.modified_on,
            "environments": [shown_environment(script)],
        }))
    })
}

async fn environment(
    call: Call,
    Path((account, name, environment)): Path<(String, String, String)>,
) -> Answer {
    call.account(&account, |account| {
        let script = found(account, &name)?;
        if environment != "production" {
            return Err(Failure::new(404, 10_092, "This environment does not exist."));
        }
        Reply::of(shown_environment(script))
    })
}

#[derive(Deserialize)]
struct SentRoute {
    pattern: String,
    zone_id: Option<String>,
    zone_name: Option<String>,
}

/// The routes of a script become exactly these.
async fn set_routes(
    call: Call,
    Path((account, name)): Path<(String, String)>,
    Body(sent): Body<Vec<SentRoute>>,
) -> Answer {
    call.account(&account, |account| found(account, &name).map(|_| ()))?;
    call.store.write(|world| {
        let before = world.zones.clone();
        for zone in world.zones.values_mut().filter(|zone| zone.account == account) {
            zone.routes.retain(|_, route| route.script.as_ref() != Some(&name));
        }
        let mut shown = Vec::new();
        for route in sent {
            let host = zone_routes::host_of(&route.pattern).to_owned();
            let zone = world.zones.values_mut().filter(|zone| zone.account == account).find(
                |zone| match (&route.zone_id, &route.zone_name) {
                    (Some(id), _) => zone.id == *id,
                    (None, Some(wanted)) => zone.name == *wanted,
                    (None, None) => zone.covers(host.trim_start_matches(['*', '.'])),
                },
            );
            let kept = match zone {
                Some(zone) => zone_routes::keep(zone, new_id(), &route.pattern, Some(name.clone())),
                None => Err(Failure::new(
                    400,
                    10_022,
                    format!("no zone of this account covers the pattern {}", route.pattern),
                )),
            };
            match kept {
                Ok(route) => shown.push(route),
                Err(failure) => {
                    world.zones = before;
                    return Err(failure);
                }
            }
        }
        Reply::of(shown)
    })
}

#[derive(Deserialize)]
struct SentDomain {
    hostname: String,
    service: String,
    zone_id: Option<String>,
    zone_name: Option<String>,
}

async fn domains(call: Call, Path(account): Path<String>) -> Answer {
    call.account(&account, |account| {
        let asked = |domain: &&WorkerDomain| {
            call.query("hostname").is_none_or(|hostname| domain.hostname == hostname)
                && call.query("service").is_none_or(|service| domain.service == service)
                && call.query("zone_id").is_none_or(|zone| domain.zone_id == zone)
        };
        Reply::of(account.domains.values().filter(asked).collect::<Vec<_>>())
    })
}

async fn attach(call: Call, Path(account): Path<String>, Body(sent): Body<SentDomain>) -> Answer {
    let hostname = sent.hostname.trim_end_matches('.').to_ascii_lowercase();
    let zone = call.store.read(|world| {
        let zone = world.zones.values().filter(|zone| zone.account == account).find(|zone| {
            zone.covers(&hostname)
                && sent.zone_id.as_ref().is_none_or(|id| zone.id == *id)
                && sent.zone_name.as_ref().is_none_or(|name| zone.name == *name)
        });
        zone.map(|zone| (zone.id.clone(), zone.name.clone()))
    });
    let (zone_id, zone_name) = zone.ok_or_else(|| {
        Failure::new(400, 10_082, format!("no zone of this account covers {hostname}"))
    })?;
    call.change_account(&account, |account| {
        found(account, &sent.service)?;
        let old = account.domains.values().find(|domain| domain.hostname == hostname);
        let domain = WorkerDomain {
            id: old.map_or_else(new_id, |old| old.id.clone()),
            hostname,
            service: sent.service,
            environment: "production".to_owned(),
            zone_id,
            zone_name,
        };
        account.domains.insert(domain.id.clone(), domain.clone());
        Reply::of(domain)
    })
}

fn no_domain() -> Failure {
    Failure::new(404, 10_009, "This domain does not exist.")
}

async fn domain(call: Call, Path((account, domain)): Path<(String, String)>) -> Answer {
    call.account(&account, |account| Reply::of(account.domains.get(&domain).ok_or_else(no_domain)?))
}

async fn detach(call: Call, Path((account, domain)): Path<(String, String)>) -> Answer {
    call.change_account(&account, |account| {
        account.domains.remove(&domain).ok_or_else(no_domain)?;
        Reply::of(json!({"id": domain}))
    })
}
