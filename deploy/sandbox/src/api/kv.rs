//! KV namespaces: making and naming them. Their values are in `kv_values`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::call::{Body, Bounds, Call};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{Account, Namespace, new_id};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/accounts/{account}/storage/kv/namespaces", get(list).post(create)).route(
        "/accounts/{account}/storage/kv/namespaces/{namespace}",
        get(one).put(rename).delete(remove),
    )
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    title: String,
}

/// A namespace that is not there.
pub(super) fn missing() -> Failure {
    Failure::new(404, 10_013, "get namespace: 'namespace not found'")
}

fn show(namespace: &Namespace) -> Value {
    json!({"id": namespace.id, "title": namespace.title, "supports_url_encoding": true})
}

/// A title that nobody else in the account has.
fn check(account: &Account, title: &str, own: Option<&str>) -> Result<(), Failure> {
    if title.trim().is_empty() || title.chars().count() > 512 {
        return Err(Failure::new(400, 10_019, "a namespace's title has 1 to 512 characters"));
    }
    let taken = account
        .namespaces
        .values()
        .any(|other| other.title == title && Some(other.id.as_str()) != own);
    if taken {
        let message =
            "create namespace: 'a namespace with this account ID and title already exists'";
        return Err(Failure::new(400, 10_014, message));
    }
    Ok(())
}

async fn list(call: Call, Path(account): Path<String>) -> Answer {
    let mut namespaces = call.account(&account, |account| {
        let mut all: Vec<&Namespace> = account.namespaces.values().collect();
        if call.query("order") == Some("title") {
            all.sort_by(|a, b| a.title.cmp(&b.title));
        }
        Ok(all.into_iter().map(show).collect::<Vec<_>>())
    })?;
    if call.query("direction") == Some("desc") {
        namespaces.reverse();
    }
    call.page(namespaces, Bounds { least: 1, default: 20, most: 1_000 })
}

async fn one(call: Call, Path((account, namespace)): Path<(String, String)>) -> Answer {
    call.account(&account, |account| {
        Reply::of(show(account.namespaces.get(&namespace).ok_or_else(missing)?))
    })
}

async fn create(call: Call, Path(account): Path<String>, Body(sent): Body<Sent>) -> Answer {
    call.change_account(&account, |account| {
        check(account, &sent.title, None)?;
        let namespace = Namespace {
            id: new_id(),
            title: sent.title,
            values: std::collections::BTreeMap::new(),
        };
        let shown = show(&namespace);
        account.namespaces.insert(namespace.id.clone(), namespace);
        Reply::of(shown)
    })
}

async fn rename(
    call: Call,
    Path((account, id)): Path<(String, String)>,
    Body(sent): Body<Sent>,
) -> Answer {
    call.change_account(&account, |account| {
        check(account, &sent.title, Some(&id))?;
        let namespace = account.namespaces.get_mut(&id).ok_or_else(missing)?;
        namespace.title = sent.title;
        Reply::of(show(namespace))
    })
}

async fn remove(call: Call, Path((account, id)): Path<(String, String)>) -> Answer {
    call.change_account(&account, |account| {
        account.namespaces.remove(&id).ok_or_else(missing)?;
        Reply::of(Value::Null)
    })
}
