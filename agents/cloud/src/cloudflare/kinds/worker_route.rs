//! A route: which requests go to which Worker. Known as ours by the script it points to.

use async_trait::async_trait;
use bus_schema::{Properties, Resource, ResourceAddress};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operations, outputs, text};
use crate::Observed;
use crate::cloudflare::api::Api;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{PREFIX, owner_of};
use crate::error::Error;
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};
use crate::references;

/// A pattern and the script that answers what it matches.
#[derive(Debug)]
pub(crate) struct WorkerRoute;

static DESCRIPTION: Description = Description {
    name: "cloudflare.worker_route",
    title: "Worker route",
    scope: ScopeLevel::Zone,
    fields: &[
        Field {
            name: "pattern",
            required: true,
            fixed: true,
            examples: ["\"api.example.com/*\"", "\"www.example.com/*\""],
        },
        // Only a script of the stack makes the route the stack's.
        Field { name: "script", required: true, fixed: false, examples: ["", ""] },
    ],
    ownership: Ownership::Named,
    holds_data: false,
    outputs: &["id"],
};

impl Kind for WorkerRoute {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let script = fields.text("script")?;
        if !references::holds_reference(script) && !script.starts_with(PREFIX) {
            let reason =
                "must be a script of the stack, as ${cloudflare.worker_script/<name>.name}";
            return Err(fields.invalid("script", reason));
        }
        Ok(properties([
            ("pattern", pattern(fields.text("pattern")?).into()),
            ("script", script.into()),
        ]))
    }

    fn key(&self, _: &ResourceAddress, normalised: &Properties) -> String {
        normalised.text("pattern").unwrap_or_default().to_owned()
    }

    fn is_of(
        &self,
        address: &ResourceAddress,
        normalised: &Properties,
        observed: &Observed,
    ) -> bool {
        // The name tells the stack, except where it was too long to be whole.
        let of_stack = match &observed.owner {
            Some(script) if script.stack == address.stack => true,
            _ => observed
                .properties
                .text("script")
                .is_some_and(|it| it.starts_with(&format!("{PREFIX}{}-", address.stack))),
        };
        of_stack && observed.key == self.key(address, normalised)
    }
}

#[async_trait]
impl Operations for WorkerRoute {
    fn collection(&self) -> &'static [&'static str] {
        &["workers", "routes"]
    }

    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error> {
        let routes = api.get(&["workers", "routes"]).await?;
        Ok(routes.as_array().into_iter().flatten().filter_map(project).collect())
    }

    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error> {
        Ok(api.find(&["workers", "routes", id]).await?.as_ref().and_then(project))
    }

    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error> {
        let body = json!(resource.properties);
        let made = api.send(Method::POST, &["workers", "routes"], body.clone()).await?;
        api.projected(project(&complete(made, &body)))
    }

    async fn update(
        &self,
        api: &Api<'_>,
        resource: &Resource,
        id: &str,
    ) -> Result<Observed, Error> {
        let body = json!(resource.properties);
        let changed = api.send(Method::PUT, &["workers", "routes", id], body.clone()).await?;
        api.projected(project(&complete(changed, &body)))
    }

    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error> {
        api.delete(&["workers", "routes", id]).await
    }
}

/// Some answers to a write hold the id only.
fn complete(mut answer: Value, sent: &Value) -> Value {
    if let (Some(answer), Some(sent)) = (answer.as_object_mut(), sent.as_object()) {
        for (field, value) in sent {
            answer.entry(field).or_insert_with(|| value.clone());
        }
    }
    answer
}

/// The route as Cloudflare shows it.
pub(super) fn project(route: &Value) -> Option<Observed> {
    let id = route.get("id")?.as_str()?;
    let pattern = pattern(route.get("pattern")?.as_str()?);
    let script = text(route, "script").unwrap_or_default();
    Some(Observed {
        id: id.to_owned(),
        key: pattern.clone(),
        owner: owner_of(&script),
        properties: properties([("pattern", pattern.into()), ("script", script.into())]),
        outputs: outputs([("id", id)]),
        modified_at: None,
    })
}

/// The host part does not tell upper from lower case; the path does.
fn pattern(text: &str) -> String {
    match text.split_once('/') {
        Some((host, path)) if !host.ends_with(':') => {
            format!("{}/{path}", host.to_ascii_lowercase())
        }
        _ => text.to_owned(),
    }
}
