//! What is new and what has ended, of a stack in a scope. Pure: what was open before, and what is not
//! as declared now.

use std::collections::{BTreeMap, BTreeSet};

use bus_schema::{
    Announcement, Difference, Drift, DriftFound, Finding, FindingId, FindingResolved,
    ResourceAddress, Scope, Signature, StackObservation, StackState,
};
use cloud::{Drifted, Observed};
use jiff::Timestamp;

use crate::texts::{called, cut};

/// Who changed something, and when, as far as the cloud tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// When.
    pub at: Option<Timestamp>,
    /// Who.
    pub by: Option<String>,
}

/// What was seen of a stack in a scope.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'it> {
    /// The stack as declared.
    pub state: &'it StackState,
    /// Where was looked.
    pub scope: &'it Scope,
    /// What is not as declared there.
    pub drifted: &'it [Drifted],
    /// When.
    pub at: Timestamp,
}

/// The trouble that a sighting shows, each by its signature.
pub fn seen<'it>(sighting: &Sighting<'it>) -> BTreeMap<Signature, &'it Drifted> {
    let mut drifted: Vec<&Drifted> = sighting.drifted.iter().collect();
    let id = |it: &Drifted| it.observed.as_ref().map(|object| object.id.clone());
    drifted.sort_by_cached_key(|it| (it.address.clone(), it.drift, id(it)));
    let mut seen = BTreeMap::new();
    for drifted in drifted {
        let mut object = drifted.address.to_string();
        if drifted.drift == Drift::Surplus {
            // Several objects can carry one mark.
            let key = drifted.observed.as_ref().map(|object| object.key.as_str());
            object = format!("{object}#{}", key.unwrap_or_default());
        }
        let of = |object: &str| {
            Signature::of(sighting.scope, object, drifted.drift, &drifted.differences)
        };
        let mut signature = of(&object);
        let mut nth = 2;
        while seen.contains_key(&signature) {
            signature = of(&format!("{object}#{nth}"));
            nth += 1;
        }
        seen.insert(signature, drifted);
    }
    seen
}

/// Whether a finding that is open says just that.
fn says(finding: &Finding, differences: &[Difference]) -> bool {
    finding.differences == cut(differences)
}

/// Whether a sighting shows something that is not known yet, for which it is worth asking who did it.
pub fn has_news(previous: Option<&StackObservation>, sighting: &Sighting<'_>) -> bool {
    seen(sighting).iter().any(|(signature, drifted)| {
        let known = previous.and_then(|it| it.findings.get(signature));
        known.is_none_or(|known| !says(known, &drifted.differences))
    })
}

/// The stack's observation after a sighting; `None` where nothing changes. What is to be announced is
/// in it.
pub fn next(
    previous: Option<&StackObservation>,
    sighting: &Sighting<'_>,
    origin: impl Fn(&Drifted) -> Origin,
) -> Option<StackObservation> {
    let Sighting { state, scope, at, .. } = *sighting;
    let mut next = previous.cloned().unwrap_or_else(|| StackObservation {
        stack: state.stack.clone(),
        generation: state.generation,
        drifted: BTreeMap::new(),
        findings: BTreeMap::new(),
        unsaid: Vec::new(),
        updated_at: at,
    });
    let seen = seen(sighting);
    let mut found = Vec::new();
    for (signature, drifted) in &seen {
        let known = next.findings.get(signature);
        if known.is_none_or(|known| !says(known, &drifted.differences)) {
            found.push(finding(signature.clone(), drifted, sighting, origin(drifted)));
        }
    }
    let replaced: BTreeSet<&Signature> = found.iter().map(|it| &it.signature).collect();
    let ended: Vec<Signature> = next
        .findings
        .iter()
        .filter(|(_, it)| it.scope == *scope)
        .map(|(signature, _)| signature)
        .filter(|it| !seen.contains_key(it) || replaced.contains(it))
        .cloned()
        .collect();
    for signature in &ended {
        let Some(finding) = next.findings.remove(signature) else { continue };
        let became = found
            .iter()
            .filter(|it| it.resource == finding.resource && it.drift != Drift::Surplus)
            .map(|it| it.id.clone())
            .next();
        next.unsaid.push(resolved(state, finding, at, became));
    }
    for finding in found {
        let said = DriftFound { stack: state.stack.clone(), finding: finding.clone() };
        next.unsaid.push(Announcement::Found(said));
        next.findings.insert(finding.signature.clone(), finding);
    }
    let elsewhere = |address: &ResourceAddress| {
        let resource = state.resources.get(address);
        resource.is_some_and(|it| address.kind != scope.kind || it.place != scope.place)
    };
    next.drifted.retain(|address, _| elsewhere(address));
    next.drifted.extend(seen.values().filter(|it| it.drift != Drift::Surplus).map(|it| {
        (it.address.clone(), it.observed.as_ref().map(|object| object.properties.clone()))
    }));
    if !next.drifted.is_empty() || !next.findings.is_empty() || !next.unsaid.is_empty() {
        next.generation = state.generation;
    }
    changed(previous, next, at)
}

/// The observation without what is watched no longer, since no stack declares anything there;
/// `None` where nothing changes. `state` is absent where the stack is gone altogether.
pub fn unwatched(
    previous: &StackObservation,
    state: Option<&StackState>,
    watched: &BTreeSet<Scope>,
    at: Timestamp,
) -> Option<StackObservation> {
    let mut next = previous.clone();
    let ended: Vec<Signature> = previous
        .findings
        .iter()
        .filter(|(_, it)| !watched.contains(&it.scope))
        .map(|(signature, _)| signature.clone())
        .collect();
    for signature in ended {
        let Some(finding) = next.findings.remove(&signature) else { continue };
        let said = FindingResolved {
            stack: previous.stack.clone(),
            generation: state.map_or(previous.generation, |state| state.generation),
            finding,
            resolved_at: at,
            became: None,
        };
        next.unsaid.push(Announcement::Resolved(said));
    }
    let declared =
        |address: &ResourceAddress| state.is_some_and(|it| it.resources.contains_key(address));
    next.drifted.retain(|address, _| declared(address));
    changed(Some(previous), next, at)
}

/// The observation without what has been said; `None` where that was all done already.
pub fn without_said(now: &StackObservation, said: &[Announcement]) -> Option<StackObservation> {
    let mut next = now.clone();
    next.unsaid.retain(|it| !said.contains(it));
    changed(Some(now), next, now.updated_at)
}

fn changed(
    previous: Option<&StackObservation>,
    mut next: StackObservation,
    at: Timestamp,
) -> Option<StackObservation> {
    let same = match previous {
        Some(previous) => *previous == next,
        None => next.findings.is_empty() && next.unsaid.is_empty() && next.drifted.is_empty(),
    };
    next.updated_at = at;
    (!same).then_some(next)
}

fn resolved(
    state: &StackState,
    finding: Finding,
    at: Timestamp,
    became: Option<FindingId>,
) -> Announcement {
    Announcement::Resolved(FindingResolved {
        stack: state.stack.clone(),
        finding,
        generation: state.generation,
        resolved_at: at,
        became,
    })
}

fn finding(
    signature: Signature,
    drifted: &Drifted,
    sighting: &Sighting<'_>,
    origin: Origin,
) -> Finding {
    let Sighting { state, scope, at, .. } = *sighting;
    let declared = state.resources.get(&drifted.address);
    let properties = drifted
        .observed
        .as_ref()
        .map(|object| &object.properties)
        .or_else(|| declared.map(|it| it.observed.as_ref().unwrap_or(&it.declared)));
    let key = drifted.observed.as_ref().map_or(drifted.address.name.as_str(), |it| &it.key);
    let cloud_id = drifted.observed.as_ref().map(|object| object.id.clone());
    Finding {
        id: FindingId::of(&signature, at),
        signature,
        drift: drifted.drift,
        scope: scope.clone(),
        resource: Some(drifted.address.clone()),
        object: properties.map_or_else(|| key.to_owned(), |it| called(it, key)),
        cloud_id: cloud_id.or_else(|| declared.and_then(|it| it.cloud_id.clone())),
        differences: cut(&drifted.differences),
        generation: state.generation,
        intent: state.intent,
        changed_at: origin.at,
        by: origin.by,
        detected_at: at,
    }
}

/// Most that unmanaged objects may take up in a scope's record, in bytes.
const MOST_UNMANAGED: usize = 512 * 1024;

/// What nobody owns, by key, each with when it was first seen; and how many more there are.
pub fn unmanaged(
    previous: &BTreeMap<String, Finding>,
    scope: &Scope,
    objects: &[Observed],
    at: Timestamp,
) -> (BTreeMap<String, Finding>, u64) {
    let mut found = BTreeMap::new();
    let (mut bytes, mut left_out) = (0, 0);
    let mut objects: Vec<&Observed> = objects.iter().collect();
    objects.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
    for object in objects {
        let finding = nobodys(previous, scope, object, at);
        bytes += serde_json::to_vec(&finding).map_or(0, |json| json.len());
        if bytes > MOST_UNMANAGED {
            left_out += 1;
            continue;
        }
        // Two objects can have one key.
        let mut key = object.key.clone();
        while found.contains_key(&key) {
            key.push('#');
        }
        found.insert(key, finding);
    }
    (found, left_out)
}

fn nobodys(
    previous: &BTreeMap<String, Finding>,
    scope: &Scope,
    object: &Observed,
    at: Timestamp,
) -> Finding {
    let differences: Vec<Difference> = object
        .properties
        .0
        .iter()
        .map(|(field, value)| Difference {
            field: field.clone(),
            before: Some(value.clone()),
            after: None,
        })
        .collect();
    let signature = Signature::of(scope, &object.key, Drift::Unmanaged, &[]);
    let known = previous.values().find(|it| it.cloud_id.as_deref() == Some(&object.id));
    let detected_at = known.map_or(at, |it| it.detected_at);
    Finding {
        id: FindingId::of(&signature, detected_at),
        signature,
        drift: Drift::Unmanaged,
        scope: scope.clone(),
        resource: None,
        object: called(&object.properties, &object.key),
        cloud_id: Some(object.id.clone()),
        differences,
        generation: bus_schema::Generation::default(),
        intent: None,
        changed_at: object.modified_at.as_ref().and_then(|it| it.parse().ok()),
        by: None,
        detected_at,
    }
}
