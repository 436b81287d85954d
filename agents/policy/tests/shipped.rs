//! What is shipped: it loads, every example renders, and two renderings are pinned whole.

// Lets the helpers here unwrap, as tests may.
#![cfg(test)]

use std::collections::BTreeMap;

use bus_schema::{Grounded, Properties, Resource, Source};
use policy::{Environment, GoldenPath, Language, Shipped, shipped};
use serde_json::Value;

fn loaded() -> Shipped {
    shipped(&|_, _| Ok(())).unwrap_or_else(|problems| panic!("{problems}"))
}

fn path<'s>(shipped: &'s Shipped, name: &str) -> &'s GoldenPath {
    shipped.paths.get(&name.parse().unwrap()).unwrap()
}

fn given(values: Value) -> BTreeMap<String, Grounded> {
    let Value::Object(values) = values else { panic!("not an object: {values}") };
    values
        .into_iter()
        .map(|(name, value)| (name, Grounded { value, source: Source::Given }))
        .collect()
}

fn render(path: &GoldenPath, environment: &Environment, values: Value) -> Vec<Resource> {
    let mut parameters = given(values);
    path.complete(environment, &mut parameters).unwrap();
    let stack = path.stack_name(environment, &parameters).unwrap();
    path.render(&stack, environment, &parameters).unwrap()
}

fn find<'r>(resources: &'r [Resource], local: &str) -> &'r Properties {
    let found = resources.iter().find(|resource| resource.address.local() == local);
    &found.unwrap_or_else(|| panic!("no {local}")).properties
}

/// One line a resource, and its properties; a Worker's script as its first line.
fn shown(resources: &[Resource]) -> String {
    let mut lines = Vec::new();
    for resource in resources {
        lines.push(format!("{} in {}", resource.address, resource.place));
        for (name, value) in &resource.properties.0 {
            let value = match (name.as_str(), value.as_str()) {
                ("content", Some(script)) if script.contains('\n') => {
                    script.lines().take(1).collect()
                }
                _ => value.to_string(),
            };
            lines.push(format!("  {name}: {value}"));
        }
        for needed in &resource.depends_on {
            lines.push(format!("  after {}", needed.local()));
        }
    }
    lines.join("\n") + "\n"
}

/// Compares with `tests/rendered/<name>.txt`.
fn pinned(name: &str, resources: &[Resource]) {
    let file = format!("{}/tests/rendered/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    let found = shown(resources);
    assert_eq!(wanted, found, "{file} should be:\n{found}");
}

#[test]
fn every_path_there_must_be_is_there() {
    let shipped = loaded();
    let names: Vec<&str> = shipped.paths.iter().map(|path| path.name.as_str()).collect();
    assert_eq!(
        names,
        ["dns-record", "edge-cache", "edge-worker", "gateway-policy", "retire", "waf-shield"]
    );
    let environments: Vec<&str> =
        shipped.environments.iter().map(|environment| environment.name.as_str()).collect();
    assert_eq!(environments, ["prod", "staging"]);
    assert!(path(&shipped, "retire").is_removal());
}

#[test]
fn an_edge_cache_for_the_api_of_prod() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let resources =
        render(path(&shipped, "edge-cache"), prod, serde_json::json!({"service": "api"}));
    pinned("edge-cache-api", &resources);
}

#[test]
fn a_worker_with_files_below_a_path() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let values = serde_json::json!({
        "template": "objects", "hostname": "files.example.com", "path": "/public/"
    });
    pinned("edge-worker-objects", &render(path(&shipped, "edge-worker"), prod, values));
}

#[test]
fn every_default_says_where_it_comes_from() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let mut parameters = given(serde_json::json!({"service": "api"}));
    path(&shipped, "edge-cache").complete(prod, &mut parameters).unwrap();
    let key = |name: &str| match &parameters[name].source {
        Source::Environment { key, .. } => key.clone(),
        Source::Default { path, parameter } => format!("{path}/{parameter}"),
        other @ (Source::Words { .. } | Source::Given) => format!("{other:?}"),
    };
    assert_eq!(key("hostname"), "services.api.hostname");
    assert_eq!(key("origin"), "services.api.origin");
    assert_eq!(key("zone"), "cloudflare.zones.0");
    assert_eq!(key("cache_ttl"), "defaults.cache_ttl");
    assert_eq!(key("rps"), "edge-cache/rps");
    assert_eq!(key("service"), "Given");
    assert_eq!(parameters["hostname"].value, "api.example.com");
}

#[test]
fn a_hostname_alone_finds_its_service() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let mut parameters = given(serde_json::json!({"hostname": "WWW.example.com."}));
    let path = path(&shipped, "edge-cache");
    path.complete(prod, &mut parameters).unwrap();
    assert_eq!(parameters["hostname"].value, "www.example.com");
    assert_eq!(parameters["service"].value, "www");
    assert_eq!(parameters["origin"].value, "203.0.113.11");
    assert_eq!(path.stack_name(prod, &parameters).unwrap().as_str(), "edge-cache-www");
}

#[test]
fn what_is_missing_and_what_does_not_fit_is_named() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let worker = path(&shipped, "edge-worker");
    let mut parameters = given(serde_json::json!({
        "template": "headers", "hostname": "blog.example.com"
    }));
    let incomplete = worker.complete(prod, &mut parameters).unwrap_err();
    assert_eq!(incomplete.missing, ["origin"]);
    // Only that template has an origin.
    let mut parameters = given(serde_json::json!({
        "template": "redirects", "hostname": "blog.example.com"
    }));
    worker.complete(prod, &mut parameters).unwrap();

    let mut parameters = given(serde_json::json!({"rps": 500_000, "hostname": "a.example.org"}));
    let incomplete = path(&shipped, "waf-shield").complete(prod, &mut parameters).unwrap_err();
    let said: Vec<String> =
        incomplete.invalid.iter().map(|(name, invalid)| format!("{name}: {invalid}")).collect();
    assert_eq!(
        said,
        [
            "hostname: `a.example.org` is in none of the zones of `prod`: example.com",
            "rps: 500000 is more than the environment `prod` allows, which is 100000",
        ]
    );
    assert_eq!(incomplete.missing, ["zone"]);
}

#[test]
fn limits_follow_the_number_asked_for() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let shield = path(&shipped, "waf-shield");
    for (rps, per_period) in [(10_000, 1_000), (100, 200), (100_000, 10_000)] {
        let resources = render(shield, prod, serde_json::json!({"rps": rps}));
        let limit = find(&resources, "cloudflare.rate_limit/per-client");
        assert_eq!(limit.get("requests_per_period").unwrap(), per_period);
        assert!(limit.text("expression").unwrap().contains("\"example.com\""));
    }
}

#[test]
fn a_record_points_at_whatever_it_is_given() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    for (target, kind) in
        [("203.0.113.20", "A"), ("2001:DB8::1", "AAAA"), ("docs.example.net", "CNAME")]
    {
        for proxied in [true, false] {
            let values = serde_json::json!({
                "hostname": "docs.example.com", "target": target, "proxied": proxied
            });
            let resources = render(path(&shipped, "dns-record"), prod, values);
            assert_eq!(resources.len(), 1);
            let record = find(&resources, "cloudflare.dns_record/record");
            assert_eq!(record.text("type"), Some(kind));
            assert_eq!(record.text("content"), Some(target.to_lowercase().as_str()));
            assert_eq!(record.get("ttl").unwrap(), if proxied { 1 } else { 300 });
        }
    }
}

#[test]
fn gateway_rules_follow_their_list() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let values = serde_json::json!({"action": "block", "domains": ["B.example", "a.example"]});
    let resources = render(path(&shipped, "gateway-policy"), prod, values);
    let list = find(&resources, "cloudflare.gateway_list/domains");
    assert_eq!(list.get("items").unwrap(), &serde_json::json!(["a.example", "b.example"]));
    let rule = find(&resources, "cloudflare.gateway_rule/dns");
    assert_eq!(
        rule.text("traffic"),
        Some("any(dns.domains[*] in $${cloudflare.gateway_list/domains.id})")
    );
}

#[test]
fn stacks_of_different_things_have_different_names() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    let staging = shipped.environments.get(&"staging".parse().unwrap()).unwrap();
    let name = |path_name: &str, environment: &Environment, values: Value| {
        let path = path(&shipped, path_name);
        let mut parameters = given(values);
        path.complete(environment, &mut parameters).unwrap();
        path.stack_name(environment, &parameters).unwrap().to_string()
    };
    let api = serde_json::json!({"service": "api"});
    assert_eq!(name("edge-cache", prod, api.clone()), "edge-cache-api");
    assert_eq!(name("edge-cache", staging, api), "edge-cache-api-staging");
    let retire = serde_json::json!({"stack": "edge-cache-api-staging"});
    assert_eq!(name("retire", staging, retire), "edge-cache-api-staging");
    let long = |host: &str| {
        let host = format!("{host}.a-rather-long-hostname-of-a-product.example.com");
        name("dns-record", prod, serde_json::json!({"hostname": host, "target": "192.0.2.1"}))
    };
    assert_ne!(long("a"), long("b"));
    assert!(long("a").len() <= 40);
    let block = |domains: &[&str]| {
        name("gateway-policy", prod, serde_json::json!({"action": "block", "domains": domains}))
    };
    assert_ne!(block(&["a.example", "b.example"]), block(&["a.example", "c.example"]));
    assert_eq!(block(&["a.example"]), "gateway-block-a-example");
}

#[test]
fn expressions_are_within_the_length_cloudflare_takes() {
    let shipped = loaded();
    let prod = shipped.environments.default_environment();
    // The longest hostname there is.
    let label = "a".repeat(63);
    let hostname = format!("{label}.{label}.{label}.{}.example.com", "b".repeat(49));
    assert_eq!(hostname.len(), 253);
    let values = serde_json::json!({"hostname": hostname, "origin": "192.0.2.1", "rps": 10});
    for name in ["edge-cache", "waf-shield"] {
        let mut values = values.clone();
        if name == "waf-shield" {
            values.as_object_mut().unwrap().remove("origin");
        }
        for resource in render(path(&shipped, name), prod, values) {
            let length = resource.properties.text("expression").unwrap_or_default().len();
            assert!(length <= 4096, "{}: {length}", resource.address);
        }
    }
}

#[test]
fn examples_speak_of_the_installation_they_are_shown_in() {
    let shipped = loaded();
    let mut elsewhere = shipped.environments.default_environment().clone();
    elsewhere.cloudflare.zones = vec!["example.edu".to_owned()];
    let example = &path(&shipped, "dns-record").examples[0];
    assert_eq!(
        example.text(Language::English, &elsewhere),
        "Point docs.example.edu to 203.0.113.20"
    );
    assert!(example.text(Language::Korean, &elsewhere).starts_with("docs.example.edu"));
}
