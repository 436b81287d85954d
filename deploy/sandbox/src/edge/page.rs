//! The answers that are the edge's own, in the look of Cloudflare's.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// An answer of the edge itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// HTTP's status.
    pub(super) status: u16,
    /// Cloudflare's code, where it has one; 0 where not.
    pub(super) code: u32,
    /// In a few words.
    pub(super) title: &'static str,
    /// What happened and what to do, for a person.
    pub(super) detail: String,
}

impl Page {
    pub(super) fn new(
        status: u16,
        code: u32,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, code, title, detail: detail.into() }
    }

    /// A small page of HTML.
    pub(super) fn response(&self) -> Response {
        let Self { status, code, title, detail } = self;
        let head = if *code == 0 { (*title).to_owned() } else { format!("Error {code}: {title}") };
        let detail = detail.replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>{head} | Cloudflare sandbox</title></head>\n\
             <body>\n<h1>{head}</h1>\n<pre>{detail}</pre>\n</body>\n</html>\n"
        );
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [(header::CONTENT_TYPE, "text/html; charset=UTF-8")];
        let mut response = (status, kind, body).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
