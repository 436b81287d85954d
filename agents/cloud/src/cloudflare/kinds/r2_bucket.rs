//! An R2 bucket; known as ours by its name.

use bus_schema::{Properties, ResourceAddress};
use serde_json::Value;

use super::{Projected, outputs, text};
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{cloud_name, owner_of};
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

/// The bucket as Cloudflare shows it.
pub(super) fn project(bucket: &Value) -> Option<Projected> {
    let name = bucket.get("name")?.as_str()?;
    let storage_class = text(bucket, "storage_class").unwrap_or_else(|| "Standard".to_owned());
    let location = text(bucket, "location").map(|it| it.to_ascii_uppercase());
    Some(Projected {
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
