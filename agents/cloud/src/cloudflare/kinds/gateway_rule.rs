//! A Zero Trust Gateway rule; marked in its description.

use std::collections::BTreeSet;

use bus_schema::{Properties, ResourceAddress};
use serde_json::{Value, json};

use super::{Projected, outputs, text};
use crate::cloudflare::expression::canonical;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{cloud_name, mark, unmark};
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

/// The rule as Cloudflare shows it.
pub(super) fn project(rule: &Value) -> Option<Projected> {
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
    Some(Projected {
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
