//! A Zero Trust Gateway list; marked in its description.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operations, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{PREFIX, cloud_name, mark, unmark};
use crate::error::Error;
use crate::kind::{Description, Field, InvalidProperties, Kind, Marker, Ownership, ScopeLevel};
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

/// Lists, and items of one, asked for at a time.
const PER_PAGE: u32 = 50;
const ITEMS_PER_PAGE: u32 = 1000;
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

    fn importable(&self) -> Result<(), &'static str> {
        Err("the items of others' lists are not read")
    }
}

#[async_trait]
impl Operations for GatewayList {
    fn collection(&self) -> &'static [&'static str] {
        &["gateway", "lists"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let lists = api.pages(&["gateway", "lists"], PER_PAGE).await?;
        let mut observed = Vec::with_capacity(lists.len());
        for list in lists {
            let marked = text(&list, "description").is_some_and(|it| Marker::find(&it).is_some());
            let ours = marked || text(&list, "name").is_some_and(|it| it.starts_with(PREFIX));
            // What is in others' lists is nothing to us, and each costs a call.
            let items = if ours { listed_items(api, &list).await? } else { Vec::new() };
            observed.extend(project(&list, &items));
        }
        Ok(observed)
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        let Some(list) = api.find(&["gateway", "lists", id]).await? else { return Ok(None) };
        let items = items_of(api, &list).await?;
        Ok(project(&list, &items))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let lists = api.pages(&["gateway", "lists"], PER_PAGE).await?;
        api.no_other_named(&lists, &cloud_name(&resource.address))?;
        let body = payload(&resource.address, &resource.properties);
        let made = api.send(Method::POST, &["gateway", "lists"], body.clone()).await?;
        api.projected(project(&made, sent_items(&body)))
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        // Items that are sent take the place of those there.
        let body = payload(&resource.address, &resource.properties);
        let changed = api.send(Method::PUT, &["gateway", "lists", id], body.clone()).await?;
        api.projected(project(&changed, sent_items(&body)))
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        api.delete(&["gateway", "lists", id]).await
    }
}

/// The items of a list, not read again while it has not changed.
async fn listed_items(api: &Api<'_>, list: &Value) -> Result<Vec<Value>, Error> {
    let id = text(list, "id").unwrap_or_default();
    let count = list.get("count").map(ToString::to_string).unwrap_or_default();
    let version = text(list, "updated_at").map(|updated| format!("{updated}/{count}"));
    let read = async { Ok(Some(Value::Array(items_of(api, list).await?))) };
    match api.details(&["gateway", "lists", &id, "items"], version, read).await? {
        Some(Value::Array(items)) => Ok(items),
        _ => Ok(Vec::new()),
    }
}

async fn items_of(api: &Api<'_>, list: &Value) -> Result<Vec<Value>, Error> {
    let id = text(list, "id").unwrap_or_default();
    let items = api.pages(&["gateway", "lists", &id, "items"], ITEMS_PER_PAGE).await?;
    // Some versions of the API answer with pages inside the page.
    let mut flat = Vec::with_capacity(items.len());
    for item in items {
        if let Value::Array(inner) = item { flat.extend(inner) } else { flat.push(item) }
    }
    Ok(flat)
}

fn sent_items(body: &Value) -> &[Value] {
    body.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
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
pub(super) fn project(list: &Value, listed: &[Value]) -> Option<Observed> {
    let id = list.get("id")?.as_str()?;
    let list_type = text(list, "type").unwrap_or_default().to_ascii_uppercase();
    let (description, owner) = unmark(&text(list, "description").unwrap_or_default());
    let listed = listed.iter().filter_map(|it| it.get("value").and_then(Value::as_str));
    let items = items(&list_type, listed);
    Some(Observed {
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
