//! Objects in the cloud and resources of the stacks: the same, one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::evidence::Evidence;

/// The kind of a rule, by the phase of its ruleset.
const PHASES: [(&str, &str); 3] = [
    ("http_request_firewall_custom", "cloudflare.waf_rule"),
    ("http_ratelimit", "cloudflare.rate_limit"),
    ("http_request_cache_settings", "cloudflare.cache_rule"),
];

/// An object: its kind and its id in the cloud.
type Object = (String, String);

/// Objects of ours that belong to no stack, resources of stacks that are not there, and settings
/// held by nobody or for nobody.
pub(super) fn strays(evidence: &Evidence) -> Vec<String> {
    let there = objects(&evidence.cloud);
    let recorded = resources(evidence);
    let mut found = Vec::new();
    for (object, owner) in &there {
        if !recorded.contains_key(object) {
            found.push(format!("{} {} ({owner}) belongs to no stack", object.0, object.1));
        }
    }
    for (object, address) in &recorded {
        match there.get(object) {
            None => found.push(format!("{address} (id {}) is not there", object.1)),
            Some(owner) if !belongs(owner, address) => {
                found.push(format!("{address} (id {}) is marked as {owner}", object.1));
            }
            Some(_) => {}
        }
    }
    found.extend(settings(evidence));
    found
}

/// Whether a mark, `zerodrift:<stack>/<name>` or a name beginning `zd-<stack>-<name>`, is that of
/// `<stack>/<kind>/<name>`.
fn belongs(owner: &str, address: &str) -> bool {
    let mut parts = address.split('/');
    let (Some(stack), Some(_), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    match owner.strip_prefix("zerodrift:") {
        Some(marked) => marked == format!("{stack}/{name}"),
        // A route shows its script's name, which is another resource of the stack.
        None => owner.starts_with(&format!("zd-{stack}-")),
    }
}

/// Every resource that has an object of its own, by that object.
fn resources(evidence: &Evidence) -> BTreeMap<Object, String> {
    let mut all = BTreeMap::new();
    for stack in Evidence::newest(&evidence.stacks, ".stack.").into_values() {
        let steps = stack.pointer("/run/steps").and_then(Value::as_object);
        // What a stuck run has made and not undone is the stack's as well.
        let made = steps.into_iter().flatten().filter_map(|(address, step)| {
            let state = step.get("state").and_then(Value::as_str);
            matches!(state, Some("done" | "stuck")).then(|| (address, step.get("after")))
        });
        let kept = stack.get("resources").and_then(Value::as_object);
        let kept = kept.into_iter().flatten().map(|(address, it)| (address, Some(it)));
        for (address, resource) in kept.chain(made) {
            let Some(kind) = address.split('/').nth(1) else { continue };
            let id = resource.and_then(|it| it.get("cloud_id")).and_then(Value::as_str);
            if kind == "cloudflare.zone_setting" {
                continue;
            }
            let id = id.unwrap_or("(never made)").to_owned();
            all.insert((kind.to_owned(), id), address.clone());
        }
    }
    all
}

/// Every object of ours in the cloud, with what it shows of its owner.
fn objects(cloud: &Value) -> BTreeMap<Object, String> {
    let mut all = BTreeMap::new();
    let mut add = |kind: &str, object: &Value, id: &str, shown: &Value| {
        if let (Some(id), Some(owner)) = (object.get(id).and_then(Value::as_str), mark(shown)) {
            all.insert((kind.to_owned(), id.to_owned()), owner);
        }
    };
    for zone in each(cloud.get("zones")) {
        for record in each(zone.get("records")) {
            add("cloudflare.dns_record", record, "id", &record["comment"]);
        }
        for ruleset in each(zone.get("rulesets")) {
            let kind = PHASES.iter().find(|(phase, _)| ruleset["phase"] == *phase);
            for rule in each(ruleset.get("rules")) {
                add(kind.map_or("(no such phase)", |it| it.1), rule, "id", &rule["description"]);
            }
        }
        for route in each(zone.get("routes")) {
            add("cloudflare.worker_route", route, "id", &route["script"]);
        }
    }
    for account in each(cloud.get("accounts")) {
        for script in each(account.get("scripts")) {
            add("cloudflare.worker_script", script, "name", &script["tags"]);
        }
        for namespace in each(account.get("namespaces")) {
            add("cloudflare.kv_namespace", namespace, "id", &namespace["title"]);
        }
        for bucket in each(account.get("buckets")) {
            add("cloudflare.r2_bucket", bucket, "name", &bucket["name"]);
        }
        for list in each(account.get("gateway_lists")) {
            add("cloudflare.gateway_list", list, "id", &list["description"]);
        }
        for rule in each(account.get("gateway_rules")) {
            if rule.get("deleted_at").is_none_or(Value::is_null) {
                add("cloudflare.gateway_rule", rule, "id", &rule["description"]);
            }
        }
    }
    all
}

/// Our mark in a text or a list of texts.
fn mark(shown: &Value) -> Option<String> {
    if let Value::Array(texts) = shown {
        return texts.iter().find_map(mark);
    }
    let text = shown.as_str()?;
    if text.starts_with("zd-") {
        return Some(text.to_owned());
    }
    let marker = text.get(text.find("zerodrift:")?..)?;
    let end = marker.find(|c: char| c.is_whitespace() || c == ')' || c == ',');
    Some(marker.get(..end.unwrap_or(marker.len()))?.to_owned())
}

/// Every setting a stack holds has a claim that names it, and every claim names such holders only.
fn settings(evidence: &Evidence) -> Vec<String> {
    let stacks = Evidence::newest(&evidence.stacks, ".stack.");
    let declared: BTreeSet<String> = stacks
        .values()
        .filter_map(|stack| stack.get("resources").and_then(Value::as_object))
        .flat_map(|resources| resources.keys().cloned())
        .filter(|address| address.contains("/cloudflare.zone_setting/"))
        .collect();
    let mut held = BTreeSet::new();
    let mut found = Vec::new();
    for (key, claim) in Evidence::newest(&evidence.stacks, ".claim.") {
        let holders: Vec<&str> = each(claim.get("holders")).filter_map(Value::as_str).collect();
        if holders.is_empty() {
            found.push(format!("claim {key} is held by nobody"));
        }
        held.extend(holders.into_iter().map(str::to_owned));
    }
    let stuck = stacks.values().any(|stack| stack.get("run").is_some_and(Value::is_object));
    for address in held.symmetric_difference(&declared).filter(|_| !stuck) {
        found.push(format!("{address} is declared or held, and not both"));
    }
    found
}

/// The members of an object or a list.
fn each(value: Option<&Value>) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Some(Value::Object(fields)) => Box::new(fields.values()),
        Some(Value::Array(items)) => Box::new(items.iter()),
        _ => Box::new(std::iter::empty()),
    }
}
