//! A zone's setting: always there, has a value, cannot be marked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operations, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::fields::{Fields, properties};
use crate::error::Error;
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};

/// One setting of a zone, such as `ssl` or `security_level`.
#[derive(Debug)]
pub(crate) struct ZoneSetting;

static DESCRIPTION: Description = Description {
    name: "cloudflare.zone_setting",
    title: "Zone setting",
    scope: ScopeLevel::Zone,
    fields: &[
        Field {
            name: "setting",
            required: true,
            fixed: true,
            examples: ["\"min_tls_version\"", "\"ssl\""],
        },
        Field { name: "value", required: true, fixed: false, examples: ["\"1.2\"", "\"1.3\""] },
    ],
    ownership: Ownership::Claimed,
    holds_data: false,
    outputs: &[],
};

impl Kind for ZoneSetting {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let setting = fields.text("setting")?.to_ascii_lowercase();
        if !setting.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
            return Err(fields.invalid("setting", "must be a setting's id, such as `ssl`"));
        }
        let value = fields.get("value").cloned().unwrap_or_default();
        Ok(properties([("setting", setting.into()), ("value", value)]))
    }

    fn key(&self, _: &ResourceAddress, normalised: &Properties) -> String {
        normalised.text("setting").unwrap_or_default().to_owned()
    }
}

#[async_trait]
impl Operations for ZoneSetting {
    fn collection(&self) -> &'static [&'static str] {
        &["settings"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let settings = api.get(&["settings"]).await?;
        Ok(settings.as_array().into_iter().flatten().filter_map(project).collect())
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        Ok(api.find(&["settings", id]).await?.as_ref().and_then(project))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let id = resource.properties.text("setting").unwrap_or_default();
        self.update(api, resource, id).await
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        let body = json!({ "value": resource.properties.get("value") });
        let set = api.send(Method::PATCH, &["settings", id], body).await?;
        api.projected(project(&set))
    }

    async fn delete(&self, api: &Api<'_>, _: &str) -> Result<(), Error> {
        Err(api.unsupported("a setting is always there"))
    }
}

/// The setting as Cloudflare shows it.
pub(crate) fn project(setting: &Value) -> Option<Observed> {
    let id = setting.get("id")?.as_str()?;
    let value = setting.get("value").cloned().unwrap_or_default();
    Some(Observed {
        id: id.to_owned(),
        key: id.to_owned(),
        owner: None,
        properties: properties([("setting", id.into()), ("value", value)]),
        outputs: BTreeMap::new(),
        modified_at: text(setting, "modified_on"),
    })
}
