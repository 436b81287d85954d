//! What the remediator remembers of trouble it has met, and how far it trusts a repair to last.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::Record;
use crate::stream::Bucket;
use crate::{Decision, Drift, FindingId, PlanId, ResourceAddress, Scope, Signature, StackName};

/// What is remembered of one sort of trouble with one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lesson {
    /// What its occurrences have in common.
    pub signature: Signature,
    /// The stack.
    pub stack: StackName,
    /// The resource.
    pub resource: ResourceAddress,
    /// Where it was seen.
    pub scope: Scope,
    /// In what way it was not as declared.
    pub drift: Drift,
    /// The fields that differed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// How often it was found.
    pub found: u64,
    /// How often it was put back.
    pub repaired: u64,
    /// Milliseconds from change (else detection) until seen repaired: of the last time, and summed
    /// over all times.
    #[serde(default)]
    pub last_repair_ms: u64,
    /// See `last_repair_ms`.
    #[serde(default)]
    pub total_repair_ms: u64,
    /// Longest of them.
    #[serde(default)]
    pub longest_repair_ms: u64,
    /// How often each other writer did it, where the cloud tells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub writers: BTreeMap<String, u64>,
    /// Whether and when to repair it again.
    pub damping: Damping,
    /// The repair under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// The last occurrence that was counted, so that a redelivery is not counted again.
    pub last: FindingId,
    /// Whether that one is over.
    #[serde(default)]
    pub closed: bool,
    /// Why a person was asked about that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated: Option<String>,
    /// What a person decided about that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// When this was written.
    pub updated_at: jiff::Timestamp,
}

impl Record for Lesson {
    const BUCKET: Bucket = Bucket::LESSONS;
    const PREFIX: &'static str = "signature";
    type Key = Signature;
}

/// A repair under way; done when the auditor says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repair {
    /// Of this occurrence.
    pub finding: FindingId,
    /// The plan that was proposed.
    pub plan: PlanId,
    /// Which attempt at this occurrence it is, from 1.
    pub attempt: u32,
    /// It was proposed after this sequence of the `SWARM` stream.
    pub after: u64,
    /// Since when.
    pub since: jiff::Timestamp,
    /// Why it came to nothing; absent while it may still be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// Whether and when a repair is made again. Repairs that somebody takes back come ever later, and
/// after so many within a window not at all until a person, or quiet, says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Damping {
    /// When a repair was proposed lately, oldest first; only what lies within the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<jiff::Timestamp>,
    /// No repair before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<jiff::Timestamp>,
    /// Since when the circuit is open: no repair at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_since: Option<jiff::Timestamp>,
}
