//! What rules of every phase have in common.
//!
//! A rule is known by its `ref`, never by position or id. A zone has one ruleset per phase, its
//! entry point, which others write to as well: rules are added, changed and removed one by one, and
//! the whole list is never put back.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Operations, beyond, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::failure::NO_SECOND_RULESET;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{mark, rule_ref, unmark};
use crate::error::Error;
use crate::kind::{Field, InvalidProperties, Kind};
use crate::references;

/// A kind of rule.
pub(crate) trait Phase: Kind + fmt::Debug {
    /// The phase its rules are in.
    fn phase(&self) -> &'static str;
    /// A rule as Cloudflare shows it.
    fn project(&self, rule: &Value) -> Option<Observed>;
    /// A rule as Cloudflare takes it.
    fn payload(&self, address: &ResourceAddress, normalised: &Properties) -> Value;
}

#[async_trait]
impl<P: Phase> Operations for P {
    fn collection(&self) -> &'static [&'static str] {
        &["rulesets"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let Some(ruleset) = entry_point(api, self.phase()).await? else { return Ok(Vec::new()) };
        Ok(rules(&ruleset).iter().filter_map(|rule| self.project(rule)).collect())
    }

    async fn unowned(&self, api: &Api<'_>) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let Some(ruleset) = entry_point(api, self.phase()).await? else {
            return Ok(BTreeMap::new());
        };
        let unowned = rules(&ruleset).iter().filter_map(|rule| {
            let observed = self.project(rule)?;
            let ours = self.payload(&anybody()?, &observed.properties);
            let beyond = beyond(rule, &ours, &SERVER_SET, &["action_parameters", "ratelimit"]);
            (!beyond.is_empty()).then_some((observed.id, beyond))
        });
        Ok(unowned.collect())
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        Ok(self.list(api).await?.into_iter().find(|rule| rule.id == id))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let rule = self.payload(&resource.address, &resource.properties);
        let reference = rule_ref(&resource.address);
        // The entry point may come or go between looking and writing; nobody's rules are lost by
        // looking again, as they would be by putting the whole list.
        let mut tries = 0;
        let ruleset = loop {
            tries += 1;
            let written = match entry_point(api, self.phase()).await? {
                Some(ruleset) if rules(&ruleset).iter().any(|it| is(it, &reference)) => {
                    return Err(api.conflict(format!("there is a rule with ref {reference}")));
                }
                Some(ruleset) => {
                    let id = text(&ruleset, "id").unwrap_or_default();
                    api.send(Method::POST, &["rulesets", &id, "rules"], rule.clone()).await
                }
                None => {
                    let body = json!({
                        "name": "default",
                        "kind": "zone",
                        "phase": self.phase(),
                        "rules": [&rule],
                    });
                    api.send(Method::POST, &["rulesets"], body).await
                }
            };
            match written {
                Err(Error::Conflict { reply, .. })
                    if reply.has_code(NO_SECOND_RULESET) && tries < TRIES => {}
                Err(Error::NotFound { .. }) if tries < TRIES => {}
                written => break written?,
            }
        };
        self.written(api, &ruleset, &reference)
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        let mut rule = self.payload(&resource.address, &resource.properties);
        let reference = rule_ref(&resource.address);
        let ruleset = entry_point(api, self.phase()).await?.unwrap_or_default();
        // The id may be another since it was seen; the ref is ours.
        let rules = rules(&ruleset);
        let found = rules.iter().find(|it| is(it, &reference));
        let found = found.or_else(|| rules.iter().find(|it| text(it, "id").as_deref() == Some(id)));
        if let (Some(rule), Some(_)) =
            (rule.as_object_mut(), found.and_then(|it| it.get("action_parameters")))
        {
            // What is left out of a PATCH stays, and does not go with every other action.
            rule.entry("action_parameters").or_insert_with(|| json!({}));
        }
        let rule_id = found.and_then(|it| text(it, "id"));
        let rule_id = rule_id.ok_or_else(|| api.absent("the rule is gone"))?;
        let ruleset_id = text(&ruleset, "id").unwrap_or_default();
        let path = ["rulesets", &ruleset_id, "rules", &rule_id];
        let ruleset = api.send(Method::PATCH, &path, rule).await?;
        self.written(api, &ruleset, &reference)
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        let Some(ruleset) = entry_point(api, self.phase()).await? else { return Ok(()) };
        let there = rules(&ruleset).iter().any(|it| text(it, "id").as_deref() == Some(id));
        if !there {
            return Ok(());
        }
        let ruleset_id = text(&ruleset, "id").unwrap_or_default();
        api.delete(&["rulesets", &ruleset_id, "rules", id]).await
    }
}

/// Fields of a rule that are compared in another way, or not at all.
const SERVER_SET: [&str; 7] =
    ["id", "ref", "version", "last_updated", "categories", "description", "expression"];

/// An address, for a payload of which only what is the same for everybody is looked at.
fn anybody() -> Option<ResourceAddress> {
    "anybody/cloudflare.rule/any".parse().ok()
}

/// Writes answer with the whole ruleset, the rule among the others'.
trait Written: Phase {
    fn written(&self, api: &Api<'_>, ruleset: &Value, reference: &str) -> Result<Observed, Error> {
        let rule = rules(ruleset).iter().find(|it| is(it, reference));
        api.projected(rule.and_then(|it| self.project(it)))
    }
}

impl<P: Phase> Written for P {}

/// How often an entry point that comes and goes is looked for.
const TRIES: u32 = 4;

/// The zone's ruleset for a phase; none until somebody makes one.
async fn entry_point(api: &Api<'_>, phase: &str) -> Result<Option<Value>, Error> {
    api.find(&["rulesets", "phases", phase, "entrypoint"]).await
}

fn rules(ruleset: &Value) -> &[Value] {
    ruleset.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is(rule: &Value, reference: &str) -> bool {
    rule.get("ref").and_then(Value::as_str) == Some(reference)
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
pub(super) fn project(rule: &Value) -> Option<Observed> {
    let id = rule.get("id")?.as_str()?;
    let (description, owner) = unmark(&text(rule, "description").unwrap_or_default());
    let expression = text(rule, "expression").unwrap_or_default();
    let enabled = rule.get("enabled").cloned().unwrap_or(true.into());
    Some(Observed {
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
