//! What hangs on a script: secrets, cron triggers, its address below `workers.dev`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::{delete, get};
use serde_json::{Value, json};

use super::super::Api;
use super::super::call::{Call, typed};
use super::super::envelope::{Answer, Failure, Reply};
use super::{Json, found, found_mut, shown_bindings};
use crate::store::{Account, Binding, Script, now};

const SCRIPT: &str = "/accounts/{account}/workers/scripts/{script}";

pub(super) fn routes() -> Router<Arc<Api>> {
    let of = |part: &str| format!("{SCRIPT}/{part}");
    Router::new()
        .route(&of("secrets"), get(secrets).put(put_secret))
        .route(&of("secrets/{secret}"), delete(remove_secret))
        .route(&of("schedules"), get(schedules).put(put_schedules))
        .route(&of("subdomain"), get(subdomain).post(put_subdomain).delete(no_subdomain))
        .route("/accounts/{account}/workers/subdomain", get(account_subdomain).put(name_account))
}

type At = Path<(String, String)>;

/// Looks at one script.
fn look(call: &Call, at: &At, look: impl FnOnce(&Script) -> Answer) -> Answer {
    let Path((account, script)) = at;
    call.account(account, |account| look(found(account, script)?))
}

/// Changes one script.
fn change(call: &Call, at: &At, change: impl FnOnce(&mut Script) -> Answer) -> Answer {
    let Path((account, script)) = at;
    call.change_account(account, |account| change(found_mut(account, script)?))
}

async fn secrets(call: Call, at: At) -> Answer {
    look(&call, &at, |script| {
        let secret = |binding: &Value| binding.get("type") == Some(&json!("secret_text"));
        Reply::of(shown_bindings(&script.bindings).into_iter().filter(secret).collect::<Vec<_>>())
    })
}

async fn put_secret(call: Call, at: At, body: Json) -> Answer {
    let mut sent = body.0;
    if let Some(sent) = sent.as_object_mut() {
        sent.entry("type").or_insert(json!("secret_text"));
    }
    let secret: Binding = typed(sent)?;
    if !matches!(secret, Binding::SecretText { .. }) {
        return Err(Failure::new(400, 10_021, "a secret is of type secret_text"));
    }
    change(&call, &at, |script| {
        let shown = json!({"name": secret.name(), "type": "secret_text"});
        script.bindings.retain(|binding| binding.name() != secret.name());
        script.bindings.push(secret);
        script.modified_on = now();
        Reply::of(shown)
    })
}

async fn remove_secret(
    call: Call,
    Path((account, script, secret)): Path<(String, String, String)>,
) -> Answer {
    change(&call, &Path((account, script)), |script| {
        let before = script.bindings.len();
        script.bindings.retain(
            |binding| !matches!(binding, Binding::SecretText { name, .. } if *name == secret),
        );
        if script.bindings.len() == before {
            return Err(Failure::new(404, 10_056, format!("secret {secret} not found")));
        }
        script.modified_on = now();
        Reply::of(Value::Null)
    })
}

async fn schedules(call: Call, at: At) -> Answer {
    look(&call, &at, |_| Reply::of(json!({"schedules": []})))
}

async fn put_schedules(call: Call, at: At, body: Json) -> Answer {
    if body.0.as_array().is_none_or(|list| !list.is_empty()) {
        return Err(Failure::unsupported("cron triggers"));
    }
    look(&call, &at, |_| Reply::of(json!({"schedules": []})))
}

fn shown_subdomain(script: &Script) -> Value {
    json!({"enabled": script.subdomain_enabled, "previews_enabled": script.previews_enabled})
}

async fn subdomain(call: Call, at: At) -> Answer {
    look(&call, &at, |script| Reply::of(shown_subdomain(script)))
}

async fn put_subdomain(call: Call, at: At, body: Json) -> Answer {
    let flag = |name: &str| body.0.get(name).and_then(Value::as_bool);
    let enabled = flag("enabled")
        .ok_or_else(|| Failure::new(400, 10_021, "enabled must be true or false"))?;
    let previews = flag("previews_enabled").unwrap_or(enabled);
    change(&call, &at, |script| {
        script.subdomain_enabled = enabled;
        script.previews_enabled = previews;
        Reply::of(shown_subdomain(script))
    })
}

async fn no_subdomain(call: Call, at: At) -> Answer {
    change(&call, &at, |script| {
        script.subdomain_enabled = false;
        script.previews_enabled = false;
        Reply::of(shown_subdomain(script))
    })
}

fn shown_name(account: &Account) -> Answer {
    match &account.subdomain {
        Some(name) => Reply::of(json!({"subdomain": name})),
        None => Err(Failure::new(404, 10_007, "This account has no workers.dev subdomain.")),
    }
}

async fn account_subdomain(call: Call, Path(account): Path<String>) -> Answer {
    call.account(&account, shown_name)
}

async fn name_account(call: Call, Path(account): Path<String>, body: Json) -> Answer {
    let name = body.0.get("subdomain").and_then(Value::as_str).map(ToOwned::to_owned);
    let name = name.ok_or_else(|| Failure::new(400, 10_035, "subdomain is required"))?;
    call.change_account(&account, |account| {
        account.subdomain = Some(name);
        shown_name(account)
    })
}
