//! A person leaves some fields of a resource to somebody else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Filter, IntentId, Message, ResourceAddress, StackName, Subject};

/// These fields are somebody else's: what is declared of them stays declared, and from now on nobody
/// compares them with the cloud or puts them back, until somebody says so with `ignored: false`.
///
/// `{"stack": "edge-api", "resource": "edge-api/cloudflare.dns_record/api", "fields": ["ttl"],
/// "ignored": true}` is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IgnoreRequested {
    /// The stack.
    pub stack: StackName,
    /// Its resource.
    pub resource: ResourceAddress,
    /// The fields, by the names that the resource's kind gives them.
    pub fields: Vec<String>,
    /// Whether they are to be ignored, or no longer.
    pub ignored: bool,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asks, for the record; not an authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Message for IgnoreRequested {
    const TYPE: &'static str = "swarm.stack.v1.ignore_requested";
    const FILTER: Filter = Filter::STACK_IGNORE;
    const SUBJECT: &'static str = "swarm.stack.ignore.{stack}";
    fn subject(&self) -> Subject {
        Subject::stack_ignore(&self.stack)
    }
    /// None to wait for: it must hold while a plan for the stack is being applied.
    fn stack(&self) -> Option<&StackName> {
        None
    }
    fn intent(&self) -> Option<IntentId> {
        None
    }
}

/// What was last said of a field of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ignored {
    /// Whether it is ignored no longer. Kept, so that a request that comes late does not undo a later
    /// one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lifted: bool,
    /// The sequence of the request in the `SWARM` stream.
    pub heeded: u64,
    /// Since when.
    pub since: jiff::Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
