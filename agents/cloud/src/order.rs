//! In which order changes can be made. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bus_schema::{Action, Change, Place, ResourceAddress, ResourceState};

use crate::kind::Catalogue;
use crate::references;

/// What each waits for.
pub(crate) type Edges = BTreeMap<ResourceAddress, BTreeSet<ResourceAddress>>;

/// The changes with `waits_for` filled in, each after all it waits for.
///
/// # Errors
/// The changes that wait for each other, where some do.
pub(crate) fn order(
    changes: Vec<Change>,
    current: &BTreeMap<ResourceAddress, ResourceState>,
    catalogue: Catalogue,
) -> Result<Vec<Change>, Vec<ResourceAddress>> {
    let mut edges = edges(&changes, current, catalogue);
    let holds_data = |change: &Change| {
        change.action == Action::Delete
            && catalogue.get(&change.resource.kind).is_some_and(|it| it.describe().holds_data)
    };
    let (data, rest): (Vec<_>, Vec<_>) = changes.iter().partition(|change| holds_data(change));
    for change in data {
        // Deleted data cannot be put back, so nothing that may still fail comes after it, except
        // what cannot go before.
        let after = waiting_for(&change.resource, &edges);
        let before = rest.iter().map(|it| &it.resource).filter(|it| !after.contains(*it));
        edges.entry(change.resource.clone()).or_default().extend(before.cloned());
    }

    let sorted = sort(edges.clone())?;
    let mut by_address: BTreeMap<_, _> =
        changes.into_iter().map(|change| (change.resource.clone(), change)).collect();
    Ok(sorted
        .into_iter()
        .filter_map(|address| by_address.remove(&address))
        .map(|mut change| {
            change.waits_for = edges.remove(&change.resource).into_iter().flatten().collect();
            change
        })
        .collect())
}

fn edges(
    changes: &[Change],
    current: &BTreeMap<ResourceAddress, ResourceState>,
    catalogue: Catalogue,
) -> Edges {
    let actions: BTreeMap<_, _> = changes.iter().map(|it| (&it.resource, it.action)).collect();
    let mut edges: Edges =
        changes.iter().map(|it| (it.resource.clone(), BTreeSet::new())).collect();
    let mut wait = |from: &ResourceAddress, to: &ResourceAddress| {
        if from != to {
            edges.entry(from.clone()).or_default().insert(to.clone());
        }
    };
    let freed: BTreeMap<Key, &ResourceAddress> = changes
        .iter()
        .filter(|it| matches!(it.action, Action::Delete | Action::Replace))
        .filter_map(|it| Some((key_before(it, current, catalogue)?, &it.resource)))
        .collect();

    for change in changes {
        let address = &change.resource;
        if change.action != Action::Delete {
            for needed in &change.depends_on {
                if actions.get(needed).is_some_and(|it| *it != Action::Delete) {
                    wait(address, needed);
                }
            }
            if let Some(holder) = key_after(change, catalogue).and_then(|key| freed.get(&key)) {
                wait(address, holder);
            }
        }
        // What it needed until now may go only once it is gone itself or needs it no more.
        for needed in current.get(address).into_iter().flat_map(|it| needs(address, it)) {
            match (change.action, actions.get(&needed)) {
                (_, Some(Action::Delete)) | (Action::Delete, Some(Action::Replace)) => {
                    wait(&needed, address);
                }
                _ => {}
            }
        }
    }
    edges
}

/// What a resource needed when it was last applied.
fn needs(address: &ResourceAddress, state: &ResourceState) -> BTreeSet<ResourceAddress> {
    let referred = references::find(&state.declared).unwrap_or_default();
    let referred = referred
        .into_iter()
        .map(|it| ResourceAddress::new(address.stack.clone(), it.kind, it.name));
    state.depends_on.iter().cloned().chain(referred).collect()
}

/// Two objects with one of these collide.
type Key = (&'static str, Place, String);

fn key_before(
    change: &Change,
    current: &BTreeMap<ResourceAddress, ResourceState>,
    catalogue: Catalogue,
) -> Option<Key> {
    let kind = catalogue.get(&change.resource.kind)?;
    let state = current.get(&change.resource)?;
    let properties = state.observed.as_ref().unwrap_or(&state.declared);
    Some((kind.describe().name, state.place.clone(), kind.key(&change.resource, properties)))
}

fn key_after(change: &Change, catalogue: Catalogue) -> Option<Key> {
    let kind = catalogue.get(&change.resource.kind)?;
    let key = kind.key(&change.resource, change.after.as_ref()?);
    Some((kind.describe().name, change.place.clone(), key))
}

/// Everything that waits for this one, directly or not.
fn waiting_for(address: &ResourceAddress, edges: &Edges) -> BTreeSet<ResourceAddress> {
    let mut found = BTreeSet::new();
    let mut next = vec![address.clone()];
    while let Some(address) = next.pop() {
        for (waiting, _) in edges.iter().filter(|(_, waits_for)| waits_for.contains(&address)) {
            if found.insert(waiting.clone()) {
                next.push(waiting.clone());
            }
        }
    }
    found
}

/// Each after all it waits for, and otherwise by address. What an edge leads to and is no node
/// itself counts as there already.
///
/// # Errors
/// The nodes on or behind a cycle.
pub(crate) fn sort(mut edges: Edges) -> Result<Vec<ResourceAddress>, Vec<ResourceAddress>> {
    let mut sorted = Vec::with_capacity(edges.len());
    while !edges.is_empty() {
        let free = edges
            .iter()
            .find(|(_, waits_for)| !waits_for.iter().any(|it| edges.contains_key(it)))
            .map(|(address, _)| address.clone());
        let Some(free) = free else { return Err(edges.into_keys().collect()) };
        edges.remove(&free);
        sorted.push(free);
    }
    Ok(sorted)
}
