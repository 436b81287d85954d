//! What the auditor keeps: when each scope is looked at and by whom, and what is open.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::Record;
use crate::stream::Bucket;
use crate::{
    DriftFound, Finding, FindingResolved, Generation, InstanceId, Properties, ResourceAddress,
    Scope, Signature, StackName,
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
    /// Somebody hinted while a look was under way, which may have come too early: look again then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<jiff::Timestamp>,
    /// When the last look began that could be made: it shows every change before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<jiff::Timestamp>,
    /// Looks that could be made, for people and tests.
    #[serde(default)]
    pub looks: u64,
    /// Calls to the cloud that the last look took.
    #[serde(default)]
    pub calls: u64,
    /// Why the last look could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// From one due time to the next, in seconds.
    pub cadence_seconds: u64,
    /// Longest that a change can stay unseen without a hint, in seconds: cadence, waiting for the
    /// cloud's budget, and the look itself.
    pub latency_seconds: u64,
    /// Objects nobody owns, by the key the cloud knows them by, each with its fields as they are
    /// (`before` of its differences). As many as fit a record.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unmanaged: BTreeMap<String, Finding>,
    /// How many more there are.
    #[serde(default)]
    pub unmanaged_left_out: u64,
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
    /// Since when.
    pub since: jiff::Timestamp,
    /// Another may take it after this; written anew, later, while the look goes on.
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
    /// What is recorded and not announced yet, in order. Empty but for the moment between; where a
    /// process died in that moment, another announces it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaid: Vec<Announcement>,
    /// When this was written.
    pub updated_at: jiff::Timestamp,
}

/// What is said of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Announcement {
    /// It was found.
    Found(DriftFound),
    /// It ended.
    Resolved(FindingResolved),
}

/// A signed hint that was taken. Kept as long as its signature holds: a second one like it is
/// refused, whichever process it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenHint {
    /// When it came.
    pub at: jiff::Timestamp,
}

impl Record for TakenHint {
    const BUCKET: Bucket = Bucket::OBSERVATIONS;
    const PREFIX: &'static str = "hint";
    /// SHA-256 of the signature, in hexadecimal.
    type Key = String;
}

impl Record for StackObservation {
    const BUCKET: Bucket = Bucket::OBSERVATIONS;
    const PREFIX: &'static str = "stack";
    type Key = StackName;
}
