//! Subjects and filters. Nothing else in the project builds or reads one.
//!
//! `swarm.<area>.<what>.<id>`: fixed tokens first, identifiers last, so that every permission is a
//! prefix.

use std::fmt;

use crate::{IntentId, Scope, StackName};

/// A subject a message can be published on: no wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// Where intents are submitted.
    pub fn intent_submit() -> Self {
        Self("swarm.intent.submit".to_owned())
    }

    /// Where the refusal of one intent is announced.
    pub fn intent_refused(intent: IntentId) -> Self {
        Self(format!("swarm.intent.refused.{intent}"))
    }

    /// Where plans for a stack are proposed.
    pub fn plan_proposed(stack: &StackName) -> Self {
        Self(format!("swarm.plan.proposed.{stack}"))
    }

    /// Where a person asks that a stack's stuck run goes on.
    pub fn stack_resume(stack: &StackName) -> Self {
        Self(format!("swarm.stack.resume.{stack}"))
    }

    /// Where the provisioner says what became of a plan: `what` is `applied`, `failed`, ….
    pub(crate) fn provision(what: &'static str, stack: &StackName) -> Self {
        Self(format!("swarm.provision.{what}.{stack}"))
    }

    /// Where a person asks that nothing of a stack be changed, or that it be again.
    pub fn stack_pause(stack: &StackName) -> Self {
        Self(format!("swarm.stack.pause.{stack}"))
    }

    /// Where a person leaves fields of a stack's resource to somebody else.
    pub fn stack_ignore(stack: &StackName) -> Self {
        Self(format!("swarm.stack.ignore.{stack}"))
    }

    /// Where a person asks that what nobody owns become a stack.
    pub fn stack_import(stack: &StackName) -> Self {
        Self(format!("swarm.stack.import.{stack}"))
    }

    /// Where the provisioner says what came of that.
    pub fn stack_imported(stack: &StackName) -> Self {
        Self(format!("swarm.stack.imported.{stack}"))
    }

    /// Where a person decides about a finding.
    pub fn remedy_ask(stack: &StackName) -> Self {
        Self(format!("swarm.remedy.ask.{stack}"))
    }

    /// Where a person is asked about a finding.
    pub fn remedy_escalated(stack: &StackName) -> Self {
        Self(format!("swarm.remedy.escalated.{stack}"))
    }

    /// Where drift of a stack is announced.
    pub fn finding_drift(stack: &StackName) -> Self {
        Self(format!("swarm.finding.drift.{stack}"))
    }

    /// Where the end of a stack's finding is announced.
    pub fn finding_resolved(stack: &StackName) -> Self {
        Self(format!("swarm.finding.resolved.{stack}"))
    }

    /// Where somebody says that a scope is worth a look.
    pub fn hint(scope: &Scope) -> Self {
        Self(format!("swarm.hint.{scope}"))
    }

    /// Where what a consumer gave up is kept.
    pub fn dead(consumer: &str) -> Self {
        Self(format!("dead.{consumer}"))
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of subjects, with wildcards; cannot be published on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Filter(&'static str);

impl Filter {
    /// Everything the swarm says.
    pub const SWARM: Self = Self("swarm.>");
    /// Everything given up.
    pub const DEAD: Self = Self("dead.>");
    /// Submitted intents.
    pub const INTENT_SUBMIT: Self = Self("swarm.intent.submit");
    /// Refused intents.
    pub const INTENT_REFUSED: Self = Self("swarm.intent.refused.*");
    /// Proposed plans.
    pub const PLAN_PROPOSED: Self = Self("swarm.plan.proposed.>");
    /// Requests to go on with a stuck run.
    pub const STACK_RESUME: Self = Self("swarm.stack.resume.>");
    /// Requests to leave a stack alone.
    pub const STACK_PAUSE: Self = Self("swarm.stack.pause.>");
    /// Requests to leave fields to somebody else.
    pub const STACK_IGNORE: Self = Self("swarm.stack.ignore.>");
    /// Requests to import.
    pub const STACK_IMPORT: Self = Self("swarm.stack.import.>");
    /// What came of requests to import.
    pub const STACK_IMPORTED: Self = Self("swarm.stack.imported.>");
    /// What people decide about findings.
    pub const REMEDY_ASK: Self = Self("swarm.remedy.ask.>");
    /// What people are asked about findings.
    pub const REMEDY_ESCALATED: Self = Self("swarm.remedy.escalated.>");
    /// Drift found.
    pub const FINDING_DRIFT: Self = Self("swarm.finding.drift.>");
    /// Findings resolved.
    pub const FINDING_RESOLVED: Self = Self("swarm.finding.resolved.>");
    /// Everything found.
    pub const FINDING: Self = Self("swarm.finding.>");
    /// Hints.
    pub const HINT: Self = Self("swarm.hint.>");
    /// Plans applied.
    pub const PROVISION_APPLIED: Self = Self("swarm.provision.applied.>");
    /// What became of plans.
    pub const PROVISION: Self = Self("swarm.provision.>");

    /// The filter as text.
    pub const fn as_str(&self) -> &'static str {
        self.0
    }

    /// Whether the subject belongs to the set, by NATS' rules.
    pub fn matches(&self, subject: &str) -> bool {
        let mut tokens = subject.split('.');
        for wanted in self.0.split('.') {
            match (wanted, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(token)) if wanted == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
