//! An immutable list of changes from one generation of a stack to the next.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    EnvironmentName, Filter, Generation, Grounded, IntentId, Message, PathName, Place, PlanId,
    Properties, Remedy, ResourceAddress, StackName, Subject,
};

/// An immutable list of changes from generation `from` to generation `to` of one stack.
///
/// It holds nothing that depends on when it was made, so planning the same again gives the same id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The intent it serves.
    pub intent: IntentId,
    /// The intent's sequence in the `SWARM` stream: of two plans for one stack the later intent's
    /// prevails.
    pub order: u64,
    /// The stack it changes.
    pub stack: StackName,
    /// The environment the stack is in.
    pub environment: EnvironmentName,
    /// The golden path it follows.
    pub path: PathName,
    /// Why there is such a plan.
    pub origin: Origin,
    /// The generation it starts from; at any other it is stale.
    pub from: Generation,
    /// The generation it leads to; the same as `from` where there is nothing to change.
    pub to: Generation,
    /// The parameters of the golden path, each with its source.
    pub parameters: BTreeMap<String, Grounded>,
    /// What is done, in an order that respects `waits_for`.
    pub changes: Vec<Change>,
    /// What is declared and already so; the provisioner checks that it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<Resource>,
    /// What is declared, not so, and left as it is: for a repair that is not of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<ResourceAddress>,
    /// What it answers, where nobody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

impl Plan {
    /// The SHA-256 of the canonical encoding: JSON without white space, keys in byte order.
    pub fn id(&self) -> PlanId {
        let mut canonical = String::new();
        write_canonical(&serde_json::to_value(self).unwrap_or(Value::Null), &mut canonical);
        PlanId::of_digest(Sha256::digest(canonical.as_bytes()).into())
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Written here rather than left to a map's own order, which a feature of a dependency could change.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            out.push('{');
            for (i, (name, value)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            out.push_str(&scalar.to_string());
        }
    }
}

/// Why there is such a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody asked for it.
    #[default]
    Intent,
    /// The cloud is not as declared any more: it is put back, and the declaration stays.
    Heal,
    /// The cloud is not as declared any more: the declaration follows it, and the cloud stays.
    Adopt,
}

impl Origin {
    /// Whether somebody asked for it.
    pub const fn is_intent(&self) -> bool {
        matches!(self, Self::Intent)
    }
}

/// One resource as it is declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// Which resource.
    pub address: ResourceAddress,
    /// Where it lives.
    pub place: Place,
    /// Its owned fields, normalised by its kind; strings may hold references.
    pub properties: Properties,
    /// What must exist before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ResourceAddress>,
}

/// Create, update, replace or delete one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Which resource.
    pub resource: ResourceAddress,
    /// Where it lives.
    pub place: Place,
    /// What is done.
    pub action: Action,
    /// The owned fields the plan found, as observed; absent for a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Properties>,
    /// The owned fields wanted; strings may hold references; absent for a delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Properties>,
    /// What must exist before the resource, as declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ResourceAddress>,
    /// Changes of this plan that must have finished first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<ResourceAddress>,
    /// The one object meant, by the cloud's id: for one that carries the stack's mark and is none of
    /// its resources, as a copy. Its address is then a name for it, no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

impl Change {
    /// The change that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            action: match self.action {
                Action::Create => Action::Delete,
                Action::Delete => Action::Create,
                same @ (Action::Update | Action::Replace) => same,
            },
            before: self.after.clone(),
            after: self.before.clone(),
            ..self.clone()
        }
    }
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there, and differs in fields the cloud can change.
    Update,
    /// It is there, and differs in a field the cloud cannot change: deleted, then created.
    Replace,
    /// It is there and no longer wanted.
    Delete,
}

/// A plan is ready to be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanProposed {
    /// Its id; a receiver works it out again and refuses a plan that has another.
    pub id: PlanId,
    /// The plan.
    pub plan: Plan,
}

impl PlanProposed {
    /// The plan with its id.
    pub fn new(plan: Plan) -> Self {
        Self { id: plan.id(), plan }
    }
}

impl Message for PlanProposed {
    const TYPE: &'static str = "swarm.plan.v1.proposed";
    const FILTER: Filter = Filter::PLAN_PROPOSED;
    const SUBJECT: &'static str = "swarm.plan.proposed.{stack}";
    fn subject(&self) -> Subject {
        Subject::plan_proposed(&self.plan.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.plan.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        Some(self.plan.intent)
    }
}
