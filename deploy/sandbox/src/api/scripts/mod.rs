//! Worker scripts: upload, content, settings, and what hangs on a script.

mod parts;
mod service;
mod upload;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use self::upload::{Metadata, Upload};
use super::Api;
use super::call::{Body, Call};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{Account, Binding, Script, now};
use crate::workers::{self, Code};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/accounts/{account}/workers/scripts", get(list))
        .route(
            "/accounts/{account}/workers/scripts/{script}",
            get(content).put(upload).delete(remove),
        )
        .route("/accounts/{account}/workers/scripts/{script}/content/v2", get(content))
        .route(
            "/accounts/{account}/workers/scripts/{script}/settings",
            get(settings).patch(edit_settings),
        )
        .route(
            "/accounts/{account}/workers/scripts/{script}/script-settings",
            get(settings).patch(edit_settings),
        )
        .merge(parts::routes())
        .merge(service::routes())
        .merge(versions::routes())
}

/// A script that is not there.
fn missing() -> Failure {
    Failure::new(404, 10_007, "This Worker does not exist on your account.")
}

fn found<'a>(account: &'a Account, name: &str) -> Result<&'a Script, Failure> {
    account.scripts.get(name).ok_or_else(missing)
}

fn found_mut<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut Script, Failure> {
    account.scripts.get_mut(name).ok_or_else(missing)
}

/// Bindings as the API shows them: of a secret only the name.
fn shown_bindings(bindings: &[Binding]) -> Vec<Value> {
    bindings
        .iter()
        .map(|binding| match binding {
            Binding::SecretText { name, .. } => json!({"type": "secret_text", "name": name}),
            Binding::KvNamespace { .. }
            | Binding::R2Bucket { .. }
            | Binding::PlainText { .. }
            | Binding::Json { .. }
            | Binding::Service { .. } => json!(binding),
        })
        .collect()
}

/// A script as a listing shows it.
fn summary(script: &Script) -> Value {
    json!({
        "id": script.name,
        "tag": crate::store::stable_id(&format!("script {}", script.name)),
        "etag": script.etag,
        "handlers": ["fetch"],
        "created_on": script.created_on,
        "modified_on": script.modified_on,
        "compatibility_date": script.compatibility_date,
        "compatibility_flags": script.compatibility_flags,
        "tags": script.tags,
        "usage_model": "standard",
        "logpush": script.other.get("logpush").cloned().unwrap_or(json!(false)),
        "has_assets": false,
        "has_modules": true,
        "last_deployed_from": script.deployments.first().map(|last| &last.source),
        // Older than versions are: what it names today is the version, without hyphens.
        "deployment_id": script.deployments.first().map(|last| last.version.replace('-', "")),
    })
}

fn shown_settings(script: &Script) -> Value {
    let mut shown = json!({
        "bindings": shown_bindings(&script.bindings),
        "compatibility_date": script.compatibility_date,
        "compatibility_flags": script.compatibility_flags,
        "tags": script.tags,
        "usage_model": "standard",
        "logpush": false,
        "tail_consumers": [],
        "observability": null,
        "limits": null,
    });
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(script.other.clone());
    }
    shown
}

async fn list(call: Call, Path(account): Path<String>) -> Answer {
    call.account(&account, |account| {
        Reply::of(account.scripts.values().map(summary).collect::<Vec<_>>())
    })
}

/// Modules come back as multipart, the main one named in a header.
async fn content(
    call: Call,
    Path((account, script)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let script = call.account(&account, |account| found(account, &script).cloned())?;
    let boundary = format!("sandbox-{}", script.etag.get(..32).unwrap_or_default());
    let mut body = Vec::new();
    for module in &script.modules {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{0}\"; filename=\"{0}\"\r\n\
             Content-Type: {1}\r\n\r\n",
            module.name, module.content_type
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(module.content.bytes());
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let headers = [
        (header::CONTENT_TYPE.as_str(), format!("multipart/form-data; boundary={boundary}")),
        (header::ETAG.as_str(), script.etag),
        ("cf-entrypoint", script.main_module),
    ];
    Ok((headers, body).into_response())
}

/// A name as Cloudflare takes it.
fn check_name(name: &str) -> Result<(), Failure> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let first = name.bytes().next().is_some_and(|b| b != b'-' && allowed(b));
    if first && name.len() <= 255 && name.bytes().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "Invalid Worker name '{name}': it consists of lower-case letters, digits, - and _, and \
         does not begin with -"
    );
    Err(Failure::new(400, 10_016, message))
}

async fn upload(
    call: Call,
    Path((account, name)): Path<(String, String)>,
    upload: Upload,
) -> Answer {
    check_name(&name)?;
    upload.metadata.offered()?;
    let script = call
        .account(&account, |account| upload.script(account, &name, account.scripts.get(&name)))?;
    workers::check(call.workerd.as_deref(), &Code::from(&script))
        .await
        .map_err(|reason| Failure::new(400, 10_021, reason))?;
    call.change_account(&account, |account| {
        // Again, since the account may have changed while the code was compiled.
        let script = upload.script(account, &name, account.scripts.get(&name))?;
        let mut shown = summary(&script);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("startup_time_ms".to_owned(), json!(1));
            shown.insert("entry_point".to_owned(), json!(script.main_module));
        }
        account.scripts.insert(name, script);
        Reply::of(shown)
    })
}

async fn settings(call: Call, Path((account, script)): Path<(String, String)>) -> Answer {
    call.account(&account, |account| Reply::of(shown_settings(found(account, &script)?)))
}

/// Changes settings without code: what is left out stays.
async fn edit_settings(
    call: Call,
    Path((account, name)): Path<(String, String)>,
    request: axum::extract::Request,
) -> Answer {
    let metadata = service::settings_of(request).await?;
    metadata.offered()?;
    call.change_account(&account, |account| {
        let old = found(account, &name)?;
        let bindings = match metadata.bindings {
            Some(_) => Some(metadata.bindings(account, &name, Some(old))?),
            None => None,
        };
        let script = found_mut(account, &name)?;
        script.bindings = bindings.unwrap_or_else(|| script.bindings.clone());
        let Metadata { compatibility_date, compatibility_flags, tags, .. } = &metadata;
        if let Some(date) = compatibility_date {
            script.compatibility_date.clone_from(date);
        }
        if let Some(flags) = compatibility_flags {
            script.compatibility_flags.clone_from(flags);
        }
        if let Some(tags) = tags {
            script.tags.clone_from(tags);
        }
        script.other.extend(metadata.kept());
        script.modified_on = now();
        Reply::of(shown_settings(script))
    })
}

/// Without `force` a script that another one is bound to stays.
async fn remove(call: Call, Path((account, name)): Path<(String, String)>) -> Answer {
    let force = call.query("force") == Some("true");
    call.store.write(|world| {
        let owner = world
            .accounts
            .get_mut(&account)
            .ok_or_else(|| Failure::no_route(&format!("/client/v4/accounts/{account}")))?;
        found(owner, &name)?;
        let bound = owner.scripts.values().filter(|other| other.name != name).any(|other| {
            other.bindings.iter().any(
                |binding| matches!(binding, Binding::Service { service, .. } if *service == name),
            )
        });
        if bound && !force {
            let message = "This script is referenced by a service binding of another script";
            return Err(Failure::new(400, 10_064, message));
        }
        owner.scripts.remove(&name);
        owner.domains.retain(|_, domain| domain.service != name);
        // The routes that led to it go with it.
        for zone in world.zones.values_mut().filter(|zone| zone.account == account) {
            zone.routes.retain(|_, route| route.script.as_deref() != Some(name.as_str()));
        }
        Reply::of(json!({"id": name}))
    })
}

/// A body this family reads as JSON.
type Json = Body<Value>;
