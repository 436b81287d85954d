//! Zones. They are seeded on the command line and cannot be made or removed here.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::Value;

use super::Api;
use super::access::{self, Permission, Place};
use super::call::{Bounds, Call, account_of, zone_of};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{World, Zone};

pub(super) fn routes() -> Router<Arc<Api>> {
    let refused =
        async || Failure::unsupported("making or changing zones; they are given at start");
    Router::new()
        .route("/zones", get(list).post(refused))
        .route("/zones/{zone}", get(one).patch(refused).delete(refused))
}

fn show(world: &World, zone: &Zone) -> Value {
    zone.show(account_of(world, &zone.account).map_or("", |account| account.name.as_str()))
}

async fn list(call: Call) -> Answer {
    let zones = call.store.read(|world| {
        let sees = |zone: &&Zone| {
            let place = Place::Zone(zone.id.clone());
            let needed = Permission { area: "Zone", write: false, place };
            access::allowed(world, &call.actor, &needed)
        };
        let asked = |zone: &&Zone| {
            call.query("name").is_none_or(|name| zone.name == name.to_ascii_lowercase())
                && call.query("status").is_none_or(|status| status == "active")
                && call.query("account.id").is_none_or(|account| zone.account == account)
        };
        let mut zones: Vec<&Zone> = world.zones.values().filter(sees).filter(asked).collect();
        zones.sort_by(|a, b| a.name.cmp(&b.name));
        zones.into_iter().map(|zone| show(world, zone)).collect()
    });
    call.page(zones, Bounds { least: 5, default: 20, most: 50 })
}

async fn one(call: Call, Path(zone): Path<String>) -> Answer {
    call.store.read(|world| Reply::of(show(world, zone_of(world, &zone)?)))
}
