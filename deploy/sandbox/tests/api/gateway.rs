//! Gateway lists and rules.

use serde_json::{Value, json};

use crate::support::{ACCOUNT, Local};

fn at(path: &str) -> String {
    format!("/accounts/{ACCOUNT}/gateway/{path}")
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_list_normalises_its_items_and_is_edited() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let sent = json!({"name": "bad", "type": "DOMAIN",
        "items": [{"value": "A.example.org"}, {"value": "b.example.org"}, {"value": "a.example.org"}]});
    let made = local.post(&at("lists"), sent.clone()).await?.ok()?;
    assert_eq!(made.result()["count"], 2);
    assert_eq!(local.post(&at("lists"), sent).await?.status, 409);
    let path = at(&format!("lists/{}", id(made.result())));
    assert!(local.get(&path).await?.ok()?.result().get("items").is_none());
    let change = json!({"append": [{"value": "c.example.org"}], "remove": ["a.example.org"]});
    local.patch(&path, change).await?.ok()?;
    let items = local.get(&format!("{path}/items?per_page=1")).await?.ok()?;
    assert_eq!(items.body["result_info"]["total_count"], 2);
    assert_eq!(items.result()[0]["value"], "c.example.org", "the order is not kept");
    let put = json!({"name": "worse", "items": [{"value": "d.example.org"}]});
    assert_eq!(local.put(&path, put).await?.ok()?.result()["count"], 1);
    let bad = json!({"name": "x", "type": "IP", "items": [{"value": "nope"}]});
    assert_eq!(local.post(&at("lists"), bad).await?.status, 400);
    local.delete(&path).await?.ok()?;
    assert_eq!(local.get(&path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_rule_is_reformatted_renumbered_and_replaced() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let list = json!({"name": "bad", "type": "DOMAIN", "items": [{"value": "a.example.org"}]});
    let list = local.post(&at("lists"), list).await?.ok()?;
    let rule = |name: &str, traffic: &str| {
        json!({"name": name, "action": "block", "filters": ["dns"], "traffic": traffic,
            "enabled": true, "precedence": 10})
    };
    let traffic = format!("any(dns.domains[*]   in ${})", id(list.result()));
    let first = local.post(&at("rules"), rule("one", &traffic)).await?.ok()?;
    assert_eq!(first.result()["traffic"], traffic.replace("   ", " "));
    assert_eq!(first.result()["rule_settings"]["block_page_enabled"], false);
    let second = local.post(&at("rules"), rule("two", "dns.fqdn==\"x.org\"")).await?.ok()?;
    assert_eq!(second.result()["precedence"], 11, "what is taken is renumbered");
    assert_eq!(second.result()["traffic"], "dns.fqdn == \"x.org\"");

    let lists = at(&format!("lists/{}", id(list.result())));
    assert_eq!(local.delete(&lists).await?.status, 400, "a list in use stays");
    let none = "any(dns.domains[*] in $00000000-0000-4000-8000-000000000000)";
    assert_eq!(local.post(&at("rules"), rule("three", none)).await?.status, 400);
    assert_eq!(local.post(&at("rules"), rule("three", "nonsense(")).await?.status, 400);

    let path = at(&format!("rules/{}", id(first.result())));
    assert_eq!(local.patch(&path, json!({"enabled": false})).await?.status, 405);
    let mut off = rule("one", &traffic);
    off["enabled"] = json!(false);
    let put = local.put(&path, off).await?.ok()?;
    assert_eq!((&put.result()["enabled"], &put.result()["version"]), (&json!(false), &json!(2)));
    local.delete(&path).await?.ok()?;
    assert_eq!(local.get(&path).await?.status, 404);
    local.delete(&lists).await?.ok()?;
    Ok(())
}
