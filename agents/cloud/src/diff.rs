//! What must change for a stack to be as it is declared. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bus_schema::{
    Action, Change, Place, Properties, Resource, ResourceAddress, ResourceState, StackName,
    StackState,
};

use crate::compare::differences;
use crate::ignore::yielding;
use crate::kind::{Catalogue, InvalidProperties, Kind, ScopeLevel};
use crate::{order, references};

/// What must change, and what need not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// In an order that respects `waits_for`: a dependency is made before what needs it, what needs
    /// something goes before it does, and what holds data goes last of all, when nothing else can
    /// fail any more. A delete without `before` is of what is gone already.
    pub changes: Vec<Change>,
    /// Declared and, as far as is known, so.
    pub unchanged: Vec<Resource>,
}

/// A declaration that cannot be compared with anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// Fields that do not fit their kind.
    #[error("{address} is not valid")]
    Invalid {
        /// The resource.
        address: ResourceAddress,
        /// What is wrong.
        source: Box<InvalidProperties>,
    },
    /// A resource of another stack among those of this one.
    #[error("{address} does not belong to stack {stack}")]
    ForeignStack {
        /// The resource.
        address: ResourceAddress,
        /// The stack.
        stack: StackName,
    },
    /// A kind no cloud has.
    #[error("{address} is of a kind that is not known")]
    UnknownKind {
        /// The resource.
        address: ResourceAddress,
    },
    /// In a zone what lives in an account, or the other way round.
    #[error("{address} cannot live in {place}")]
    WrongPlace {
        /// The resource.
        address: ResourceAddress,
        /// Where it was put.
        place: Place,
    },
    /// One address declared twice.
    #[error("{address} is declared twice")]
    Twice {
        /// The resource.
        address: ResourceAddress,
    },
    /// A reference that is not of the form.
    #[error("{address} holds a reference that cannot be read")]
    Reference {
        /// The resource.
        address: ResourceAddress,
        /// What is wrong.
        source: references::Unresolved,
    },
    /// A dependency or reference to what the stack does not declare or the kind does not answer.
    #[error("{address} refers to {wanted}, which the stack does not declare")]
    UnknownDependency {
        /// The resource.
        address: ResourceAddress,
        /// What it refers to.
        wanted: String,
    },
    /// Resources that wait for each other.
    #[error("these wait for each other: {}", addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Cycle {
        /// The resources.
        addresses: Vec<ResourceAddress>,
    },
}

/// What must change for `stack`, known to be as `current` says, to be as `desired` says.
///
/// # Errors
/// When the declaration is not valid in itself.
pub fn diff(
    stack: &StackName,
    current: Option<&StackState>,
    desired: &[Resource],
    catalogue: Catalogue,
) -> Result<Diff, DiffError> {
    let empty = BTreeMap::new();
    let ignored = |at: &ResourceAddress| current.map(|it| it.ignored_of(at)).unwrap_or_default();
    let resources = current.map_or(&empty, |state| &state.resources);
    let desired = desired
        .iter()
        .map(|resource| Wanted::new(stack, resource, catalogue))
        .collect::<Result<Vec<_>, _>>()?;
    let desired = by_address(desired)?;
    check_dependencies(&desired)?;
    let dependencies_first =
        order::sort(desired.iter().map(|(at, it)| (at.clone(), it.depends_on.clone())).collect())
            .map_err(|addresses| DiffError::Cycle { addresses })?;

    let mut result = Diff::default();
    // Outputs stay known only for what is kept: what is made anew will answer others.
    let mut known: BTreeMap<String, &BTreeMap<String, String>> = BTreeMap::new();
    for address in &dependencies_first {
        let Some(wanted) = desired.get(address) else { continue };
        let state = resources.get(address);
        let ignored = ignored(address);
        let action = wanted.action(state, &known, &ignored);
        if let (None | Some(Action::Update), Some(state)) = (action, state) {
            known.insert(address.local(), &state.outputs);
        }
        match action {
            None => result.unchanged.push(wanted.resource()),
            Some(action) => result.changes.push(wanted.change(action, state, &ignored)),
        }
    }
    let gone = resources.iter().filter(|(address, _)| !desired.contains_key(address));
    result.changes.extend(gone.map(|(address, state)| delete(address, state)));
    result.changes = order::order(result.changes, resources, catalogue)
        .map_err(|addresses| DiffError::Cycle { addresses })?;
    result.unchanged.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(result)
}

fn by_address(desired: Vec<Wanted>) -> Result<BTreeMap<ResourceAddress, Wanted>, DiffError> {
    let mut by_address = BTreeMap::new();
    for wanted in desired {
        let address = wanted.address.clone();
        if by_address.insert(address.clone(), wanted).is_some() {
            return Err(DiffError::Twice { address });
        }
    }
    Ok(by_address)
}

fn check_dependencies(desired: &BTreeMap<ResourceAddress, Wanted>) -> Result<(), DiffError> {
    for (address, wanted) in desired {
        if let Some(missing) = wanted.depends_on.iter().find(|it| !desired.contains_key(it)) {
            return Err(DiffError::UnknownDependency {
                address: address.clone(),
                wanted: missing.local(),
            });
        }
        let unanswered = wanted.references.iter().find(|it| {
            let target =
                ResourceAddress::new(address.stack.clone(), it.kind.clone(), it.name.clone());
            desired
                .get(&target)
                .is_none_or(|to| !to.kind.describe().outputs.contains(&it.output.as_str()))
        });
        if let Some(reference) = unanswered {
            return Err(DiffError::UnknownDependency {
                address: address.clone(),
                wanted: reference.to_string(),
            });
        }
    }
    Ok(())
}

fn delete(address: &ResourceAddress, state: &ResourceState) -> Change {
    Change {
        resource: address.clone(),
        place: state.place.clone(),
        action: Action::Delete,
        before: state.observed.clone(),
        after: None,
        depends_on: state.depends_on.clone(),
        waits_for: Vec::new(),
        object: None,
    }
}

/// A declared resource, checked and normalised.
#[derive(Debug)]
struct Wanted {
    address: ResourceAddress,
    place: Place,
    kind: &'static dyn Kind,
    properties: Properties,
    references: BTreeSet<references::Reference>,
    /// As declared, and what its references refer to.
    depends_on: BTreeSet<ResourceAddress>,
}

impl Wanted {
    fn new(
        stack: &StackName,
        resource: &Resource,
        catalogue: Catalogue,
    ) -> Result<Self, DiffError> {
        let address = resource.address.clone();
        if address.stack != *stack {
            return Err(DiffError::ForeignStack { address, stack: stack.clone() });
        }
        let Some(kind) = catalogue.get(&address.kind) else {
            return Err(DiffError::UnknownKind { address });
        };
        let place = resource.place.clone();
        match (kind.describe().scope, &place) {
            (ScopeLevel::Account, Place::Account(_)) | (ScopeLevel::Zone, Place::Zone(_)) => {}
            _ => return Err(DiffError::WrongPlace { address, place }),
        }
        let properties = kind.normalise(&resource.properties).map_err(|source| {
            DiffError::Invalid { address: address.clone(), source: source.into() }
        })?;
        let references = references::find(&properties)
            .map_err(|source| DiffError::Reference { address: address.clone(), source })?;
        let referred = references
            .iter()
            .map(|it| ResourceAddress::new(stack.clone(), it.kind.clone(), it.name.clone()));
        let depends_on = resource.depends_on.iter().cloned().chain(referred).collect();
        Ok(Self { address, place, kind, properties, references, depends_on })
    }

    /// What must be done; nothing where it is so already.
    fn action(
        &self,
        state: Option<&ResourceState>,
        known: &BTreeMap<String, &BTreeMap<String, String>>,
        ignored: &BTreeSet<String>,
    ) -> Option<Action> {
        let Some(state) = state else { return Some(Action::Create) };
        let Some(observed) = &state.observed else { return Some(Action::Create) };
        if state.place != self.place {
            return Some(Action::Replace);
        }
        let mut differences =
            differences(self.kind, &self.properties, observed, |local, output| {
                known.get(local).and_then(|outputs| outputs.get(output)).cloned()
            });
        differences.retain(|it| !ignored.contains(&it.field));
        let fixed = |field: &str| self.kind.describe().field(field).is_some_and(|it| it.fixed);
        if differences.is_empty() {
            None
        } else if differences.iter().any(|it| fixed(&it.field)) {
            Some(Action::Replace)
        } else {
            Some(Action::Update)
        }
    }

    /// A field that is ignored is not changed, whatever it is: what was found of it counts as declared.
    fn change(
        &self,
        action: Action,
        state: Option<&ResourceState>,
        ignored: &BTreeSet<String>,
    ) -> Change {
        let found = state.and_then(|it| it.observed.as_ref());
        Change {
            resource: self.address.clone(),
            place: self.place.clone(),
            action,
            before: found.map(|found| yielding(found, &self.properties, ignored)),
            after: Some(self.properties.clone()),
            depends_on: self.depends_on.iter().cloned().collect(),
            waits_for: Vec::new(),
            object: None,
        }
    }

    fn resource(&self) -> Resource {
        Resource {
            address: self.address.clone(),
            place: self.place.clone(),
            properties: self.properties.clone(),
            depends_on: self.depends_on.iter().cloned().collect(),
        }
    }
}
