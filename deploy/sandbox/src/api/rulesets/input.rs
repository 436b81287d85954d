//! What a client sends of a rule, and the rule it becomes: validated and normalised as Cloudflare
//! does. Pure.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::envelope::Failure;
use crate::edge;
use crate::rules;
use crate::store::{Rule, Ruleset, new_id, now};

/// Custom WAF rules.
const CUSTOM: &str = "http_request_firewall_custom";
/// Rate-limiting rules.
const RATE_LIMIT: &str = "http_ratelimit";
/// Cache rules.
const CACHE: &str = "http_request_cache_settings";
/// The phases the edge obeys; another may not be written.
pub(super) const PHASES: &[&str] = &[CUSTOM, RATE_LIMIT, CACHE];

/// Lengths of a counting period and of a mitigation, in seconds, that Cloudflare takes.
const PERIODS: &[i64] = &[
    10, 15, 20, 30, 40, 45, 60, 90, 120, 180, 240, 300, 480, 600, 900, 1200, 1800, 2400, 3600,
    65_535, 86_400,
];

/// Code of what is wrong with a rule.
const INVALID: u32 = 20_120;

/// A rule as sent; in a PATCH what is missing stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    action: Option<String>,
    action_parameters: Option<Value>,
    expression: Option<String>,
    description: Option<String>,
    enabled: Option<bool>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    ratelimit: Option<Value>,
    logging: Option<Value>,
    pub(super) position: Option<Position>,
    // Server-set; clients send back what they read.
    #[serde(rename = "id")]
    _id: Option<String>,
    #[serde(rename = "version")]
    _version: Option<String>,
    #[serde(rename = "last_updated")]
    _last_updated: Option<String>,
}

/// Where in its ruleset a rule goes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    before: Option<String>,
    after: Option<String>,
    index: Option<usize>,
}

impl Position {
    /// The place among the other rules, counted from zero.
    pub(super) fn among(&self, rules: &[Rule]) -> Result<usize, Failure> {
        let of = |id: &str| {
            rules.iter().position(|rule| rule.id == id).ok_or_else(|| {
                Failure::new(400, INVALID, format!("could not find rule {id}")).at("/position")
            })
        };
        match (self.before.as_deref(), self.after.as_deref(), self.index) {
            (Some(""), None, None) => Ok(0),
            (Some(id), None, None) => of(id),
            (None, Some(""), None) => Ok(rules.len()),
            (None, Some(id), None) => of(id).map(|index| index + 1),
            (None, None, Some(index)) if (1..=rules.len() + 1).contains(&index) => Ok(index - 1),
            _ => Err(Failure::new(400, INVALID, "a position is one of before, after and index")
                .at("/position")),
        }
    }
}

impl Input {
    /// A new rule.
    pub(super) fn create(self, phase: &str, pointer: &str) -> Result<Rule, Failure> {
        let id = new_id();
        let blank = Rule {
            reference: id.clone(),
            id,
            version: "0".to_owned(),
            action: String::new(),
            action_parameters: None,
            expression: String::new(),
            description: String::new(),
            last_updated: now(),
            enabled: true,
            ratelimit: None,
            logging: None,
        };
        self.over(blank, phase, pointer)
    }

    /// Every rule of a ruleset that is put: a rule keeps its id, and its version where nothing
    /// changed, only if it comes with the `ref` of one that is there.
    pub(super) fn replace_all(
        inputs: Vec<Self>,
        old: Option<&Ruleset>,
        phase: &str,
    ) -> Result<Vec<Rule>, Failure> {
        let mut rules: Vec<Rule> = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.into_iter().enumerate() {
            let pointer = format!("/rules/{index}");
            let known = input
                .reference
                .as_ref()
                .and_then(|reference| old?.rules.iter().find(|rule| rule.reference == *reference));
            let mut rule = input.create(phase, &pointer)?;
            if let Some(known) = known {
                rule.id.clone_from(&known.id);
                rule.version = next(&known.version);
                let unchanged = Rule {
                    version: known.version.clone(),
                    last_updated: known.last_updated,
                    ..rule.clone()
                };
                if json!(unchanged) == json!(known) {
                    rule = unchanged;
                }
            }
            rules.push(rule);
        }
        unique(&rules)?;
        Ok(rules)
    }

    /// The rule with what was sent put over it.
    pub(super) fn over(self, mut rule: Rule, phase: &str, pointer: &str) -> Result<Rule, Failure> {
        let at = |field: &str| format!("{pointer}/{field}");
        rule.action = self.action.unwrap_or(rule.action);
        rule.action_parameters = self.action_parameters.or(rule.action_parameters);
        rule.expression = self.expression.unwrap_or(rule.expression);
        rule.description = self.description.unwrap_or(rule.description);
        rule.enabled = self.enabled.unwrap_or(rule.enabled);
        rule.reference = self.reference.unwrap_or(rule.reference);
        rule.ratelimit = self.ratelimit.or(rule.ratelimit).map(reordered);
        rule.logging = self.logging.or(rule.logging);
        if rule.expression.is_empty() {
            return Err(Failure::new(400, INVALID, "expression is required").at(&at("expression")));
        }
        rules::validate(phase, &rule.expression).map_err(|reason| {
            let message = format!(
                "'{}' is not a valid value for expression because the expression is invalid: \
                 {reason}",
                rule.expression
            );
            Failure::new(400, 20_127, message).at(&at("expression"))
        })?;
        check(&rule, phase)
            .map_err(|(field, reason)| Failure::new(400, INVALID, reason).at(&at(field)))?;
        rule.version = next(&rule.version);
        rule.last_updated = now();
        Ok(rule)
    }
}

/// The version after this one.
pub(super) fn next(version: &str) -> String {
    (version.parse::<u64>().unwrap_or(0) + 1).to_string()
}

/// No two rules of a ruleset may have one `ref`.
pub(super) fn unique(rules: &[Rule]) -> Result<(), Failure> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        if !seen.insert(rule.reference.as_str()) {
            let message = format!("'{}' is already the ref of another rule", rule.reference);
            return Err(Failure::new(400, INVALID, message).at(&format!("/rules/{index}/ref")));
        }
    }
    Ok(())
}

/// Cloudflare does not keep the order of characteristics; a client that relies on it shall notice.
fn reordered(mut ratelimit: Value) -> Value {
    if let Some(list) = ratelimit.get_mut("characteristics").and_then(Value::as_array_mut) {
        list.sort_by_key(|item| std::cmp::Reverse(item.to_string()));
        list.dedup();
    }
    ratelimit
}

type Wrong = (&'static str, String);

fn wrong<T>(field: &'static str, reason: impl Into<String>) -> Result<T, Wrong> {
    Err((field, reason.into()))
}

/// What the phase asks of a rule beyond its expression.
fn check(rule: &Rule, phase: &str) -> Result<(), Wrong> {
    let actions: &[&str] = match phase {
        CUSTOM => &["block", "challenge", "js_challenge", "managed_challenge", "log", "skip"],
        RATE_LIMIT => &["block", "challenge", "js_challenge", "managed_challenge", "log"],
        _ => &["set_cache_settings"],
    };
    if !actions.contains(&rule.action.as_str()) {
        let reason = format!(
            "'{}' is not a valid value for action in the {phase} phase; it takes {}",
            rule.action,
            actions.join(", ")
        );
        return wrong("action", reason);
    }
    if rule.description.chars().count() > 500 {
        return wrong("description", "description is longer than 500 characters");
    }
    match (phase, &rule.ratelimit) {
        (RATE_LIMIT, Some(ratelimit)) => check_ratelimit(ratelimit, &rule.action)?,
        (RATE_LIMIT, None) => return wrong("ratelimit", "ratelimit is required in this phase"),
        (_, Some(_)) => return wrong("ratelimit", "ratelimit is not allowed in this phase"),
        (_, None) => {}
    }
    match (rule.action.as_str(), &rule.action_parameters) {
        ("skip", None) => wrong("action_parameters", "the skip action needs action_parameters"),
        ("skip", Some(given)) => {
            let known = ["ruleset", "phases", "products", "rules", "rulesets"];
            only("action_parameters", given, &known)
        }
        ("set_cache_settings", None) => {
            wrong("action_parameters", "set_cache_settings needs action_parameters")
        }
        ("set_cache_settings", Some(given)) => check_cache(given),
        ("block", Some(given)) => only("action_parameters", given, &["response"]),
        (_, Some(given)) if given != &json!({}) => {
            wrong("action_parameters", "this action takes no action_parameters")
        }
        _ => Ok(()),
    }
}

fn only(field: &'static str, given: &Value, known: &[&str]) -> Result<(), Wrong> {
    let Some(given) = given.as_object() else { return wrong(field, "it must be an object") };
    match given.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => wrong(field, format!("the sandbox does not know the field `{name}` here")),
        None => Ok(()),
    }
}

fn check_ratelimit(given: &Value, action: &str) -> Result<(), Wrong> {
    const FIELD: &str = "ratelimit";
    let known = [
        "characteristics",
        "period",
        "requests_per_period",
        "mitigation_timeout",
        "counting_expression",
        "requests_to_origin",
    ];
    only(FIELD, given, &known)?;
    let characteristics: Vec<&str> = given
        .get("characteristics")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if !characteristics.contains(&"cf.colo.id") {
        return wrong(FIELD, "characteristics must have cf.colo.id");
    }
    let number = |name: &str| given.get(name).and_then(Value::as_i64);
    if !number("period").is_some_and(|period| PERIODS.contains(&period)) {
        return wrong(FIELD, format!("period must be one of {PERIODS:?}"));
    }
    if !number("requests_per_period").is_some_and(|requests| (1..=1_000_000).contains(&requests)) {
        return wrong(FIELD, "requests_per_period must be from 1 to 1000000");
    }
    let timeout = number("mitigation_timeout").unwrap_or(0);
    if timeout != 0 && !PERIODS.contains(&timeout) {
        return wrong(FIELD, format!("mitigation_timeout must be 0 or one of {PERIODS:?}"));
    }
    if timeout != 0 && action.ends_with("challenge") {
        return wrong(FIELD, "mitigation_timeout must be 0 for a challenge");
    }
    edge::validate_rate_limit(given).map_err(|reason| (FIELD, reason))?;
    if let Some(expression) = given.get("counting_expression").and_then(Value::as_str)
        && !expression.is_empty()
        && let Err(reason) = rules::validate(RATE_LIMIT, expression)
    {
        return wrong(FIELD, format!("counting_expression is invalid: {reason}"));
    }
    Ok(())
}

fn check_cache(given: &Value) -> Result<(), Wrong> {
    const FIELD: &str = "action_parameters";
    only(
        FIELD,
        given,
        &[
            "cache",
            "edge_ttl",
            "browser_ttl",
            "respect_strong_etags",
            "origin_error_page_passthru",
            "serve_stale",
        ],
    )?;
    if given.get("cache").is_some_and(|cache| !cache.is_boolean()) {
        return wrong(FIELD, "cache must be true or false");
    }
    let modes = [
        ("edge_ttl", &["override_origin", "respect_origin", "bypass_by_default"]),
        ("browser_ttl", &["override_origin", "respect_origin", "bypass"]),
    ];
    for (name, modes) in modes {
        let Some(ttl) = given.get(name) else { continue };
        let mode = ttl.get("mode").and_then(Value::as_str).unwrap_or_default();
        if !modes.contains(&mode) {
            return wrong(FIELD, format!("{name}.mode must be one of {modes:?}"));
        }
        let default = ttl.get("default").and_then(Value::as_i64);
        if (mode == "override_origin") != default.is_some() {
            let reason =
                format!("{name}.default goes with the mode override_origin, and only then");
            return wrong(FIELD, reason);
        }
        if default.is_some_and(|seconds| !(0..=31_536_000).contains(&seconds)) {
            return wrong(FIELD, format!("{name}.default must be seconds up to a year"));
        }
    }
    if given.get("cache") == Some(&json!(false)) && given.get("edge_ttl").is_some() {
        return wrong(FIELD, "edge_ttl cannot be set when cache is false");
    }
    edge::validate_cache_settings(given).map_err(|reason| (FIELD, reason))
}
