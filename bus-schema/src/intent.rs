//! What people ask for, and what became of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::Record;
use crate::stream::Bucket;
use crate::{
    EnvironmentName, Filter, Generation, Grounded, IntentId, Message, PathName, PlanId, StackName,
    Subject,
};

/// Somebody wants something.
///
/// `{"text": "Secure edge cache for API with DDoS guardrails"}` is enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentSubmitted {
    /// Chosen by the submitter to follow the intent by; else derived from its place in the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<IntentId>,
    /// What is wanted.
    #[serde(flatten)]
    pub request: Request,
    /// Who asks, for the record; not an authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What is wanted: either `text`, or `path` with `parameters`; never both.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// In the person's own words, English or Korean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A golden path by name, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathName>,
    /// The path's parameters by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// The environment; without it, the one the words name, else the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The stack; without it, the golden path names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackName>,
}

/// What the planner made of an intent: one golden path, every parameter grounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Understanding {
    /// The golden path chosen.
    pub path: PathName,
    /// The stack it will be.
    pub stack: StackName,
    /// The environment it is for.
    pub environment: EnvironmentName,
    /// Every parameter of the path, each with its source.
    pub parameters: BTreeMap<String, Grounded>,
}

/// Why an intent is not carried out, and what would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// A sentence for the person who asked, in the language they asked in.
    pub reason: String,
    /// What is missing, by parameter name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The golden paths that come nearest, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<PathName>,
    /// An intent that would work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// The sort of a refusal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Nothing was asked for.
    Empty,
    /// No golden path does this.
    NoGoldenPath,
    /// Several golden paths fit about as well.
    Ambiguous,
    /// A parameter has no value from the words, the environment or a default.
    Incomplete,
    /// A value is outside what the golden path allows.
    Invalid,
    /// Two values for one parameter.
    Contradictory,
    /// A name nobody declared: environment, service, stack, zone.
    Unknown,
    /// It would do harm: protections off, everything deleted, open to the world.
    Dangerous,
    /// Directed at the swarm rather than at the infrastructure.
    Manipulation,
    /// It speaks of nothing that infrastructure is.
    OffTopic,
    /// It speaks of infrastructure, but does not say what is wanted of it.
    TooVague,
    /// It asks for several things, each of which is an intent of its own.
    Several,
    /// It is about a platform or a product that nothing here reaches.
    Unsupported,
    /// There is a golden path for it, which is not installed here.
    NotAvailable,
    /// It asks for an answer, not for infrastructure.
    Question,
}

/// An intent was refused; nothing was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentRefused {
    /// Which intent.
    pub intent: IntentId,
    /// Why, and what would work.
    pub refusal: Refusal,
}

impl Message for IntentSubmitted {
    const TYPE: &'static str = "swarm.intent.v1.submitted";
    const FILTER: Filter = Filter::INTENT_SUBMIT;
    const SUBJECT: &'static str = "swarm.intent.submit";
    fn subject(&self) -> Subject {
        Subject::intent_submit()
    }
    fn stack(&self) -> Option<&StackName> {
        self.request.stack.as_ref()
    }
    fn intent(&self) -> Option<IntentId> {
        self.id
    }
}

impl Message for IntentRefused {
    const TYPE: &'static str = "swarm.intent.v1.refused";
    const FILTER: Filter = Filter::INTENT_REFUSED;
    const SUBJECT: &'static str = "swarm.intent.refused.{intent}";
    fn subject(&self) -> Subject {
        Subject::intent_refused(self.intent)
    }
    fn stack(&self) -> Option<&StackName> {
        None
    }
    fn intent(&self) -> Option<IntentId> {
        Some(self.intent)
    }
}

/// Where an intent stands; the planner's record of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentState {
    /// Which intent.
    pub intent: IntentId,
    /// Its sequence in the `SWARM` stream: of two intents for one stack the later one prevails.
    pub order: u64,
    /// What was asked.
    pub request: Request,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where it stands.
    pub phase: IntentPhase,
    /// What was made of it; absent when refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub understanding: Option<Understanding>,
    /// The newest plan for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanReference>,
    /// How often it was planned because the cloud was not as the plan said.
    #[serde(default)]
    pub replans: u32,
    /// Why it ended as it did, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What that person can do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The refusal, when refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// When the server stored the intent.
    pub submitted_at: jiff::Timestamp,
    /// When this phase began.
    pub since: jiff::Timestamp,
    /// W3C trace context of the intent's trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// A plan, and where it is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanReference {
    /// The plan's id.
    pub id: PlanId,
    /// The generation it leads to.
    pub to: Generation,
    /// Its sequence in the `SWARM` stream.
    pub sequence: u64,
}

/// Where an intent stands. All but `planned` are final: an accepted intent reaches exactly one. A
/// `stuck` one becomes `failed` once a person has had the rest of it put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntentPhase {
    /// Proposed to the provisioner.
    Planned,
    /// The cloud is as declared.
    Converged,
    /// Nothing was done, for a stated reason.
    Refused,
    /// It went wrong and was rolled back.
    Failed,
    /// It went wrong and could not be rolled back; a person is needed.
    Stuck,
    /// A later intent for the same stack took its place.
    Superseded,
    /// Taken back by the person who asked.
    Withdrawn,
}

impl IntentPhase {
    /// Whether this is where an intent ends.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Planned)
    }
}

impl Record for IntentState {
    const BUCKET: Bucket = Bucket::INTENTS;
    const PREFIX: &'static str = "intent";
    type Key = IntentId;
}
