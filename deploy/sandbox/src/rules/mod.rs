//! A subset of Cloudflare's rules language: parsed, type-checked, evaluated.
//!
//! What is in it, field by field and operator by operator, is in the sandbox's `EDGE.md`. What is
//! outside is refused when a rule is saved, with Cloudflare's message where we know it, so that no
//! rule is ever accepted and then not followed. The language is reached through [`validate`],
//! [`validate_gateway`], [`Expression`] and [`Characteristic`]; nothing here knows of HTTP servers
//! or of where rules are kept.

mod ast;
mod error;
mod eval;
mod field;
mod function;
mod operator;
mod parse;
mod request;
mod token;

use ast::{Logic, Value};
use field::{Datum, GATEWAY_DNS, GATEWAY_HTTP, ZONE};
use parse::{Dialect, parse, parse_value};

pub use error::Error;
pub use request::Request;

/// The phases whose rules the edge follows, or, for the last, keeps.
pub const PHASES: [&str; 4] = [
    "http_request_firewall_custom",
    "http_ratelimit",
    "http_request_cache_settings",
    "http_request_firewall_managed",
];

/// What a zone's plan lets its rules use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plan {
    /// Free or Pro: no regular expressions.
    #[default]
    Pro,
    /// Business or above.
    Business,
}

impl Plan {
    const fn dialect(self) -> Dialect {
        Dialect { fields: &ZONE, regex: matches!(self, Self::Business), lists: false }
    }
}

/// Whether an expression may be saved in a phase of a zone without regular expressions; the message
/// is for Cloudflare's error 400 and shows the place.
pub fn validate(phase: &str, expression: &str) -> Result<(), String> {
    validate_on(Plan::Pro, phase, expression)
}

/// As [`validate`], for a zone on that plan.
pub fn validate_on(plan: Plan, phase: &str, expression: &str) -> Result<(), String> {
    if !PHASES.contains(&phase) {
        return Err(format!("the sandbox evaluates no rules in phase '{phase}'"));
    }
    parse(expression, plan.dialect()).map(drop).map_err(|error| error.to_string())
}

/// Whether a Gateway expression may be saved for these filters (`dns`, `http`).
pub fn validate_gateway(filters: &[&str], expression: &str) -> Result<(), String> {
    let fields: &'static [field::Field] = match filters {
        ["dns"] => &GATEWAY_DNS,
        ["http"] => &GATEWAY_HTTP,
        _ => {
            return Err(format!(
                "the sandbox knows the filters dns and http, one at a time; not {filters:?}"
            ));
        }
    };
    let dialect = Dialect { fields, regex: true, lists: true };
    parse(expression, dialect).map(drop).map_err(|error| error.to_string())
}

/// A condition on a request.
#[derive(Debug, Clone)]
pub struct Expression(Logic);

impl Expression {
    /// Reads an expression of a zone's rule. Regular expressions are read whatever the plan: saving
    /// is where a plan is held to, by [`validate_on`].
    pub fn parse(expression: &str) -> Result<Self, Error> {
        parse(expression, Plan::Business.dialect()).map(Self)
    }

    /// Whether the request meets it.
    pub fn matches(&self, request: &Request) -> bool {
        self.0.holds(request)
    }
}

/// What a rate limit counts by, such as `ip.src` or `http.request.headers["x-api-key"]`.
#[derive(Debug, Clone)]
pub struct Characteristic(Option<Value>);

impl Characteristic {
    /// Reads one. `cf.colo.id` is the same for every request, as there is one data centre here, and
    /// `cf.unique_visitor_id` stands for the address.
    pub fn parse(characteristic: &str) -> Result<Self, Error> {
        match characteristic {
            "cf.colo.id" => Ok(Self(None)),
            "cf.unique_visitor_id" | "ip.nat" => Self::parse("ip.src"),
            "http.request.cookies" | "http.request.headers" | "http.request.uri.args" => {
                Err(Error::new(characteristic, &(0..characteristic.len()), "expected a [\"name\"]"))
            }
            other => {
                // A header is written without the number of its value.
                let first =
                    if other.ends_with("\"]") { format!("{other}[0]") } else { other.into() };
                parse_value(&first, Plan::Business.dialect()).map(|value| Self(Some(value)))
            }
        }
    }

    /// Its value for a request; requests of one value are counted together.
    pub fn value(&self, request: &Request) -> String {
        match self.0.as_ref().map(|value| value.read(request)) {
            Some(Datum::Text(text)) => text,
            Some(Datum::Int(number)) => number.to_string(),
            Some(Datum::Bool(value)) => value.to_string(),
            Some(Datum::Address(address)) => address.to_string(),
            Some(Datum::Missing | Datum::Array(_) | Datum::Map(_)) | None => String::new(),
        }
    }
}
