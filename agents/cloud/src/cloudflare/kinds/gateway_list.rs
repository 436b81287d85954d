//! A Zero Trust Gateway list; marked in its description.

use std::collections::BTreeSet;

use bus_schema::{Properties, ResourceAddress};
use serde_json::{Value, json};

use super::{Projected, outputs, text};
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{cloud_name, mark, unmark};
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};
use crate::references;

/// Domains, addresses and the like that Gateway rules refer to.
#[derive(Debug)]
pub(crate) struct GatewayList;

static DESCRIPTION: Description = Description {
    name: "cloudflare.gateway_list",
    title: "Gateway list",
    scope: ScopeLevel::Account,
    fields: &[
        Field { name: "type", required: true, fixed: true, examples: ["\"DOMAIN\"", "\"EMAIL\""] },
        Field {
            name: "items",
            required: true,
            fixed: false,
            examples: [
                r#"["Bad.example.org","ads.example.net"]"#,
                r#"["ads.example.net","new.example.org"]"#,
            ],
        },
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

const TYPES: [&str; 5] = ["DOMAIN", "URL", "EMAIL", "IP", "SERIAL"];
/// Most items of a list outside Enterprise.
const MOST_ITEMS: usize = 1000;
/// Longest description, in characters, the mark of ownership left out.
const LONGEST_DESCRIPTION: usize = 380;

impl Kind for GatewayList {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let list_type = fields.one_of("type", &TYPES)?;
        let items = items(&list_type, fields.texts("items")?);
        if items.is_empty() || items.len() > MOST_ITEMS || items.contains("") {
            let reason = format!("must be 1 to {MOST_ITEMS} texts that are not empty");
            return Err(fields.invalid("items", reason));
        }
        Ok(properties([
            ("type", list_type.into()),
            ("items", json!(items)),
            ("description", fields.description(LONGEST_DESCRIPTION)?.into()),
        ]))
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        cloud_name(address)
    }
}

/// A set, each item as Cloudflare shows it.
fn items<'a>(list_type: &str, items: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let folds_case = matches!(list_type, "DOMAIN" | "EMAIL");
    items
        .into_iter()
        .map(str::trim)
        .map(|item| {
            let folds = folds_case && !references::holds_reference(item);
            if folds { item.to_lowercase() } else { item.to_owned() }
        })
        .collect()
}

/// The list as Cloudflare shows it; its items are listed apart.
pub(super) fn project(list: &Value, listed: &[Value]) -> Option<Projected> {
    let id = list.get("id")?.as_str()?;
    let list_type = text(list, "type").unwrap_or_default().to_ascii_uppercase();
    let (description, owner) = unmark(&text(list, "description").unwrap_or_default());
    let listed = listed.iter().filter_map(|it| it.get("value").and_then(Value::as_str));
    let items = items(&list_type, listed);
    Some(Projected {
        id: id.to_owned(),
        key: text(list, "name").unwrap_or_else(|| id.to_owned()),
        owner,
        properties: properties([
            ("type", list_type.into()),
            ("items", json!(items)),
            ("description", description.into()),
        ]),
        outputs: outputs([("id", id)]),
        modified_at: text(list, "updated_at"),
    })
}

/// The list as Cloudflare takes it.
pub(super) fn payload(address: &ResourceAddress, normalised: &Properties) -> Value {
    let description = normalised.text("description").unwrap_or_default();
    let items = normalised.get("items").and_then(Value::as_array).into_iter().flatten();
    json!({
        "name": cloud_name(address),
        "type": normalised.get("type"),
        "description": mark(description, address),
        "items": items.map(|it| json!({ "value": it })).collect::<Vec<_>>(),
    })
}
