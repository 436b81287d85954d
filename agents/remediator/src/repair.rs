//! The plan that does something about findings. Pure: the stack's record, what was seen since, and
//! what is to be done about each finding.

use std::collections::{BTreeMap, BTreeSet};

use bus_schema::{
    Action, Change, Drift, Finding, Origin, Plan, Properties, Remedy, Resource, ResourceAddress,
    StackState,
};
use cloud::{Catalogue, DiffError, Outputs};

use crate::course::Course;

/// What was seen of resources since their stack's record was written; `None` where one is not there.
pub type Seen = BTreeMap<ResourceAddress, Option<Properties>>;

/// A finding, and what is done about it in this plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Case<'it> {
    /// The finding.
    pub finding: &'it Finding,
    /// What is done about it; anything but to revert or adopt leaves its resource as it is.
    pub course: &'it Course,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum NoPlan {
    /// The declaration that it would lead to is none.
    #[error("what would be declared then cannot be")]
    Undeclarable(#[source] Box<DiffError>),
    /// One too many, of a kind that holds data.
    #[error("{object} is one too many of {resource}, and may hold data that nobody can make again")]
    HoldsData {
        /// What carries the mark.
        object: String,
        /// Whose mark it carries.
        resource: ResourceAddress,
    },
}

/// The plan that does all of one origin that is to be done; none where there is nothing to be done.
///
/// # Errors
/// When what is to be done cannot be planned.
pub fn plan(
    state: &StackState,
    seen: &Seen,
    cases: &[Case<'_>],
    origin: Origin,
    remedy: Remedy,
    catalogue: Catalogue,
) -> Result<Option<Plan>, NoPlan> {
    let mut current = state.clone();
    current.overlay(seen);
    let outputs = Outputs::of(Some(state));
    let mut desired: BTreeMap<ResourceAddress, Resource> = state
        .resources
        .iter()
        .map(|(address, resource)| {
            let resource = Resource {
                address: address.clone(),
                place: resource.place.clone(),
                properties: resource.declared.clone(),
                depends_on: resource.depends_on.clone(),
            };
            (address.clone(), resource)
        })
        .collect();
    let mut left = BTreeSet::new();
    let mut removals = Vec::new();
    for Case { finding, course } in cases {
        let Some(address) = &finding.resource else { continue };
        let observed = current.resources.get(address).and_then(|it| it.observed.clone());
        match (course, origin, finding.drift) {
            (Course::Revert { .. }, Origin::Heal, Drift::Surplus) => {
                removals.push(removal(finding, address, catalogue)?);
            }
            (Course::Revert { but }, Origin::Heal, _) => {
                if let (Some(wanted), Some(observed)) = (desired.get_mut(address), &observed) {
                    let kept = observed.0.iter().filter(|(field, _)| but.contains(*field));
                    wanted
                        .properties
                        .0
                        .extend(kept.map(|(field, value)| (field.clone(), value.clone())));
                }
            }
            (Course::Adopt, Origin::Adopt, _) => match (desired.get_mut(address), &observed) {
                (Some(wanted), Some(observed)) => {
                    for difference in &finding.differences {
                        // From what was seen, for a finding shows long values cut.
                        match observed.get(&difference.field) {
                            Some(value) => {
                                wanted.properties.0.insert(difference.field.clone(), value.clone());
                            }
                            None => drop(wanted.properties.0.remove(&difference.field)),
                        }
                    }
                }
                (_, None) => drop(desired.remove(address)),
                (None, Some(_)) => {}
            },
            (_, _, Drift::Surplus | Drift::Unmanaged) => {}
            _ => drop(left.insert(address.clone())),
        }
    }
    for address in &left {
        leave(&mut current, state, address, &outputs, catalogue);
    }
    let desired: Vec<Resource> = desired.into_values().collect();
    let mut diff = cloud::diff(&state.stack, Some(&current), &desired, catalogue)
        .map_err(|error| NoPlan::Undeclarable(Box::new(error)))?;
    diff.changes.extend(removals);
    if diff.changes.is_empty() && origin == Origin::Heal {
        return Ok(None);
    }
    let (excluded, unchanged): (Vec<Resource>, Vec<Resource>) =
        diff.unchanged.into_iter().partition(|resource| left.contains(&resource.address));
    Ok(Some(Plan {
        // A stack with drift has been applied; without an intent there is none to serve.
        intent: state.intent.unwrap_or_else(|| bus_schema::IntentId::of_stream_sequence(0)),
        order: state.order,
        stack: state.stack.clone(),
        environment: state.environment.clone(),
        path: state.path.clone(),
        origin,
        from: state.generation,
        to: state.generation.next(),
        parameters: BTreeMap::new(),
        changes: diff.changes,
        unchanged,
        excluded: excluded.into_iter().map(|resource| resource.address).collect(),
        remedy: Some(remedy),
    }))
}

/// Removes an object that carries the stack's mark and is none of its resources.
fn removal(
    finding: &Finding,
    marked: &ResourceAddress,
    catalogue: Catalogue,
) -> Result<Change, NoPlan> {
    let holds_data = catalogue.get(&marked.kind).is_none_or(|kind| kind.describe().holds_data);
    let digits: String = finding.signature.as_str().chars().take(8).collect();
    let start: String = marked.name.as_str().chars().take(31).collect();
    let name = format!("{start}-{digits}").parse();
    match (name, &finding.cloud_id) {
        (Ok(name), Some(id)) if !holds_data => Ok(Change {
            resource: ResourceAddress::new(marked.stack.clone(), marked.kind.clone(), name),
            place: finding.scope.place.clone(),
            action: Action::Delete,
            // Whatever it shows.
            before: Some(Properties::default()),
            after: None,
            depends_on: Vec::new(),
            waits_for: Vec::new(),
            object: Some(id.clone()),
        }),
        _ => Err(NoPlan::HoldsData { object: finding.object.clone(), resource: marked.clone() }),
    }
}

/// Makes a resource look as declared, so that nothing is planned for it.
fn leave(
    current: &mut StackState,
    state: &StackState,
    address: &ResourceAddress,
    outputs: &Outputs,
    catalogue: Catalogue,
) {
    let (Some(resource), Some(kind)) = (state.resources.get(address), catalogue.get(&address.kind))
    else {
        return;
    };
    let mut resource = resource.clone();
    resource.observed = Some(outputs.resolved_or_same(kind, &resource.declared));
    current.resources.insert(address.clone(), resource);
}
