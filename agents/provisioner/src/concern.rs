//! What of a survey concerns a plan's changes. A zone can hold thousands of objects, a run is about a
//! few of them, and many runs are under way at once. Pure.

use std::sync::Arc;

use bus_schema::{Change, KindName, Plan, Properties, ResourceAddress, StackState};
use cloud::{Catalogue, Kind, Observed, Ownership, references};

use crate::preflight::Survey;

/// What tells the objects that a change is about, and those that may stand in its way.
struct Concern<'it> {
    kind: &'it dyn Kind,
    address: &'it ResourceAddress,
    shapes: Vec<&'it Properties>,
    keys: Vec<String>,
    id: Option<&'it str>,
}

impl Survey {
    /// Without the objects that no change is about. A listing stays whole where that is not known yet:
    /// where a change refers to what is still to be made, or objects cannot say whose they are.
    #[must_use]
    pub fn about(self, plan: &Plan, state: Option<&StackState>, catalogue: Catalogue) -> Self {
        let listings = self.0.into_iter().map(|(scope, listing)| {
            let listing = match concerns(&scope.0, plan, state, catalogue) {
                Some(concerns) => {
                    let of_concern = |it: &&Observed| concerns.iter().any(|that| that.is(it));
                    Arc::new(listing.iter().filter(of_concern).cloned().collect())
                }
                None => listing,
            };
            (scope, listing)
        });
        Self(listings.collect())
    }
}

/// Of every change to objects of a kind; `None` where one's is not known.
fn concerns<'it>(
    kind: &KindName,
    plan: &'it Plan,
    state: Option<&'it StackState>,
    catalogue: Catalogue,
) -> Option<Vec<Concern<'it>>> {
    let kind_of = catalogue.get(kind)?;
    if kind_of.describe().ownership == Ownership::Claimed {
        return None;
    }
    let changes = plan.changes.iter().filter(|change| change.resource.kind == *kind);
    changes.map(|change| Concern::of(change, kind_of, state)).collect()
}

impl<'it> Concern<'it> {
    fn of(
        change: &'it Change,
        kind: &'it dyn Kind,
        state: Option<&'it StackState>,
    ) -> Option<Self> {
        let shapes: Vec<&Properties> =
            [&change.after, &change.before].into_iter().flatten().collect();
        let plain =
            |shape: &&Properties| references::find(shape).is_ok_and(|found| found.is_empty());
        if !shapes.iter().all(plain) {
            return None;
        }
        let keys = shapes.iter().map(|shape| kind.key(&change.resource, shape)).collect();
        let recorded = state.and_then(|state| state.resources.get(&change.resource));
        let recorded = recorded.and_then(|recorded| recorded.cloud_id.as_deref());
        let id = change.object.as_deref().or(recorded);
        Some(Self { kind, address: &change.resource, shapes, keys, id })
    }

    fn is(&self, object: &Observed) -> bool {
        self.id == Some(object.id.as_str())
            || self.keys.contains(&object.key)
            || self.shapes.iter().any(|shape| self.kind.is_of(self.address, shape, object))
    }
}

#[cfg(test)]
mod tests {
    use bus_schema::{Generation, IntentId, Place};
    use cloud::Marker;
    use serde_json::json;

    use super::*;
    use crate::preflight;

    fn object(id: &str, name: &str, owner: Option<&ResourceAddress>) -> Observed {
        Observed {
            id: id.to_owned(),
            key: format!("A {name}"),
            owner: owner.map(Marker::of),
            properties: properties(name),
            outputs: std::collections::BTreeMap::new(),
            modified_at: None,
        }
    }

    fn properties(name: &str) -> Properties {
        let all = json!({ "name": name, "type": "A", "content": "203.0.113.10", "ttl": 1,
            "proxied": false });
        serde_json::from_value(all).unwrap()
    }

    fn plan(address: &ResourceAddress, after: &Properties) -> Plan {
        Plan {
            intent: IntentId::of_stream_sequence(1),
            order: 1,
            stack: address.stack.clone(),
            environment: "prod".parse().unwrap(),
            path: "dns-record".parse().unwrap(),
            origin: bus_schema::Origin::Intent,
            from: Generation(0),
            to: Generation(1),
            parameters: std::collections::BTreeMap::new(),
            changes: vec![Change {
                resource: address.clone(),
                action: bus_schema::Action::Create,
                place: "zone/example.com".parse().unwrap(),
                before: None,
                after: Some(after.clone()),
                depends_on: Vec::new(),
                waits_for: Vec::new(),
                object: None,
            }],
            unchanged: Vec::new(),
            excluded: Vec::new(),
            remedy: None,
        }
    }

    #[test]
    fn what_a_change_is_about_is_kept_and_seen_as_before() {
        let catalogue = cloud::cloudflare::catalogue();
        let address: ResourceAddress = "docs/cloudflare.dns_record/site".parse().unwrap();
        let other: ResourceAddress = "else/cloudflare.dns_record/site".parse().unwrap();
        let place: Place = "zone/example.com".parse().unwrap();
        let after = properties("docs.example.com");
        let strangers =
            (0..100).map(|n| object(&format!("s{n}"), &format!("n{n}.example.com"), None));
        for listed in [
            Vec::new(),
            vec![object("1", "docs.example.com", Some(&address))],
            vec![object("1", "moved.example.com", Some(&address))],
            vec![object("1", "docs.example.com", Some(&other))],
            vec![object("1", "docs.example.com", None)],
        ] {
            let count = listed.len();
            let all: Vec<Observed> = strangers.clone().chain(listed).collect();
            let scope = (address.kind.clone(), place.clone());
            let survey = Survey([(scope.clone(), Arc::new(all))].into());
            let plan = plan(&address, &after);
            let kind = catalogue.get(&address.kind).unwrap();
            let seen = |survey: &Survey| {
                preflight::seen(survey, kind, &plan.changes[0], Some(&after), None)
            };
            let whole = seen(&survey);
            let narrow = survey.about(&plan, None, catalogue);
            assert_eq!(seen(&narrow), whole);
            assert_eq!(narrow.0[&scope].len(), count);
        }
    }

    #[test]
    fn a_listing_stays_whole_where_a_change_refers_to_what_is_still_to_be_made() {
        let address: ResourceAddress = "docs/cloudflare.dns_record/site".parse().unwrap();
        let after = properties("${cloudflare.dns_record/other.name}");
        let scope = (address.kind.clone(), "zone/example.com".parse::<Place>().unwrap());
        let survey =
            Survey([(scope.clone(), Arc::new(vec![object("1", "a.example.com", None)]))].into());
        let kept = survey.about(&plan(&address, &after), None, cloud::cloudflare::catalogue());
        assert_eq!(kept.0[&scope].len(), 1);
    }
}
