//! References from one resource's fields to what another answers when it is made:
//! `${<kind>/<name>.<output>}`, for example `${cloudflare.kv_namespace/cache.id}`.
//!
//! Only what names a known cloud is a reference: scripts are full of `${…}` of their own.

use std::collections::BTreeSet;

use bus_schema::{KindName, Properties, ResourceName};
use serde_json::Value;

/// Clouds whose kinds can be referred to.
const CLOUDS: [&str; 1] = ["cloudflare"];

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The kind referred to.
    pub kind: KindName,
    /// The resource of that kind in the same stack.
    pub name: ResourceName,
    /// Which of its outputs.
    pub output: String,
}

impl Reference {
    /// The resource within its stack, as [`bus_schema::ResourceAddress::local`].
    pub fn local(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${{{}.{}}}", self.local(), self.output)
    }
}

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// It names a cloud and is not of the form.
    #[error("`{text}` is not a reference: write ${{<kind>/<name>.<output>}}")]
    Malformed {
        /// What was written.
        text: String,
    },
    /// What it refers to is not known.
    #[error("nothing is known of {reference}")]
    Unknown {
        /// The reference.
        reference: String,
    },
}

/// Every reference in the fields, at any depth.
///
/// # Errors
/// When something names a cloud as a reference does and is not one.
pub fn find(properties: &Properties) -> Result<BTreeSet<Reference>, Unresolved> {
    let mut found = BTreeSet::new();
    for value in properties.0.values() {
        visit(value, &mut |text| {
            for piece in pieces(text) {
                match piece {
                    Piece::Reference(_, reference) => drop(found.insert(reference)),
                    Piece::Malformed(text) => {
                        return Err(Unresolved::Malformed { text: text.to_owned() });
                    }
                    Piece::Text(_) => {}
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// Whether a text holds a reference.
pub fn holds_reference(text: &str) -> bool {
    pieces(text).iter().any(|piece| !matches!(piece, Piece::Text(_)))
}

/// The fields with every reference replaced by what it refers to. `lookup` is given the resource as
/// `<kind>/<name>` and the output's name.
///
/// # Errors
/// When `lookup` knows no answer to one of them.
pub fn resolve(
    properties: &Properties,
    mut lookup: impl FnMut(&str, &str) -> Option<String>,
) -> Result<Properties, Unresolved> {
    properties
        .0
        .iter()
        .map(|(field, value)| Ok((field.clone(), resolved(value, &mut lookup, true)?)))
        .collect()
}

/// As [`resolve`], and what `lookup` does not know is left as it stands.
#[must_use]
pub fn resolve_known(
    properties: &Properties,
    mut lookup: impl FnMut(&str, &str) -> Option<String>,
) -> Properties {
    properties
        .0
        .iter()
        .map(|(field, value)| {
            let value = resolved(value, &mut lookup, false).unwrap_or_else(|_| value.clone());
            (field.clone(), value)
        })
        .collect()
}

type Lookup<'a> = &'a mut dyn FnMut(&str, &str) -> Option<String>;

fn resolved(value: &Value, lookup: Lookup<'_>, strict: bool) -> Result<Value, Unresolved> {
    Ok(match value {
        Value::String(text) => Value::String(resolved_text(text, lookup, strict)?),
        Value::Array(items) => Value::Array(
            items.iter().map(|it| resolved(it, lookup, strict)).collect::<Result<_, _>>()?,
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, it)| Ok((name.clone(), resolved(it, lookup, strict)?)))
                .collect::<Result<_, _>>()?,
        ),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => scalar.clone(),
    })
}

fn resolved_text(text: &str, lookup: Lookup<'_>, strict: bool) -> Result<String, Unresolved> {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Reference(written, reference) => {
                match lookup(&reference.local(), &reference.output) {
                    Some(value) => out.push_str(&value),
                    None if strict => {
                        return Err(Unresolved::Unknown { reference: written.to_owned() });
                    }
                    None => out.push_str(written),
                }
            }
            Piece::Malformed(text) if strict => {
                return Err(Unresolved::Malformed { text: text.to_owned() });
            }
            Piece::Text(text) | Piece::Malformed(text) => out.push_str(text),
        }
    }
    Ok(out)
}

fn visit(
    value: &Value,
    see: &mut impl FnMut(&str) -> Result<(), Unresolved>,
) -> Result<(), Unresolved> {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().try_for_each(|it| visit(it, see)),
        Value::Object(fields) => fields.values().try_for_each(|it| visit(it, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

enum Piece<'a> {
    Text(&'a str),
    /// As written, and as read.
    Reference(&'a str, Reference),
    Malformed(&'a str),
}

/// The text cut at its references; put together again it is the same text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut searched = 0;
    while let Some(found) = rest.get(searched..).and_then(|it| it.find("${")) {
        let start = searched + found;
        let (before, from_start) = rest.split_at(start);
        let inner = from_start.get(2..).unwrap_or_default();
        let names_a_cloud = CLOUDS
            .iter()
            .any(|cloud| inner.strip_prefix(cloud).is_some_and(|it| it.starts_with('.')));
        if !names_a_cloud {
            searched = start + 2;
            continue;
        }
        let Some(end) = inner.find('}') else { break };
        let (written, after) = from_start.split_at(end + 3);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(
            inner
                .get(..end)
                .and_then(parse)
                .map_or(Piece::Malformed(written), |it| Piece::Reference(written, it)),
        );
        rest = after;
        searched = 0;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

fn parse(inner: &str) -> Option<Reference> {
    let (kind, rest) = inner.split_once('/')?;
    let (name, output) = rest.split_once('.')?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if output.is_empty() || !output.chars().all(plain) {
        return None;
    }
    Some(Reference {
        kind: kind.parse().ok()?,
        name: name.parse().ok()?,
        output: output.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn properties(value: Value) -> Properties {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn references_are_found_at_any_depth() {
        let fields = properties(json!({
            "bindings": [{ "namespace_id": "${cloudflare.kv_namespace/cache.id}" }],
            "traffic": "any(dns.domains[*] in $${cloudflare.gateway_list/bad.id})",
        }));
        let found: Vec<String> = find(&fields).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["${cloudflare.gateway_list/bad.id}", "${cloudflare.kv_namespace/cache.id}"]
        );
    }

    #[test]
    fn a_script_s_own_placeholders_are_text() {
        let script = "const a = `${x} ${b.c/d.e} ${`nested ${y}`} ${unclosed";
        let fields = properties(json!({ "content": script }));
        assert!(find(&fields).unwrap().is_empty());
        assert_eq!(resolve(&fields, |_, _| None).unwrap(), fields);
    }

    #[test]
    fn a_misspelt_reference_is_refused() {
        let fields = properties(json!({ "script": "${cloudflare.worker_script/Api.name}" }));
        assert!(matches!(find(&fields), Err(Unresolved::Malformed { .. })));
        assert!(resolve(&fields, |_, _| Some("x".to_owned())).is_err());
    }

    #[test]
    fn what_is_known_takes_the_reference_s_place() {
        let fields = properties(json!({
            "list": ["$${cloudflare.gateway_list/bad.id})", 1, null],
            "both": "${cloudflare.kv_namespace/a.id}-${cloudflare.kv_namespace/b.id}",
        }));
        let known = |local: &str, output: &str| {
            assert_eq!(output, "id");
            (!local.ends_with("/b")).then(|| local.replace("cloudflare.", ""))
        };
        assert_eq!(
            resolve_known(&fields, known),
            properties(json!({
                "list": ["$gateway_list/bad)", 1, null],
                "both": "kv_namespace/a-${cloudflare.kv_namespace/b.id}",
            }))
        );
        assert_eq!(
            resolve(&fields, known),
            Err(Unresolved::Unknown { reference: "${cloudflare.kv_namespace/b.id}".to_owned() })
        );
    }
}
