//! What nobody owns becomes a stack: which objects can be taken, and as what. Pure.
//!
//! Nothing is written to the cloud: the stack's record knows each object by its id, until the first
//! repair gives it the mark of ownership.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bus_schema::{
    ImportAsked, Imported, IntentId, KindName, NotImported, PathName, Properties, ResourceAddress,
    ResourceState, StackState,
};
use cloud::{Catalogue, Kind, Observed, differences};

use crate::ending;
use crate::preflight::Scope;

/// What was found in a place.
#[derive(Debug, Clone)]
pub struct Found<'it> {
    /// What was listed.
    pub scope: Scope,
    /// What is there.
    pub listing: &'it [Observed],
    /// By id, what objects carry that their kind does not own.
    pub unowned: BTreeMap<String, Vec<String>>,
}

/// What of it becomes the stack's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sorted {
    /// The objects that are taken.
    pub taken: Vec<Imported>,
    /// The same as the stack holds them.
    pub resources: BTreeMap<ResourceAddress, ResourceState>,
    /// What is not taken, and why.
    pub left: Vec<NotImported>,
    /// What was asked for by name and is not there.
    pub unknown: Vec<String>,
}

/// Sorts what was found. `stacks` are all there are.
pub fn sort(
    asked: &ImportAsked,
    found: &[Found<'_>],
    stacks: &[StackState],
    catalogue: Catalogue,
) -> Sorted {
    let mut sorted = Sorted::default();
    let owners = owners(stacks);
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for Found { scope, listing, unowned } in found {
        let Some(kind) = catalogue.get(&scope.0) else { continue };
        let mut keys: HashMap<&str, usize> = HashMap::new();
        for object in *listing {
            *keys.entry(object.key.as_str()).or_default() += 1;
        }
        let mut objects: Vec<&Observed> = listing.iter().collect();
        objects.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        for object in objects {
            let named: Vec<&String> =
                asked.only.iter().filter(|it| is_called(object, it)).collect();
            known.extend(named.iter().map(|it| it.as_str()));
            if !asked.only.is_empty() && named.is_empty() {
                continue;
            }
            let alike = keys.get(object.key.as_str()).copied().unwrap_or_default();
            let extra = unowned.get(&object.id).map(Vec::as_slice).unwrap_or_default();
            let owner = owners.get(&(&scope.0, object.id.as_str())).copied();
            match declared(kind, object, owner, alike, extra) {
                Ok(declared) => {
                    let name = name(kind, object, &scope.1.to_string());
                    let at = free(asked, kind, &name, &sorted.resources);
                    let Some(at) = at else { continue };
                    sorted.taken.push(Imported {
                        resource: at.clone(),
                        object: called(object).to_owned(),
                        cloud_id: object.id.clone(),
                    });
                    sorted.resources.insert(at, taken(scope, object, declared));
                }
                // What has an owner is not what one asked for, unless by name.
                Err(Left::Owned(_)) if asked.only.is_empty() => {}
                Err(Left::Owned(reason) | Left::Unfit(reason)) => sorted.left.push(NotImported {
                    kind: scope.0.clone(),
                    object: Some(called(object).to_owned()),
                    cloud_id: Some(object.id.clone()),
                    reason,
                }),
            }
        }
    }
    sorted.unknown = asked.only.iter().filter(|it| !known.contains(it.as_str())).cloned().collect();
    sorted
}

/// The record of an imported stack, over that of one of its name which holds nothing any more.
pub fn state(
    asked: &ImportAsked,
    sequence: u64,
    before: Option<StackState>,
    resources: BTreeMap<ResourceAddress, ResourceState>,
    now: jiff::Timestamp,
) -> StackState {
    let mut state = before.unwrap_or_else(|| {
        ending::unwritten(&asked.stack, &asked.environment, &PathName::imported(), now)
    });
    state.environment = asked.environment.clone();
    state.path = PathName::imported();
    state.generation = state.generation.next();
    state.intent = Some(IntentId::of_stream_sequence(sequence));
    state.order = sequence;
    state.resources = resources;
    state.updated_at = now;
    state
}

/// Whose each object is that a stack knows by its id.
fn owners(stacks: &[StackState]) -> HashMap<(&KindName, &str), &ResourceAddress> {
    let resources = stacks.iter().flat_map(|stack| &stack.resources);
    resources.filter_map(|(at, it)| Some(((&at.kind, it.cloud_id.as_deref()?), at))).collect()
}

/// Why an object is not taken.
enum Left {
    /// It has an owner.
    Owned(String),
    /// It has none, and cannot be taken.
    Unfit(String),
}

/// What is declared of an object once it is taken.
fn declared(
    kind: &dyn Kind,
    object: &Observed,
    owner: Option<&ResourceAddress>,
    alike: usize,
    extra: &[String],
) -> Result<Properties, Left> {
    if let Some(owner) = owner {
        return Err(Left::Owned(format!("it is {owner}")));
    }
    if let Some(mark) = &object.owner {
        return Err(Left::Owned(format!("it carries the mark {mark}")));
    }
    if alike > 1 {
        return Err(Left::Unfit(format!(
            "it is one of {alike} alike, and could not be made anew beside the others"
        )));
    }
    if !extra.is_empty() {
        return Err(Left::Unfit(format!(
            "it has {}, which the swarm does not know and a repair would lose",
            extra.join(", ")
        )));
    }
    let declared = kind.normalise(&object.properties).map_err(|error| {
        Left::Unfit(format!(
            "the swarm does not know such a one: `{}` {}",
            error.field, error.reason
        ))
    })?;
    let differing = differences(kind, &declared, &object.properties, |_, _| None);
    if differing.is_empty() {
        return Ok(declared);
    }
    let fields: Vec<&str> = differing.iter().map(|it| it.field.as_str()).collect();
    Err(Left::Unfit(format!("its {} cannot be declared as it is", fields.join(", "))))
}

fn taken(scope: &Scope, object: &Observed, declared: Properties) -> ResourceState {
    ResourceState {
        place: scope.1.clone(),
        declared,
        observed: Some(object.properties.clone()),
        cloud_id: Some(object.id.clone()),
        outputs: object.outputs.clone(),
        depends_on: Vec::new(),
        prior: None,
    }
}

/// What people call an object.
fn called(object: &Observed) -> &str {
    called_by(&object.properties).unwrap_or(&object.key)
}

/// The same by its fields alone.
pub(crate) fn called_by(fields: &Properties) -> Option<&str> {
    let texts = ["name", "description"].map(|field| fields.text(field));
    texts.into_iter().flatten().find(|text| !text.is_empty())
}

fn is_called(object: &Observed, said: &str) -> bool {
    object.id == said
        || object.key.eq_ignore_ascii_case(said)
        || called(object).eq_ignore_ascii_case(said)
}

/// Longest part of a resource's name that is made of what an object is called, in characters.
const LONGEST: usize = 32;

/// The name that an object gives its resource.
fn name(kind: &dyn Kind, object: &Observed, place: &str) -> String {
    let zone = place.rsplit('/').next().unwrap_or_default();
    let called = called(object);
    let called = called.strip_suffix(zone).unwrap_or(called);
    let with_type = match object.properties.text("type") {
        Some(of) if object.properties.text("name").is_some() => format!("{called}-{of}"),
        _ => called.to_owned(),
    };
    let mut name = String::new();
    for c in with_type.to_ascii_lowercase().chars() {
        if name.len() >= LONGEST {
            break;
        }
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            name.push(c);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    if !name.is_empty() {
        return name.to_owned();
    }
    let local = kind.describe().name.rsplit('.').next().unwrap_or_default();
    local.replace('_', "-")
}

/// The first address with the name, or the name and a number, that is not taken.
fn free(
    asked: &ImportAsked,
    kind: &dyn Kind,
    name: &str,
    resources: &BTreeMap<ResourceAddress, ResourceState>,
) -> Option<ResourceAddress> {
    let kind: KindName = kind.describe().name.parse().ok()?;
    let numbered = (2..).map(|nth: u64| format!("{name}-{nth}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .map_while(|name| name.parse().ok())
        .map(|name| ResourceAddress::new(asked.stack.clone(), kind.clone(), name))
        .find(|at| !resources.contains_key(at))
}

#[cfg(test)]
mod tests {
    use bus_schema::Generation;
    use serde_json::json;

    use super::*;

    fn asked(only: &[&str]) -> ImportAsked {
        ImportAsked {
            stack: "site".parse().unwrap(),
            environment: "prod".parse().unwrap(),
            place: "zone/example.com".parse().unwrap(),
            kinds: Vec::new(),
            only: only.iter().map(|it| (*it).to_owned()).collect(),
            dry_run: false,
            by: None,
        }
    }

    fn object(id: &str, record_type: &str, name: &str) -> Observed {
        let fields = json!({ "name": name, "type": record_type, "content": "203.0.113.10",
            "ttl": 1, "proxied": false });
        Observed {
            id: id.to_owned(),
            key: format!("{record_type} {name}"),
            owner: None,
            properties: serde_json::from_value(fields).unwrap(),
            outputs: BTreeMap::new(),
            modified_at: None,
        }
    }

    fn sorted(only: &[&str], listing: &[Observed], stacks: &[StackState]) -> Sorted {
        let scope = ("cloudflare.dns_record".parse().unwrap(), asked(&[]).place);
        let found = Found { scope, listing, unowned: BTreeMap::new() };
        sort(&asked(only), &[found], stacks, cloud::cloudflare::catalogue())
    }

    fn names(sorted: &Sorted) -> Vec<&str> {
        sorted.taken.iter().map(|it| it.resource.name.as_str()).collect()
    }

    #[test]
    fn each_object_gets_a_name_of_its_own_that_people_know_it_by() {
        let listing = [
            object("1", "A", "www.example.com"),
            object("2", "A", "www-.example.com"),
            object("3", "A", "example.com"),
            object("4", "A", &format!("{}.example.com", "x".repeat(60))),
        ];
        let sorted = sorted(&[], &listing, &[]);
        assert_eq!(names(&sorted), ["a", "www-a", "www-a-2", &"x".repeat(32)]);
        assert_eq!(sorted.resources.len(), 4);
    }

    #[test]
    fn what_cannot_be_taken_is_named_with_its_reason() {
        let listing = [
            object("1", "MX", "example.com"),
            object("2", "A", "www.example.com"),
            object("3", "A", "www.example.com"),
            object("4", "A", "api.example.com"),
        ];
        let sorted = sorted(&[], &listing, &[]);
        assert_eq!(names(&sorted), ["api-a"]);
        let reasons: Vec<&str> = sorted.left.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(reasons.len(), 3);
        assert!(reasons[0].contains("one of 2 alike"), "{reasons:?}");
        assert!(reasons[2].contains("`type` must be one of A,"), "{reasons:?}");
    }

    #[test]
    fn what_has_an_owner_is_left_and_mentioned_where_it_was_asked_for() {
        let mut listing =
            [object("1", "A", "www.example.com"), object("2", "A", "api.example.com")];
        listing[1].owner = cloud::Marker::find("zerodrift:shop/api");
        let first = sorted(&["1"], &listing, &[]);
        let stack = state(&asked(&[]), 7, None, first.resources, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!((stack.order, stack.generation), (7, Generation(1)));
        let stacks = [stack];
        assert_eq!(sorted(&[], &listing, &stacks), Sorted::default());
        let left = sorted(&["WWW.example.com", "2", "nothing"], &listing, &stacks);
        assert_eq!(left.left.len(), 2);
        assert_eq!(left.unknown, ["nothing"]);
    }
}
