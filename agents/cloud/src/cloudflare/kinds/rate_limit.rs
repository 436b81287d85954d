//! A rate-limit rule, in the zone's `http_ratelimit` phase.

use std::collections::BTreeSet;

use bus_schema::{Properties, ResourceAddress};
use serde_json::{Value, json};

use super::ruleset::{self, DESCRIPTION_FIELD, ENABLED_FIELD, EXPRESSION_FIELD, Phase};
use super::text;
use crate::Observed;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::rule_ref;
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};

/// A rule that stops what its expression matches when it comes too often.
#[derive(Debug)]
pub(crate) struct RateLimit;

static DESCRIPTION: Description = Description {
    name: "cloudflare.rate_limit",
    title: "Rate-limit rule",
    scope: ScopeLevel::Zone,
    fields: &[
        EXPRESSION_FIELD,
        Field {
            name: "characteristics",
            required: false,
            fixed: false,
            examples: ["[\"ip.src\"]", "[\"ip.src\",\"http.host\"]"],
        },
        Field { name: "period", required: true, fixed: false, examples: ["10", "60"] },
        Field {
            name: "requests_per_period",
            required: true,
            fixed: false,
            examples: ["100", "1000"],
        },
        Field { name: "mitigation_timeout", required: false, fixed: false, examples: ["10", "60"] },
        Field { name: "action", required: false, fixed: false, examples: ["\"block\"", "\"log\""] },
        ENABLED_FIELD,
        DESCRIPTION_FIELD,
    ],
    ownership: Ownership::Marked,
    holds_data: false,
    outputs: &["id"],
};

const ACTIONS: [&str; 5] = ["block", "managed_challenge", "js_challenge", "challenge", "log"];
/// Cloudflare counts per data centre and wants it said.
const PER_DATA_CENTRE: &str = "cf.colo.id";
/// What is counted by where the declaration does not say.
const PER_CLIENT: &str = "ip.src";
/// Periods Cloudflare counts over and bars for, in seconds; which of them depends on the plan.
const PERIODS: [i64; 21] = [
    10, 15, 20, 30, 40, 45, 60, 90, 120, 180, 240, 300, 480, 600, 900, 1200, 1800, 2400, 3600,
    65_535, 86_400,
];

impl Kind for RateLimit {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let mut by = fields.texts("characteristics")?;
        if by.is_empty() {
            by.push(PER_CLIENT);
        }
        let period = fields.integer("period", 10..=86_400)?.unwrap_or_default();
        if !PERIODS.contains(&period) {
            let reason = format!("must be one of {PERIODS:?} seconds");
            return Err(fields.invalid("period", reason));
        }
        let action = if fields.get("action").is_none() {
            "block".to_owned()
        } else {
            fields.one_of("action", &ACTIONS)?
        };
        let timeout = fields.integer("mitigation_timeout", 0..=86_400)?;
        let challenges = action.ends_with("challenge");
        if challenges && timeout.is_some_and(|it| it != 0) {
            return Err(fields.invalid("mitigation_timeout", "must be 0 for a challenge"));
        }
        if timeout.is_some_and(|it| it != 0 && !PERIODS.contains(&it)) {
            let reason = format!("must be 0 or one of {PERIODS:?} seconds");
            return Err(fields.invalid("mitigation_timeout", reason));
        }
        let timeout = timeout.unwrap_or(if challenges { 0 } else { period });
        let requests = fields.integer("requests_per_period", 1..=1_000_000)?;
        Ok(properties([
            ("expression", ruleset::expression(&fields)?.into()),
            ("characteristics", characteristics(by)),
            ("period", period.into()),
            ("requests_per_period", requests.unwrap_or_default().into()),
            ("mitigation_timeout", timeout.into()),
            ("action", action.into()),
            ("enabled", fields.flag("enabled", true)?.into()),
            ("description", ruleset::description(&fields)?.into()),
        ]))
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        rule_ref(address)
    }
}

fn characteristics<'a>(by: impl IntoIterator<Item = &'a str>) -> Value {
    let sorted: BTreeSet<&str> = by.into_iter().chain([PER_DATA_CENTRE]).collect();
    json!(sorted)
}

impl Phase for RateLimit {
    fn phase(&self) -> &'static str {
        "http_ratelimit"
    }

    fn project(&self, rule: &Value) -> Option<Observed> {
        let mut projected = ruleset::project(rule)?;
        let limit = rule.get("ratelimit").unwrap_or(&Value::Null);
        let by: BTreeSet<&str> = limit
            .get("characteristics")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let number = |name: &str| limit.get(name).cloned().unwrap_or_default();
        projected.properties.0.extend(
            properties([
                ("characteristics", json!(by)),
                ("period", number("period")),
                ("requests_per_period", number("requests_per_period")),
                ("mitigation_timeout", number("mitigation_timeout")),
                ("action", text(rule, "action").unwrap_or_default().into()),
            ])
            .0,
        );
        Some(projected)
    }

    fn payload(&self, address: &ResourceAddress, normalised: &Properties) -> Value {
        let field = |name: &str| normalised.get(name).cloned().unwrap_or_default();
        let mut rule = ruleset::payload(address, normalised);
        rule.insert("action".to_owned(), field("action"));
        rule.insert(
            "ratelimit".to_owned(),
            json!({
                "characteristics": field("characteristics"),
                "period": field("period"),
                "requests_per_period": field("requests_per_period"),
                "mitigation_timeout": field("mitigation_timeout"),
            }),
        );
        rule.into()
    }
}
