//! Custom rules: what they decide for a request. No I/O.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::compiled::Compiled;
use super::page::Page;
use crate::rules::Request;

/// What the custom rules decided.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Goes on.
    Pass {
        /// Whether a `skip` passed the rate limits by.
        skip_limits: bool,
    },
    /// Answered here and now.
    Stop(Stop),
}

/// How a request is stopped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stop {
    /// The rule.
    pub(super) rule: String,
    /// `block` or a kind of challenge.
    pub(super) action: String,
    /// The `response` of the action's parameters, or null.
    pub(super) response: Value,
}

/// Takes the rules in order, up to the first that ends the matter.
pub(super) fn judge(rules: &[Compiled], request: &Request) -> Verdict {
    let mut skip_limits = false;
    for rule in rules.iter().filter(|rule| rule.expression.matches(request)) {
        match rule.action.as_str() {
            "skip" => {
                let skipped = &rule.parameters;
                skip_limits |= lists(skipped, "phases", "http_ratelimit")
                    || lists(skipped, "products", "rateLimit");
                if skipped.get("ruleset").and_then(Value::as_str) == Some("current") {
                    break;
                }
            }
            "log" => tracing::info!(rule = %rule.name, uri = %request.full_uri(), "rule logged"),
            _ => return Verdict::Stop(Stop::by(rule)),
        }
    }
    Verdict::Pass { skip_limits }
}

fn lists(parameters: &Value, name: &str, item: &str) -> bool {
    let listed = parameters.get(name).and_then(Value::as_array);
    listed.is_some_and(|listed| listed.iter().any(|one| one.as_str() == Some(item)))
}

impl Stop {
    /// As the rule says.
    pub(super) fn by(rule: &Compiled) -> Self {
        Self {
            rule: rule.name.clone(),
            action: rule.action.clone(),
            response: rule.parameters.get("response").cloned().unwrap_or_default(),
        }
    }

    /// The answer: the rule's own where it has one, else a page of that status.
    pub(super) fn response(&self, ray: &str, status: u16, code: u32) -> Response {
        if self.action != "block" {
            let detail = format!("Verify you are human to go on ({}).\nRay ID: {ray}", self.action);
            let mut response = Page::new(403, 0, "Just a moment...", detail).response();
            response.headers_mut().insert("cf-mitigated", HeaderValue::from_static("challenge"));
            return response;
        }
        let mut response = self.own(status).unwrap_or_else(|| {
            let (title, detail) = if code == 1015 {
                (
                    "You are being rate limited",
                    "The owner of this website has banned you temporarily.",
                )
            } else {
                (
                    "Sorry, you have been blocked",
                    "A security rule of this website stopped the request.",
                )
            };
            Page::new(status, code, title, format!("{detail}\nRay ID: {ray}")).response()
        });
        response.headers_mut().insert("cf-mitigated", HeaderValue::from_static("block"));
        response
    }

    fn own(&self, status: u16) -> Option<Response> {
        let content = self.response.get("content")?.as_str()?.to_owned();
        let status = self
            .response
            .get("status_code")
            .and_then(Value::as_u64)
            .map_or(status, |code| u16::try_from(code).unwrap_or(status));
        let kind = self.response.get("content_type").and_then(Value::as_str).unwrap_or("text/html");
        let kind = HeaderValue::from_str(kind).ok()?;
        let status = StatusCode::from_u16(status).ok()?;
        Some((status, [(header::CONTENT_TYPE, kind)], content).into_response())
    }
}
