//! A DNS record; marked in its comment.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Operations, beyond, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::fields::{Fields, properties};
use crate::error::Error;
use crate::kind::{Description, Field, InvalidProperties, Kind, Marker, Ownership, ScopeLevel};
use crate::references;

/// A record in a zone.
#[derive(Debug)]
pub(crate) struct DnsRecord;

static DESCRIPTION: Description = Description {
    name: "cloudflare.dns_record",
    title: "DNS record",
    scope: ScopeLevel::Zone,
    fields: &[
        Field {
            name: "name",
            required: true,
            fixed: true,
            examples: ["\"API.example.com.\"", "\"www.example.com\""],
        },
        Field { name: "type", required: true, fixed: true, examples: ["\"A\"", "\"AAAA\""] },
        Field {
            name: "content",
            required: true,
            fixed: false,
            examples: ["\"203.0.113.10\"", "\"203.0.113.11\""],
        },
        Field { name: "ttl", required: false, fixed: false, examples: ["300", "600"] },
        Field { name: "proxied", required: false, fixed: false, examples: ["false", "true"] },
    ],
    ownership: Ownership::Marked,
    holds_data: false,
    outputs: &["id", "name"],
};

/// Records asked for at a time.
const PER_PAGE: u32 = 5_000;
const TYPES: [&str; 4] = ["A", "AAAA", "CNAME", "TXT"];
/// `ttl` where Cloudflare chooses, as it does for every proxied record.
const AUTOMATIC: i64 = 1;
/// Bounds of `ttl` in seconds; Cloudflare's least outside Enterprise is 60.
const TTL: std::ops::RangeInclusive<i64> = 60..=86_400;

impl Kind for DnsRecord {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let record_type = fields.one_of("type", &TYPES)?;
        let name = host(fields.text("name")?);
        if !references::holds_reference(&name) && !is_absolute(&name) {
            return Err(fields.invalid("name", "must be a full name, such as api.example.com"));
        }
        let written = fields.text("content")?;
        let content = content(&record_type, written).map_err(|it| fields.invalid("content", it))?;
        let proxied = fields.flag("proxied", false)?;
        if proxied && record_type == "TXT" {
            return Err(fields.invalid("proxied", "must be false for TXT"));
        }
        let ttl = fields.integer("ttl", AUTOMATIC..=*TTL.end())?.unwrap_or(AUTOMATIC);
        if ttl != AUTOMATIC && !TTL.contains(&ttl) {
            return Err(fields.invalid("ttl", "must be 1 (automatic) or 60 to 86400 seconds"));
        }
        Ok(properties([
            ("name", name.into()),
            ("type", record_type.into()),
            ("content", content.into()),
            ("ttl", if proxied { AUTOMATIC } else { ttl }.into()),
            ("proxied", proxied.into()),
        ]))
    }

    fn key(&self, _: &ResourceAddress, normalised: &Properties) -> String {
        let field = |name| normalised.text(name).unwrap_or_default();
        format!("{} {}", field("type"), field("name"))
    }
}

#[async_trait]
impl Operations for DnsRecord {
    fn collection(&self) -> &'static [&'static str] {
        &["dns_records"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        api.pages_of(&["dns_records"], PER_PAGE, Shown::project).await
    }

    async fn unowned(&self, api: &Api<'_>) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let unowned = |record: Value| {
            let beyond = beyond(
                &json!({ "settings": record.get("settings") }),
                &Value::Null,
                &[],
                &["settings"],
            );
            (!beyond.is_empty()).then_some((text(&record, "id")?, beyond))
        };
        Ok(api.pages_of(&["dns_records"], PER_PAGE, unowned).await?.into_iter().collect())
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        Ok(api.find(&["dns_records", id]).await?.and_then(project))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let body = payload(&resource.address, &resource.properties);
        let made = api.send(Method::POST, &["dns_records"], body).await?;
        api.projected(project(made))
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        // PATCH: tags and settings of the record are not ours to reset.
        let body = payload(&resource.address, &resource.properties);
        let changed = api.send(Method::PATCH, &["dns_records", id], body).await?;
        api.projected(project(changed))
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        api.delete(&["dns_records", id]).await
    }
}

/// The record as Cloudflare shows it. Read as what it is, since a zone can have thousands.
#[derive(Debug, Deserialize)]
struct Shown {
    id: Option<String>,
    #[serde(rename = "type")]
    record_type: Option<String>,
    name: Option<String>,
    content: Option<String>,
    ttl: Option<i64>,
    proxied: Option<bool>,
    comment: Option<String>,
    modified_on: Option<String>,
}

impl Shown {
    fn project(self) -> Option<Observed> {
        let (id, mut record_type, name) = (self.id?, self.record_type?, host(&self.name?));
        record_type.make_ascii_uppercase();
        let shown = self.content.unwrap_or_default();
        let content = content(&record_type, &shown).unwrap_or(shown);
        Some(Observed {
            key: format!("{record_type} {name}"),
            owner: self.comment.as_deref().and_then(Marker::find),
            outputs: outputs([("id", &id), ("name", &name)]),
            id,
            properties: properties([
                ("name", name.into()),
                ("type", record_type.into()),
                ("content", content.into()),
                ("ttl", self.ttl.unwrap_or(AUTOMATIC).into()),
                ("proxied", self.proxied.unwrap_or(false).into()),
            ]),
            modified_at: self.modified_on,
        })
    }
}

/// One record as Cloudflare shows it.
pub(crate) fn project(record: Value) -> Option<Observed> {
    serde_json::from_value::<Shown>(record).ok().and_then(Shown::project)
}

/// The record as Cloudflare takes it.
pub(crate) fn payload(address: &ResourceAddress, normalised: &Properties) -> Value {
    let mut payload = json!(normalised);
    if let Some(fields) = payload.as_object_mut() {
        fields.insert("comment".to_owned(), Marker::of(address).to_string().into());
    }
    payload
}

/// A name as DNS compares it: lower case, without the final dot, in its ASCII form.
fn host(name: &str) -> String {
    if references::holds_reference(name) {
        return name.to_owned();
    }
    let name = name.trim().trim_end_matches('.');
    idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_ascii_lowercase())
}

fn is_absolute(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_*".contains(&it))
    };
    name.contains('.') && name.len() <= 253 && name.split('.').all(label)
}

fn content(record_type: &str, written: &str) -> Result<String, &'static str> {
    if references::holds_reference(written) {
        return Ok(written.to_owned());
    }
    match record_type {
        "A" => written
            .parse::<Ipv4Addr>()
            .map(|address| address.to_string())
            .map_err(|_| "must be an IPv4 address"),
        "AAAA" => written
            .parse::<Ipv6Addr>()
            .map(|address| address.to_string())
            .map_err(|_| "must be an IPv6 address"),
        "CNAME" => {
            let name = host(written);
            if is_absolute(&name) { Ok(name) } else { Err("must be a full name") }
        }
        _ => Ok(unquoted(written)),
    }
}

/// Text of a TXT record, which is shown with quotes or without, cut in pieces or not.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    match text.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inner) if !inner.is_empty() => unquoted(&inner.replace("\" \"", "")),
        _ => text.to_owned(),
    }
}
