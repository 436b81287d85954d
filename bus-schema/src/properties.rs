//! The fields of a cloud object that we own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Owned fields of one object, by name; what a kind's projection yields and a plan declares.
///
/// A string may refer to what another resource of the stack answers when it is made, as
/// `${<kind>/<name>.<output>}`, for example `${cloudflare.kv_namespace/cache.id}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Properties(pub BTreeMap<String, Value>);

impl Properties {
    /// One field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// One field that is text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.get(field).and_then(Value::as_str)
    }

    /// Every field in which the two differ, in order of name.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let fields: std::collections::BTreeSet<&String> =
            self.0.keys().chain(other.0.keys()).collect();
        fields
            .into_iter()
            .filter(|field| self.0.get(*field) != other.0.get(*field))
            .map(|field| Difference {
                field: field.clone(),
                before: self.0.get(field).cloned(),
                after: other.0.get(field).cloned(),
            })
            .collect()
    }
}

impl FromIterator<(String, Value)> for Properties {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// One field that differs between two states of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The field's name.
    pub field: String,
    /// Its value before; absent where the field was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after; absent where the field is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}
