//! A person tells the swarm to go on with a run that is stuck.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Filter, IntentId, Message, PlanId, StackName, Subject};

/// A person has mended what kept a stuck run from being undone: the swarm tries again.
///
/// `{"stack": "edge-api", "plan": "<the plan its RunStuck names>"}` is enough. The answer is another
/// outcome of that plan: `PlanFailed` once everything is put back, else `RunStuck` again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResumeRequested {
    /// The stack.
    pub stack: StackName,
    /// The plan whose run is stuck; where another one is by now, nothing is done.
    pub plan: PlanId,
    /// Who asks, for the record; not an authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Message for ResumeRequested {
    const TYPE: &'static str = "swarm.stack.v1.resume_requested";
    const FILTER: Filter = Filter::STACK_RESUME;
    const SUBJECT: &'static str = "swarm.stack.resume.{stack}";
    fn subject(&self) -> Subject {
        Subject::stack_resume(&self.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        None
    }
}
