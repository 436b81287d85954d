//! A Worker script with its bindings; marked by a tag.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operations, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{PREFIX, cloud_name};
use crate::cloudflare::request::FormPart;
use crate::error::Error;
use crate::kind::{Description, Field, InvalidProperties, Kind, Marker, Ownership, ScopeLevel};

/// Code at the edge: one ES module.
#[derive(Debug)]
pub(crate) struct WorkerScript;

static DESCRIPTION: Description = Description {
    name: "cloudflare.worker_script",
    title: "Worker script",
    scope: ScopeLevel::Account,
    fields: &[
        Field {
            name: "content",
            required: true,
            fixed: false,
            examples: [
                r#""export default { fetch() { return new Response('one'); } };""#,
                r#""export default { fetch() { return new Response('two'); } };""#,
            ],
        },
        Field {
            name: "compatibility_date",
            required: true,
            fixed: false,
            examples: ["\"2026-01-01\"", "\"2026-02-01\""],
        },
        Field {
            name: "bindings",
            required: false,
            fixed: false,
            examples: [
                r#"[{"type":"plain_text","name":"B","text":"b"},{"type":"plain_text","name":"A","text":"a"}]"#,
                r#"[{"type":"plain_text","name":"A","text":"c"}]"#,
            ],
        },
    ],
    ownership: Ownership::Marked,
    holds_data: false,
    outputs: &["name"],
};

/// What a binding of each type has besides `type` and `name`.
const BINDINGS: [(&str, &str); 3] =
    [("kv_namespace", "namespace_id"), ("r2_bucket", "bucket_name"), ("plain_text", "text")];
/// Name of the one module.
const MODULE: &str = "worker.js";

impl Kind for WorkerScript {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        fields.text("content")?;
        let content = fields.optional_text("content")?.unwrap_or_default();
        let date = fields.text("compatibility_date")?;
        if !is_date(date) {
            return Err(fields.invalid("compatibility_date", "must be a date, such as 2026-01-01"));
        }
        let bindings = fields.get("bindings").cloned().unwrap_or_else(|| json!([]));
        let bindings = bindings
            .as_array()
            .ok_or("must be a list")
            .and_then(|bindings| sorted(bindings.iter().map(binding)))
            .map_err(|reason| fields.invalid("bindings", reason))?;
        Ok(properties([
            ("content", content.into()),
            ("compatibility_date", date.into()),
            ("bindings", bindings),
        ]))
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        cloud_name(address)
    }

    fn importable(&self) -> Result<(), &'static str> {
        Err("its name is a stack's, and cannot be changed")
    }
}

#[async_trait]
impl Operations for WorkerScript {
    fn collection(&self) -> &'static [&'static str] {
        &["workers", "scripts"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let scripts = api.get(&["workers", "scripts"]).await?;
        let scripts = scripts.as_array().cloned().unwrap_or_default();
        stream::iter(scripts)
            .map(|script| async move {
                let name = text(&script, "id").unwrap_or_default();
                if name.starts_with(PREFIX) {
                    return self.observe(api, &name, Some(&script)).await;
                }
                // The code of others is nothing to us, and each costs calls.
                Ok(Some(project(&name, &script, None)))
            })
            .buffered(READS_AT_ONCE)
            .try_filter_map(|observed| async move { Ok(observed) })
            .try_collect()
            .await
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        self.observe(api, id, None).await
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let name = cloud_name(&resource.address);
        // An upload takes the place of what is there without a word.
        if api.find(&["workers", "scripts", &name, "settings"]).await?.is_some() {
            return Err(api.conflict(format!("there is a script named {name}")));
        }
        self.update(api, resource, &name).await
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        let content = resource.properties.text("content").unwrap_or_default();
        let upload = api.request(Method::PUT, &["workers", "scripts", id]).form(vec![
            FormPart {
                name: "metadata",
                file_name: None,
                media_type: "application/json",
                text: metadata(&resource.address, &resource.properties).to_string(),
            },
            FormPart {
                name: MODULE,
                file_name: Some(MODULE),
                media_type: "application/javascript+module",
                text: content.to_owned(),
            },
        ]);
        api.call(upload).await?;
        // The answer holds no bindings.
        let settings = api.get(&["workers", "scripts", id, "settings"]).await?;
        Ok(project(id, &settings, Some(content)))
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        api.delete(&["workers", "scripts", id]).await
    }
}

impl WorkerScript {
    async fn observe(
        &self,
        api: &Api<'_>,
        name: &str,
        listed: Option<&Value>,
    ) -> Result<Option<Observed>, Error> {
        let tag = listed.and_then(|script| text(script, "etag"));
        let modified = listed.and_then(|script| text(script, "modified_on"));
        let path = ["workers", "scripts", name, "settings"];
        let version = modified.zip(tag.as_ref()).map(|(modified, tag)| format!("{modified}/{tag}"));
        let Some(settings) = api.details(&path, version, api.find(&path)).await? else {
            return Ok(None);
        };
        let content = api.source(name, tag.as_deref()).await?;
        let mut observed = project(name, &settings, content.as_deref());
        // Settings do not say it.
        observed.modified_at =
            listed.and_then(|it| text(it, "modified_on")).or(observed.modified_at);
        Ok(Some(observed))
    }
}

/// Scripts read at once for a listing.
const READS_AT_ONCE: usize = 6;

fn is_date(text: &str) -> bool {
    let mut parts = text
        .split('-')
        .map(|part| part.bytes().all(|it| it.is_ascii_digit()).then_some(part.len()));
    text.len() == 10 && parts.by_ref().eq([Some(4), Some(2), Some(2)])
}

/// Bindings by name; a name stands for one thing only.
fn sorted(
    bindings: impl Iterator<Item = Result<(String, Value), &'static str>>,
) -> Result<Value, &'static str> {
    let mut by_name = BTreeMap::new();
    for binding in bindings {
        let (name, binding) = binding?;
        if by_name.insert(name, binding).is_some() {
            return Err("must have each name once");
        }
    }
    Ok(by_name.into_values().collect())
}

fn binding(declared: &Value) -> Result<(String, Value), &'static str> {
    let field = |name: &str| declared.get(name).and_then(Value::as_str);
    let (Some(kind), Some(name)) = (field("type"), field("name")) else {
        return Err("must each have a `type` and a `name`");
    };
    let Some((_, target)) = BINDINGS.iter().find(|(known, _)| *known == kind) else {
        return Err("must be of type kv_namespace, r2_bucket or plain_text");
    };
    let Some(value) = field(target) else {
        return Err("must each name what is bound: namespace_id, bucket_name or text");
    };
    if declared.as_object().is_some_and(|it| it.len() != 3) {
        return Err("must have `type`, `name` and what is bound, and nothing else");
    }
    Ok((name.to_owned(), json!({ "type": kind, "name": name, *target: value })))
}

/// The script as Cloudflare shows it: `settings` from its settings, `content` its one module.
pub(super) fn project(name: &str, settings: &Value, content: Option<&str>) -> Observed {
    let shown = settings.get("bindings").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut bindings: Vec<(String, Value)> = shown
        .into_iter()
        .map(|it| {
            // One of a type we do not make stays as it is, so that it shows as a difference.
            binding(&known_fields(&it))
                .unwrap_or_else(|_| (text(&it, "name").unwrap_or_default(), it))
        })
        .collect();
    bindings.sort_by(|a, b| a.0.cmp(&b.0));
    let bindings: Vec<Value> = bindings.into_iter().map(|(_, binding)| binding).collect();
    let tags = settings.get("tags").and_then(Value::as_array).into_iter().flatten();
    Observed {
        id: name.to_owned(),
        key: name.to_owned(),
        owner: tags.filter_map(Value::as_str).find_map(Marker::find),
        properties: properties([
            ("content", content.map_or(Value::Null, Into::into)),
            ("compatibility_date", settings.get("compatibility_date").cloned().unwrap_or_default()),
            ("bindings", bindings.into()),
        ]),
        outputs: outputs([("name", name)]),
        modified_at: text(settings, "modified_on"),
    }
}

/// A binding without what the server adds to it.
fn known_fields(shown: &Value) -> Value {
    let target = BINDINGS
        .iter()
        .find(|(kind, _)| shown.get("type").and_then(Value::as_str) == Some(kind))
        .map_or("", |(_, target)| target);
    let Some(fields) = shown.as_object() else { return shown.clone() };
    let kept = fields.iter().filter(|(name, _)| ["type", "name", target].contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The script's metadata as Cloudflare takes it.
pub(super) fn metadata(address: &ResourceAddress, normalised: &Properties) -> Value {
    json!({
        "main_module": MODULE,
        "compatibility_date": normalised.get("compatibility_date"),
        "bindings": normalised.get("bindings"),
        "tags": [Marker::of(address).to_string()],
    })
}
