//! How an object is called, and how much of a value is said.

use bus_schema::{Difference, Properties};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest text said whole, in bytes. A finding is for people; whoever acts on it has what was
/// observed.
const LONGEST: usize = 2_000;
/// What is said of a longer one, in characters.
const BEGINNING: usize = 200;

/// What people call an object with these fields; else the key the cloud knows it by.
pub(crate) fn called(properties: &Properties, key: &str) -> String {
    ["description", "name", "pattern", "setting"]
        .into_iter()
        .find_map(|field| properties.text(field).filter(|text| !text.is_empty()))
        .unwrap_or(key)
        .to_owned()
}

/// The differences with long texts cut. A digest stands for what is left out, so that two that differ
/// still do.
pub(crate) fn cut(differences: &[Difference]) -> Vec<Difference> {
    let cut = |value: &Option<Value>| value.as_ref().map(short);
    differences
        .iter()
        .map(|it| Difference {
            field: it.field.clone(),
            before: cut(&it.before),
            after: cut(&it.after),
        })
        .collect()
}

fn short(value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.len() <= LONGEST {
        return value.clone();
    }
    let beginning: String = text.chars().take(BEGINNING).collect();
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    format!("{beginning}… ({} bytes, SHA-256 {digest})", text.len()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_and_still_tell_apart() {
        let script = |end: &str| Value::from("x".repeat(10_000) + end);
        assert_ne!(short(&script("a")), short(&script("b")));
        assert!(short(&script("a")).as_str().unwrap().len() < 400);
        assert_eq!(short(&Value::from(300)), Value::from(300));
    }
}
