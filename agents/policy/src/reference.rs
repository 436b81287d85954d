//! References between resources, `${<kind>/<name>.<output>}`: found here to know what must exist
//! before what, resolved by the provisioner.

use bus_schema::{KindName, ResourceName};
use serde_json::Value;

/// What a reference refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Local {
    pub(crate) kind: KindName,
    pub(crate) name: ResourceName,
}

impl Local {
    /// Reads `<kind>/<name>`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` does not name a resource: <kind>/<name>");
        let (kind, name) = text.split_once('/').ok_or_else(wanted)?;
        Ok(Self {
            kind: kind.parse().map_err(|_| wanted())?,
            name: name.parse().map_err(|_| wanted())?,
        })
    }
}

impl std::fmt::Display for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Every reference in a text.
pub(crate) fn in_text(text: &str) -> Result<Vec<Local>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let (inside, behind) =
            after.split_once('}').ok_or("a reference `${` has no closing `}`")?;
        let wanted = || format!("`${{{inside}}}` is not a reference: ${{<kind>/<name>.<output>}}");
        let (kind, named) = inside.split_once('/').ok_or_else(wanted)?;
        let (name, output) = named.split_once('.').ok_or_else(wanted)?;
        if output.is_empty() || !output.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return Err(wanted());
        }
        found.push(Local::parse(&format!("{kind}/{name}")).map_err(|_| wanted())?);
        rest = behind;
    }
    Ok(found)
}

/// Every reference in a value, however deep.
pub(crate) fn in_value(value: &Value) -> Result<Vec<Local>, String> {
    let mut found = Vec::new();
    match value {
        Value::String(text) => found.extend(in_text(text)?),
        Value::Array(items) => {
            for item in items {
                found.extend(in_value(item)?);
            }
        }
        Value::Object(fields) => {
            for field in fields.values() {
                found.extend(in_value(field)?);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_found_however_deep() {
        let value = json!({"a": ["any(dns.domains[*] in $${cloudflare.gateway_list/domains.id})"],
                           "b": {"c": "${cloudflare.kv_namespace/store.id}"}});
        let found: Vec<String> =
            in_value(&value).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["cloudflare.gateway_list/domains", "cloudflare.kv_namespace/store"]);
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["${x", "${x}", "${cloudflare.kv/x}", "${kv/x.id}", "${cloudflare.kv/x.}"] {
            assert!(in_text(text).is_err(), "{text}");
        }
    }
}
