//! What the auditor keeps: when each scope is looked at and by whom, and what is open.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::Record;
use crate::stream::Bucket;
use crate::{
    Finding, Generation, InstanceId, Properties, ResourceAddress, Scope, Signature, StackName,
};

/// When a scope is looked at, and by whom. One record per scope: whoever writes it next by
/// compare-and-set has the look, so that no two look at once and nobody leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Watch {
    /// What is listed.
    pub scope: Scope,
    /// When it is due next; in the past while nobody has taken it.
    pub due_at: jiff::Timestamp,
    /// Who is looking, until when at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// Somebody hinted while a look was under way: it may have come too early, so look again.
    #[serde(default)]
    pub again: bool,
    /// When the last look ended that could be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<jiff::Timestamp>,
    /// Looks since the first, for people and tests.
    #[serde(default)]
    pub looks: u64,
    /// Why the last look could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// From one due time to the next, in seconds.
    pub cadence_seconds: u64,
    /// Longest that a change can stay unseen without a hint, in seconds: cadence, waiting for the
    /// cloud's budget, and the look itself.
    pub latency_seconds: u64,
    /// Objects nobody owns, by the key the cloud knows them by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unmanaged: BTreeMap<String, Finding>,
}

impl Record for Watch {
    const BUCKET: Bucket = Bucket::OBSERVATIONS;
    const PREFIX: &'static str = "scope";
    /// [`Scope::token`].
    type Key = String;
}

/// A look under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// By this process.
    pub by: InstanceId,
    /// Another may take it after this.
    pub until: jiff::Timestamp,
}

/// What the auditor last saw of a stack. Written when it changes, not at each look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StackObservation {
    /// Which stack.
    pub stack: StackName,
    /// The generation it was held against.
    pub generation: Generation,
    /// The resources that are not as declared, as they are; `null` where one is not there. All
    /// others are as declared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drifted: BTreeMap<ResourceAddress, Option<Properties>>,
    /// What is open.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub findings: BTreeMap<Signature, Finding>,
    /// When this was written.
    pub updated_at: jiff::Timestamp,
}

impl Record for StackObservation {
    const BUCKET: Bucket = Bucket::OBSERVATIONS;
    const PREFIX: &'static str = "stack";
    type Key = StackName;
}
