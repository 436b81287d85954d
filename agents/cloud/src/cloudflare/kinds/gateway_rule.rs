//! A Zero Trust Gateway rule; marked in its description.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operations, beyond, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::expression::canonical;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{cloud_name, mark, unmark};
use crate::error::Error;
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};

/// A rule over the DNS queries or HTTP requests of an account's people and devices.
#[derive(Debug)]
pub(crate) struct GatewayRule;

static DESCRIPTION: Description = Description {
    name: "cloudflare.gateway_rule",
    title: "Gateway rule",
    scope: ScopeLevel::Account,
    fields: &[
        Field {
            name: "filters",
            required: true,
            fixed: true,
            examples: ["[\"dns\"]", "[\"http\"]"],
        },
        Field {
            name: "traffic",
            required: true,
            fixed: false,
            examples: [
                r#""any( dns.domains[*] in {\"bad.example.org\"})""#,
                r#""any(dns.domains[*] in {\"ads.example.net\"})""#,
            ],
        },
        Field {
            name: "action",
            required: true,
            fixed: false,
            examples: ["\"block\"", "\"allow\""],
        },
        Field { name: "enabled", required: false, fixed: false, examples: ["true", "false"] },
        Field { name: "precedence", required: false, fixed: false, examples: ["1000", "2000"] },
        Field {
            name: "description",
            required: false,
            fixed: false,
            examples: ["\"Made for a test\"", "\"\""],
        },
    ],
    ownership: Ownership::Marked,
    holds_data: false,
    outputs: &["id"],
};

/// Fields a rule is shown with and not taken with.
const SERVER_SET: [&str; 9] = [
    "id",
    "created_at",
    "updated_at",
    "deleted_at",
    "version",
    "read_only",
    "sharable",
    "source_account",
    "warning_status",
];
const ACTIONS: [&str; 2] = ["block", "allow"];
const FILTERS: [&str; 2] = ["dns", "http"];
/// Longest description, in characters, the mark of ownership left out.
const LONGEST_DESCRIPTION: usize = 380;

impl Kind for GatewayRule {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let filters: BTreeSet<&str> = fields.texts("filters")?.into_iter().collect();
        if filters.is_empty() || !filters.iter().all(|it| FILTERS.contains(it)) {
            return Err(fields.invalid("filters", "must be dns or http, or both"));
        }
        let mut normalised = properties([
            ("filters", json!(filters)),
            ("traffic", canonical(fields.text("traffic")?).into()),
            ("action", fields.one_of("action", &ACTIONS)?.into()),
            ("enabled", fields.flag("enabled", true)?.into()),
            ("description", fields.description(LONGEST_DESCRIPTION)?.into()),
        ]);
        // Left out it is Cloudflare's choice, and Cloudflare may choose again.
        if let Some(precedence) = fields.integer("precedence", 0..=i64::from(i32::MAX))? {
            normalised.0.insert("precedence".to_owned(), precedence.into());
        }
        Ok(normalised)
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        cloud_name(address)
    }
}

#[async_trait]
impl Operations for GatewayRule {
    fn collection(&self) -> &'static [&'static str] {
        &["gateway", "rules"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let rules = api.get(&["gateway", "rules"]).await?;
        Ok(rules.as_array().into_iter().flatten().filter_map(project).collect())
    }

    async fn unowned(&self, api: &Api<'_>) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let rules = api.get(&["gateway", "rules"]).await?;
        let owned = DESCRIPTION.fields.iter().map(|it| it.name).chain(["name"]);
        let not_looked_at: Vec<&str> = SERVER_SET.into_iter().chain(owned).collect();
        let unowned = rules.as_array().into_iter().flatten().filter_map(|rule| {
            let beyond = beyond(rule, &Value::Null, &not_looked_at, &["rule_settings"]);
            (!beyond.is_empty()).then_some((text(rule, "id")?, beyond))
        });
        Ok(unowned.collect())
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        Ok(api.find(&["gateway", "rules", id]).await?.as_ref().and_then(project))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let rules = api.get(&["gateway", "rules"]).await?;
        let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
        api.no_other_named(rules, &cloud_name(&resource.address))?;
        let body = payload(&resource.address, &resource.properties);
        let made = api.send(Method::POST, &["gateway", "rules"], body).await?;
        api.projected(project(&made))
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        // There is no PATCH: what we do not own of the rule is put back as it was found.
        let mut whole = api.get(&["gateway", "rules", id]).await?;
        let ours = payload(&resource.address, &resource.properties);
        if let (Some(whole), Value::Object(ours)) = (whole.as_object_mut(), ours) {
            whole.retain(|field, _| !SERVER_SET.contains(&field.as_str()));
            whole.extend(ours);
        }
        let changed = api.send(Method::PUT, &["gateway", "rules", id], whole).await?;
        api.projected(project(&changed))
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        api.delete(&["gateway", "rules", id]).await
    }
}

/// The rule as Cloudflare shows it.
pub(super) fn project(rule: &Value) -> Option<Observed> {
    let id = rule.get("id")?.as_str()?;
    let (description, owner) = unmark(&text(rule, "description").unwrap_or_default());
    let filters: BTreeSet<&str> = rule
        .get("filters")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let traffic = canonical(&text(rule, "traffic").unwrap_or_default());
    Some(Observed {
        id: id.to_owned(),
        key: text(rule, "name").unwrap_or_else(|| id.to_owned()),
        owner,
        properties: properties([
            ("filters", json!(filters)),
            ("traffic", traffic.into()),
            ("action", text(rule, "action").unwrap_or_default().into()),
            ("enabled", rule.get("enabled").cloned().unwrap_or(false.into())),
            ("precedence", rule.get("precedence").cloned().unwrap_or_default()),
            ("description", description.into()),
        ]),
        outputs: outputs([("id", id)]),
        modified_at: text(rule, "updated_at"),
    })
}

/// The rule as Cloudflare takes it.
pub(super) fn payload(address: &ResourceAddress, normalised: &Properties) -> Value {
    let mut payload = json!(normalised);
    let description = normalised.text("description").unwrap_or_default();
    if let Some(fields) = payload.as_object_mut() {
        fields.insert("name".to_owned(), cloud_name(address).into());
        fields.insert("description".to_owned(), mark(description, address).into());
    }
    payload
}
