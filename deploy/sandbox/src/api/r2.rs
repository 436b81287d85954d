//! R2 buckets and, one by one, their objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::call::{Body, Call, Raw};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{Bucket, R2Object, now};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/accounts/{account}/r2/buckets", get(list).post(create))
        .route("/accounts/{account}/r2/buckets/{bucket}", get(one).patch(edit).delete(remove))
        .route("/accounts/{account}/r2/buckets/{bucket}/objects", get(objects))
        .route(
            "/accounts/{account}/r2/buckets/{bucket}/objects/{*key}",
            get(object).put(write).delete(remove_object),
        )
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    name: String,
    #[serde(rename = "locationHint")]
    location_hint: Option<String>,
    #[serde(rename = "storageClass")]
    storage_class: Option<String>,
}

fn missing() -> Failure {
    Failure::new(404, 10_006, "The specified bucket does not exist.")
}

fn no_object() -> Failure {
    Failure::new(404, 10_007, "The specified key does not exist.")
}

fn show(bucket: &Bucket) -> Value {
    json!({
        "name": bucket.name,
        "creation_date": bucket.creation_date,
        "location": bucket.location,
        "storage_class": bucket.storage_class,
        "jurisdiction": "default",
    })
}

/// Lower-case letters, digits and hyphens, 3 to 63, beginning and ending with no hyphen.
fn check_name(name: &str) -> Result<(), Failure> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (3..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if good {
        Ok(())
    } else {
        Err(Failure::new(400, 10_005, format!("The specified bucket name is not valid: {name}")))
    }
}

fn location_of(hint: Option<&str>) -> Result<String, Failure> {
    let location = hint.filter(|hint| !hint.is_empty()).unwrap_or("apac").to_ascii_uppercase();
    if ["APAC", "EEUR", "ENAM", "OC", "WEUR", "WNAM"].contains(&location.as_str()) {
        Ok(location)
    } else {
        Err(Failure::new(400, 10_064, format!("The location hint is not valid: {location}")))
    }
}

fn class_of(class: Option<&str>) -> Result<String, Failure> {
    match class.unwrap_or("Standard") {
        class @ ("Standard" | "InfrequentAccess") => Ok(class.to_owned()),
        other => Err(Failure::new(400, 10_062, format!("The storage class is not valid: {other}"))),
    }
}

/// Other jurisdictions are other sets of buckets, which the sandbox has not.
fn check_jurisdiction(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get("cf-r2-jurisdiction").map(HeaderValue::as_bytes) {
        None | Some(b"default" | b"") => Ok(()),
        Some(_) => Err(Failure::unsupported("R2 jurisdictions")),
    }
}

fn cursor_of(next: Option<String>) -> Option<String> {
    next.map(|next| STANDARD.encode(next))
}

fn uncursor(cursor: &str) -> Result<String, Failure> {
    let text = STANDARD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Failure::new(400, 10_021, "The cursor is not valid."))
}

/// `per_page` or `limit`, up to 1,000.
fn size(call: &Call, name: &str, default: usize) -> Result<usize, Failure> {
    let Some(text) = call.query(name) else { return Ok(default) };
    let size = text.parse::<usize>().ok().filter(|size| (1..=1_000).contains(size));
    size.ok_or_else(|| Failure::new(400, 10_022, format!("{name} must be from 1 to 1000")))
}

/// Where a listing goes on.
fn after(call: &Call) -> Result<Option<String>, Failure> {
    match call.query("cursor").filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => uncursor(cursor).map(Some),
        None => Ok(call.query("start_after").map(ToOwned::to_owned)),
    }
}

async fn list(call: Call, headers: HeaderMap, Path(account): Path<String>) -> Answer {
    check_jurisdiction(&headers)?;
    let (size, after) = (size(&call, "per_page", 20)?, after(&call)?);
    call.account(&account, |account| {
        let mut found = account.buckets.values().filter(|bucket| {
            after.as_ref().is_none_or(|after| bucket.name > *after)
                && call.query("name_contains").is_none_or(|part| bucket.name.contains(part))
        });
        let page: Vec<&Bucket> = found.by_ref().take(size).collect();
        let next = found.next().and_then(|_| page.last().map(|bucket| bucket.name.clone()));
        let shown: Vec<Value> = page.into_iter().map(show).collect();
        let mut info = json!({"per_page": size});
        if let (Some(cursor), Some(info)) = (cursor_of(next), info.as_object_mut()) {
            info.insert("cursor".to_owned(), json!(cursor));
        }
        Reply::page(json!({"buckets": shown}), info)
    })
}

async fn one(
    call: Call,
    headers: HeaderMap,
    Path((account, bucket)): Path<(String, String)>,
) -> Answer {
    check_jurisdiction(&headers)?;
    call.account(&account, |account| {
        Reply::of(show(account.buckets.get(&bucket).ok_or_else(missing)?))
    })
}

async fn create(
    call: Call,
    headers: HeaderMap,
    Path(account): Path<String>,
    Body(sent): Body<Sent>,
) -> Answer {
    check_jurisdiction(&headers)?;
    check_name(&sent.name)?;
    let location = location_of(sent.location_hint.as_deref())?;
    let storage_class = class_of(sent.storage_class.as_deref())?;
    call.change_account(&account, |account| {
        if account.buckets.contains_key(&sent.name) {
            let message = "The bucket you tried to create already exists, and you own it.";
            return Err(Failure::new(409, 10_004, message));
        }
        let bucket = Bucket {
            name: sent.name,
            creation_date: now(),
            location,
            storage_class,
            objects: BTreeMap::new(),
        };
        let shown = show(&bucket);
        account.buckets.insert(bucket.name.clone(), bucket);
        Reply::of(shown)
    })
}

/// Only the storage class can change, and it comes in a header.
async fn edit(
    call: Call,
    headers: HeaderMap,
    Path((account, bucket)): Path<(String, String)>,
) -> Answer {
    check_jurisdiction(&headers)?;
    let class = headers.get("cf-r2-storage-class").and_then(|value| value.to_str().ok());
    if class.is_none() {
        return Err(Failure::new(400, 10_062, "The header cf-r2-storage-class is required."));
    }
    let class = class_of(class)?;
    call.change_account(&account, |account| {
        let bucket = account.buckets.get_mut(&bucket).ok_or_else(missing)?;
        bucket.storage_class = class;
        Reply::of(show(bucket))
    })
}

async fn remove(
    call: Call,
    headers: HeaderMap,
    Path((account, name)): Path<(String, String)>,
) -> Answer {
    check_jurisdiction(&headers)?;
    call.change_account(&account, |account| {
        if !account.buckets.get(&name).ok_or_else(missing)?.objects.is_empty() {
            let message = "The bucket you tried to delete is not empty.";
            return Err(Failure::new(409, 10_008, message));
        }
        account.buckets.remove(&name);
        Reply::of(json!({}))
    })
}

async fn objects(call: Call, Path((account, bucket)): Path<(String, String)>) -> Answer {
    let (size, after) = (size(&call, "per_page", 20)?, after(&call)?);
    let prefix = call.query("prefix").unwrap_or_default();
    let page = call
        .store
        .r2_list(&account, &bucket, prefix, call.query("delimiter"), after.as_deref(), size)
        .ok_or_else(missing)?;
    let shown: Vec<Value> = page.objects.iter().map(show_object).collect();
    let cursor = cursor_of(page.next);
    let info = json!({
        "delimited": page.prefixes, "is_truncated": cursor.is_some(), "cursor": cursor,
        "per_page": size,
    });
    Reply::page(json!(shown), info)
}

fn show_object(object: &R2Object) -> Value {
    json!({
        "key": object.key,
        "etag": object.etag,
        "size": object.size(),
        "last_modified": object.uploaded,
        "http_metadata": object.http_metadata,
        "custom_metadata": object.custom_metadata,
        "storage_class": object.storage_class,
    })
}

/// Headers an object keeps, and what R2's bindings call them.
const KEPT: &[(HeaderName, &str)] = &[
    (header::CONTENT_TYPE, "contentType"),
    (header::CONTENT_LANGUAGE, "contentLanguage"),
    (header::CONTENT_DISPOSITION, "contentDisposition"),
    (header::CONTENT_ENCODING, "contentEncoding"),
    (header::CACHE_CONTROL, "cacheControl"),
    (header::EXPIRES, "cacheExpiry"),
];

type At = Path<(String, String, String)>;

async fn object(call: Call, Path((account, bucket, key)): At) -> Result<Response, Failure> {
    call.account(&account, |account| account.buckets.get(&bucket).map(|_| ()).ok_or_else(missing))?;
    let object = call.store.r2_get(&account, &bucket, &key).ok_or_else(no_object)?;
    let mut headers = HeaderMap::new();
    for (header, field) in KEPT {
        let value = object.http_metadata.get(*field);
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(value)) {
            headers.insert(header.clone(), value);
        }
    }
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", object.etag)) {
        headers.insert(header::ETAG, etag);
    }
    Ok((StatusCode::OK, headers, object.body.bytes().clone()).into_response())
}

async fn write(
    call: Call,
    Path((account, bucket, key)): At,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Answer {
    let mut object = R2Object::new(&key, body);
    for (header, field) in KEPT {
        if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
            object.http_metadata.insert((*field).to_owned(), value.to_owned());
        }
    }
    let class = headers.get("cf-r2-storage-class").and_then(|value| value.to_str().ok());
    object.storage_class = class_of(class)?;
    let shown = json!({
        "key": key, "etag": object.etag, "size": object.size().to_string(),
        "version": object.version, "uploaded": object.uploaded,
        "storage_class": object.storage_class,
    });
    if call.store.r2_put(&account, &bucket, object) { Reply::of(shown) } else { Err(missing()) }
}

async fn remove_object(call: Call, Path((account, bucket, key)): At) -> Answer {
    call.account(&account, |account| account.buckets.get(&bucket).map(|_| ()).ok_or_else(missing))?;
    if call.store.r2_delete(&account, &bucket, &key) {
        Reply::of(json!({"key": key}))
    } else {
        Err(no_object())
    }
}
