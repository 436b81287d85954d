//! What workerd's KV bindings say over HTTP, answered from the store.

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::backplane::{Call, refuse};
use crate::store::{KvValue, Store};

const METADATA: &str = "cf-kv-metadata";
/// KV's limits: keys in a listing, keys in one bulk read, bytes of a value, seconds to live.
const LISTED: usize = 1000;
const BULK: usize = 100;
pub(super) const VALUE_BYTES: usize = 25 << 20;
const SHORTEST_LIFE: i64 = 60;

/// Answers one call on a namespace.
pub(super) fn serve(store: &Store, namespace: &str, call: Call) -> Response {
    let key =
        percent_decode_str(call.path.trim_start_matches('/')).decode_utf8_lossy().into_owned();
    if !store.read(|world| world.namespace(namespace).is_some()) {
        return refuse(StatusCode::BAD_REQUEST, "the KV namespace does not exist");
    }
    match (&call.method, key.as_str()) {
        (&Method::GET, "") => list(store, namespace, &call),
        (&Method::GET, key) => match store.kv_get(namespace, key) {
            Some(value) => found(value),
            None => refuse(StatusCode::NOT_FOUND, "no such key"),
        },
        (&Method::PUT, key) => put(store, namespace, key, call),
        (&Method::DELETE, key) => {
            store.kv_delete(namespace, key);
            StatusCode::OK.into_response()
        }
        (&Method::POST, "bulk/get") => bulk(store, namespace, &call.body),
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "the sandbox's KV has no such call"),
    }
}

fn found(value: KvValue) -> Response {
    let mut response = Response::new(Body::from(value.value.bytes().clone()));
    if let Some(metadata) = value.metadata.and_then(|m| m.to_string().try_into().ok()) {
        response.headers_mut().insert(METADATA, metadata);
    }
    response
}

fn list(store: &Store, namespace: &str, call: &Call) -> Response {
    let limit = call.query("key_count_limit").and_then(|n| n.parse().ok()).unwrap_or(LISTED);
    let prefix = call.query("prefix").unwrap_or_default();
    let after = call.query("cursor");
    let page = store.kv_list(namespace, &prefix, after.as_deref(), limit.clamp(1, LISTED));
    let Some(page) = page else {
        return refuse(StatusCode::BAD_REQUEST, "the KV namespace does not exist");
    };
    let mut answer = json!({"keys": page.keys, "list_complete": page.next.is_none()});
    if let (Some(next), Some(answer)) = (page.next, answer.as_object_mut()) {
        answer.insert("cursor".to_owned(), next.into());
    }
    axum::Json(answer).into_response()
}

fn put(store: &Store, namespace: &str, key: &str, call: Call) -> Response {
    let now = jiff::Timestamp::now().as_second();
    let number = |name: &str| call.query(name).and_then(|number| number.parse::<i64>().ok());
    let expiration = number("expiration_ttl").map(|ttl| now + ttl).or_else(|| number("expiration"));
    if expiration.is_some_and(|at| at < now + SHORTEST_LIFE) {
        return refuse(StatusCode::BAD_REQUEST, "a key must live for 60 seconds at least");
    }
    let metadata = call.headers.get(METADATA).map(|m| serde_json::from_slice(m.as_bytes()));
    let Ok(metadata) = metadata.transpose() else {
        return refuse(StatusCode::BAD_REQUEST, "the metadata is not JSON");
    };
    store.kv_put(namespace, key, call.body, metadata, expiration);
    StatusCode::OK.into_response()
}

/// Several keys at once; those that are not there are null.
fn bulk(store: &Store, namespace: &str, body: &Bytes) -> Response {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ask {
        keys: Vec<String>,
        #[serde(default, rename = "type")]
        kind: Option<String>,
        #[serde(default)]
        with_metadata: bool,
    }
    let Ok(ask) = serde_json::from_slice::<Ask>(body) else {
        return refuse(StatusCode::BAD_REQUEST, "the request is not the JSON of a bulk read");
    };
    if ask.keys.len() > BULK {
        return refuse(StatusCode::BAD_REQUEST, "a bulk read takes 100 keys at most");
    }
    let mut answer = Map::new();
    for key in ask.keys {
        let Some(stored) = store.kv_get(namespace, &key) else {
            answer.insert(key, Value::Null);
            continue;
        };
        let bytes = stored.value.bytes();
        let value = if ask.kind.as_deref() == Some("json") {
            match serde_json::from_slice(bytes) {
                Ok(value) => value,
                Err(_) => return refuse(StatusCode::BAD_REQUEST, "a value is not JSON"),
            }
        } else {
            String::from_utf8_lossy(bytes).into_owned().into()
        };
        let value = if ask.with_metadata {
            json!({"value": value, "metadata": stored.metadata})
        } else {
            value
        };
        answer.insert(key, value);
    }
    ([(header::CONTENT_TYPE, "application/json")], Value::Object(answer).to_string())
        .into_response()
}
