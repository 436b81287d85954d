//! What in a listing is not as stacks declare it, and what nobody owns. Pure: the declarations and
//! the listing are all it needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bus_schema::{
    Difference, Drift, Properties, ResourceAddress, ResourceState, Scope, StackName, StackState,
};

use crate::{Catalogue, Observed, Outputs, Ownership, Sought, differences, locate};

/// What a listing says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// What is not as declared, of each stack that has such.
    pub drifted: BTreeMap<StackName, Vec<Drifted>>,
    /// What nobody owns.
    pub unmanaged: Vec<Observed>,
}

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

impl Drifted {
    /// When the cloud says that what is there was last changed.
    pub fn modified_at(&self) -> Option<jiff::Timestamp> {
        self.observed.as_ref()?.modified_at.as_ref()?.parse().ok()
    }
}

/// Compares a listing with everything that is declared in its scope.
///
/// `stacks` are all there are, for an object whose mark names none of them is nobody's.
pub fn look(
    scope: &Scope,
    listing: &[Observed],
    stacks: &[&StackState],
    catalogue: Catalogue,
) -> Seen {
    let Some(kind) = catalogue.get(&scope.kind) else { return Seen::default() };
    let index = Index::of(listing);
    let mut seen = Seen::default();
    let mut taken: HashSet<&str> = HashSet::new();
    for state in stacks {
        let outputs = Outputs::of(Some(state));
        for (address, resource) in here(state, scope) {
            let wanted = outputs.resolved_or_same(kind, &resource.declared);
            let sought = Sought {
                kind,
                address,
                shapes: [Some(&wanted), resource.observed.as_ref()],
                id: resource.cloud_id.as_deref(),
                deleted: &state.deleted,
            };
            let (ours, drifted) = one(sought, &wanted, &state.ignored_of(address), &index);
            taken.extend(ours);
            if let Some(drifted) = drifted {
                seen.drifted.entry(state.stack.clone()).or_default().push(drifted);
            }
        }
    }
    if kind.describe().ownership == Ownership::Claimed {
        // Always there, so nobody's by default.
        return seen;
    }
    let known: HashMap<&StackName, &StackState> =
        stacks.iter().map(|state| (&state.stack, *state)).collect();
    for object in listing.iter().filter(|object| !taken.contains(object.id.as_str())) {
        let owner = object.owner.as_ref();
        match owner.and_then(|owner| Some((owner, known.get(&owner.stack)?))) {
            None => seen.unmanaged.push(object.clone()),
            // Deleted by us: the listing lags behind.
            Some((_, stack)) if object.id != object.key && stack.deleted.contains(&object.id) => {}
            Some((owner, _)) => {
                let address = ResourceAddress::new(
                    owner.stack.clone(),
                    scope.kind.clone(),
                    owner.name.clone(),
                );
                seen.drifted.entry(owner.stack.clone()).or_default().push(Drifted {
                    address,
                    drift: Drift::Surplus,
                    observed: Some(object.clone()),
                    differences: Vec::new(),
                });
            }
        }
    }
    seen
}

/// The resources of a stack in a scope.
fn here<'it>(
    state: &'it StackState,
    scope: &Scope,
) -> impl Iterator<Item = (&'it ResourceAddress, &'it ResourceState)> {
    let place = scope.place.clone();
    let kind = scope.kind.clone();
    state.resources.iter().filter(move |(at, it)| at.kind == kind && it.place == place)
}

/// The id of a resource's object, where it is there, and how it is not as declared, where it is not.
fn one<'it>(
    sought: Sought<'_>,
    wanted: &Properties,
    ignored: &BTreeSet<String>,
    index: &Index<'it>,
) -> (Option<&'it str>, Option<Drifted>) {
    let Sought { kind, address, .. } = sought;
    let (candidates, ids) = index.candidates(sought);
    let (ours, _) = locate(&candidates, sought);
    let found = |drift, observed, differences| {
        Some(Drifted { address: address.clone(), drift, observed, differences })
    };
    let Some(ours) = ours else { return (None, found(Drift::Missing, None, Vec::new())) };
    let id = ids.into_iter().find(|id| *id == ours.id);
    // With nothing left to resolve.
    let mut differences = differences(kind, wanted, &ours.properties, |_, _| None);
    differences.retain(|it| !ignored.contains(&it.field));
    if differences.is_empty() {
        return (id, None);
    }
    (id, found(Drift::Changed, Some(ours), differences))
}

/// A listing by what its objects are sought by (the stack of their mark, their id, their key), so that a thousand resources are not each held
/// against a thousand objects.
struct Index<'it> {
    stacks: HashMap<&'it StackName, Vec<&'it Observed>>,
    ids: HashMap<&'it str, &'it Observed>,
    keys: HashMap<&'it str, Vec<&'it Observed>>,
}

impl<'it> Index<'it> {
    fn of(listing: &'it [Observed]) -> Self {
        let mut index = Self { stacks: HashMap::new(), ids: HashMap::new(), keys: HashMap::new() };
        for object in listing {
            index.ids.insert(&object.id, object);
            index.keys.entry(&object.key).or_default().push(object);
            if let Some(owner) = &object.owner {
                index.stacks.entry(&owner.stack).or_default().push(object);
            }
        }
        index
    }

    /// Every object that can be the one sought, in the listing's form and by id.
    fn candidates(&self, sought: Sought<'_>) -> (Vec<Observed>, Vec<&'it str>) {
        let Sought { kind, address, shapes, id, .. } = sought;
        let sought = shapes.into_iter().flatten().map(|shape| kind.key(address, shape));
        let with_key = sought.filter_map(|key| self.keys.get(key.as_str())).flatten();
        let marked = self.stacks.get(&address.stack).into_iter().flatten();
        let marked = marked.filter(|it| it.owner.as_ref().is_some_and(|owner| owner.is(address)));
        let with_id = id.and_then(|id| self.ids.get(id));
        let mut seen = HashSet::new();
        let objects: Vec<&'it Observed> = with_id
            .into_iter()
            .chain(marked)
            .chain(with_key)
            .copied()
            .filter(|object| seen.insert(object.id.as_str()))
            .collect();
        let ids = objects.iter().map(|object| object.id.as_str()).collect();
        (objects.into_iter().cloned().collect(), ids)
    }
}
