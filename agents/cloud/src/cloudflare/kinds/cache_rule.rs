//! A cache rule, in the zone's `http_request_cache_settings` phase.

use bus_schema::{Properties, ResourceAddress};
use serde_json::{Map, Value, json};

use super::ruleset::{self, DESCRIPTION_FIELD, ENABLED_FIELD, EXPRESSION_FIELD, Phase};
use crate::Observed;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::rule_ref;
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};

/// A rule that says whether and for how long what its expression matches is cached.
#[derive(Debug)]
pub(crate) struct CacheRule;

static DESCRIPTION: Description = Description {
    name: "cloudflare.cache_rule",
    title: "Cache rule",
    scope: ScopeLevel::Zone,
    fields: &[
        EXPRESSION_FIELD,
        Field { name: "cache", required: false, fixed: false, examples: ["true", "false"] },
        Field { name: "edge_ttl", required: false, fixed: false, examples: ["300", "null"] },
        Field { name: "browser_ttl", required: false, fixed: false, examples: ["120", "240"] },
        ENABLED_FIELD,
        DESCRIPTION_FIELD,
    ],
    ownership: Ownership::Marked,
    holds_data: false,
    outputs: &["id"],
};

/// Longest time to keep something, in seconds: a year.
const LONGEST: i64 = 31_536_000;

impl Kind for CacheRule {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let cache = fields.flag("cache", true)?;
        // What is not cached has no time to be kept; Cloudflare refuses one.
        let seconds = |field| {
            let declared = fields.integer(field, 0..=LONGEST)?;
            Ok(declared.filter(|_| cache).map_or(Value::Null, Value::from))
        };
        Ok(properties([
            ("expression", ruleset::expression(&fields)?.into()),
            ("cache", cache.into()),
            ("edge_ttl", seconds("edge_ttl")?),
            ("browser_ttl", seconds("browser_ttl")?),
            ("enabled", fields.flag("enabled", true)?.into()),
            ("description", ruleset::description(&fields)?.into()),
        ]))
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        rule_ref(address)
    }
}

impl Phase for CacheRule {
    fn phase(&self) -> &'static str {
        "http_request_cache_settings"
    }

    fn project(&self, rule: &Value) -> Option<Observed> {
        let mut projected = ruleset::project(rule)?;
        let parameters = rule.get("action_parameters").unwrap_or(&Value::Null);
        let seconds = |field: &str| parameters.get(field).map_or(Value::Null, time_kept);
        projected.properties.0.extend(
            properties([
                ("cache", parameters.get("cache").cloned().unwrap_or(true.into())),
                ("edge_ttl", seconds("edge_ttl")),
                ("browser_ttl", seconds("browser_ttl")),
            ])
            .0,
        );
        Some(projected)
    }

    fn payload(&self, address: &ResourceAddress, normalised: &Properties) -> Value {
        let mut parameters = Map::new();
        let cache = normalised.get("cache").cloned().unwrap_or(true.into());
        parameters.insert("cache".to_owned(), cache);
        for field in ["edge_ttl", "browser_ttl"] {
            let kept = match normalised.get(field) {
                None | Some(Value::Null) => continue,
                // As somebody else had set it, put back by an undo.
                Some(setting @ Value::Object(_)) => setting.clone(),
                Some(seconds) => json!({ "mode": "override_origin", "default": seconds }),
            };
            parameters.insert(field.to_owned(), kept);
        }
        let mut rule = ruleset::payload(address, normalised);
        rule.insert("action".to_owned(), "set_cache_settings".into());
        rule.insert("action_parameters".to_owned(), parameters.into());
        rule.into()
    }
}

/// Seconds; nothing where the origin decides; else the setting as it is, which no declaration equals.
fn time_kept(setting: &Value) -> Value {
    match setting.get("mode").and_then(Value::as_str) {
        Some("override_origin") => setting.get("default").cloned().unwrap_or_default(),
        Some("respect_origin") | None => Value::Null,
        Some(_) => setting.clone(),
    }
}
