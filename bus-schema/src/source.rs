//! Where a value came from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EnvironmentName, PathName};

/// A parameter's value together with where it came from; there is no way to state one without the
/// other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grounded {
    /// The value, of the type the golden path declares for the parameter.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// The intent's own words.
    Words {
        /// First byte of the words in the intent's text (UTF-8).
        start: usize,
        /// One past their last byte.
        end: usize,
        /// The words as written.
        text: String,
    },
    /// The environment's declaration.
    Environment {
        /// Which environment.
        environment: EnvironmentName,
        /// Which entry of it, for example `services.api.hostname`.
        key: String,
    },
    /// The golden path's declared default.
    Default {
        /// Which path.
        path: PathName,
        /// Which parameter of it.
        parameter: String,
    },
    /// Given by name in a structured intent.
    Given,
}
