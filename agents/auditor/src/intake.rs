//! Hints over HTTP, for those who cannot speak NATS. What is believed is published as a hint and
//! nothing else comes of it: the facts are read from the cloud.
//!
//! - `POST /hints`: `{"scopes": ["cloudflare.dns_record.zone.example.com"]}`, signed: header
//!   `zerodrift-timestamp` (seconds since 1970), header `zerodrift-signature` (`v1=` and the
//!   hexadecimal HMAC-SHA-256 of `<timestamp>.<body>`). Each is taken once.
//! - `POST /hints/cloudflare`: a notification of Cloudflare's, with the secret in `cf-webhook-auth`.
//!   It is about an account, or a zone it names: everything watched there is looked at. With
//!   `?scope=…` (repeatable) in the webhook's address, that alone.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use bus_schema::{Hint, MessageId, Place, Scope, TakenHint};
use bytes::Bytes;
use runtime::{Bus, CancellationToken, Store, StoreError};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::settings::Intake;
use crate::signed::{Refused, Secret, WINDOW};
use crate::watching::{Watching, scopes};

/// How long it is remembered that a signed hint was taken: as long as it would be believed, so much
/// before our time and so much after it.
const KEPT: Duration = Duration::from_secs(WINDOW.unsigned_abs() * 2 + 1);
/// Largest body taken, in bytes.
const LARGEST: usize = 64 * 1024;

struct House {
    watching: Arc<Watching>,
    bus: Bus,
    taken: Store<TakenHint>,
    secret: Option<Secret>,
    cloudflare: Option<(Secret, SecretString)>,
}

type Answer = (StatusCode, String);

/// Takes hints until told to stop; gives the address it listens on.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(
    intake: Intake,
    watching: Arc<Watching>,
    stop: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let bus = watching.bus.clone();
    let house = House {
        taken: bus.store(),
        bus,
        watching,
        secret: intake.secret.as_ref().map(Secret::new),
        cloudflare: intake.cloudflare_secret.map(|text| (Secret::new(&text), text)),
    };
    let listener = TcpListener::bind(intake.address).await?;
    let bound = listener.local_addr()?;
    let router = Router::new()
        .route("/hints", post(signed))
        .route("/hints/cloudflare", post(notified))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Arc::new(house));
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "hints are no longer taken");
        }
    });
    tracing::info!(address = %bound, "taking hints");
    Ok(bound)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    scopes: BTreeSet<Scope>,
}

async fn signed(State(house): State<Arc<House>>, headers: HeaderMap, body: Bytes) -> Answer {
    let Some(secret) = &house.secret else {
        return (StatusCode::NOT_FOUND, "signed hints are not taken here\n".to_owned());
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = header("zerodrift-signature");
    let checked = secret.check(header("zerodrift-timestamp"), signature, &body, runtime::now());
    if let Err(refused) = checked {
        let status = match refused {
            Refused::Timestamp => StatusCode::BAD_REQUEST,
            Refused::OutOfTime | Refused::Signature => StatusCode::UNAUTHORIZED,
        };
        return (status, format!("{refused}\n"));
    }
    let hint: Signed = match serde_json::from_slice(&body) {
        Ok(hint) => hint,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let key = hex::encode(Sha256::digest(signature.unwrap_or_default().as_bytes()));
    match house.taken.get(&key).await {
        Ok(None) => {}
        Ok(Some(_)) => return already(),
        Err(error) => return unavailable(&error),
    }
    // The same id for the same hint: where it comes twice at once, it is stored once.
    let answer = house.hint(&hint.scopes, "signed hint", &MessageId::given(key.clone())).await;
    if answer.0 != StatusCode::ACCEPTED {
        return answer;
    }
    match house.taken.put_for(&key, &TakenHint { at: runtime::now() }, KEPT, None).await {
        Ok(_) => answer,
        Err(StoreError::Conflict { .. }) => already(),
        Err(error) => unavailable(&error),
    }
}

fn already() -> Answer {
    (StatusCode::CONFLICT, "this hint was taken already\n".to_owned())
}

async fn notified(
    State(house): State<Arc<House>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let Some((secret, text)) = &house.cloudflare else {
        return (StatusCode::NOT_FOUND, "notifications are not taken here\n".to_owned());
    };
    let given = headers.get("cf-webhook-auth").map(HeaderValue::as_bytes);
    if !secret.is(given.unwrap_or_default(), text) {
        return (StatusCode::UNAUTHORIZED, "`cf-webhook-auth` does not fit\n".to_owned());
    }
    // What it says is not believed, so a body that says nothing is as good.
    let notification: Value = serde_json::from_slice(&body).unwrap_or_default();
    let watched = match house.watching.stacks.now().await {
        Ok(stacks) => scopes(&stacks),
        Err(error) => return unavailable(&error),
    };
    let named = named(query.as_deref().unwrap_or_default());
    let about = about(&notification, &watched);
    let wanted = if named.is_empty() { about } else { &watched & &named };
    let id = MessageId::given(uuid::Uuid::new_v4().to_string());
    house.hint(&wanted, "Cloudflare notification", &id).await
}

/// The scopes in a webhook's address.
fn named(query: &str) -> BTreeSet<Scope> {
    url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "scope")
        .filter_map(|(_, scope)| scope.parse().ok())
        .collect()
}

/// What a notification is about, of what is watched: the zones it names, else its account, else all.
fn about(notification: &Value, watched: &BTreeSet<Scope>) -> BTreeSet<Scope> {
    let data = notification.get("data").map(ToString::to_string).unwrap_or_default();
    let quoted = |name: &str| data.contains(&format!("\"{name}\""));
    let zones: BTreeSet<Scope> = watched
        .iter()
        .filter(|scope| matches!(&scope.place, Place::Zone(name) if quoted(name)))
        .cloned()
        .collect();
    if !zones.is_empty() {
        return zones;
    }
    let account = notification.get("account_id").and_then(Value::as_str);
    let elsewhere = |scope: &Scope| match (&scope.place, account) {
        (Place::Account(id), Some(account)) => id != account,
        (Place::Account(_) | Place::Zone(_), _) => false,
    };
    watched.iter().filter(|scope| !elsewhere(scope)).cloned().collect()
}

impl House {
    async fn hint(&self, scopes: &BTreeSet<Scope>, by: &str, cause: &MessageId) -> Answer {
        for scope in scopes {
            let hint = Hint { scope: scope.clone(), by: Some(by.to_owned()) };
            let id = cause.derive(&scope.to_string());
            if let Err(error) = self.bus.publish(&hint, &id).await {
                return unavailable(&error);
            }
        }
        (StatusCode::ACCEPTED, format!("{} scopes\n", scopes.len()))
    }
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> Answer {
    tracing::warn!(error = runtime::chain(error), "a hint could not be taken");
    (StatusCode::SERVICE_UNAVAILABLE, "try again\n".to_owned())
}
