//! Accounts, and the user behind a token.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::{Value, json};

use super::Api;
use super::access::{self, Permission, Place};
use super::call::{Bounds, Call};
use super::envelope::{Answer, Reply};
use crate::store::{Account, stable_id};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/accounts", get(list))
        .route("/accounts/{account}", get(one))
        .route("/memberships", get(memberships))
        .route("/user", get(user))
}

fn show(account: &Account) -> Value {
    json!({
        "id": account.id,
        "name": account.name,
        "type": "standard",
        "settings": {"enforce_twofactor": false},
        "created_on": account.created_on,
    })
}

/// The accounts a token has anything to do with.
fn visible(call: &Call) -> Vec<Value> {
    call.store.read(|world| {
        let sees = |account: &&Account| {
            let place = Place::Account(account.id.clone());
            let needed = Permission { area: "Account Settings", write: false, place };
            access::allowed(world, &call.actor, &needed)
        };
        world.accounts.values().filter(sees).map(show).collect()
    })
}

async fn list(call: Call) -> Answer {
    let mut accounts = visible(&call);
    if let Some(name) = call.query("name") {
        accounts.retain(|account| account.get("name").and_then(Value::as_str) == Some(name));
    }
    call.page(accounts, Bounds { least: 5, default: 20, most: 50 })
}

async fn one(call: Call, Path(account): Path<String>) -> Answer {
    call.account(&account, |account| Reply::of(show(account)))
}

async fn memberships(call: Call) -> Answer {
    let each = visible(&call)
        .into_iter()
        .map(|account| {
            json!({
                "id": stable_id(&account.to_string()), "status": "accepted", "account": account,
                "roles": ["Administrator"], "permissions": {},
            })
        })
        .collect();
    call.page(each, Bounds { least: 5, default: 20, most: 50 })
}

async fn user(_: Call) -> Answer {
    Reply::of(json!({
        "id": stable_id("user"), "email": "sandbox@example.com", "first_name": null,
        "last_name": null, "username": "sandbox", "telephone": null, "country": null,
        "zipcode": null, "two_factor_authentication_enabled": false, "suspended": false,
    }))
}
