//! What a look says of every kind, made from the kinds' descriptions.

use std::collections::BTreeMap;

use bus_schema::{Drift, Generation, Place, ResourceState, Scope, StackState};

use super::tests::{address, declared, shown};
use super::*;
use crate::drift::look;
use crate::kind::{Catalogue, Kind, Ownership, ScopeLevel};

const CATALOGUE: Catalogue = Catalogue(KINDS);

fn scope(kind: &dyn Kind) -> Scope {
    let place = match kind.describe().scope {
        ScopeLevel::Account => Place::Account("a".to_owned()),
        ScopeLevel::Zone => Place::Zone("example.com".to_owned()),
    };
    Scope::new(kind.describe().name.parse().unwrap(), place)
}

/// A stack that declares one of the kind, and the object as it was made.
fn made(kind: &dyn Kind) -> (StackState, Observed) {
    let wanted = kind.normalise(&declared(kind, &[])).unwrap();
    let object = keyed(kind, shown(kind, &wanted));
    let resource = ResourceState {
        place: scope(kind).place,
        declared: wanted,
        observed: Some(object.properties.clone()),
        cloud_id: Some(object.id.clone()),
        outputs: object.outputs.clone(),
        depends_on: Vec::new(),
        prior: None,
    };
    let mut state = stack("edge-api");
    state.resources.insert(address(kind), resource);
    (state, object)
}

/// Samples of objects that only a name makes ours are not all named as ours would be.
fn keyed(kind: &dyn Kind, mut object: Observed) -> Observed {
    object.key = kind.key(&address(kind), &object.properties);
    object
}

fn stack(name: &str) -> StackState {
    StackState {
        stack: name.parse().unwrap(),
        environment: "prod".parse().unwrap(),
        path: "edge-cache".parse().unwrap(),
        generation: Generation(1),
        intent: None,
        order: 1,
        resources: BTreeMap::new(),
        run: None,
        last: None,
        failed: Vec::new(),
        paused: None,
        deleted: Vec::new(),
        waiting: Vec::new(),
        heeded: 0,
        ignored: BTreeMap::new(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn drifts(kind: &dyn Kind, state: &StackState, listing: &[Observed]) -> Vec<crate::Drifted> {
    let seen = look(&scope(kind), listing, &[state], CATALOGUE);
    assert_eq!(seen.unmanaged, [], "{kind:?}");
    seen.drifted.into_values().flatten().collect()
}

#[test]
fn what_nobody_touched_is_as_declared_whatever_moves_by_itself() {
    for kind in KINDS {
        let (state, object) = made(*kind);
        assert_eq!(drifts(*kind, &state, std::slice::from_ref(&object)), [], "{kind:?}");
        // Others around it, before and after, and another version of it.
        let mut moved = object.clone();
        moved.modified_at = Some("2026-06-01T00:00:00Z".to_owned());
        let others: Vec<Observed> = ["theirs-1", "theirs-2"].map(|id| foreign(&object, id)).into();
        let around = [others[0].clone(), moved, others[1].clone()];
        let seen = look(&scope(*kind), &around, &[&state], CATALOGUE);
        assert!(seen.drifted.is_empty(), "{kind:?}: {:?}", seen.drifted);
        let claimed = kind.describe().ownership == Ownership::Claimed;
        assert_eq!(seen.unmanaged, if claimed { vec![] } else { others }, "{kind:?}");
    }
}

fn foreign(object: &Observed, id: &str) -> Observed {
    Observed { id: id.to_owned(), key: id.to_owned(), owner: None, ..object.clone() }
}

#[test]
fn every_owned_field_that_is_edited_is_found() {
    for kind in KINDS {
        let fields = kind.describe().fields;
        for (nth, field) in fields.iter().enumerate().filter(|(_, field)| !field.fixed) {
            let (state, object) = made(*kind);
            let mut choices = vec![0; fields.len()];
            choices[nth] = 1;
            let edited = kind.normalise(&declared(*kind, &choices)).unwrap();
            let edited = Observed { id: object.id.clone(), ..keyed(*kind, shown(*kind, &edited)) };
            let found = drifts(*kind, &state, std::slice::from_ref(&edited));
            assert_eq!(found.len(), 1, "{kind:?} {}: {found:?}", field.name);
            assert_eq!(found[0].drift, Drift::Changed);
            assert_eq!(found[0].address, address(*kind));
            assert_eq!(found[0].observed, Some(edited));
            let named = |it: &bus_schema::Difference| it.field == field.name;
            assert!(found[0].differences.iter().any(named), "{kind:?} {}", field.name);
        }
    }
}

#[test]
fn a_field_that_is_ignored_is_compared_by_nobody_and_every_other_is() {
    for kind in KINDS {
        let fields = kind.describe().fields;
        for (nth, field) in fields.iter().enumerate().filter(|(_, field)| !field.fixed) {
            let (mut state, object) = made(*kind);
            let mut choices = vec![0; fields.len()];
            choices[nth] = 1;
            let edited = kind.normalise(&declared(*kind, &choices)).unwrap();
            let edited = Observed { id: object.id.clone(), ..keyed(*kind, shown(*kind, &edited)) };
            let edited = std::slice::from_ref(&edited);
            // An edit of one can show in others as well.
            let seen = drifts(*kind, &state, edited).remove(0).differences;
            let shown: Vec<&str> = seen.iter().map(|it| it.field.as_str()).collect();
            let others = fields.iter().map(|it| it.name).filter(|it| !shown.contains(it));
            for other in others.collect::<Vec<_>>() {
                ignore(&mut state, &address(*kind), other);
            }
            assert_eq!(drifts(*kind, &state, edited)[0].differences, seen, "{kind:?}");
            let desired = [wanted(&state, &address(*kind))];
            let mut seen_so = state.clone();
            seen_so.overlay([(&address(*kind), &Some(edited[0].properties.clone()))]);
            let plan = |state: &StackState| {
                crate::diff(&state.stack, Some(state), &desired, CATALOGUE).unwrap()
            };
            assert_eq!(plan(&seen_so).changes.len(), 1, "{kind:?} {}", field.name);
            for field in &shown {
                ignore(&mut state, &address(*kind), field);
                ignore(&mut seen_so, &address(*kind), field);
            }
            assert_eq!(drifts(*kind, &state, edited), [], "{kind:?} {}", field.name);
            assert_eq!(plan(&seen_so).changes, [], "{kind:?} {}", field.name);
            // What is gone is made with all that is declared.
            seen_so.overlay([(&address(*kind), &None)]);
            let made = plan(&seen_so).changes.remove(0);
            assert_eq!(made.after.as_ref(), Some(&desired[0].properties), "{kind:?}");
        }
    }
}

fn ignore(state: &mut StackState, resource: &bus_schema::ResourceAddress, field: &str) {
    let ignored = bus_schema::Ignored {
        lifted: false,
        heeded: 1,
        since: jiff::Timestamp::UNIX_EPOCH,
        reason: None,
        by: None,
    };
    state.ignored.entry(resource.clone()).or_default().insert(field.to_owned(), ignored);
}

fn wanted(state: &StackState, resource: &bus_schema::ResourceAddress) -> Resource {
    let declared = &state.resources[resource];
    Resource {
        address: resource.clone(),
        place: declared.place.clone(),
        properties: declared.declared.clone(),
        depends_on: Vec::new(),
    }
}

#[test]
fn what_is_deleted_is_missing() {
    for kind in KINDS {
        let (state, object) = made(*kind);
        for listing in [vec![], vec![foreign(&object, "theirs")]] {
            let seen = look(&scope(*kind), &listing, &[&state], CATALOGUE);
            let found: Vec<_> = seen.drifted.into_values().flatten().collect();
            assert_eq!(found.len(), 1, "{kind:?}");
            assert_eq!((found[0].drift, &found[0].observed), (Drift::Missing, &None), "{kind:?}");
        }
    }
}

#[test]
fn a_copy_that_carries_the_mark_is_surplus() {
    for kind in KINDS.iter().filter(|it| it.describe().ownership == Ownership::Marked) {
        let (state, object) = made(*kind);
        let copy = Observed { id: "copy".to_owned(), ..object.clone() };
        for listing in [[object.clone(), copy.clone()], [copy.clone(), object]] {
            let found = drifts(*kind, &state, &listing);
            assert_eq!(found.len(), 1, "{kind:?}");
            assert_eq!((found[0].drift, found[0].observed.as_ref()), (Drift::Surplus, Some(&copy)));
        }
    }
}

#[test]
fn what_carries_the_mark_of_a_stack_that_is_not_there_is_nobody_s() {
    for kind in KINDS.iter().filter(|it| it.describe().ownership == Ownership::Marked) {
        let (_, object) = made(*kind);
        let other = stack("shop");
        let seen = look(&scope(*kind), std::slice::from_ref(&object), &[&other], CATALOGUE);
        assert_eq!((seen.drifted.len(), seen.unmanaged), (0, vec![object]), "{kind:?}");
    }
}

#[test]
fn an_object_whose_mark_was_wiped_is_still_known_by_its_id() {
    for kind in KINDS {
        let (state, object) = made(*kind);
        let wiped = Observed { owner: None, ..object };
        assert_eq!(drifts(*kind, &state, &[wiped]), [], "{kind:?}");
    }
}

#[test]
fn what_was_imported_is_known_by_its_id_whatever_it_is_called() {
    for kind in KINDS.iter().filter(|it| it.importable().is_ok()) {
        let (state, object) = made(*kind);
        let theirs = Observed { owner: None, key: "theirs".to_owned(), ..object };
        assert_eq!(drifts(*kind, &state, std::slice::from_ref(&theirs)), [], "{kind:?}");
        let nth = kind.describe().fields.iter().position(|it| !it.fixed).unwrap();
        let mut choices = vec![0; nth + 1];
        choices[nth] = 1;
        let edited = kind.normalise(&declared(*kind, &choices)).unwrap();
        let properties = shown(*kind, &edited).properties;
        let edited = Observed { properties, ..theirs.clone() };
        let found = drifts(*kind, &state, &[edited]);
        assert_eq!((found.len(), found[0].drift), (1, Drift::Changed), "{kind:?}");
        let found = drifts(*kind, &state, &[]);
        assert_eq!((found.len(), found[0].drift), (1, Drift::Missing), "{kind:?}");
    }
}
