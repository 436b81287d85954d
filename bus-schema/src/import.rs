//! What nobody owns becomes a stack, without a write to the cloud.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    EnvironmentName, Filter, IntentId, KindName, Message, Place, ResourceAddress, StackName,
    Subject,
};

/// The objects of a place that nobody owns are to be a stack, declared as they are now.
///
/// `{"stack": "site", "environment": "prod", "place": "zone/example.com"}` is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportAsked {
    /// The stack to be; there must not be one of that name that holds anything.
    pub stack: StackName,
    /// The environment it is in, whose rules say what is done when it drifts.
    pub environment: EnvironmentName,
    /// Where.
    pub place: Place,
    /// Which kinds; every one there is in such a place where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<KindName>,
    /// Which objects, by the cloud's id, the key the cloud knows them by, or what people call them;
    /// all of them where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Whether it is only to be said what would be taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Who asks, for the record; not an authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Message for ImportAsked {
    const TYPE: &'static str = "swarm.stack.v1.import_asked";
    const FILTER: Filter = Filter::STACK_IMPORT;
    const SUBJECT: &'static str = "swarm.stack.import.{stack}";
    fn subject(&self) -> Subject {
        Subject::stack_import(&self.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        None
    }
}

/// What came of a request to import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportAnswered {
    /// The stack.
    pub stack: StackName,
    /// The sequence of the request in the `SWARM` stream.
    pub asked: u64,
    /// Whether it is only said what would be taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Why there is no such stack now, for a person, with what they can do; absent where there is, or
    /// could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Imported>,
    /// What was not, as much as fits a message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<NotImported>,
    /// How much more was not.
    #[serde(default)]
    pub left_out: u64,
}

impl Message for ImportAnswered {
    const TYPE: &'static str = "swarm.stack.v1.import_answered";
    const FILTER: Filter = Filter::STACK_IMPORTED;
    const SUBJECT: &'static str = "swarm.stack.imported.{stack}";
    fn subject(&self) -> Subject {
        Subject::stack_imported(&self.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        None
    }
}

/// An object that became a stack's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// As which resource.
    pub resource: ResourceAddress,
    /// The object, as people know it.
    pub object: String,
    /// The cloud's id for it.
    pub cloud_id: String,
}

/// What did not become a stack's: an object, or all of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotImported {
    /// Of which kind.
    pub kind: KindName,
    /// The object, as people know it; absent where it is all of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The cloud's id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// Why not, for a person.
    pub reason: String,
}
