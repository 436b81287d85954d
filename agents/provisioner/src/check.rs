//! Whether a proposed plan is one at all. Pure.
//!
//! The provisioner trusts no message: a plan that is not what it says it is goes to the dead letters
//! with the reason, and nothing of it is carried out.

use std::collections::BTreeSet;

use bus_schema::{
    Action, Change, KindName, Origin, Plan, PlanProposed, ResourceAddress, StackState,
};
use cloud::Catalogue;

/// A message that is not a plan one could apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlan {
    /// The content has another hash.
    #[error("the plan says its id is {said}, its content has the id {found}")]
    Id {
        /// What it says.
        said: String,
        /// What it is.
        found: String,
    },
    /// A resource of another stack.
    #[error("a plan for stack {stack} names {resource}")]
    ForeignResource {
        /// The plan's stack.
        stack: String,
        /// The resource.
        resource: Box<ResourceAddress>,
    },
    /// One resource twice.
    #[error("{resource} is named twice")]
    Twice {
        /// The resource.
        resource: Box<ResourceAddress>,
    },
    /// A kind this program does not know.
    #[error("no such kind: {kind}")]
    UnknownKind {
        /// The kind.
        kind: KindName,
    },
    /// A change without what its action needs.
    #[error("the change of {resource} lacks what it was before or what it is to be")]
    Incomplete {
        /// The resource.
        resource: Box<ResourceAddress>,
    },
    /// Waits for what does not come before it.
    #[error("the change of {resource} waits for {first}, which does not come before it")]
    Order {
        /// The resource.
        resource: Box<ResourceAddress>,
        /// What it waits for.
        first: Box<ResourceAddress>,
    },
    /// Something is left out of what somebody asked for.
    #[error("a plan for an intent leaves {resource} out")]
    Excluded {
        /// The resource.
        resource: Box<ResourceAddress>,
    },
    /// An adoption that would change a cloud.
    #[error("a plan that takes over what is there would change {resource}")]
    Adoption {
        /// The resource.
        resource: Box<ResourceAddress>,
    },
    /// A repair that would make something else than what is declared.
    #[error("a repair would make {resource} something else than its stack declares")]
    Repair {
        /// The resource.
        resource: Box<ResourceAddress>,
    },
    /// An object that is none of the stack's resources is to be something else than gone.
    #[error("{resource} stands for an object that a plan can only remove")]
    Object {
        /// The name it is given.
        resource: Box<ResourceAddress>,
    },
    /// A repair that would lose what cannot be made again.
    #[error("a repair would remove {resource}, which holds data")]
    HoldsData {
        /// The resource.
        resource: Box<ResourceAddress>,
    },
    /// The generation it leads to does not follow.
    #[error("a plan from {from} with {changes} changes cannot lead to {to}")]
    Generation {
        /// Where it starts.
        from: bus_schema::Generation,
        /// Where it says it leads.
        to: bus_schema::Generation,
        /// How many changes it has.
        changes: usize,
    },
}

/// Checks a plan.
///
/// # Errors
/// With the first thing that is wrong with it.
pub fn check(proposed: &PlanProposed, catalogue: Catalogue) -> Result<(), InvalidPlan> {
    let plan = &proposed.plan;
    let found = plan.id();
    if found != proposed.id {
        return Err(InvalidPlan::Id { said: proposed.id.to_string(), found: found.to_string() });
    }
    // What is adopted changes the declaration, and so the generation, without a change in a cloud.
    let still = plan.is_empty() && plan.origin != Origin::Adopt;
    let to = if still { plan.from } else { plan.from.next() };
    if plan.to != to {
        return Err(InvalidPlan::Generation {
            from: plan.from,
            to: plan.to,
            changes: plan.changes.len(),
        });
    }
    let mut seen = BTreeSet::new();
    let changed = plan.changes.iter().map(|change| &change.resource);
    let unchanged = plan.unchanged.iter().map(|it| &it.address);
    for resource in changed.chain(unchanged).chain(&plan.excluded) {
        if resource.stack != plan.stack {
            return Err(InvalidPlan::ForeignResource {
                stack: plan.stack.to_string(),
                resource: Box::new(resource.clone()),
            });
        }
        if catalogue.get(&resource.kind).is_none() {
            return Err(InvalidPlan::UnknownKind { kind: resource.kind.clone() });
        }
        if !seen.insert(resource) {
            return Err(InvalidPlan::Twice { resource: Box::new(resource.clone()) });
        }
    }
    if let (Origin::Intent, Some(left_out)) = (plan.origin, plan.excluded.first()) {
        return Err(InvalidPlan::Excluded { resource: Box::new(left_out.clone()) });
    }
    let gone = |change: &&Change| change.action == Action::Delete && change.before.is_none();
    if plan.origin == Origin::Adopt
        && let Some(change) = plan.changes.iter().find(|change| !gone(change))
    {
        return Err(InvalidPlan::Adoption { resource: Box::new(change.resource.clone()) });
    }
    // Changes stand in an order that respects what they wait for, which also rules out a cycle.
    let mut earlier = BTreeSet::new();
    for change in &plan.changes {
        let complete = match change.action {
            Action::Create => change.after.is_some() && change.before.is_none(),
            Action::Update => change.after.is_some() && change.before.is_some(),
            // What was found gone has nothing before it.
            Action::Replace => change.after.is_some(),
            Action::Delete => change.after.is_none(),
        };
        if !complete {
            return Err(InvalidPlan::Incomplete { resource: Box::new(change.resource.clone()) });
        }
        let removal = change.action == Action::Delete && plan.origin == Origin::Heal;
        if change.object.is_some() && !removal {
            return Err(InvalidPlan::Object { resource: Box::new(change.resource.clone()) });
        }
        let kind = catalogue.get(&change.resource.kind);
        if removal && kind.is_some_and(|kind| kind.describe().holds_data) {
            return Err(InvalidPlan::HoldsData { resource: Box::new(change.resource.clone()) });
        }
        if let Some(first) = change.waits_for.iter().find(|first| !earlier.contains(first)) {
            return Err(InvalidPlan::Order {
                resource: Box::new(change.resource.clone()),
                first: Box::new(first.clone()),
            });
        }
        earlier.insert(&change.resource);
    }
    Ok(())
}

/// Checks that a repair makes nothing but what the stack declares already: whoever proposes repairs
/// cannot have anything else made. A field may also be left as it was found.
///
/// # Errors
/// With the first resource of which that is not so.
pub fn check_repair(plan: &Plan, state: &StackState) -> Result<(), InvalidPlan> {
    if plan.origin != Origin::Heal {
        return Ok(());
    }
    let as_declared = |change: &&Change| {
        let declared = state.resources.get(&change.resource).map(|resource| &resource.declared);
        match (&change.after, declared) {
            // What carries the stack's mark, and is not of it.
            (None, declared) => declared.is_none(),
            (Some(_), None) => false,
            (Some(after), Some(declared)) => after.0.iter().all(|(field, value)| {
                let found = change.before.as_ref().and_then(|before| before.get(field));
                declared.get(field) == Some(value) || found == Some(value)
            }),
        }
    };
    match plan.changes.iter().find(|change| !as_declared(change)) {
        Some(change) => Err(InvalidPlan::Repair { resource: Box::new(change.resource.clone()) }),
        None => Ok(()),
    }
}
