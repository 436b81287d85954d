//! A custom WAF rule, in the zone's `http_request_firewall_custom` phase.

use bus_schema::{Properties, ResourceAddress};
use serde_json::{Value, json};

use super::ruleset::{self, DESCRIPTION_FIELD, ENABLED_FIELD, EXPRESSION_FIELD, Phase};
use super::text;
use crate::Observed;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::rule_ref;
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};

/// A rule that blocks, challenges or lets pass what its expression matches.
#[derive(Debug)]
pub(crate) struct WafRule;

static DESCRIPTION: Description = Description {
    name: "cloudflare.waf_rule",
    title: "WAF rule",
    scope: ScopeLevel::Zone,
    fields: &[
        EXPRESSION_FIELD,
        Field {
            name: "action",
            required: true,
            fixed: false,
            examples: ["\"block\"", "\"managed_challenge\""],
        },
        ENABLED_FIELD,
        DESCRIPTION_FIELD,
    ],
    ownership: Ownership::Marked,
    holds_data: false,
    outputs: &["id"],
};

/// What a custom rule can do. `log` needs an Enterprise plan.
const ACTIONS: [&str; 6] =
    ["block", "managed_challenge", "js_challenge", "challenge", "log", "skip"];

impl Kind for WafRule {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        Ok(properties([
            ("expression", ruleset::expression(&fields)?.into()),
            ("action", fields.one_of("action", &ACTIONS)?.into()),
            ("enabled", fields.flag("enabled", true)?.into()),
            ("description", ruleset::description(&fields)?.into()),
        ]))
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        rule_ref(address)
    }
}

impl Phase for WafRule {
    fn phase(&self) -> &'static str {
        "http_request_firewall_custom"
    }

    fn project(&self, rule: &Value) -> Option<Observed> {
        let mut projected = ruleset::project(rule)?;
        let action = text(rule, "action").unwrap_or_default();
        projected.properties.0.insert("action".to_owned(), action.into());
        Some(projected)
    }

    fn payload(&self, address: &ResourceAddress, normalised: &Properties) -> Value {
        let mut rule = ruleset::payload(address, normalised);
        let action = normalised.text("action").unwrap_or_default();
        rule.insert("action".to_owned(), action.into());
        if action == "skip" {
            // What is skipped must be said; the rest of this phase is what a person means by it.
            rule.insert("action_parameters".to_owned(), json!({ "ruleset": "current" }));
        }
        rule.into()
    }
}
