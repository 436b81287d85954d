//! Gateway lists and their items.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Api;
use super::super::call::{Body, Bounds, Call};
use super::super::envelope::{Answer, Failure, Reply};
use crate::store::{Account, GatewayList, GatewayListItem, now};

/// Of one list.
const MOST_ITEMS: usize = 5_000;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/accounts/{account}/gateway/lists", get(list).post(create))
        .route(
            "/accounts/{account}/gateway/lists/{list}",
            get(one).put(replace).patch(edit).delete(remove),
        )
        .route("/accounts/{account}/gateway/lists/{list}/items", get(items))
}

#[derive(Deserialize)]
struct Sent {
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    items: Option<Vec<SentItem>>,
}

#[derive(Deserialize)]
struct SentItem {
    value: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Patch {
    #[serde(default)]
    append: Vec<SentItem>,
    #[serde(default)]
    remove: Vec<String>,
}

fn missing() -> Failure {
    Failure::new(404, 2003, "list not found")
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(400, 2012, message)
}

/// Without its items, which have a listing of their own.
fn show(list: &GatewayList) -> Value {
    json!({
        "id": list.id,
        "name": list.name,
        "description": list.description,
        "type": list.kind,
        "count": list.items.len(),
        "created_at": list.created_at,
        "updated_at": list.updated_at,
    })
}

/// An item's value as the list's type keeps it.
fn value_of(kind: &str, value: &str) -> Result<String, Failure> {
    let value = value.trim();
    let bad = || invalid(format!("'{value}' is not a valid item of a list of type {kind}"));
    match kind {
        "DOMAIN" => {
            let name = value.trim_end_matches('.').to_ascii_lowercase();
            let label = |label: &str| {
                !label.is_empty()
                    && label.len() <= 63
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            if name.len() <= 253 && name.split('.').all(label) { Ok(name) } else { Err(bad()) }
        }
        "IP" => {
            let (address, bits) = value.split_once('/').unwrap_or((value, "0"));
            let address = address.parse::<std::net::IpAddr>().map_err(|_| bad())?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            bits.parse::<u8>().ok().filter(|bits| *bits <= most).ok_or_else(bad)?;
            Ok(value.to_ascii_lowercase())
        }
        "URL" => url::Url::parse(value).map(|url| url.to_string()).map_err(|_| bad()),
        "EMAIL" if value.contains('@') => Ok(value.to_ascii_lowercase()),
        "SERIAL" if !value.is_empty() => Ok(value.to_owned()),
        _ => Err(bad()),
    }
}

/// Adds items that are not there yet. Cloudflare does not keep the order; here the newest is first.
fn add(list: &mut GatewayList, sent: Vec<SentItem>) -> Result<(), Failure> {
    for item in sent {
        let value = value_of(&list.kind, &item.value)?;
        if !list.items.iter().any(|item| item.value == value) {
            let description = item.description.filter(|text| !text.is_empty());
            list.items.insert(0, GatewayListItem { value, description, created_at: now() });
        }
    }
    if list.items.len() > MOST_ITEMS {
        return Err(invalid(format!("a list has at most {MOST_ITEMS} items")));
    }
    list.updated_at = now();
    Ok(())
}

fn check_name(account: &Account, name: &str, own: &str) -> Result<(), Failure> {
    if name.trim().is_empty() || name.chars().count() > 256 {
        return Err(invalid("a list's name has 1 to 256 characters"));
    }
    if account.gateway_lists.values().any(|other| other.name == name && other.id != own) {
        return Err(Failure::new(409, 2009, format!("a list named '{name}' exists already")));
    }
    Ok(())
}

/// Changes a copy of a list, and keeps it if all is well.
fn change(
    call: &Call,
    account: &str,
    id: &str,
    change: impl FnOnce(&Account, &mut GatewayList) -> Result<(), Failure>,
) -> Answer {
    call.change_account(account, |account| {
        let mut list = account.gateway_lists.get(id).ok_or_else(missing)?.clone();
        change(account, &mut list)?;
        let shown = show(&list);
        account.gateway_lists.insert(list.id.clone(), list);
        Reply::of(shown)
    })
}

async fn list(call: Call, Path(account): Path<String>) -> Answer {
    let lists = call.account(&account, |account| {
        let asked = |list: &&GatewayList| {
            call.query("type").is_none_or(|kind| list.kind.eq_ignore_ascii_case(kind))
        };
        Ok(account.gateway_lists.values().filter(asked).map(show).collect())
    })?;
    call.page(lists, Bounds { least: 1, default: 1_000, most: 1_000 })
}

async fn one(call: Call, Path((account, list)): Path<(String, String)>) -> Answer {
    call.account(&account, |account| {
        Reply::of(show(account.gateway_lists.get(&list).ok_or_else(missing)?))
    })
}

async fn create(call: Call, Path(account): Path<String>, Body(sent): Body<Sent>) -> Answer {
    call.change_account(&account, |account| {
        let name = sent.name.unwrap_or_default();
        check_name(account, &name, "")?;
        let kind = sent.kind.unwrap_or_default();
        if !["DOMAIN", "URL", "IP", "EMAIL", "SERIAL"].contains(&kind.as_str()) {
            return Err(invalid(format!("'{kind}' is not a valid type of list")));
        }
        let mut list = GatewayList {
            id: uuid::Uuid::new_v4().to_string(),
            name,
            description: sent.description.unwrap_or_default(),
            kind,
            items: Vec::new(),
            created_at: now(),
            updated_at: now(),
        };
        add(&mut list, sent.items.unwrap_or_default())?;
        let mut shown = show(&list);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("items".to_owned(), json!(list.items));
        }
        account.gateway_lists.insert(list.id.clone(), list);
        Reply::of(shown)
    })
}

/// A new name, description, and where sent, items.
async fn replace(
    call: Call,
    Path((account, list)): Path<(String, String)>,
    Body(sent): Body<Sent>,
) -> Answer {
    change(&call, &account, &list, |account, list| {
        let name = sent.name.unwrap_or_default();
        check_name(account, &name, &list.id)?;
        if sent.kind.is_some_and(|kind| kind != list.kind) {
            return Err(invalid("the type of a list cannot change"));
        }
        list.name = name;
        list.description = sent.description.unwrap_or_default();
        if let Some(items) = sent.items {
            list.items.clear();
            add(list, items)?;
        }
        list.updated_at = now();
        Ok(())
    })
}

async fn edit(
    call: Call,
    Path((account, list)): Path<(String, String)>,
    Body(patch): Body<Patch>,
) -> Answer {
    change(&call, &account, &list, |_, list| {
        for value in &patch.remove {
            let value = value_of(&list.kind, value)?;
            list.items.retain(|item| item.value != value);
        }
        add(list, patch.append)
    })
}

/// A list that a rule names stays.
async fn remove(call: Call, Path((account, id)): Path<(String, String)>) -> Answer {
    call.change_account(&account, |account| {
        account.gateway_lists.get(&id).ok_or_else(missing)?;
        let short = id.replace('-', "");
        let user = account.gateway_rules.values().find(|rule| {
            [&rule.traffic, &rule.identity, &rule.device_posture]
                .iter()
                .any(|text| text.contains(&id) || text.contains(&short))
        });
        if let Some(rule) = user {
            let message = format!("the list is used by the rule '{}'", rule.name);
            return Err(Failure::new(400, 2011, message));
        }
        account.gateway_lists.remove(&id);
        Reply::of(json!({}))
    })
}

async fn items(call: Call, Path((account, list)): Path<(String, String)>) -> Answer {
    let items = call.account(&account, |account| {
        let list = account.gateway_lists.get(&list).ok_or_else(missing)?;
        Ok(list.items.iter().map(|item| json!(item)).collect())
    })?;
    call.page(items, Bounds { least: 1, default: 50, most: 1_000 })
}
