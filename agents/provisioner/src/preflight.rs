//! Whether the cloud is as a plan says it found it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bus_schema::{
    Change, KindName, Observation, Place, Plan, PlanProposed, Properties, ResourceAddress,
    ResourceState, StackState, StepState,
};
use cloud::{Catalogue, Kind, Observed, Ownership, compared};

use crate::journal;
use crate::moves::{self, Seen, Sought};
use crate::outputs::Outputs;

/// What one listing covers: a kind in a place.
pub type Scope = (KindName, Place);

/// What was listed.
#[derive(Debug, Clone, Default)]
pub struct Survey(pub BTreeMap<Scope, Arc<Vec<Observed>>>);

impl Survey {
    fn listing(&self, kind: &KindName, place: &Place) -> &[Observed] {
        self.0.get(&(kind.clone(), place.clone())).map_or(&[], |listing| listing.as_slice())
    }
}

/// Whether a plan can go ahead.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// All is as the plan found it.
    Go,
    /// This is not.
    Stale(Vec<Sighting>),
    /// An object that is not ours stands where one of ours is to be made.
    InTheWay {
        /// The resource.
        resource: ResourceAddress,
        /// The object.
        object: Box<Observed>,
    },
}

/// What was seen of one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// Which resource.
    pub resource: ResourceAddress,
    /// Where.
    pub place: Place,
    /// The object; absent where it is not there.
    pub found: Option<Observed>,
}

impl Sighting {
    /// For a message.
    pub fn observation(&self) -> Observation {
        Observation {
            resource: self.resource.clone(),
            properties: self.found.as_ref().map(|found| found.properties.clone()),
        }
    }
}

/// Every scope that a plan touches or rests on, each once.
pub fn scopes(plan: &Plan, state: Option<&StackState>) -> BTreeSet<Scope> {
    let changed = plan.changes.iter().flat_map(|change| {
        let here = (change.resource.kind.clone(), change.place.clone());
        [here, (change.resource.kind.clone(), place_before(change, state).clone())]
    });
    let unchanged = plan.unchanged.iter().map(|it| (it.address.kind.clone(), it.place.clone()));
    changed.chain(unchanged).collect()
}

/// Where the object of a change is before it: where the stack's record says, since a replacement can
/// be one of place.
pub fn place_before<'it>(change: &'it Change, state: Option<&'it StackState>) -> &'it Place {
    state
        .and_then(|state| state.resources.get(&change.resource))
        .map_or(&change.place, |resource| &resource.place)
}

/// What a survey holds of a change's resource.
pub fn seen(
    survey: &Survey,
    kind: &dyn Kind,
    change: &Change,
    after: Option<&Properties>,
    state: Option<&StackState>,
) -> Seen {
    let object = change.object.as_deref();
    let here = Sought {
        kind,
        address: &change.resource,
        shapes: [after, change.before.as_ref()],
        id: recorded_id(state, &change.resource),
        deleted: deleted(state),
    };
    let kind_name = &change.resource.kind;
    let (ours, obstacle) = moves::find(survey.listing(kind_name, &change.place), here, object);
    let before_place = place_before(change, state);
    let stray = if *before_place == change.place {
        None
    } else {
        let there = Sought { shapes: [change.before.as_ref(), None], ..here };
        moves::find(survey.listing(kind_name, before_place), there, object).0
    };
    Seen { ours, stray, obstacle }
}

fn deleted(state: Option<&StackState>) -> &[String] {
    state.map_or(&[], |state| &state.deleted)
}

fn recorded_id<'it>(
    state: Option<&'it StackState>,
    resource: &ResourceAddress,
) -> Option<&'it str> {
    state?.resources.get(resource)?.cloud_id.as_deref()
}

/// Compares what is there with what a plan found. Changes that its run has begun already are left
/// to their steps, which know what they did.
pub fn compare(
    proposed: &PlanProposed,
    state: Option<&StackState>,
    survey: &Survey,
    catalogue: Catalogue,
) -> Verdict {
    let plan = &proposed.plan;
    let outputs = Outputs::of(state);
    let begun = |resource: &ResourceAddress| -> Option<StepState> {
        let run = journal::run_of(state?, &proposed.id)?;
        run.steps.get(resource).map(|step| step.state)
    };
    let ignored = |resource: &ResourceAddress| {
        state.map(|state| state.ignored_of(resource)).unwrap_or_default()
    };
    let mut sightings = Vec::new();
    for change in plan.changes.iter().filter(|change| begun(&change.resource).is_none()) {
        let Some(kind) = catalogue.get(&change.resource.kind) else { continue };
        let claimed = kind.describe().ownership == Ownership::Claimed;
        let after = change.after.as_ref().map(|after| outputs.resolved_or_same(kind, after));
        let place = place_before(change, state);
        let moved = *place != change.place;
        let seen = seen(survey, kind, change, after.as_ref(), state);
        if let Some(object) = seen.obstacle
            && change.after.is_some()
            && (change.before.is_none() || moved)
        {
            let resource = change.resource.clone();
            return Verdict::InTheWay { resource, object: Box::new(object) };
        }
        let found = match (&change.before, claimed) {
            // What is always there was not made by anybody: that it is there says nothing.
            (None, true) => continue,
            // A setting exchanged for another: the one given up is looked up by its own key.
            (Some(before), true) => {
                let sought = Sought {
                    kind,
                    address: &change.resource,
                    shapes: [Some(before), None],
                    id: None,
                    deleted: &[],
                };
                moves::find(survey.listing(&change.resource.kind, place), sought, None).0
            }
            (_, false) if moved => seen.stray,
            (_, false) => seen.ours,
        };
        let ignored = ignored(&change.resource);
        let as_found = match (&change.before, &found) {
            (Some(before), Some(found)) => moves::shows(found, &compared(before, &ignored)),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !as_found {
            let resource = change.resource.clone();
            sightings.push(Sighting { resource, place: place.clone(), found });
        }
    }
    for resource in &plan.unchanged {
        let address = &resource.address;
        let Some(kind) = catalogue.get(&address.kind) else { continue };
        let wanted = outputs.resolved_or_same(kind, &resource.properties);
        let id = recorded_id(state, address);
        let shapes = [Some(&wanted), None];
        let sought = Sought { kind, address, shapes, id, deleted: deleted(state) };
        let (found, _) = moves::find(survey.listing(&address.kind, &resource.place), sought, None);
        let wanted = compared(&wanted, &ignored(address));
        if !found.as_ref().is_some_and(|found| moves::shows(found, &wanted)) {
            let place = resource.place.clone();
            sightings.push(Sighting { resource: address.clone(), place, found });
        }
    }
    if sightings.is_empty() { Verdict::Go } else { Verdict::Stale(sightings) }
}

/// Notes in a stack's record how the objects are that a plan leaves as they are, once a survey has
/// shown that they are as it says: what was recorded of them may be older.
pub fn confirm(state: &mut StackState, plan: &Plan, survey: &Survey, catalogue: Catalogue) {
    let outputs = Outputs::of(Some(state));
    for unchanged in &plan.unchanged {
        let address = &unchanged.address;
        let Some(kind) = catalogue.get(&address.kind) else { continue };
        let Some(resource) = state.resources.get_mut(address) else { continue };
        let wanted = outputs.resolved_or_same(kind, &unchanged.properties);
        let id = resource.cloud_id.as_deref();
        let shapes = [Some(&wanted), None];
        let sought = Sought { kind, address, shapes, id, deleted: &state.deleted };
        let (found, _) = moves::find(survey.listing(&address.kind, &unchanged.place), sought, None);
        if found.is_some() {
            observe(resource, found.as_ref());
        }
    }
}

/// Notes in a stack's record what was seen, for the next plan to start from.
pub fn note(state: &mut StackState, plan: &Plan, sightings: &[Sighting]) {
    for sighting in sightings {
        let address = &sighting.resource;
        if !state.resources.contains_key(address) {
            if sighting.found.is_none() {
                continue;
            }
            let change = plan.changes.iter().find(|change| change.resource == *address);
            let declared = change.and_then(|change| change.after.clone()).unwrap_or_default();
            let depends_on = change.map(|change| change.depends_on.clone()).unwrap_or_default();
            let unseen = ResourceState {
                place: sighting.place.clone(),
                declared,
                observed: None,
                cloud_id: None,
                outputs: BTreeMap::new(),
                depends_on,
                prior: None,
            };
            state.resources.insert(address.clone(), unseen);
        }
        if let Some(resource) = state.resources.get_mut(address) {
            observe(resource, sighting.found.as_ref());
        }
    }
}

/// Notes of one resource what was seen of it. Its id is kept where it was not seen: it may be there.
pub fn observe(resource: &mut ResourceState, found: Option<&Observed>) {
    resource.observed = found.map(|found| found.properties.clone());
    if let Some(found) = found {
        resource.cloud_id = Some(found.id.clone());
    }
    resource.outputs = found.map(|found| found.outputs.clone()).unwrap_or_default();
}
