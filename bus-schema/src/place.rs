//! Where in a cloud an object lives.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::InvalidName;

/// An account, by its id, or a zone, by its name. One kind in one place is a scope: what one
/// listing covers.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Place {
    /// `account/<id>`
    Account(String),
    /// `zone/<name>`, for example `zone/example.com`
    Zone(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account/{id}"),
            Self::Zone(name) => write!(f, "zone/{name}"),
        }
    }
}

impl FromStr for Place {
    type Err = InvalidName;
    fn from_str(value: &str) -> Result<Self, InvalidName> {
        match value.split_once('/') {
            Some(("account", id)) if !id.is_empty() => Ok(Self::Account(id.to_owned())),
            Some(("zone", name)) if !name.is_empty() => Ok(Self::Zone(name.to_owned())),
            _ => Err(InvalidName {
                what: "place",
                value: value.chars().take(80).collect(),
                rule: "account/<id> or zone/<name>",
            }),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = InvalidName;
    fn try_from(value: String) -> Result<Self, InvalidName> {
        value.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}
