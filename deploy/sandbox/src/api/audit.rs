//! The audit log: every write, whoever made it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::Api;
use super::call::Call;
use super::envelope::{Answer, Failure, Reply};
use crate::store::AuditEntry;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/accounts/{account}/logs/audit", get(list))
}

fn invalid(message: String) -> Failure {
    Failure::new(400, 1001, message)
}

/// A date or a time; a date is its first moment.
fn time(call: &Call, name: &str) -> Result<Timestamp, Failure> {
    let text = call.query(name).ok_or_else(|| invalid(format!("{name} is required")))?;
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    text.parse::<Date>()
        .and_then(|date| date.to_zoned(TimeZone::UTC))
        .map(|zoned| zoned.timestamp())
        .map_err(|_| invalid(format!("{name} is neither a date nor a time: {text}")))
}

/// What may be asked; other filters are refused, since to leave one out would be to answer wrongly.
const KNOWN: &[&str] = &[
    "since",
    "before",
    "limit",
    "direction",
    "cursor",
    "id",
    "actor_token_id",
    "action_type",
    "action_result",
    "resource_id",
    "resource_type",
    "raw_method",
    "zone_id",
];

async fn list(call: Call, Path(account): Path<String>) -> Answer {
    if let Some(filter) = call.query.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Failure::unsupported(&format!("the filter `{filter}`")));
    }
    let (since, before) = (time(&call, "since")?, time(&call, "before")?);
    let limit = match call.query("limit") {
        None => 100,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|limit| (1..=1_000).contains(limit))
            .ok_or_else(|| invalid("limit must be from 1 to 1000".to_owned()))?,
    };
    let oldest_first = call.query("direction") == Some("asc");
    let cursor = call.query("cursor").filter(|cursor| !cursor.is_empty());
    let asked = |entry: &&AuditEntry| {
        let is = |name: &str, value: &str| call.query(name).is_none_or(|wanted| value == wanted);
        entry.account.id == account
            && (since..before).contains(&entry.action.time)
            && is("id", &entry.id)
            && is("actor_token_id", &entry.actor.token_id)
            && is("action_type", &entry.action.kind)
            && is("action_result", &entry.action.result)
            && is("resource_id", &entry.resource.id)
            && is("resource_type", entry.resource.kind.as_deref().unwrap_or_default())
            && is("raw_method", &entry.raw.method)
            && is("zone_id", entry.zone.as_ref().map_or("", |zone| zone.id.as_str()))
            // Ids grow with time, so that one is a cursor.
            && cursor.is_none_or(|cursor| if oldest_first {
                entry.id.as_str() > cursor
            } else {
                entry.id.as_str() < cursor
            })
    };
    call.account(&account, |_| Ok(()))?;
    call.store.read(|world| {
        let mut found: Vec<&AuditEntry> = world.audit.iter().filter(asked).collect();
        if !oldest_first {
            found.reverse();
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let cursor = if more { found.last().map(|entry| entry.id.as_str()) } else { None };
        let cursor = cursor.unwrap_or_default();
        // The documentation has `cursor`; the official SDKs follow `cursors.after`.
        let info = json!({"count": found.len(), "cursor": cursor, "cursors": {"after": cursor}});
        Reply::page(json!(found), info)
    })
}
