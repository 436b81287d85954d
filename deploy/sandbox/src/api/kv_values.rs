//! The values of a KV namespace: one by one, listed, and in bulk.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Path, Request};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Api;
use super::call::{Body, Call, Raw};
use super::envelope::{Answer, Failure, Reply};
use super::kv::missing;
use crate::store::{Blob, KvValue, Namespace};

/// Of a key, in bytes.
const LONGEST_KEY: usize = 512;
/// Of a value, in bytes.
const LARGEST_VALUE: usize = 25 * 1024 * 1024;
/// Of the metadata as JSON, in bytes.
const LARGEST_METADATA: usize = 1024;
/// Of a value's life, in seconds.
const SHORTEST_LIFE: i64 = 60;

pub(super) fn routes() -> Router<Arc<Api>> {
    let of =
        |part: &str| format!("/accounts/{{account}}/storage/kv/namespaces/{{namespace}}/{part}");
    Router::new()
        .route(&of("values/{*key}"), get(value).put(write).delete(remove))
        .route(&of("metadata/{*key}"), get(metadata))
        .route(&of("keys"), get(keys))
        .route(&of("bulk"), put(write_many).delete(remove_many))
        .route(&of("bulk/get"), post(read_many))
        .route(&of("bulk/delete"), post(remove_many))
}

fn no_key() -> Failure {
    Failure::new(404, 10_009, "get: 'key not found'")
}

fn look<T>(
    call: &Call,
    account: &str,
    namespace: &str,
    look: impl FnOnce(&Namespace) -> Result<T, Failure>,
) -> Result<T, Failure> {
    call.account(account, |account| look(account.namespaces.get(namespace).ok_or_else(missing)?))
}

/// Values are not configuration: nothing is rebuilt for them.
fn change(
    call: &Call,
    account: &str,
    namespace: &str,
    change: impl FnOnce(&mut Namespace) -> Answer,
) -> Answer {
    call.store.write_data(|world| {
        let account = world.accounts.get_mut(account).ok_or_else(missing)?;
        change(account.namespaces.get_mut(namespace).ok_or_else(missing)?)
    })
}

type At = Path<(String, String, String)>;

async fn value(call: Call, Path((account, namespace, key)): At) -> Result<Response, Failure> {
    let found = look(&call, &account, &namespace, |namespace| {
        namespace.get(&key).cloned().ok_or_else(no_key)
    })?;
    let mut response =
        ([(header::CONTENT_TYPE, "application/octet-stream")], found.value.bytes().clone())
            .into_response();
    if let Some(expiration) = found.expiration {
        response.headers_mut().insert("expiration", expiration.into());
    }
    Ok(response)
}

async fn metadata(call: Call, Path((account, namespace, key)): At) -> Answer {
    look(&call, &account, &namespace, |namespace| {
        Reply::of(namespace.get(&key).ok_or_else(no_key)?.metadata.clone())
    })
}

/// A value with what goes along, checked.
fn checked(
    key: &str,
    value: Bytes,
    metadata: Option<Value>,
    expiration: Option<i64>,
    ttl: Option<i64>,
) -> Result<KvValue, Failure> {
    if key.is_empty() || key == "." || key == ".." || key.len() > LONGEST_KEY {
        let message = format!("put: a key has 1 to {LONGEST_KEY} bytes and is neither . nor ..");
        return Err(Failure::new(400, 10_033, message));
    }
    if value.len() > LARGEST_VALUE {
        return Err(Failure::new(413, 10_030, "put: a value has at most 25 MiB"));
    }
    let metadata = metadata.filter(|metadata| !metadata.is_null());
    if metadata.as_ref().is_some_and(|value| value.to_string().len() > LARGEST_METADATA) {
        return Err(Failure::new(400, 10_031, "put: metadata has at most 1024 bytes"));
    }
    let now = Timestamp::now().as_second();
    // Where both are given, the length of a life wins over its end.
    let expiration = ttl.map(|ttl| now.saturating_add(ttl)).or(expiration);
    if expiration.is_some_and(|at| at < now + SHORTEST_LIFE) {
        let message = "put: 'Invalid expiration. Must be at least 60 seconds from now'";
        return Err(Failure::new(400, 10_034, message));
    }
    Ok(KvValue { value: Blob::new(value), metadata, expiration })
}

async fn write(call: Call, Path((account, namespace, key)): At, request: Request) -> Answer {
    let number = |name: &str| match call.query(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| Failure::new(400, 10_034, format!("put: {name} is not a number: {text}"))),
    };
    let (expiration, ttl) = (number("expiration")?, number("expiration_ttl")?);
    let (value, metadata) = sent(request).await?;
    let value = checked(&key, value, metadata, expiration, ttl)?;
    change(&call, &account, &namespace, |namespace| {
        namespace.values.insert(key, value);
        Reply::of(Value::Null)
    })
}

/// A value comes raw, or as multipart with its metadata.
async fn sent(request: Request) -> Result<(Bytes, Option<Value>), Failure> {
    let multipart = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if !multipart {
        return Ok((Raw::from_request(request, &()).await?.0, None));
    }
    let bad = |error: &dyn std::fmt::Display| Failure::new(400, 10_001, format!("put: {error}"));
    let mut parts = Multipart::from_request(request, &()).await.map_err(|e| bad(&e))?;
    let (mut value, mut metadata) = (None, None);
    while let Some(part) = parts.next_field().await.map_err(|e| bad(&e))? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|e| bad(&e))?;
        match name.as_str() {
            "value" => value = Some(bytes),
            "metadata" => metadata = Some(serde_json::from_slice(&bytes).map_err(|e| bad(&e))?),
            _ => {}
        }
    }
    Ok((value.ok_or_else(|| bad(&"there is no part `value`"))?, metadata))
}

async fn remove(call: Call, Path((account, namespace, key)): At) -> Answer {
    change(&call, &account, &namespace, |namespace| {
        namespace.values.remove(&key);
        Reply::of(Value::Null)
    })
}

async fn keys(call: Call, Path((account, namespace)): Path<(String, String)>) -> Answer {
    let limit = match call.query("limit") {
        None => 1_000,
        Some(text) => {
            let limit = text.parse::<usize>().ok().filter(|limit| (10..=1_000).contains(limit));
            limit.ok_or_else(|| Failure::new(400, 10_029, "list: limit must be from 10 to 1000"))?
        }
    };
    let prefix = call.query("prefix").unwrap_or_default();
    let after = match call.query("cursor").filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => Some(uncursor(cursor)?),
        None => None,
    };
    look(&call, &account, &namespace, |namespace| {
        let page = namespace.list(prefix, after.as_deref(), limit);
        let cursor = page.next.map(|next| STANDARD.encode(next)).unwrap_or_default();
        let info = json!({"count": page.keys.len(), "cursor": cursor});
        Reply::page(json!(page.keys), info)
    })
}

/// The key a cursor stands for.
fn uncursor(cursor: &str) -> Result<String, Failure> {
    STANDARD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Failure::new(400, 10_028, "list: invalid cursor"))
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    value: String,
    #[serde(default)]
    base64: bool,
    metadata: Option<Value>,
    expiration: Option<i64>,
    expiration_ttl: Option<i64>,
}

/// All or none.
async fn write_many(
    call: Call,
    Path((account, namespace)): Path<(String, String)>,
    Body(pairs): Body<Vec<Pair>>,
) -> Answer {
    let mut values = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let value = if pair.base64 {
            STANDARD
                .decode(&pair.value)
                .map_err(|error| Failure::new(400, 10_012, format!("put: {}: {error}", pair.key)))?
        } else {
            pair.value.into_bytes()
        };
        let value =
            checked(&pair.key, value.into(), pair.metadata, pair.expiration, pair.expiration_ttl)?;
        values.push((pair.key, value));
    }
    change(&call, &account, &namespace, |namespace| {
        let count = values.len();
        namespace.values.extend(values);
        Reply::of(json!({"successful_key_count": count, "unsuccessful_keys": []}))
    })
}

async fn remove_many(
    call: Call,
    Path((account, namespace)): Path<(String, String)>,
    Body(keys): Body<Vec<String>>,
) -> Answer {
    change(&call, &account, &namespace, |namespace| {
        for key in &keys {
            namespace.values.remove(key);
        }
        Reply::of(json!({"successful_key_count": keys.len(), "unsuccessful_keys": []}))
    })
}

#[derive(Deserialize)]
struct Wanted {
    keys: Vec<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, rename = "withMetadata")]
    with_metadata: bool,
}

async fn read_many(
    call: Call,
    Path((account, namespace)): Path<(String, String)>,
    Body(wanted): Body<Wanted>,
) -> Answer {
    if wanted.keys.len() > 100 {
        return Err(Failure::new(400, 10_029, "get: at most 100 keys at once"));
    }
    look(&call, &account, &namespace, |namespace| {
        let mut values = Map::new();
        for key in &wanted.keys {
            let Some(found) = namespace.get(key) else {
                values.insert(key.clone(), Value::Null);
                continue;
            };
            let text = String::from_utf8_lossy(found.value.bytes()).into_owned();
            let value = if wanted.kind.as_deref() == Some("json") {
                serde_json::from_str(&text)
                    .map_err(|error| Failure::new(400, 10_012, format!("get: {key}: {error}")))?
            } else {
                Value::String(text)
            };
            let shown = if wanted.with_metadata {
                json!({"value": value, "metadata": found.metadata})
            } else {
                value
            };
            values.insert(key.clone(), shown);
        }
        Reply::of(json!({"values": values}))
    })
}
