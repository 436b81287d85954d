//! A route: which requests go to which Worker. Known as ours by the script it points to.

use bus_schema::{Properties, ResourceAddress};
use serde_json::Value;

use super::{Projected, outputs, text};
use crate::Observed;
use crate::cloudflare::fields::{Fields, properties};
use crate::cloudflare::names::{PREFIX, owner_of};
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

/// The route as Cloudflare shows it.
pub(super) fn project(route: &Value) -> Option<Projected> {
    let id = route.get("id")?.as_str()?;
    let pattern = pattern(route.get("pattern")?.as_str()?);
    let script = text(route, "script").unwrap_or_default();
    Some(Projected {
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
