//! What workerd's R2 bindings say over HTTP, answered from the store. Multipart uploads are refused.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::backplane::Call;
use super::r2_request::{Condition, Range, Request};
use crate::store::{R2Object, Store};

const REQUEST: &str = "cf-r2-request";
const METADATA_SIZE: &str = "cf-r2-metadata-size";
const ERROR: &str = "cf-r2-error";
/// R2's longest page.
const LISTED: usize = 1000;
/// An object here is one body in memory.
pub(super) const OBJECT_BYTES: usize = 100 << 20;

/// A refusal: HTTP status, R2's code, what a Worker's exception says.
struct Refusal(StatusCode, u32, &'static str);

const NO_KEY: Refusal = Refusal(StatusCode::NOT_FOUND, 10007, "The specified key does not exist.");
const NO_BUCKET: Refusal =
    Refusal(StatusCode::NOT_FOUND, 10006, "The specified bucket does not exist.");
const MALFORMED: Refusal = Refusal(StatusCode::BAD_REQUEST, 10001, "The request is malformed.");
const PRECONDITION: Refusal = Refusal(
    StatusCode::PRECONDITION_FAILED,
    10031,
    "At least one of the pre-conditions you specified did not hold.",
);
const RANGE: Refusal =
    Refusal(StatusCode::RANGE_NOT_SATISFIABLE, 10039, "The requested range is not satisfiable");
const CHECKSUM: Refusal =
    Refusal(StatusCode::BAD_REQUEST, 10037, "The SHA-256 checksum you specified did not match.");
const UNSUPPORTED: Refusal =
    Refusal(StatusCode::NOT_IMPLEMENTED, 10001, "the sandbox's R2 does not do this");

impl Refusal {
    fn response(self) -> Response {
        let Self(status, code, message) = self;
        let error = json!({"version": 1, "v4code": code, "message": message}).to_string();
        let mut response = status.into_response();
        if let Ok(error) = HeaderValue::from_str(&error) {
            response.headers_mut().insert(ERROR, error);
        }
        response
    }
}

/// Answers one call on `account/bucket`.
pub(super) fn serve(store: &Store, target: &str, call: &Call) -> Response {
    let Some((account, bucket)) = target.split_once('/') else { return MALFORMED.response() };
    let there = store.read(|world| {
        world.accounts.get(account).is_some_and(|account| account.buckets.contains_key(bucket))
    });
    if !there {
        return NO_BUCKET.response();
    }
    let r2 = R2 { store, account, bucket };
    let answer = if call.method == Method::PUT { r2.put_call(call) } else { r2.get_call(call) };
    answer.unwrap_or_else(Refusal::response)
}

struct R2<'a> {
    store: &'a Store,
    account: &'a str,
    bucket: &'a str,
}

impl R2<'_> {
    fn get_call(&self, call: &Call) -> Result<Response, Refusal> {
        let header = call.headers.get(REQUEST).ok_or(MALFORMED)?;
        let request: Request = serde_json::from_slice(header.as_bytes()).map_err(|_| MALFORMED)?;
        match request {
            Request::Head { object } => Ok(described(&self.find(&object)?, &Bytes::new(), None)),
            Request::Get { object, range, range_header, only_if } => {
                let object = self.find(&object)?;
                if !only_if.is_none_or(|condition| condition.holds(Some(&object))) {
                    let mut refused = PRECONDITION.response();
                    let (head, size) = head(&object, None);
                    refused.headers_mut().insert(METADATA_SIZE, size);
                    *refused.body_mut() = Body::from(head);
                    return Ok(refused);
                }
                let range = range.or_else(|| Range::from_header(range_header.as_deref()?));
                let Some(range) = range else {
                    return Ok(described(&object, object.body.bytes(), None));
                };
                let (from, length) = range.within(object.size()).ok_or(RANGE)?;
                let bytes = object.body.bytes().slice(from..from + length);
                Ok(described(&object, &bytes, Some((from, length))))
            }
            Request::List { limit, prefix, cursor, delimiter, start_after, include } => {
                let after = match cursor {
                    Some(cursor) => {
                        let cursor = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| MALFORMED)?;
                        Some(String::from_utf8(cursor).map_err(|_| MALFORMED)?)
                    }
                    None => start_after,
                };
                let limit = limit.map_or(LISTED, |limit| limit.clamp(1, LISTED));
                let page = self.store.r2_list(
                    self.account,
                    self.bucket,
                    &prefix.unwrap_or_default(),
                    delimiter.as_deref(),
                    after.as_deref(),
                    limit,
                );
                let page = page.ok_or(NO_BUCKET)?;
                let objects: Vec<Value> = page
                    .objects
                    .iter()
                    .map(|object| describe(object, include.contains(&0), include.contains(&1)))
                    .collect();
                let mut answer = json!({
                    "objects": objects,
                    "truncated": page.next.is_some(),
                    "delimitedPrefixes": page.prefixes,
                });
                if let (Some(next), Some(answer)) = (page.next, answer.as_object_mut()) {
                    answer.insert("cursor".to_owned(), URL_SAFE_NO_PAD.encode(next).into());
                }
                Ok(sized(&answer, &Bytes::new()))
            }
            Request::Put { .. } | Request::Delete { .. } | Request::Other => Err(UNSUPPORTED),
        }
    }

    fn put_call(&self, call: &Call) -> Result<Response, Refusal> {
        let size = call.headers.get(METADATA_SIZE).and_then(|size| size.to_str().ok());
        let size: usize = size.and_then(|size| size.parse().ok()).ok_or(MALFORMED)?;
        let request = call.body.get(..size).ok_or(MALFORMED)?;
        let request: Request = serde_json::from_slice(request).map_err(|_| MALFORMED)?;
        let body = call.body.slice(size..);
        match request {
            Request::Put {
                object,
                custom_fields,
                http_fields,
                only_if,
                sha256,
                storage_class,
                other,
            } => {
                if other
                    .keys()
                    .any(|field| ["md5", "sha1", "sha384", "sha512"].contains(&field.as_str()))
                {
                    return Err(UNSUPPORTED);
                }
                if sha256
                    .is_some_and(|sum| sum.to_lowercase() != hex::encode(Sha256::digest(&body)))
                {
                    return Err(CHECKSUM);
                }
                let there = self.store.r2_get(self.account, self.bucket, &object);
                if !only_if.is_none_or(|condition: Condition| condition.holds(there.as_ref())) {
                    return Err(PRECONDITION);
                }
                let mut made = R2Object::new(&object, body);
                made.http_metadata = http_fields.unwrap_or_default();
                made.custom_metadata =
                    custom_fields.into_iter().map(|record| (record.k, record.v)).collect();
                if let Some(class) = storage_class {
                    made.storage_class = class;
                }
                let answer = sized(&describe(&made, true, true), &Bytes::new());
                if self.store.r2_put(self.account, self.bucket, made) {
                    Ok(answer)
                } else {
                    Err(NO_BUCKET)
                }
            }
            Request::Delete { object, objects } => {
                for key in object.into_iter().chain(objects) {
                    self.store.r2_delete(self.account, self.bucket, &key);
                }
                Ok(axum::Json(json!({})).into_response())
            }
            Request::Head { .. } | Request::Get { .. } | Request::List { .. } | Request::Other => {
                Err(UNSUPPORTED)
            }
        }
    }

    fn find(&self, key: &str) -> Result<R2Object, Refusal> {
        self.store.r2_get(self.account, self.bucket, key).ok_or(NO_KEY)
    }
}

/// An object in workerd's words.
fn describe(object: &R2Object, http: bool, custom: bool) -> Value {
    let mut shown = json!({
        "name": object.key,
        "version": object.version,
        "size": object.size().to_string(),
        "etag": object.etag,
        "uploaded": object.uploaded.as_millisecond().to_string(),
        "checksums": {},
        "storageClass": object.storage_class,
    });
    if let Some(shown) = shown.as_object_mut() {
        if http {
            shown.insert("httpFields".to_owned(), json!(object.http_metadata));
        }
        if custom {
            let fields = object.custom_metadata.iter().map(|(k, v)| json!({"k": k, "v": v}));
            shown.insert("customFields".to_owned(), fields.collect());
        }
    }
    shown
}

fn head(object: &R2Object, range: Option<(usize, usize)>) -> (String, HeaderValue) {
    let mut shown = describe(object, true, true);
    if let (Some((offset, length)), Some(shown)) = (range, shown.as_object_mut()) {
        let range = json!({"offset": offset.to_string(), "length": length.to_string()});
        shown.insert("range".to_owned(), range);
    }
    let head = shown.to_string();
    let size = HeaderValue::from(head.len());
    (head, size)
}

fn described(object: &R2Object, body: &Bytes, range: Option<(usize, usize)>) -> Response {
    let (head, size) = head(object, range);
    followed(head, size, body)
}

fn sized(head: &Value, body: &Bytes) -> Response {
    let head = head.to_string();
    let size = HeaderValue::from(head.len());
    followed(head, size, body)
}

/// The JSON, then the object's bytes.
fn followed(head: String, size: HeaderValue, body: &Bytes) -> Response {
    let mut whole = head.into_bytes();
    whole.extend_from_slice(body);
    let mut response = Response::new(Body::from(whole));
    response.headers_mut().insert(METADATA_SIZE, size);
    response
}
