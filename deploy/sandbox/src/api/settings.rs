//! Zone settings.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::call::{Body, Call};
use super::envelope::{Answer, Failure, Reply};
use crate::store::settings::{ALL, accept, default_of};
use crate::store::{Setting, Zone, now};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/zones/{zone}/settings", get(list).patch(edit_many))
        .route("/zones/{zone}/settings/{setting}", get(one).patch(edit))
}

#[derive(Deserialize)]
struct Edit {
    value: Value,
}

#[derive(Deserialize)]
struct Edits {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    value: Value,
}

fn show(zone: &Zone, id: &str) -> Result<Value, Failure> {
    let changed = zone.settings.get(id);
    let value = changed
        .map(|setting| setting.value.clone())
        .or_else(|| default_of(id))
        .ok_or_else(|| Failure::new(400, 1006, format!("Undefined zone setting: {id}")))?;
    let modified_on = changed.map(|setting| setting.modified_on);
    Ok(json!({"id": id, "value": value, "modified_on": modified_on, "editable": true}))
}

fn set(zone: &mut Zone, id: &str, value: &Value) -> Result<Value, Failure> {
    if default_of(id).is_none() {
        return show(zone, id);
    }
    let value = accept(id, value).map_err(|reason| Failure::new(400, 1007, reason))?;
    zone.settings.insert(id.to_owned(), Setting { value, modified_on: now() });
    show(zone, id)
}

async fn list(call: Call, Path(zone): Path<String>) -> Answer {
    call.zone(&zone, |zone| {
        let each: Result<Vec<Value>, Failure> =
            ALL.iter().map(|(id, _, _)| show(zone, id)).collect();
        Reply::of(each?)
    })
}

async fn one(call: Call, Path((zone, setting)): Path<(String, String)>) -> Answer {
    call.zone(&zone, |zone| Reply::of(show(zone, &setting)?))
}

async fn edit(
    call: Call,
    Path((zone, setting)): Path<(String, String)>,
    Body(edit): Body<Edit>,
) -> Answer {
    call.change_zone(&zone, |zone| Reply::of(set(zone, &setting, &edit.value)?))
}

/// All or none.
async fn edit_many(call: Call, Path(zone): Path<String>, Body(edits): Body<Edits>) -> Answer {
    call.change_zone(&zone, |zone| {
        let before = zone.settings.clone();
        let shown: Result<Vec<Value>, Failure> =
            edits.items.iter().map(|item| set(zone, &item.id, &item.value)).collect();
        match shown {
            Ok(shown) => Reply::of(shown),
            Err(failure) => {
                zone.settings = before;
                Err(failure)
            }
        }
    })
}
