//! What every call passes: counting, faults, the rate limit, the token, its rights; and after the
//! handler the audit log and the disk.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::access::{self, Place};
use super::budget::Standing;
use super::call::Call;
use super::envelope::{Failure, Shown};
use super::faults::{FaultKind, Hit};
use super::serve::Cut;
use crate::store::{
    AuditAction, AuditActor, AuditEntry, AuditRaw, AuditResource, Store, Token, World, new_id, now,
};

/// Where the API begins.
pub(super) const BASE: &str = "/client/v4";

/// Lets a call through to its handler, or answers in its place.
pub(super) async fn pass(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let template = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", |path| path.as_str().strip_prefix(BASE).unwrap_or(path.as_str()))
        .to_owned();
    let mut ray = new_id();
    ray.truncate(16);
    ray.push_str("-ICN");

    let path = request.uri().path().strip_prefix(BASE).unwrap_or_default().to_owned();
    let hit = api.faults.strike(&method, &path);
    let mut response = match &hit {
        Some(Hit { kind: FaultKind::Reset, .. }) => Cut::response(),
        Some(Hit { kind: FaultKind::Stall { ms }, .. }) => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            Cut::response()
        }
        Some(Hit { kind: FaultKind::Status { status, retry_after }, .. }) => {
            refuse(*status, *retry_after)
        }
        Some(Hit { kind: FaultKind::Latency { ms }, .. }) => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            authorised(&api, request, next, &ray, &path, None).await
        }
        Some(Hit {
            kind: FaultKind::Lost | FaultKind::Hang { .. } | FaultKind::Stale { .. },
            past,
        }) => authorised(&api, request, next, &ray, &path, past.clone()).await,
        None => authorised(&api, request, next, &ray, &path, None).await,
    };
    // What was answered, for the counts, even where the client never sees it.
    let status = if Cut::is(&response) { 0 } else { response.status().as_u16() };
    api.requests.count(&method, &template, status);
    match hit.map(|hit| hit.kind) {
        Some(FaultKind::Lost) => response = Cut::response(),
        Some(FaultKind::Hang { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response = Cut::response();
        }
        _ => {}
    }
    if let Ok(ray) = HeaderValue::from_str(&ray) {
        response.headers_mut().insert("cf-ray", ray);
    }
    response
}

/// A refusal made on purpose, shaped as Cloudflare's.
fn refuse(status: u16, retry_after: Option<u64>) -> Response {
    let failure = match status {
        429 => too_many(),
        500..=599 => Failure::new(status, 10_000, "Internal error (made on purpose)"),
        _ => Failure::new(status, 10_000, "Refused (on purpose)"),
    };
    let mut response = failure.into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn too_many() -> Failure {
    Failure::new(429, 971, "Please wait and consider throttling your request speed")
}

/// Checks the token, its budget and its rights, calls the handler, and records what it did.
async fn authorised(
    api: &Api,
    mut request: Request,
    next: Next,
    ray: &str,
    path: &str,
    past: Option<Store>,
) -> Response {
    let token = match token_of(&api.store, request.headers(), path) {
        Ok(token) => token,
        Err(failure) => return failure.into_response(),
    };
    let standing = api.budget.spend(&token.id);
    if standing.refused {
        let mut response = too_many().into_response();
        standing.tell(response.headers_mut());
        response.headers_mut().insert(header::RETRY_AFTER, standing.resets_in.into());
        return response;
    }
    let method = request.method().as_str().to_owned();
    let mut response = if let Err(failure) = permitted(&api.store, &token, &method, path) {
        failure.into_response()
    } else {
        let written = Written::from(&request, ray, path, &token);
        if written.is_some() {
            api.faults.before_write(&api.store);
        }
        request.extensions_mut().insert(Call {
            store: past.unwrap_or_else(|| api.store.clone()),
            actor: token,
            workerd: api.workerd.clone(),
            query: std::collections::BTreeMap::new(),
        });
        let response = next.run(request).await;
        if let Some(written) = written {
            written.record(&api.store, &response);
            api.store.saved().await;
        }
        response
    };
    standing.tell(response.headers_mut());
    response
}

impl Standing {
    /// Puts it into the headers that Cloudflare sends with every answer.
    fn tell(&self, headers: &mut HeaderMap) {
        let now = format!("\"default\";r={};t={}", self.left, self.resets_in);
        let policy = format!("\"default\";q={};w={}", self.limit.requests, self.limit.seconds);
        for (name, value) in [("ratelimit", now), ("ratelimit-policy", policy)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

/// Whose token a call carries.
fn token_of(store: &Store, headers: &HeaderMap, path: &str) -> Result<Token, Failure> {
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        if headers.contains_key("x-auth-key") || headers.contains_key("x-auth-email") {
            return Err(Failure::new(403, 9103, "Unknown X-Auth-Key or X-Auth-Email"));
        }
        return Err(Failure::new(
            400,
            9106,
            "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
        ));
    };
    let malformed = || {
        Failure::new(400, 6003, "Invalid request headers")
            .chain(6111, "Invalid format for Authorization header")
    };
    let value = header.to_str().ok().and_then(|text| {
        let (scheme, value) = text.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| value.trim())
    });
    let value = value.filter(|value| !value.is_empty()).ok_or_else(malformed)?;
    let hash = Token::hash(value);
    let found = store.read(|world| world.tokens.values().find(|token| token.hash == hash).cloned());
    match found.filter(Token::alive) {
        Some(token) => Ok(token),
        None if path.ends_with("/tokens/verify") => {
            Err(Failure::new(401, 1000, "Invalid API Token"))
        }
        None => Err(Failure::new(403, 9109, "Invalid access token")),
    }
}

/// Whether the token may make the call.
fn permitted(store: &Store, token: &Token, method: &str, path: &str) -> Result<(), Failure> {
    store.read(|world| {
        // A ruleset named by id has the rights of its phase.
        let phase = phase_of(world, path);
        let Some(needed) = access::required(method, path, phase) else { return Ok(()) };
        if access::allowed(world, token, &needed) {
            return Ok(());
        }
        let elsewhere = matches!(&needed.place, Place::Zone(zone) if world.zones.contains_key(zone))
            && !access::allowed(
                world,
                token,
                &access::Permission { write: false, ..needed.clone() },
            );
        Err(if elsewhere && needed.write {
            Failure::new(403, 9109, "Unauthorized to access requested resource")
        } else {
            Failure::new(403, 10_000, "Authentication error")
        })
    })
}

fn phase_of<'a>(world: &'a World, path: &str) -> Option<&'a str> {
    let mut segments = path.trim_matches('/').split('/');
    let ("zones", zone, "rulesets", id) =
        (segments.next()?, segments.next()?, segments.next()?, segments.next()?)
    else {
        return None;
    };
    world.zones.get(zone)?.rulesets.get(id).map(|ruleset| ruleset.phase.as_str())
}

/// A write, as far as the request tells it.
struct Written {
    path: String,
    method: String,
    uri: String,
    ray: String,
    user_agent: String,
    ip_address: String,
    template: String,
    actor: Token,
}

impl Written {
    /// None for what changes nothing.
    fn from(request: &Request, ray: &str, path: &str, actor: &Token) -> Option<Self> {
        if request.method().is_safe() || path.ends_with("/bulk/get") {
            return None;
        }
        let extensions = request.extensions();
        Some(Self {
            path: path.to_owned(),
            method: request.method().as_str().to_owned(),
            uri: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            ray: ray.to_owned(),
            user_agent: request
                .headers()
                .get(header::USER_AGENT)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            ip_address: extensions
                .get::<SocketAddr>()
                .map(|address| address.ip().to_string())
                .unwrap_or_default(),
            template: extensions
                .get::<MatchedPath>()
                .map(|path| path.as_str().to_owned())
                .unwrap_or_default(),
            actor: actor.clone(),
        })
    }

    /// Puts it into the audit log.
    fn record(self, store: &Store, response: &Response) {
        let status = response.status();
        let segments: Vec<&str> = self.path.trim_matches('/').split('/').collect();
        let (owner, id) = match segments.as_slice() {
            [owner, id, ..] => (*owner, *id),
            _ => ("", ""),
        };
        let kind = self.template.rsplit('/').find(|part| !part.starts_with('{'));
        let shown = response.extensions().get::<Shown>().cloned();
        let (shown, name) = shown.map_or((None, None), |shown| (Some(shown.id), shown.name));
        let last = self.template.ends_with('}').then(|| segments.last().copied()).flatten();
        let resource = AuditResource {
            id: shown.or_else(|| last.map(ToOwned::to_owned)).unwrap_or_default(),
            name,
            kind: kind.map(ToOwned::to_owned),
        };
        let verb = match self.method.as_str() {
            "POST" => "create",
            "DELETE" => "delete",
            _ => "update",
        };
        store.write_data(|world| {
            let zone = (owner == "zones").then(|| world.zones.get(id)).flatten();
            let account = zone.map_or(id, |zone| zone.account.as_str());
            let named = |account: &str| AuditResource {
                id: account.to_owned(),
                name: world.accounts.get(account).map(|account| account.name.clone()),
                kind: None,
            };
            let account = if owner == "user" {
                world.accounts.keys().next().map(|id| named(id)).unwrap_or_default()
            } else {
                named(account)
            };
            let zone = zone.map(|zone| AuditResource {
                id: zone.id.clone(),
                name: Some(zone.name.clone()),
                kind: None,
            });
            world.record(AuditEntry {
                id: uuid::Uuid::now_v7().to_string(),
                account,
                action: AuditAction {
                    kind: verb.to_owned(),
                    result: if status.is_success() { "success" } else { "failure" }.to_owned(),
                    time: now(),
                },
                actor: AuditActor {
                    token_id: self.actor.id,
                    token_name: self.actor.name,
                    context: "api_token".to_owned(),
                    ip_address: self.ip_address,
                },
                raw: AuditRaw {
                    method: self.method,
                    uri: self.uri,
                    status_code: status.as_u16(),
                    cf_rayid: self.ray,
                    user_agent: self.user_agent,
                },
                resource,
                zone,
            });
        });
    }
}
