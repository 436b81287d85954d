//! A call as it is to be made, so that it can be made again.

use reqwest::Method;
use reqwest::header::HeaderValue;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use url::Url;

use crate::error::Attempt;

/// A call.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Segments after the API's base, not escaped.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) header: Option<(&'static str, String)>,
    pub(super) body: Body,
    /// What is being attempted, for errors and spans.
    pub(super) attempt: Attempt,
}

/// What a call carries.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Empty,
    Json(Value),
    Form(Vec<FormPart>),
}

/// One part of a multipart form.
#[derive(Debug, Clone)]
pub(super) struct FormPart {
    pub(super) name: &'static str,
    pub(super) file_name: Option<&'static str>,
    pub(super) media_type: &'static str,
    pub(super) text: String,
}

impl Request {
    pub(super) fn new(method: Method, path: Vec<String>, attempt: Attempt) -> Self {
        Self { method, path, query: Vec::new(), header: None, body: Body::Empty, attempt }
    }

    #[must_use]
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    #[must_use]
    pub(super) fn form(mut self, parts: Vec<FormPart>) -> Self {
        self.body = Body::Form(parts);
        self
    }

    /// Whether making it twice is the same as making it once. Each PATCH of ours states whole fields.
    pub(super) fn is_idempotent(&self) -> bool {
        self.method != Method::POST
    }

    /// Whether it removes something.
    pub(super) fn deletes(&self) -> bool {
        self.method == Method::DELETE
    }

    /// Whether it may change something.
    pub(super) fn changes(&self) -> bool {
        self.method != Method::GET
    }

    /// Its address; holds no secret, for the token goes in a header.
    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }

    pub(super) fn build(
        &self,
        http: &reqwest::Client,
        url: Url,
        authorization: &HeaderValue,
    ) -> reqwest::Result<reqwest::Request> {
        let mut request = http
            .request(self.method.clone(), url)
            .header(reqwest::header::AUTHORIZATION, authorization.clone());
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        match &self.body {
            Body::Empty => request,
            Body::Json(body) => request.json(body),
            Body::Form(parts) => {
                let mut form = Form::new();
                for part in parts {
                    form = form.part(part.name, part.build()?);
                }
                request.multipart(form)
            }
        }
        .build()
    }
}

impl FormPart {
    fn build(&self) -> reqwest::Result<Part> {
        let part = Part::text(self.text.clone());
        let part = self.file_name.into_iter().fold(part, Part::file_name);
        part.mime_str(self.media_type)
    }
}
