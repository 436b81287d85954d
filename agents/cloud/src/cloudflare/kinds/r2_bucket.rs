//! An R2 bucket; known as ours by its name.

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operations, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{PREFIX, cloud_name, owner_of};
use crate::error::Error;
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};

/// A store of objects. What is in it belongs to its users; one that is not empty is not deleted.
#[derive(Debug)]
pub(crate) struct R2Bucket;

static DESCRIPTION: Description = Description {
    name: "cloudflare.r2_bucket",
    title: "R2 bucket",
    scope: ScopeLevel::Account,
    fields: &[
        Field {
            name: "location",
            required: false,
            fixed: true,
            examples: ["\"enam\"", "\"WEUR\""],
        },
        Field {
            name: "storage_class",
            required: false,
            fixed: false,
            examples: ["\"Standard\"", "\"InfrequentAccess\""],
        },
    ],
    ownership: Ownership::Named,
    holds_data: true,
    outputs: &["name"],
};

/// Buckets asked for at a time.
const PER_PAGE: u32 = 1000;
/// Upper case, as Cloudflare shows them whatever was sent.
const LOCATIONS: [&str; 6] = ["APAC", "EEUR", "ENAM", "WEUR", "WNAM", "OC"];
const STORAGE_CLASSES: [&str; 2] = ["Standard", "InfrequentAccess"];

impl Kind for R2Bucket {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let storage_class = if fields.get("storage_class").is_none() {
            "Standard".to_owned()
        } else {
            fields.one_of("storage_class", &STORAGE_CLASSES)?
        };
        let mut normalised = properties([("storage_class", storage_class.into())]);
        // Left out it is Cloudflare's choice, near whoever asked.
        if fields.get("location").is_some() {
            let location = fields.one_of("location", &LOCATIONS)?;
            normalised.0.insert("location".to_owned(), location.into());
        }
        Ok(normalised)
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        cloud_name(address)
    }
}

#[async_trait]
impl Operations for R2Bucket {
    fn collection(&self) -> &'static [&'static str] {
        &["r2", "buckets"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let buckets = api.cursor(&["r2", "buckets"], "buckets", PER_PAGE).await?;
        let mut observed = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            // The list says less of a bucket than the bucket does; for ours all is wanted.
            let name = text(&bucket, "name").unwrap_or_default();
            let whole = bucket.get("storage_class").is_some() && bucket.get("location").is_some();
            if whole || !name.starts_with(PREFIX) {
                observed.extend(project(&bucket));
            } else {
                observed.extend(self.read(api, &name).await?);
            }
        }
        Ok(observed)
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        Ok(api.find(&["r2", "buckets", id]).await?.as_ref().and_then(project))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let name = cloud_name(&resource.address);
        let mut body = json!({
            "name": name,
            "storageClass": resource.properties.get("storage_class"),
        });
        let location = resource.properties.text("location").map(str::to_ascii_lowercase);
        if let (Some(fields), Some(location)) = (body.as_object_mut(), location) {
            fields.insert("locationHint".to_owned(), location.into());
        }
        api.send(Method::POST, &["r2", "buckets"], body).await?;
        self.made(api, &name).await
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        let class = resource.properties.text("storage_class").unwrap_or("Standard");
        let request =
            api.request(Method::PATCH, &["r2", "buckets", id]).header("cf-r2-storage-class", class);
        api.call(request).await?;
        self.made(api, id).await
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        api.delete(&["r2", "buckets", id]).await
    }
}

impl R2Bucket {
    /// The bucket as it is now: where it was put is not in the answer to making it.
    async fn made(&self, api: &Api<'_>, name: &str) -> Result<Observed, Error> {
        api.projected(self.read(api, name).await?)
    }
}

/// The bucket as Cloudflare shows it.
pub(super) fn project(bucket: &Value) -> Option<Observed> {
    let name = bucket.get("name")?.as_str()?;
    let storage_class = text(bucket, "storage_class").unwrap_or_else(|| "Standard".to_owned());
    let location = text(bucket, "location").map(|it| it.to_ascii_uppercase());
    Some(Observed {
        id: name.to_owned(),
        key: name.to_owned(),
        owner: owner_of(name),
        properties: properties([
            ("storage_class", storage_class.into()),
            ("location", location.map_or(Value::Null, Into::into)),
        ]),
        outputs: outputs([("name", name)]),
        modified_at: text(bucket, "creation_date"),
    })
}
