//! The v4 envelope: how every answer of the API is shaped.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

/// What a handler answers.
pub(super) type Answer = Result<Reply, Failure>;

/// A success.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    result: Value,
    info: Option<Value>,
    /// What the call was about, where that is not the result itself.
    about: Option<Shown>,
}

impl Reply {
    /// Shows a result; a type that cannot be JSON is a mistake of ours and shows as a 500.
    pub(super) fn of(result: impl Serialize) -> Answer {
        match serde_json::to_value(result) {
            Ok(result) => Ok(Self { status: StatusCode::OK, result, info: None, about: None }),
            Err(error) => Err(Failure::internal(&error.to_string())),
        }
    }

    /// A list with what goes into `result_info`.
    #[expect(clippy::unnecessary_wraps, reason = "a handler's last word, as `of` is")]
    pub(super) fn page(result: Value, info: Value) -> Answer {
        Ok(Self { status: StatusCode::OK, result, info: Some(info), about: None })
    }

    /// Says what the call was about, for the audit log: a rule, say, of the ruleset it answers.
    pub(super) fn about(mut self, id: &str, name: &str) -> Self {
        self.about = Some(Shown { id: id.to_owned(), name: Some(name.to_owned()) });
        self
    }
}

/// What an answer shows, for the audit log.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// Its id.
    pub(super) id: String,
    /// What people call it, where it has such a name.
    pub(super) name: Option<String>,
}

impl Shown {
    fn of(result: &Value) -> Option<Self> {
        let text = |fields: &[&str]| {
            fields.iter().find_map(|field| result.get(field)?.as_str()).map(str::to_owned)
        };
        let id = text(&["id", "name", "tag"])?;
        Some(Self { id, name: text(&["name", "title", "pattern"]) })
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let shown = self.about.or_else(|| Shown::of(&self.result));
        let mut body =
            json!({"success": true, "errors": [], "messages": [], "result": self.result});
        if let (Some(info), Some(body)) = (self.info, body.as_object_mut()) {
            body.insert("result_info".to_owned(), info);
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(shown) = shown {
            response.extensions_mut().insert(shown);
        }
        response
    }
}

/// A refusal, with Cloudflare's codes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    status: StatusCode,
    errors: Vec<Value>,
}

impl Failure {
    /// One error.
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            errors: vec![json!({"code": code, "message": message.into()})],
        }
    }

    /// Says where in the body the trouble is, as a JSON pointer.
    pub(super) fn at(mut self, pointer: &str) -> Self {
        if let Some(error) = self.errors.last_mut().and_then(Value::as_object_mut) {
            error.insert("source".to_owned(), json!({"pointer": pointer}));
        }
        self
    }

    /// Adds the errors beneath the last one.
    pub(super) fn chain(mut self, code: u32, message: &str) -> Self {
        if let Some(error) = self.errors.last_mut().and_then(Value::as_object_mut) {
            error.insert("error_chain".to_owned(), json!([{"code": code, "message": message}]));
        }
        self
    }

    /// Adds another error.
    pub(super) fn and(mut self, code: u32, message: impl Into<String>) -> Self {
        self.errors.push(json!({"code": code, "message": message.into()}));
        self
    }

    /// A mistake of ours.
    pub(super) fn internal(message: &str) -> Self {
        Self::new(500, 10_000, format!("sandbox: {message}"))
    }

    /// A path that is not offered.
    pub(super) fn no_route(path: &str) -> Self {
        Self::new(
            404,
            7003,
            format!("Could not route to {path}, perhaps your object identifier is invalid?"),
        )
        .and(7000, "No route for that URI")
    }

    /// Something Cloudflare offers and the sandbox does not.
    pub(super) fn unsupported(what: &str) -> Self {
        Self::new(501, 10_501, format!("The sandbox does not offer {what}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({"success": false, "errors": self.errors, "messages": [], "result": null});
        (self.status, Json(body)).into_response()
    }
}
