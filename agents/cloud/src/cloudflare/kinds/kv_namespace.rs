//! A Workers KV namespace; known as ours by its title.

use bus_schema::{Properties, ResourceAddress};
use serde_json::Value;

use super::{Projected, outputs, text};
use crate::cloudflare::fields::Fields;
use crate::cloudflare::names::{cloud_name, owner_of};
use crate::kind::{Description, InvalidProperties, Kind, Ownership, ScopeLevel};

/// A store of keys and values. What is in it belongs to its users.
#[derive(Debug)]
pub(crate) struct KvNamespace;

static DESCRIPTION: Description = Description {
    name: "cloudflare.kv_namespace",
    title: "KV namespace",
    scope: ScopeLevel::Account,
    fields: &[],
    ownership: Ownership::Named,
    holds_data: true,
    outputs: &["id", "title"],
};

impl Kind for KvNamespace {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        Fields::new(&DESCRIPTION, declared).map(|_| Properties::default())
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        cloud_name(address)
    }
}

/// The namespace as Cloudflare shows it.
pub(super) fn project(namespace: &Value) -> Option<Projected> {
    let id = namespace.get("id")?.as_str()?;
    let title = text(namespace, "title").unwrap_or_default();
    Some(Projected {
        id: id.to_owned(),
        owner: owner_of(&title),
        properties: Properties::default(),
        outputs: outputs([("id", id), ("title", &title)]),
        key: title,
        modified_at: None,
    })
}
