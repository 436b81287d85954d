//! The audit log: no object is made twice, and none is touched that no plan named before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bus::Entry;
use super::evidence::Evidence;

/// The name under which the audit log knows the swarm's token.
const OURS: &str = "token 1";

/// One write of ours, as the audit log has it.
struct Write<'it> {
    entry: &'it Value,
    /// Kinds it may be about.
    kinds: &'static [&'static str],
    /// The object's name, where the log or an earlier entry tells it.
    name: Option<String>,
    /// Zone or account.
    place: String,
}

impl Write<'_> {
    fn text(&self, pointer: &str) -> &str {
        self.entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn done(&self, action: &str) -> bool {
        self.text("/action/type") == action && self.text("/action/result") == "success"
    }

    fn described(&self) -> String {
        let name = self.name.as_deref().unwrap_or("(no name)");
        format!("{} {} {name}", self.text("/raw/method"), self.text("/raw/uri"))
    }

    /// When it was made, in nanoseconds since 1970.
    fn at(&self) -> i128 {
        self.text("/action/time")
            .parse::<jiff::Timestamp>()
            .map_or(0, jiff::Timestamp::as_nanosecond)
    }
}

/// Kinds by the audit log's type; a zone's where it has one.
fn kinds(kind: &str, in_zone: bool) -> &'static [&'static str] {
    const RULES: &[&str] =
        &["cloudflare.waf_rule", "cloudflare.rate_limit", "cloudflare.cache_rule"];
    match (kind, in_zone) {
        ("dns_records", _) => &["cloudflare.dns_record"],
        ("settings", true) => &["cloudflare.zone_setting"],
        ("rules" | "rulesets", true) => RULES,
        ("routes", _) => &["cloudflare.worker_route"],
        ("scripts" | "settings", _) => &["cloudflare.worker_script"],
        ("namespaces", _) => &["cloudflare.kv_namespace"],
        ("buckets", _) => &["cloudflare.r2_bucket"],
        ("lists" | "items", _) => &["cloudflare.gateway_list"],
        ("rules", false) => &["cloudflare.gateway_rule"],
        _ => &[],
    }
}

/// Our writes, oldest first, each with the name of its object where it can be known.
fn writes(evidence: &Evidence) -> Vec<Write<'_>> {
    let audit = evidence.cloud.get("audit").and_then(Value::as_array);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut all = Vec::new();
    for entry in audit.into_iter().flatten() {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
        let (id, kind) = (text("/resource/id"), text("/resource/type").unwrap_or_default());
        let zone = text("/zone/name");
        if let (Some(id), Some(name)) = (id, text("/resource/name")) {
            names.insert(id.to_owned(), name.to_owned());
        }
        if text("/actor/token_name") != Some(OURS) {
            continue;
        }
        // What has no other name than its id is called by it.
        let named_by_id = matches!(kind, "settings" | "scripts" | "buckets");
        let name = id.and_then(|id| names.get(id).cloned().or(named_by_id.then(|| id.to_owned())));
        let name = name.filter(|name| !name.is_empty() && kind != "rulesets");
        let place = zone.or(text("/account/id")).unwrap_or_default().to_owned();
        all.push(Write { entry, kinds: kinds(kind, zone.is_some()), name, place });
    }
    all
}

/// Objects made while they were there already.
pub(super) fn made_twice(evidence: &Evidence) -> Vec<String> {
    let mut there = BTreeSet::new();
    let mut found = Vec::new();
    for write in writes(evidence) {
        let Some(name) = &write.name else { continue };
        let object = (write.kinds, write.place.clone(), name.clone());
        if write.done("create") && !there.insert(object.clone()) {
            found.push(write.described());
        } else if write.done("delete") {
            there.remove(&object);
        }
    }
    found
}

/// Writes before any plan that names their object.
pub(super) fn unplanned(evidence: &Evidence) -> Vec<String> {
    let mut planned: BTreeMap<(String, Option<String>), i128> = BTreeMap::new();
    for plan in evidence.plans() {
        for (kind, name) in named_in(plan) {
            for key in [(kind.clone(), None), (kind, Some(name))] {
                let first = planned.entry(key).or_insert(plan.at);
                *first = (*first).min(plan.at);
            }
        }
    }
    let before = |write: &Write<'_>| {
        planned.iter().any(|((kind, name), first)| {
            write.kinds.contains(&kind.as_str())
                && *first <= write.at() + 1_000
                && match (name, &write.name) {
                    (None, None) => true,
                    (Some(planned), Some(name)) => is_named(planned, name),
                    _ => false,
                }
        })
    };
    writes(evidence)
        .iter()
        .filter(|write| !before(write))
        .map(|write| format!("{} ({})", write.described(), write.text("/action/time")))
        .collect()
}

/// A name of ours can have a digest at its end.
fn is_named(planned: &str, name: &str) -> bool {
    planned == name || (planned.starts_with("zd-") && name.starts_with(planned))
}

/// The objects a plan names, each by its kind and what the cloud calls it.
fn named_in(plan: &Entry) -> Vec<(String, String)> {
    let changes = plan.body.pointer("/plan/changes").and_then(Value::as_array);
    let mut names = Vec::new();
    for change in changes.into_iter().flatten() {
        let address = change.get("resource").and_then(Value::as_str).unwrap_or_default();
        let mut parts = address.split('/');
        let (Some(stack), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let field = match kind {
            "cloudflare.dns_record" => "name",
            "cloudflare.zone_setting" => "setting",
            "cloudflare.worker_route" => "pattern",
            _ => "",
        };
        if field.is_empty() {
            let name = match kind {
                "cloudflare.waf_rule" | "cloudflare.rate_limit" | "cloudflare.cache_rule" => {
                    format!("zerodrift_{stack}_{name}").replace('-', "_")
                }
                _ => format!("zd-{stack}-{name}"),
            };
            names.push((kind.to_owned(), name));
        }
        for side in ["before", "after"] {
            let value = change.get(side).and_then(|side| side.get(field)).and_then(Value::as_str);
            names.extend(value.map(|value| (kind.to_owned(), value.to_owned())));
        }
    }
    names
}
