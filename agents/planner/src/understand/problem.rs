//! Everything that can keep an intent from being understood, before it is put into words.

use bus_schema::{EnvironmentName, PathName};
use policy::{GoldenPath, Incomplete, InvalidValue, RenderError, Words};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Problem {
    Empty,
    /// How many bytes.
    TooLong(usize),
    TextAndPath,
    ParametersWithoutPath,
    UnknownPath(PathName),
    UnknownParameter {
        path: PathName,
        name: String,
    },
    UnknownEnvironment(String),
    TwoEnvironments(Vec<EnvironmentName>),
    /// It asks for an answer, not for infrastructure.
    Question,
    NoPath {
        nearest: Vec<PathName>,
    },
    /// It is about something that no path reaches: what.
    Elsewhere {
        platform: String,
        nearest: Vec<PathName>,
    },
    /// It is for a path that is not installed.
    NotAvailable {
        path: PathName,
        title: Words,
    },
    /// It speaks of nothing that infrastructure is.
    OffTopic,
    /// It speaks of infrastructure, without saying what there should be.
    TooVague {
        nearest: Vec<PathName>,
    },
    Ambiguous {
        nearest: Vec<PathName>,
    },
    /// It asks for several things, each of which could be done.
    Several {
        nearest: Vec<PathName>,
    },
    Contradictory {
        path: Option<PathName>,
        parameter: String,
        values: Vec<String>,
    },
    Missing {
        path: PathName,
        parameters: Vec<String>,
    },
    Invalid {
        path: PathName,
        parameter: String,
        why: InvalidValue,
    },
    /// The path has no use for what was said.
    Leftover {
        path: PathName,
        words: String,
    },
    Render {
        path: PathName,
        error: RenderError,
    },
    Dangerous {
        danger: Danger,
        words: String,
    },
    Manipulation {
        words: String,
    },
}

/// What harm it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Danger {
    ProtectionOff,
    DeleteEverything,
    OpenToAll,
}

impl Problem {
    /// A value that does not fit comes first: what is missing may follow from it.
    pub(crate) fn of_incomplete(path: &GoldenPath, incomplete: Incomplete) -> Self {
        match incomplete.invalid.into_iter().next() {
            Some((parameter, why)) => Self::Invalid { path: path.name.clone(), parameter, why },
            None => Self::Missing { path: path.name.clone(), parameters: incomplete.missing },
        }
    }
}
