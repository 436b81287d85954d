//! A Workers KV namespace; known as ours by its title.

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operations, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::fields::Fields;
use crate::cloudflare::names::{cloud_name, owner_of};
use crate::error::Error;
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

#[async_trait]
impl Operations for KvNamespace {
    fn collection(&self) -> &'static [&'static str] {
        &["storage", "kv", "namespaces"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let namespaces = api.pages(&PATH, PER_PAGE).await?;
        Ok(namespaces.iter().filter_map(project).collect())
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        let [storage, kv, namespaces] = PATH;
        let found = api.find(&[storage, kv, namespaces, id]).await?;
        Ok(found.as_ref().and_then(project))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let body = json!({ "title": cloud_name(&resource.address) });
        let made = api.send(Method::POST, &PATH, body).await?;
        api.projected(project(&made))
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        let [storage, kv, namespaces] = PATH;
        let title = cloud_name(&resource.address);
        let body = json!({ "title": title });
        api.send(Method::PUT, &[storage, kv, namespaces, id], body).await?;
        // The answer to this holds nothing.
        api.projected(project(&json!({ "id": id, "title": title })))
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        let [storage, kv, namespaces] = PATH;
        api.delete(&[storage, kv, namespaces, id]).await
    }
}

const PATH: [&str; 3] = ["storage", "kv", "namespaces"];
/// Namespaces asked for at a time.
const PER_PAGE: u32 = 100;

/// The namespace as Cloudflare shows it.
pub(super) fn project(namespace: &Value) -> Option<Observed> {
    let id = namespace.get("id")?.as_str()?;
    let title = text(namespace, "title").unwrap_or_default();
    Some(Observed {
        id: id.to_owned(),
        owner: owner_of(&title),
        properties: Properties::default(),
        outputs: outputs([("id", id), ("title", &title)]),
        key: title,
        modified_at: None,
    })
}
