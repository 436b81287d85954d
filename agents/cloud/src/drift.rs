//! What in a listing is not as stacks declare it. Pure: the declaration and the listing are all it
//! needs.

use bus_schema::{Difference, Drift, Properties, ResourceAddress, Scope, StackState};

use crate::{Catalogue, Kind, Observed, Outputs, Ownership, Sought, differences, locate};

/// One thing that is not as its stack declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct Drifted {
    /// The resource; for [`Drift::Surplus`], the one whose mark the object carries.
    pub address: ResourceAddress,
    /// In what way.
    pub drift: Drift,
    /// What is there.
    pub observed: Option<Observed>,
    /// Each field that is not so: `before` is observed, `after` is declared, references resolved.
    pub differences: Vec<Difference>,
}

/// Everything of one stack in one scope that is not as declared.
pub fn drift(
    state: &StackState,
    scope: &Scope,
    listing: &[Observed],
    catalogue: Catalogue,
) -> Vec<Drifted> {
    let Some(kind) = catalogue.get(&scope.kind) else { return Vec::new() };
    let outputs = Outputs::of(Some(state));
    let here =
        state.resources.iter().filter(|(at, it)| at.kind == scope.kind && it.place == scope.place);
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for (address, resource) in here {
        let wanted = outputs.resolved_or_same(kind, &resource.declared);
        let sought = Sought {
            kind,
            address,
            shapes: [Some(&wanted), resource.observed.as_ref()],
            id: resource.cloud_id.as_deref(),
        };
        let (ours, _) = locate(listing, sought);
        seen.extend(ours.iter().map(|ours| ours.id.clone()));
        let (drift, differences) = match &ours {
            None => (Drift::Missing, Vec::new()),
            Some(ours) => match differing(kind, &wanted, &ours.properties) {
                none if none.is_empty() => continue,
                differences => (Drift::Changed, differences),
            },
        };
        found.push(Drifted { address: address.clone(), drift, observed: ours, differences });
    }
    let surplus = listing.iter().filter(|object| !seen.contains(&object.id)).filter_map(|object| {
        let owner = object.owner.as_ref().filter(|owner| owner.stack == state.stack)?;
        Some(Drifted {
            address: ResourceAddress::new(
                owner.stack.clone(),
                scope.kind.clone(),
                owner.name.clone(),
            ),
            drift: Drift::Surplus,
            observed: Some(object.clone()),
            differences: Vec::new(),
        })
    });
    found.extend(surplus);
    found
}

/// Every object of a listing that no stack owns, by mark or by record.
pub fn unmanaged<'a>(
    scope: &Scope,
    listing: &'a [Observed],
    stacks: &[&StackState],
    catalogue: Catalogue,
) -> Vec<&'a Observed> {
    let Some(kind) = catalogue.get(&scope.kind) else { return Vec::new() };
    if kind.describe().ownership == Ownership::Claimed {
        // Always there, so nobody's by default.
        return Vec::new();
    }
    let owned = |object: &Observed| {
        object.owner.is_some()
            || stacks.iter().any(|state| {
                let outputs = Outputs::of(Some(state));
                let here = state
                    .resources
                    .iter()
                    .filter(|(at, it)| at.kind == scope.kind && it.place == scope.place);
                here.into_iter().any(|(address, resource)| {
                    let wanted = outputs.resolved_or_same(kind, &resource.declared);
                    resource.cloud_id.as_deref() == Some(&object.id)
                        || kind.is_of(address, &wanted, object)
                })
            })
    };
    listing.iter().filter(|object| !owned(object)).collect()
}

/// As [`differences`], with nothing left to resolve.
fn differing(kind: &dyn Kind, wanted: &Properties, observed: &Properties) -> Vec<Difference> {
    differences(kind, wanted, observed, |_, _| None)
}
