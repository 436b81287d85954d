//! What every kind must keep, made from its description.

use std::collections::BTreeSet;

use bus_schema::{Properties, ResourceAddress};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::ruleset::Phase;
use super::*;
use crate::kind::{Field, Marker, Ownership};

pub(super) fn address(kind: &dyn Kind) -> ResourceAddress {
    format!("edge-api/{}/main", kind.describe().name).parse().unwrap()
}

fn example(field: &Field, which: usize) -> Value {
    match field.examples[which] {
        // The only example a description cannot give: it must name a script of the stack.
        "" => ["zd-edge-api-one", "zd-edge-api-two"][which].into(),
        text => serde_json::from_str(text).unwrap(),
    }
}

/// A declaration; for each field the first example, the second, or nothing where it may be left out.
pub(super) fn declared(kind: &dyn Kind, choices: &[u8]) -> Properties {
    let fields = kind.describe().fields.iter().zip(choices.iter().chain(std::iter::repeat(&0)));
    fields
        .filter_map(|(field, choice)| match choice {
            1 if !field.fixed => Some((field.name.to_owned(), example(field, 1))),
            2 if !field.required => None,
            _ => Some((field.name.to_owned(), example(field, 0))),
        })
        .collect()
}

/// The object as Cloudflare shows it after it took what we send: server-set fields added, some
/// things reordered and respelled.
pub(super) fn shown(kind: &dyn Kind, normalised: &Properties) -> Observed {
    let address = address(kind);
    let with = |mut object: Value, added: Value| {
        let added = added.as_object().unwrap().clone();
        object.as_object_mut().unwrap().extend(added);
        object
    };
    let rule = |phase: &dyn Phase| {
        let mut rule = phase.payload(&address, normalised);
        if let Some(by) = rule.pointer_mut("/ratelimit/characteristics") {
            by.as_array_mut().unwrap().reverse();
        }
        let added = json!({ "id": "9f", "version": "3", "last_updated": "2026-01-01T00:00:00Z" });
        phase.project(&with(rule, added))
    };
    match kind.describe().name {
        "cloudflare.zone_setting" => {
            let (id, value) = (normalised.get("setting"), normalised.get("value"));
            let modified = "2026-01-01T00:00:00Z";
            zone_setting::project(&json!({ "id": id, "value": value, "modified_on": modified }))
        }
        "cloudflare.dns_record" => {
            let payload = dns_record::payload(&address, normalised);
            let name = payload["name"].as_str().unwrap().to_uppercase();
            dns_record::project(with(payload, json!({ "id": "9f", "name": name, "meta": {} })))
        }
        "cloudflare.waf_rule" => rule(&waf_rule::WafRule),
        "cloudflare.rate_limit" => rule(&rate_limit::RateLimit),
        "cloudflare.cache_rule" => rule(&cache_rule::CacheRule),
        "cloudflare.worker_script" => {
            let mut settings = worker_script::metadata(&address, normalised);
            let bindings = settings["bindings"].as_array_mut().unwrap();
            bindings.reverse();
            for binding in bindings.iter_mut() {
                binding["server_set"] = true.into();
            }
            Some(worker_script::project("x", &settings, normalised.text("content")))
        }
        "cloudflare.worker_route" => {
            worker_route::project(&with(json!(normalised), json!({ "id": "9f" })))
        }
        "cloudflare.kv_namespace" => kv_namespace::project(&json!({ "id": "9f", "title": "x" })),
        "cloudflare.r2_bucket" => {
            let location = normalised.text("location").unwrap_or("wnam").to_lowercase();
            r2_bucket::project(&with(
                json!(normalised),
                json!({ "name": "x", "location": location }),
            ))
        }
        "cloudflare.gateway_list" => {
            let mut payload = gateway_list::payload(&address, normalised);
            payload["items"].as_array_mut().unwrap().reverse();
            let items = payload["items"].as_array().unwrap().clone();
            gateway_list::project(&with(payload, json!({ "id": "9f" })), &items)
        }
        "cloudflare.gateway_rule" => {
            let payload = gateway_rule::payload(&address, normalised);
            let traffic = payload["traffic"].as_str().unwrap().replace(' ', "  ");
            let precedence = normalised.get("precedence").cloned().unwrap_or(4711.into());
            gateway_rule::project(&with(
                payload,
                json!({ "id": "9f", "traffic": traffic, "precedence": precedence }),
            ))
        }
        other => panic!("say here how {other} is shown"),
    }
    .unwrap()
}

fn differences(kind: &dyn Kind, declared: &Properties, observed: &Properties) -> Vec<String> {
    let differences = crate::differences(kind, declared, observed, |_, _| None);
    differences.into_iter().map(|it| it.field).collect()
}

#[test]
fn each_kind_is_there_once_with_its_calls() {
    let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.describe().name).collect();
    assert_eq!(names.len(), KINDS.len());
    for kind in KINDS {
        let name: KindName = kind.describe().name.parse().unwrap();
        assert_eq!(operations(&name).unwrap().describe().name, name.as_str());
    }
}

#[test]
fn each_kind_asks_for_what_it_needs_and_takes_nothing_else() {
    for kind in KINDS {
        let whole = declared(*kind, &[]);
        kind.normalise(&whole).unwrap_or_else(|error| panic!("{error}"));
        for field in kind.describe().fields.iter().filter(|field| field.required) {
            let mut lacking = whole.clone();
            lacking.0.remove(field.name);
            assert_eq!(kind.normalise(&lacking).unwrap_err().field, field.name);
        }
        let mut odd = whole;
        odd.0.insert("colour".to_owned(), "red".into());
        assert_eq!(kind.normalise(&odd).unwrap_err().field, "colour");
    }
}

#[test]
fn a_change_of_each_field_is_seen() {
    for kind in KINDS {
        let first = kind.normalise(&declared(*kind, &[])).unwrap();
        for (at, field) in kind.describe().fields.iter().enumerate() {
            if field.fixed {
                continue;
            }
            let mut choices = vec![0; kind.describe().fields.len()];
            choices[at] = 1;
            let second = kind.normalise(&declared(*kind, &choices)).unwrap();
            let seen = differences(*kind, &first, &shown(*kind, &second).properties);
            assert!(seen.contains(&field.name.to_owned()), "{kind:?} {}", field.name);
        }
    }
}

#[test]
fn what_is_made_is_known_again() {
    for kind in KINDS {
        let normalised = kind.normalise(&declared(*kind, &[])).unwrap();
        let observed = shown(*kind, &normalised);
        if kind.describe().ownership == Ownership::Marked {
            assert_eq!(observed.owner, Some(Marker::of(&address(*kind))), "{kind:?}");
            assert!(kind.is_of(&address(*kind), &normalised, &observed));
        }
        for output in kind.describe().outputs {
            assert!(observed.outputs.contains_key(*output), "{kind:?} {output}");
        }
    }
}

#[test]
fn a_route_belongs_to_the_stack_of_its_script() {
    let kind = &worker_route::WorkerRoute;
    let route = json!({ "id": "1", "pattern": "api.example.com/*", "script": "zd-edge-api-main" });
    let observed = worker_route::project(&route).unwrap();
    let of = |stack: &str| {
        let address = format!("{stack}/cloudflare.worker_route/any").parse().unwrap();
        kind.is_of(&address, &observed.properties, &observed)
    };
    assert!(of("edge-api"));
    assert!(!of("edge-apis"));
    assert!(!of("shop"));
}

#[test]
fn somebody_else_s_way_to_keep_things_shows_as_a_difference() {
    let kind = &cache_rule::CacheRule;
    let normalised = kind.normalise(&declared(kind, &[])).unwrap();
    let mut rule = kind.payload(&address(kind), &normalised);
    rule["id"] = "9f".into();
    rule["action_parameters"]["edge_ttl"] = json!({ "mode": "bypass_by_default" });
    let observed = kind.project(&rule).unwrap();
    assert_eq!(differences(kind, &normalised, &observed.properties), ["edge_ttl"]);
    // And an undo puts it back as it was.
    let payload = kind.payload(&address(kind), &observed.properties);
    assert_eq!(payload["action_parameters"], rule["action_parameters"]);
}

#[test]
fn a_txt_record_is_the_same_with_quotes_and_without() {
    let kind = &dns_record::DnsRecord;
    let declared = serde_json::from_value(
        json!({ "name": "_dmarc.example.com", "type": "TXT", "content": "v=DMARC1; p=none" }),
    )
    .unwrap();
    let shown = json!({ "id": "1", "type": "TXT", "name": "_dmarc.example.com", "ttl": 1,
        "proxied": false, "content": "\"v=DMARC1; \" \"p=none\"" });
    let observed = dns_record::project(shown).unwrap().properties;
    assert_eq!(differences(kind, &declared, &observed), [""; 0]);
}

proptest! {
    #[test]
    fn what_was_applied_shows_no_difference(at in 0..KINDS.len(), choices in proptest::collection::vec(0..3_u8, 8)) {
        let kind = KINDS[at];
        let declared = declared(kind, &choices);
        let normalised = kind.normalise(&declared).unwrap();
        prop_assert_eq!(&kind.normalise(&normalised).unwrap(), &normalised);
        let observed = shown(kind, &normalised).properties;
        prop_assert_eq!(differences(kind, &declared, &observed), [""; 0]);
        // What was seen can be asked for again, as an undo does.
        let again = kind.normalise(&observed).unwrap();
        prop_assert_eq!(differences(kind, &again, &observed), [""; 0]);
    }
}
