//! What rules of every phase have in common.
//!
//! A rule is known by its `ref`, never by position or id. A zone has one ruleset per phase, its
//! entry point, which others write to as well: rules are added, changed and removed one by one, and
//! the whole list is never put back.

use std::fmt;

use bus_schema::{Properties, ResourceAddress};
use serde_json::{Map, Value};

use super::{Projected, outputs, text};
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{mark, rule_ref, unmark};
use crate::kind::{Field, InvalidProperties, Kind};
use crate::references;

/// A kind of rule.
pub(crate) trait Phase: Kind + fmt::Debug {
    /// The phase its rules are in.
    fn phase(&self) -> &'static str;
    /// A rule as Cloudflare shows it.
    fn project(&self, rule: &Value) -> Option<Projected>;
    /// A rule as Cloudflare takes it.
    fn payload(&self, address: &ResourceAddress, normalised: &Properties) -> Value;
}

pub(super) const EXPRESSION_FIELD: Field = Field {
    name: "expression",
    required: true,
    fixed: false,
    examples: [
        r#""(http.host eq \"api.example.com\")""#,
        r#""(http.request.uri.path contains \"/admin\")""#,
    ],
};
pub(super) const ENABLED_FIELD: Field =
    Field { name: "enabled", required: false, fixed: false, examples: ["true", "false"] };
pub(super) const DESCRIPTION_FIELD: Field = Field {
    name: "description",
    required: false,
    fixed: false,
    examples: ["\"Made for a test\"", "\"\""],
};

/// Longest expression Cloudflare takes, in characters.
const LONGEST_EXPRESSION: usize = 4096;
/// Longest description, in characters; Cloudflare takes 500, and the mark of ownership follows.
const LONGEST_DESCRIPTION: usize = 380;

/// The declared expression.
pub(super) fn expression(fields: &Fields<'_>) -> Result<String, InvalidProperties> {
    let expression = fields.text("expression")?;
    if expression.chars().count() > LONGEST_EXPRESSION && !references::holds_reference(expression) {
        let reason = format!("must have at most {LONGEST_EXPRESSION} characters");
        return Err(fields.invalid("expression", reason));
    }
    Ok(expression.to_owned())
}

/// The declared description.
pub(super) fn description(fields: &Fields<'_>) -> Result<String, InvalidProperties> {
    fields.description(LONGEST_DESCRIPTION).map(str::to_owned)
}

/// What every rule shows.
pub(super) fn project(rule: &Value) -> Option<Projected> {
    let id = rule.get("id")?.as_str()?;
    let (description, owner) = unmark(&text(rule, "description").unwrap_or_default());
    let expression = text(rule, "expression").unwrap_or_default();
    let enabled = rule.get("enabled").cloned().unwrap_or(true.into());
    Some(Projected {
        id: id.to_owned(),
        key: text(rule, "ref").unwrap_or_else(|| id.to_owned()),
        owner,
        properties: properties([
            ("expression", expression.trim().into()),
            ("enabled", enabled),
            ("description", description.into()),
        ]),
        outputs: outputs([("id", id)]),
        modified_at: text(rule, "last_updated"),
    })
}

/// What every rule is sent with.
pub(super) fn payload(address: &ResourceAddress, normalised: &Properties) -> Map<String, Value> {
    let field = |name: &str| normalised.get(name).cloned().unwrap_or_default();
    let description = normalised.text("description").unwrap_or_default();
    properties([
        ("ref", rule_ref(address).into()),
        ("expression", field("expression")),
        ("enabled", field("enabled")),
        ("description", mark(description, address).into()),
    ])
    .0
    .into_iter()
    .collect()
}
