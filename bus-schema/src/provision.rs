//! What became of a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Filter, Generation, IntentId, Message, Origin, PlanId, Properties, ResourceAddress, StackName,
    Subject,
};

macro_rules! outcome {
    ($type:ident, $name:literal, $what:literal) => {
        impl Message for $type {
            const TYPE: &'static str = $name;
            const FILTER: Filter = Filter::PROVISION;
            const SUBJECT: &'static str = concat!("swarm.provision.", $what, ".{stack}");
            fn subject(&self) -> Subject {
                Subject::provision($what, &self.stack)
            }
            fn stack(&self) -> Option<&StackName> {
                Some(&self.stack)
            }
            fn intent(&self) -> Option<IntentId> {
                Some(self.intent)
            }
        }
    };
}

/// The cloud is as the plan declares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanApplied {
    /// The stack.
    pub stack: StackName,
    /// The intent served.
    pub intent: IntentId,
    /// The plan applied.
    pub plan: PlanId,
    /// Why there was such a plan.
    #[serde(default, skip_serializing_if = "Origin::is_intent")]
    pub origin: Origin,
    /// The generation the stack is at now.
    pub generation: Generation,
    /// How many changes were made.
    pub changes: usize,
}
outcome!(PlanApplied, "swarm.provision.v1.applied", "applied");

/// The plan failed and everything it had done was undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanFailed {
    /// The stack.
    pub stack: StackName,
    /// The intent served.
    pub intent: IntentId,
    /// The plan that failed.
    pub plan: PlanId,
    /// Why there was such a plan.
    #[serde(default, skip_serializing_if = "Origin::is_intent")]
    pub origin: Origin,
    /// The resource at which it failed, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceAddress>,
    /// What went wrong, for a person.
    pub reason: String,
    /// What that person can do.
    pub next: String,
    /// How many changes had been made and were undone.
    pub undone: usize,
}
outcome!(PlanFailed, "swarm.provision.v1.failed", "failed");

/// The plan is not about what is there; nothing was changed, it is to be planned again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanStale {
    /// The stack.
    pub stack: StackName,
    /// The intent served.
    pub intent: IntentId,
    /// The plan refused.
    pub plan: PlanId,
    /// Why there was such a plan.
    #[serde(default, skip_serializing_if = "Origin::is_intent")]
    pub origin: Origin,
    /// In what it is stale.
    pub because: StaleReason,
}
outcome!(PlanStale, "swarm.provision.v1.stale", "stale");

/// In what a plan is stale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum StaleReason {
    /// The stack has moved on.
    Generation {
        /// Where the stack is.
        current: Generation,
    },
    /// The cloud is not as the plan found it; the stack's record now holds what is there.
    Cloud {
        /// What was found instead, for each resource that is not as planned.
        observations: Vec<Observation>,
    },
}

/// What was found of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Which resource.
    pub resource: ResourceAddress,
    /// Its owned fields; absent where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
}

/// A later intent's plan for the stack has been applied already; nothing was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSuperseded {
    /// The stack.
    pub stack: StackName,
    /// The intent that came too late.
    pub intent: IntentId,
    /// Its plan.
    pub plan: PlanId,
    /// Why there was such a plan.
    #[serde(default, skip_serializing_if = "Origin::is_intent")]
    pub origin: Origin,
    /// The intent that took its place.
    pub by: IntentId,
}
outcome!(PlanSuperseded, "swarm.provision.v1.superseded", "superseded");

/// The plan failed, and what it had done could not all be undone; a person is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStuck {
    /// The stack.
    pub stack: StackName,
    /// The intent served.
    pub intent: IntentId,
    /// The plan that failed.
    pub plan: PlanId,
    /// Why there was such a plan.
    #[serde(default, skip_serializing_if = "Origin::is_intent")]
    pub origin: Origin,
    /// Why it had to be undone.
    pub reason: String,
    /// What could not be undone.
    pub resources: Vec<StuckResource>,
    /// What a person can do.
    pub next: String,
}
outcome!(RunStuck, "swarm.provision.v1.stuck", "stuck");

/// A resource that could not be put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StuckResource {
    /// Which resource.
    pub resource: ResourceAddress,
    /// Its id in the cloud, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// What it should have been put back to; absent where it should be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Properties>,
    /// What the cloud said.
    pub reason: String,
}
