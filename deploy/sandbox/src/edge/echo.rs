//! The built-in origin: answers every request by saying what it was asked.
//!
//! A path chooses what is tried: `/private…` may not be cached, `/max-age/<seconds>…` may for that
//! long, `/status/<code>` is answered with that status.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// Headers it repeats.
const REPEATED: [&str; 10] = [
    "accept",
    "cf-connecting-ip",
    "cf-ipcountry",
    "content-type",
    "origin",
    "referer",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// The origin; counts what it served, so that a cached answer shows itself by its old number.
#[derive(Debug, Default)]
pub(super) struct Echo {
    served: AtomicU64,
}

impl Echo {
    /// Answers.
    pub(super) fn answer(&self, host: &str, request: &Request<Body>) -> Response {
        let path = request.uri().path();
        let served = self.served.fetch_add(1, Ordering::Relaxed) + 1;
        let status = path.strip_prefix("/status/").and_then(|code| code.parse().ok());
        let status = status.and_then(|code| StatusCode::from_u16(code).ok());
        let body = json!({
            "origin": "sandbox echo",
            "served": served,
            "served_at": jiff::Timestamp::now().to_string(),
            "host": host,
            "method": request.method().as_str(),
            "path": path,
            "query": request.uri().query().unwrap_or_default(),
            "headers": repeated(request.headers()),
        });
        let mut response = (status.unwrap_or(StatusCode::OK), axum::Json(body)).into_response();
        let kept = path.strip_prefix("/max-age/").map(|rest| {
            let digits = rest.split('/').next().unwrap_or_default();
            format!("public, max-age={}", digits.parse::<u32>().unwrap_or(0))
        });
        let control = if path.starts_with("/private") {
            Some(HeaderValue::from_static("private, no-store"))
        } else {
            kept.and_then(|kept| HeaderValue::from_str(&kept).ok())
        };
        if let Some(control) = control {
            response.headers_mut().insert(header::CACHE_CONTROL, control);
        }
        response
    }
}

fn repeated(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let text = |name: &'static str| {
        let value = headers.get(name)?;
        Some((name, String::from_utf8_lossy(value.as_bytes()).into_owned()))
    };
    REPEATED.into_iter().filter_map(text).collect()
}
