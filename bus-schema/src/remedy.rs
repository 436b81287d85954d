//! What is done about findings, beside plans: people are asked, and decide.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Filter, Finding, FindingId, IntentId, Message, Plan, StackName, Subject};

/// What a plan answers that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// The findings, in order.
    pub findings: Vec<FindingId>,
    /// Which attempt at them, from 1: what is proposed again is another plan.
    pub attempt: u32,
    /// By whose word, for people: a rule's or a person's.
    pub reason: String,
}

/// What a person can have done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemedyKind {
    /// Put it back as declared, now, whatever came of it before.
    Revert,
    /// Declare it as it is.
    Adopt,
    /// Leave it as it is, this time.
    Leave,
}

/// A person decides about a finding: on `swarm.remedy.ask.<stack>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemedyAsked {
    /// The stack.
    pub stack: StackName,
    /// The finding; it must be open.
    pub finding: FindingId,
    /// What is to be done.
    pub remedy: RemedyKind,
    /// Who asks, for the record; not an authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Message for RemedyAsked {
    const TYPE: &'static str = "swarm.remedy.v1.asked";
    const FILTER: Filter = Filter::REMEDY_ASK;
    const SUBJECT: &'static str = "swarm.remedy.ask.{stack}";
    fn subject(&self) -> Subject {
        Subject::remedy_ask(&self.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        None
    }
}

/// What a person decided about an occurrence; kept until it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What is to be done.
    pub remedy: RemedyKind,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The swarm does not do anything about a finding by itself: a person is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Escalated {
    /// The stack.
    pub stack: StackName,
    /// What was found.
    pub finding: Finding,
    /// Why nothing is done, for a person; names the other writer where there is one.
    pub reason: String,
    /// What that person can do.
    pub next: String,
    /// What would be applied if they say so, where it is only that they are to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
}

impl Message for Escalated {
    const TYPE: &'static str = "swarm.remedy.v1.escalated";
    const FILTER: Filter = Filter::REMEDY_ESCALATED;
    const SUBJECT: &'static str = "swarm.remedy.escalated.{stack}";
    fn subject(&self) -> Subject {
        Subject::remedy_escalated(&self.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        self.finding.intent
    }
}
