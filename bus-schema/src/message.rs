//! What makes a struct a message.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Filter, IntentId, MessageId, StackName, Subject};

/// A message: a plain struct bound to its wire name and its subject.
pub trait Message: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Wire name with version, for example `swarm.plan.v1.proposed`; the value of the
    /// `Zerodrift-Type` header.
    const TYPE: &'static str;

    /// Every subject such a message can be on.
    const FILTER: Filter;

    /// The subject's form for people, for example `swarm.plan.proposed.{stack}`.
    const SUBJECT: &'static str;

    /// The subject this message is published on.
    fn subject(&self) -> Subject;

    /// The stack this message is about: what one handler at a time is guaranteed for.
    fn stack(&self) -> Option<&StackName>;

    /// The intent this message serves; the value of the `Zerodrift-Intent` header.
    fn intent(&self) -> Option<IntentId>;
}

/// A message as it was delivered, with what only the delivery knows.
#[derive(Debug, Clone)]
pub struct Received<M> {
    /// The message.
    pub message: M,
    /// Its id: as given by its sender, else derived from its place in the stream.
    pub id: MessageId,
    /// Its sequence in the `SWARM` stream: the order in which the server took it.
    pub sequence: u64,
    /// When the server stored it.
    pub published_at: jiff::Timestamp,
    /// How often it has been delivered, this time included.
    pub delivery: u64,
}
