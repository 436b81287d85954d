//! Every sort of mistake in a file, as the person who made it reads it.

use bus_schema::{KindName, Properties};
use policy::{Environments, GoldenPaths};

/// A golden path without a mistake, in which a test breaks one thing.
const PATH: &str = r#"name: demo
title: A demo
purpose: Points a hostname somewhere.
stack: "demo-{{hostname|slug}}"
concepts:
  point: {weight: 5, required: true, words: {en: [point], ko: [연결]}}
examples:
  - en: Point docs.example.com to 203.0.113.20
    ko: docs.example.com 을 203.0.113.20 으로 연결해줘
    parameters: {hostname: docs.example.com, target: 203.0.113.20}
parameters:
  hostname: {type: hostname, description: The hostname., required: true}
  target: {type: address, description: Where it points., required: true}
  zone: {type: zone, description: Its zone., default: {zone_of: hostname}}
  mode:
    type: choice
    description: How.
    default: fast
    values:
      fast: {title: Fast, words: {en: [fast], ko: [빠르게]}}
      slow: {title: Slow, words: {en: [slow], ko: [느리게]}}
  count: {type: integer, description: How many., min: 1, max: 10, default: 3}
resources:
  - kind: cloudflare.dns_record
    name: record
    place: "zone/{{zone}}"
    properties: {name: "{{hostname}}", content: "{{target}}"}
  - kind: cloudflare.worker_route
    name: route
    place: "zone/{{zone}}"
    when: mode == fast
    properties: {pattern: "{{hostname}}/*"}
    depends_on: [cloudflare.dns_record/record]
"#;

/// What is said of the path with `from` replaced by `to`.
fn said(from: &str, to: &str) -> Vec<String> {
    assert!(PATH.contains(from), "{from}");
    let text = PATH.replacen(from, to, 1);
    match GoldenPaths::load([("demo.yaml", text.as_str())], &|_, _| Ok(())) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Asserts that breaking one thing is said in one line.
fn one(from: &str, to: &str, wanted: &str) {
    assert_eq!(said(from, to), [wanted], "{from} → {to}");
}

#[test]
fn the_path_itself_is_without_a_mistake() {
    assert_eq!(said("demo", "demo"), [""; 0]);
}

#[test]
fn broken_yaml_names_its_line() {
    let said = said("concepts:", "concepts: [");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("demo.yaml:"), "{said:?}");
    one("title: A demo", "name: again", "demo.yaml:2:1: duplicate mapping key: name");
}

#[test]
fn fields_that_are_missing_or_unknown() {
    one("title: A demo\n", "", "demo.yaml:1:1: `title`: is missing");
    one(
        "title: A demo",
        "title: A demo\ntitel: A demo",
        "demo.yaml:3:8: `titel`: is not a field here; there are `name`, `title`, `purpose`, \
         `stack`, `concepts`, `covers`, `examples`, `parameters`, `resources` and `controls`",
    );
    one(
        "min: 1, ",
        "least: 1, min: 1, ",
        "demo.yaml:22:57: `parameters.count.least`: is not a field here; there are `type`, \
         `description`, `default`, `required`, `roles`, `min`, `max` and `unit`",
    );
    one("title: A demo", "title: [A]", "demo.yaml:2:8: `title`: should be text, not a list");
    one("title: A demo", "title: ''", "demo.yaml:2:8: `title`: is empty");
    one(
        "min: 1",
        "min: one",
        "demo.yaml:22:55: `parameters.count.min`: should be a whole number, not text",
    );
}

#[test]
fn names_and_numbers_out_of_bounds() {
    one(
        "name: demo",
        "name: Demo",
        "demo.yaml:1:7: `name`: `Demo` is not a golden path name: 1 to 32 of a-z, 0-9 and inner hyphens",
    );
    one(
        "kind: cloudflare.dns_record",
        "kind: dns-record",
        "demo.yaml:24:11: `resources[0].kind`: `dns-record` is not a kind: <cloud>.<kind> of a-z, \
         0-9 and inner underscores",
    );
    one(
        "default: 3",
        "default: 30",
        "demo.yaml:22:10: `parameters.count.default`: 30 is too much: at most 10",
    );
    one("min: 1,", "min: 11,", "demo.yaml:22:10: `parameters.count.min`: 11 is above `max`, 10");
    one(
        "weight: 5",
        "weight: 50",
        "demo.yaml:6:19: `concepts.point.weight`: 50 is not from -10 to 10, or is 0",
    );
    one(
        "default: fast",
        "default: quick",
        "demo.yaml:16:5: `parameters.mode.default`: `quick` is not one of fast, slow",
    );
    one(
        "type: zone",
        "type: area",
        "demo.yaml:14:16: `parameters.zone.type`: `area` is not a type; there are `address`, \
         `boolean`, `choice`, `domains`, `duration`, `hostname`, `integer`, `service`, `stack`, \
         `text`, `url_path` and `zone`",
    );
}

#[test]
fn what_a_template_names_must_be_there() {
    one(
        "content: \"{{target}}\"",
        "content: \"{{goal}}\"",
        "demo.yaml:27:49: `resources[0].properties.content`: there is no parameter `goal`; there \
         are `count`, `hostname`, `mode`, `target` and `zone`",
    );
    one(
        "content: \"{{target}}\"",
        "content: \"{{target|upper}}\"",
        "demo.yaml:27:49: `resources[0].properties.content`: `upper` is not a filter; there are \
         `slug`, `below`, `record_type`, `percent:N`, `at_least:N`, `at_most:N` and `times:N`, \
         where N is a whole number",
    );
    one(
        "content: \"{{target}}\"",
        "content: \"{{file:x.js}}\"",
        "demo.yaml:27:49: `resources[0].properties.content`: there is no file `x.js` beside the path",
    );
    one(
        "content: \"{{target}}\"",
        "content: \"{{target\"",
        "demo.yaml:27:49: `resources[0].properties.content`: a placeholder `{{` has no closing `}}`",
    );
    one(
        "zone_of: hostname",
        "zone_of: host",
        "demo.yaml:14:9: `parameters.zone.default`: there is no parameter `host`; there are \
         `count`, `hostname`, `mode`, `target` and `zone`",
    );
    one(
        "zone_of: hostname",
        "environment: services.api.port",
        "demo.yaml:14:69: `parameters.zone.default.environment`: `services.api.port` is not an \
         entry of an environment; there are `services.<name>.hostname`, `services.<name>.origin`, \
         `cloudflare.zones.<n>`, `cloudflare.account`, `limits.requests_per_second`, \
         `defaults.<name>` and `name`",
    );
}

#[test]
fn references_and_conditions_must_hold_up() {
    one(
        "depends_on: [cloudflare.dns_record/record]",
        "depends_on: [cloudflare.dns_record/other]",
        "demo.yaml:28:5: `resources[1]`: refers to `cloudflare.dns_record/other`, which the path \
         does not have",
    );
    one(
        "pattern: \"{{hostname}}/*\"",
        "pattern: \"${cloudflare.dns_record/other.id}\"",
        "demo.yaml:28:5: `resources[1]`: refers to `cloudflare.dns_record/other`, which the path \
         does not have",
    );
    one(
        "pattern: \"{{hostname}}/*\"",
        "pattern: \"${record}\"",
        "demo.yaml:32:27: `resources[1].properties.pattern`: `${record}` is not a reference: \
         ${<kind>/<name>.<output>}",
    );
    one(
        "mode == fast",
        "mode == quick",
        "demo.yaml:31:11: `resources[1].when`: `mode` is never `quick`; it is one of `fast` and \
         `slow`",
    );
    one(
        "mode == fast",
        "mode is fast",
        "demo.yaml:31:11: `resources[1].when`: `mode is fast` is not a condition: `name`, `not \
         name`, `name == value` or `name != value`, joined by `and`",
    );
    // Left out in one mode, referred to in every mode.
    one(
        "    place: \"zone/{{zone}}\"\n    properties: {name",
        "    place: \"zone/{{zone}}\"\n    when: mode == slow\n    properties: {name",
        "demo.yaml:8:5: `examples[0]`: cloudflare.worker_route/route refers to \
         cloudflare.dns_record/record, which these parameters leave out",
    );
    one(
        "kind: cloudflare.worker_route\n    name: route",
        "kind: cloudflare.dns_record\n    name: record",
        "demo.yaml:28:5: `resources[1].name`: `cloudflare.dns_record/record` is there twice",
    );
}

#[test]
fn examples_must_work() {
    one(
        "    parameters: {hostname: docs.example.com, target: 203.0.113.20}\n",
        "    parameters: {hostname: docs.example.com}\n",
        "demo.yaml:8:5: `examples[0]`: leaves parameter `target` without a value",
    );
    one(
        "{hostname: docs.example.com, target",
        "{hostname: docs.example.org, target",
        "demo.yaml:8:5: `examples[0].parameters.hostname`: `docs.example.org` is in none of the \
         zones of `prod`: example.com",
    );
    one(
        "    ko: docs.example.com 을 203.0.113.20 으로 연결해줘\n",
        "",
        "demo.yaml:8:5: `examples[0].ko`: is missing",
    );
    let none = said(
        "  - en: Point docs.example.com to 203.0.113.20\n    ko: docs.example.com 을 203.0.113.20 \
         으로 연결해줘\n    parameters: {hostname: docs.example.com, target: 203.0.113.20}\n",
        "  []\n",
    );
    assert_eq!(none, ["demo.yaml:8:3: `examples`: needs at least one example"]);
}

#[test]
fn kinds_have_their_say() {
    let check = |kind: &KindName, properties: &Properties| {
        if kind.local() == "dns_record" && properties.get("ttl").is_none() {
            return Err("cloudflare.dns_record: field `ttl` is missing".to_owned());
        }
        Ok(())
    };
    let problems = GoldenPaths::load([("demo.yaml", PATH)], &check).unwrap_err().to_string();
    let first = problems.lines().next().unwrap();
    assert_eq!(
        first,
        "demo.yaml:24:5: `resources[0]`: cloudflare.dns_record: field `ttl` is missing (by \
         examples[0])"
    );
}

#[test]
fn every_mistake_of_every_file_is_said_at_once() {
    let other = PATH.replace("type: zone", "type: area").replace("weight: 5", "weight: 0");
    let broken = PATH.replace("title: A demo\n", "");
    let files = [
        ("b.yaml", other.as_str()),
        ("a.yaml", broken.as_str()),
        ("c.yaml", PATH),
        ("d.yaml", PATH),
        ("notes.txt", "not looked at"),
    ];
    let problems = GoldenPaths::load(files, &|_, _| Ok(())).unwrap_err();
    let said: Vec<String> =
        problems.iter().map(|it| format!("{}:{} {}", it.file, it.line, it.field)).collect();
    // Where a parameter is no good, what uses it is not blamed for that as well.
    assert_eq!(
        said,
        [
            "a.yaml:1 title",
            "b.yaml:6 concepts.point.weight",
            "b.yaml:14 parameters.zone.type",
            "c.yaml:1 name",
            "d.yaml:1 name",
        ]
    );
}

/// An environment without a mistake.
const ENVIRONMENT: &str = "name: prod
default: true
aliases: {en: [production], ko: [운영]}
cloudflare:
  account: 0123456789abcdef0123456789abcdef
  zones: [example.com]
services:
  api: {hostname: api.example.com, origin: 203.0.113.10, words: {en: [backend], ko: [백엔드]}}
  www: {hostname: www.example.com}
limits: {requests_per_second: 1000, resources: {cloudflare.waf_rule: 5}}
defaults: {cache_ttl: 60}
";

fn said_of_environment(from: &str, to: &str) -> Vec<String> {
    assert!(ENVIRONMENT.contains(from), "{from}");
    let text = ENVIRONMENT.replacen(from, to, 1);
    match Environments::load([("prod.yaml", text.as_str())]) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn mistakes_in_an_environment() {
    assert_eq!(said_of_environment("prod", "prod"), [""; 0]);
    for (from, to, wanted) in [
        (
            "account: 0123456789abcdef0123456789abcdef",
            "account: mine",
            "prod.yaml:5:12: `cloudflare.account`: `mine` is not an account id: 32 hexadecimal \
             digits",
        ),
        ("[example.com]", "[]", "prod.yaml:6:10: `cloudflare.zones`: needs at least one zone"),
        (
            "www.example.com",
            "www.example.org",
            "prod.yaml:9:19: `services.www.hostname`: `www.example.org` is in none of the zones \
             example.com",
        ),
        (
            "203.0.113.10",
            "'300.0.113.10'",
            "prod.yaml:8:44: `services.api.origin`: `300.0.113.10` is neither an address nor a \
             hostname",
        ),
        (
            "www.example.com}",
            "www.example.com, words: {en: [Backend]}}",
            "prod.yaml:9:8: `services.www.words`: `backend` means service `api` too",
        ),
        (
            "{cloudflare.waf_rule: 5}",
            "{waf: 5}",
            "prod.yaml:10:54: `limits.resources.waf`: `waf` is not a kind: <cloud>.<kind> of a-z, \
             0-9 and inner underscores",
        ),
        (
            "{cache_ttl: 60}",
            "{cache_ttl: [60]}",
            "prod.yaml:11:23: `defaults.cache_ttl`: should be text, a number, true or false, not a \
             list",
        ),
        (
            "default: true",
            "default: false",
            "environments: `default`: no environment has `default: true`; exactly one must",
        ),
    ] {
        assert_eq!(said_of_environment(from, to), [wanted], "{from} → {to}");
    }
}

#[test]
fn environments_share_no_name_no_zone_and_no_default() {
    let other = ENVIRONMENT
        .replace("name: prod", "name: live")
        .replace("en: [production]", "en: [prod]")
        .replace("[운영]", "[라이브]");
    let files = [("prod.yaml", ENVIRONMENT), ("live.yaml", other.as_str())];
    let problems = Environments::load(files).unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "live.yaml:1:1: `cloudflare.zones`: zone `example.com` is in prod.yaml too",
            "live.yaml:1:1: `default`: prod.yaml is the default one already",
            "live.yaml:1:1: `name`: prod.yaml is called `prod` too",
        ]
    );
}

#[test]
fn no_file_at_all_is_a_mistake_as_well() {
    assert_eq!(
        Environments::load([]).unwrap_err().to_string(),
        "environments: `default`: no environment has `default: true`; exactly one must"
    );
}
