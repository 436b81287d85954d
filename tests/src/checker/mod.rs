//! The independent checker: from what is stored after a run it counts what must never be.
//!
//! It reads the streams, the buckets and the local Cloudflare as they are, as plain values, and
//! shares no code with the agents, not even the wire's types: a mistake must not be made twice.

mod bus;
mod evidence;
mod intents;
mod objects;
mod order;
mod writes;

use std::fmt;

pub use bus::{Entry, read_stream};
pub use evidence::{Accepted, Evidence};

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule it breaks.
    pub rule: Rule,
    /// What was found.
    pub detail: String,
}

/// What must hold of every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every accepted intent has exactly one terminal state, and bucket and stream agree on it.
    OneEnd,
    /// No object is made while it is there already.
    MadeOnce,
    /// Every object of ours belongs to a stack, and every resource of a stack is there.
    NoStray,
    /// What was acknowledged is kept, byte for byte.
    NothingLost,
    /// Every write to the cloud has a plan before it that names the object.
    PlannedFirst,
    /// Plans of one stack take effect in the order of their intents.
    InOrder,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 6] = [
        Self::OneEnd,
        Self::MadeOnce,
        Self::NoStray,
        Self::NothingLost,
        Self::PlannedFirst,
        Self::InOrder,
    ];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneEnd => "accepted intents without exactly one end",
            Self::MadeOnce => "objects made twice",
            Self::NoStray => "objects without a stack, or resources without an object",
            Self::NothingLost => "acknowledged submissions lost",
            Self::PlannedFirst => "writes without a plan before them",
            Self::InOrder => "plans of a stack out of order",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}

/// Everything that must not be and is.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut note = |rule: Rule, details: Vec<String>| {
        found.extend(details.into_iter().map(|detail| Violation { rule, detail }));
    };
    note(Rule::OneEnd, intents::without_one_end(evidence));
    note(Rule::MadeOnce, writes::made_twice(evidence));
    note(Rule::NoStray, objects::strays(evidence));
    note(Rule::NothingLost, intents::lost(evidence));
    note(Rule::PlannedFirst, writes::unplanned(evidence));
    note(Rule::InOrder, order::out_of_order(evidence));
    found
}
