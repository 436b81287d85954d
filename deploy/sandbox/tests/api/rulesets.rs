//! Rulesets and their rules.

use serde_json::{Value, json};

use crate::support::Local;

const CUSTOM: &str = "rulesets/phases/http_request_firewall_custom/entrypoint";
const LIMITS: &str = "rulesets/phases/http_ratelimit/entrypoint";
const CACHE: &str = "rulesets/phases/http_request_cache_settings/entrypoint";

fn block(path: &str) -> Value {
    json!({
        "action": "block", "description": path,
        "expression": format!("http.request.uri.path eq \"{path}\""),
    })
}

fn named(path: &str, reference: &str) -> Value {
    let mut rule = block(path);
    rule["ref"] = json!(reference);
    rule
}

#[tokio::test]
async fn an_entrypoint_is_missing_until_it_is_put() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let path = local.in_zone(CUSTOM);
    let missing = local.get(&path).await?;
    assert_eq!((missing.status.as_u16(), missing.code()), (404, 10_003));
    let put = local.put(&path, json!({"rules": [block("/a")]})).await?.ok()?;
    assert_eq!(put.result()["version"], "1");
    assert_eq!(put.result()["rules"][0]["enabled"], true);
    assert_eq!(put.result()["rules"][0]["ref"], put.result()["rules"][0]["id"]);
    let second = local
        .post(
            &local.in_zone("rulesets"),
            json!({"name": "n", "kind": "zone", "phase": "http_request_firewall_custom"}),
        )
        .await?;
    assert_eq!((second.status.as_u16(), second.code()), (400, 20_217));
    assert_eq!(second.body["errors"][0]["source"]["pointer"], "/kind");
    let listed = local.get(&local.in_zone("rulesets")).await?.ok()?;
    assert!(listed.result()[0].get("rules").is_none(), "a listing has no rules");
    Ok(())
}

#[tokio::test]
async fn a_rule_keeps_its_id_over_a_put_only_by_its_ref() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let path = local.in_zone(CUSTOM);
    let first =
        local.put(&path, json!({"rules": [block("/plain"), named("/named", "r1")]})).await?.ok()?;
    let again =
        local.put(&path, json!({"rules": [block("/plain"), named("/named", "r1")]})).await?.ok()?;
    let (before, after) = (&first.result()["rules"], &again.result()["rules"]);
    assert_ne!(before[0]["id"], after[0]["id"], "without a ref the id churns");
    assert_eq!(before[1], after[1], "with its ref an unchanged rule stays as it was");
    let changed = local.put(&path, json!({"rules": [named("/other", "r1")]})).await?.ok()?;
    assert_eq!(changed.result()["rules"][0]["id"], before[1]["id"]);
    assert_eq!(changed.result()["rules"][0]["version"], "2");
    assert_eq!(changed.result()["version"], "3");
    let twice = json!({"rules": [named("/a", "r1"), named("/b", "r1")]});
    assert_eq!(local.put(&path, twice).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn rules_are_added_changed_moved_and_removed_one_by_one() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let made = local.put(&local.in_zone(CUSTOM), json!({"rules": [block("/a")]})).await?.ok()?;
    let ruleset =
        local.in_zone(&format!("rulesets/{}", made.result()["id"].as_str().unwrap_or_default()));
    let rules = format!("{ruleset}/rules");
    let paths = |answer: &Value| -> Vec<String> {
        let rules = answer["rules"].as_array().cloned().unwrap_or_default();
        rules.iter().map(|rule| rule["description"].as_str().unwrap_or_default().into()).collect()
    };
    let added = local.post(&rules, named("/b", "b")).await?.ok()?;
    assert_eq!(paths(added.result()), ["/a", "/b"], "every write answers the whole ruleset");
    let mut first = block("/c");
    first["position"] = json!({"before": added.result()["rules"][0]["id"]});
    let moved = local.post(&rules, first).await?.ok()?;
    assert_eq!(paths(moved.result()), ["/c", "/a", "/b"]);

    let b = moved.result()["rules"][2]["id"].as_str().unwrap_or_default().to_owned();
    let edited = local.patch(&format!("{rules}/{b}"), json!({"enabled": false})).await?.ok()?;
    let rule = &edited.result()["rules"][2];
    assert_eq!((&rule["enabled"], &rule["ref"]), (&json!(false), &json!("b")));
    assert_eq!((&rule["id"], &rule["version"]), (&json!(b), &json!("2")));

    let left = local.delete(&format!("{rules}/{b}")).await?.ok()?;
    assert_eq!(paths(left.result()), ["/c", "/a"]);
    assert_eq!(local.delete(&format!("{rules}/{b}")).await?.code(), 10_003);
    assert_eq!(local.delete(&ruleset).await?.status, 204);
    assert_eq!(local.get(&ruleset).await?.code(), 10_003);
    Ok(())
}

#[tokio::test]
async fn what_the_edge_could_not_obey_is_refused() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let put = async |path: &str, rule: Value| -> anyhow::Result<(u16, Value)> {
        let answer = local.put(&local.in_zone(path), json!({"rules": [rule]})).await?;
        Ok((answer.status.as_u16(), answer.body["errors"][0]["source"]["pointer"].clone()))
    };
    let with = |mut rule: Value, field: &str, value: Value| {
        rule[field] = value;
        rule
    };
    let bad = put(CUSTOM, with(block("/a"), "expression", json!("nope eq"))).await?;
    assert_eq!(bad, (400, json!("/rules/0/expression")));
    let bad = put(CUSTOM, with(block("/a"), "action", json!("explode"))).await?;
    assert_eq!(bad, (400, json!("/rules/0/action")));
    assert_eq!(put(CUSTOM, with(block("/a"), "colour", json!("red"))).await?.0, 400);

    let limit = |limit: Value| with(block("/a"), "ratelimit", limit);
    let good = json!({"characteristics": ["cf.colo.id", "ip.src"], "period": 60,
        "requests_per_period": 10, "mitigation_timeout": 60});
    assert_eq!(put(LIMITS, limit(good.clone())).await?.0, 200);
    assert_eq!(put(LIMITS, block("/a")).await?.1, "/rules/0/ratelimit");
    for (field, value) in [
        ("characteristics", json!(["ip.src"])),
        ("period", json!(61)),
        ("requests_per_period", json!(0)),
        ("mitigation_timeout", json!(7)),
    ] {
        let refused = put(LIMITS, limit(with(good.clone(), field, value))).await?;
        assert_eq!(refused, (400, json!("/rules/0/ratelimit")), "{field}");
    }

    let cache = |given: Value| json!({"action": "set_cache_settings", "action_parameters": given, "expression": "true"});
    let good = json!({"cache": true, "edge_ttl": {"mode": "override_origin", "default": 60}});
    assert_eq!(put(CACHE, cache(good)).await?.0, 200);
    for bad in [
        json!({"cache": "yes"}),
        json!({"cache": true, "edge_ttl": {"mode": "override_origin"}}),
        json!({"cache": true, "edge_ttl": {"mode": "sometimes"}}),
        json!({"cache": true, "magic": true}),
    ] {
        assert_eq!(put(CACHE, cache(bad.clone())).await?.0, 400, "{bad}");
    }
    let elsewhere = "rulesets/phases/http_request_transform/entrypoint";
    assert_eq!(put(elsewhere, block("/a")).await?.1, "/phase");
    Ok(())
}
