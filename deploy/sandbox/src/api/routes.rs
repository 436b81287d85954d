//! Worker routes: which script answers which URLs of a zone.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use super::Api;
use super::call::{Body, Call};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{Route, Zone, new_id};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/zones/{zone}/workers/routes", get(list).post(create))
        .route("/zones/{zone}/workers/routes/{route}", get(one).put(replace).delete(remove))
}

#[derive(Deserialize)]
struct Sent {
    pattern: String,
    script: Option<String>,
}

fn missing() -> Failure {
    Failure::new(404, 10_009, "workers.api.error.route_not_found")
}

/// The host of a pattern, with its stars.
pub(super) fn host_of(pattern: &str) -> &str {
    let rest = pattern.split_once("://").map_or(pattern, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// Puts a route into its zone if the pattern is one and is nobody else's.
pub(super) fn keep(
    zone: &mut Zone,
    id: String,
    pattern: &str,
    script: Option<String>,
) -> Result<Route, Failure> {
    check(zone, pattern)?;
    if zone.routes.values().any(|other| other.pattern == pattern && other.id != id) {
        return Err(Failure::new(409, 10_020, "workers.api.error.duplicate_route"));
    }
    let route = Route { id, pattern: pattern.to_owned(), script };
    zone.routes.insert(route.id.clone(), route.clone());
    Ok(route)
}

/// `*` may begin the host and end the path, nowhere else.
fn check(zone: &Zone, pattern: &str) -> Result<(), Failure> {
    let bad = |why: &str| {
        Err(Failure::new(400, 10_022, format!("Invalid route pattern {pattern}: {why}")))
    };
    if let Some((scheme, _)) = pattern.split_once("://")
        && scheme != "http"
        && scheme != "https"
    {
        return bad("the scheme is http or https, or left out");
    }
    let host = host_of(pattern);
    let bare = host.strip_prefix("*.").or_else(|| host.strip_prefix('*')).unwrap_or(host);
    if bare.contains('*') || !zone.covers(bare) {
        return bad("its host must be in this zone, with a star at most at its beginning");
    }
    if pattern.contains('?') {
        return bad("it cannot have a query");
    }
    let path = pattern.split_once(host).map_or("", |(_, path)| path);
    if path.strip_suffix('*').unwrap_or(path).contains('*') {
        return bad("its path may have a star at its end only");
    }
    Ok(())
}

/// A route may only lead to a script that is there.
fn exists(call: &Call, zone: &str, script: Option<&str>) -> Result<(), Failure> {
    let Some(script) = script else { return Ok(()) };
    let account = call.zone(zone, |zone| Ok(zone.account.clone()))?;
    call.account(&account, |account| {
        if account.scripts.contains_key(script) {
            Ok(())
        } else {
            Err(Failure::new(400, 10_007, "workers.api.error.script_not_found"))
        }
    })
}

async fn list(call: Call, Path(zone): Path<String>) -> Answer {
    call.zone(&zone, |zone| Reply::of(zone.routes.values().collect::<Vec<_>>()))
}

async fn one(call: Call, Path((zone, route)): Path<(String, String)>) -> Answer {
    call.zone(&zone, |zone| Reply::of(zone.routes.get(&route).ok_or_else(missing)?))
}

async fn create(call: Call, Path(zone): Path<String>, Body(sent): Body<Sent>) -> Answer {
    let script = sent.script.filter(|script| !script.is_empty());
    exists(&call, &zone, script.as_deref())?;
    call.change_zone(&zone, |zone| Reply::of(keep(zone, new_id(), &sent.pattern, script)?))
}

async fn replace(
    call: Call,
    Path((zone, route)): Path<(String, String)>,
    Body(sent): Body<Sent>,
) -> Answer {
    let script = sent.script.filter(|script| !script.is_empty());
    exists(&call, &zone, script.as_deref())?;
    call.change_zone(&zone, |zone| {
        zone.routes.get(&route).ok_or_else(missing)?;
        Reply::of(keep(zone, route, &sent.pattern, script)?)
    })
}

async fn remove(call: Call, Path((zone, route)): Path<(String, String)>) -> Answer {
    call.change_zone(&zone, |zone| {
        zone.routes.remove(&route).ok_or_else(missing)?;
        Reply::of(json!({"id": route}))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_held_against_the_zone() {
        let zone = Zone::new("example.com", "a");
        for good in [
            "example.com/*",
            "api.example.com/v1/*",
            "*.example.com/*",
            "*example.com/",
            "https://api.example.com/exact",
        ] {
            assert!(check(&zone, good).is_ok(), "{good}");
        }
        for bad in [
            "example.org/*",
            "notexample.com/*",
            "a.*.example.com/",
            "example.com/a*b",
            "ftp://example.com/*",
            "example.com/?q=*",
        ] {
            assert!(check(&zone, bad).is_err(), "{bad}");
        }
    }
}
