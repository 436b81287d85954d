//! A person tells the swarm to leave a stack alone, or to go on with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Filter, IntentId, Message, StackName, Subject};

/// Hands off: from now on nothing of the stack is changed, not even by what is under way already,
/// until somebody says so again with `paused: false`.
///
/// `{"stack": "edge-api", "paused": true}` is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PauseRequested {
    /// The stack.
    pub stack: StackName,
    /// Whether it is to be left alone.
    pub paused: bool,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asks, for the record; not an authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Message for PauseRequested {
    const TYPE: &'static str = "swarm.stack.v1.pause_requested";
    const FILTER: Filter = Filter::STACK_PAUSE;
    const SUBJECT: &'static str = "swarm.stack.pause.{stack}";
    fn subject(&self) -> Subject {
        Subject::stack_pause(&self.stack)
    }
    /// None to wait for: it must hold while a plan for the stack is being applied.
    fn stack(&self) -> Option<&StackName> {
        None
    }
    fn intent(&self) -> Option<IntentId> {
        None
    }
}

/// A stack that is to be left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Since when.
    pub since: jiff::Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
