//! The typed parameters of a golden path.

mod check;
mod read;

pub use check::InvalidValue;
pub(crate) use check::{is_address, is_hostname};

use crate::yaml::At;
use crate::{Condition, DefaultValue, Words};

/// One parameter of a golden path.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// What it is, for people.
    pub description: String,
    /// Which values it takes. See [`Parameter::check`] for how each is written.
    pub takes: ParameterType,
    /// Where its value comes from when nobody gives one.
    pub default: Option<DefaultValue>,
    /// Whether it must have a value in the end.
    pub required: Required,
    /// Words that tell this parameter from another of the same type.
    pub roles: Roles,
    pub(crate) at: At,
}

/// Which values a parameter takes.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterType {
    /// A full hostname in one of the environment's zones, in lower case, without the last dot.
    Hostname,
    /// An absolute path of a URL, without the last slash: `/`, `/objects`.
    UrlPath,
    /// An IPv4 or IPv6 address, or any full hostname.
    Address,
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The most; the environment's limit for the unit applies besides.
        max: i64,
        /// What is counted.
        unit: Unit,
    },
    /// A time in whole seconds.
    Duration {
        /// The shortest, in seconds.
        min: i64,
        /// The longest, in seconds.
        max: i64,
    },
    /// One of a few named values.
    Choice(Vec<Choice>),
    /// `true` or `false`.
    Boolean {
        /// Words that mean `true`.
        yes: Words,
        /// Words that mean `false`.
        no: Words,
    },
    /// Domain names, of anybody: sorted, each once, at least one.
    Domains {
        /// How many at most.
        max: usize,
    },
    /// One of the environment's zones, by name.
    Zone,
    /// One of the environment's services, by name.
    Service,
    /// The name of a stack.
    Stack,
    /// Free text of printable characters on one line, without quotes, backslashes, braces and `$`,
    /// so that it is safe in every template.
    Text {
        /// How many characters at most.
        max: usize,
    },
}

/// One value of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The value.
    pub value: String,
    /// What it means, for people.
    pub title: String,
    /// What people say for it.
    pub words: Words,
}

/// What an integer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Requests per second.
    RequestsPerSecond,
}

/// Whether a parameter must have a value in the end.
#[derive(Debug, Clone, PartialEq)]
pub enum Required {
    /// Always.
    Always,
    /// Never.
    Never,
    /// Where the condition over other parameters holds.
    When(Condition),
}

/// Words near a value that say which parameter it is: in "point docs.example.com to 203.0.113.20"
/// `to` comes before the target, in Korean `으로` comes after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Words that come before the value.
    pub before: Words,
    /// Words, particles included, that come after it.
    pub after: Words,
    /// Words that may stand anywhere near it in the same part of the sentence.
    pub near: Words,
    /// The same, of words that go with others of its type as well: `keep` with any time to keep.
    pub loosely: Words,
}

impl ParameterType {
    /// The type's name in a file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hostname => "hostname",
            Self::UrlPath => "url_path",
            Self::Address => "address",
            Self::Integer { .. } => "integer",
            Self::Duration { .. } => "duration",
            Self::Choice(_) => "choice",
            Self::Boolean { .. } => "boolean",
            Self::Domains { .. } => "domains",
            Self::Zone => "zone",
            Self::Service => "service",
            Self::Stack => "stack",
            Self::Text { .. } => "text",
        }
    }
}
