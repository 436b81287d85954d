//! Tokens, their scopes, and who did what.

use serde_json::{Value, json};

use crate::support::{ACCOUNT, Local, OTHER};

async fn read_only(local: &Local, groups: &[&str]) -> anyhow::Result<Value> {
    let known = local.get("/user/tokens/permission_groups").await?.ok()?;
    let id = |name: &str| {
        known.result().as_array().into_iter().flatten().find(|group| group["name"] == name).cloned()
    };
    let groups: Vec<Value> = groups.iter().filter_map(|name| id(name)).collect();
    let sent = json!({"name": "reader", "policies": [{"effect": "allow",
        "resources": {"com.cloudflare.api.account.zone.*": "*"}, "permission_groups": groups}]});
    Ok(local.post("/user/tokens", sent).await?.ok()?.result().clone())
}

#[tokio::test]
async fn bad_credentials_are_refused_as_the_cloud_does() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let wrong = local.with_token("nope", "GET", "/zones", Value::Null).await?;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (403, 9109));
    let wrong = local.with_token("nope", "GET", "/user/tokens/verify", Value::Null).await?;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (401, 1000));
    let verified = local.get("/user/tokens/verify").await?.ok()?;
    assert_eq!(verified.result()["status"], "active");
    local.get(&format!("/accounts/{ACCOUNT}/tokens/verify")).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_token_that_reads_cannot_write() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let token = read_only(&local, &["DNS Read", "Zone Read"]).await?;
    let value = token["value"].as_str().unwrap_or_default();
    let records = local.in_zone("dns_records");
    local.with_token(value, "GET", &records, Value::Null).await?.ok()?;
    let record = json!({"type": "A", "name": "x", "content": "203.0.113.1"});
    let refused = local.with_token(value, "POST", &records, record).await?;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, 10_000));
    let kv = format!("/accounts/{ACCOUNT}/storage/kv/namespaces");
    assert_eq!(local.with_token(value, "GET", &kv, Value::Null).await?.status, 403);
    let zones = local.with_token(value, "GET", "/zones", Value::Null).await?.ok()?;
    assert_eq!(zones.body["result_info"]["total_count"], 2);
    Ok(())
}

#[tokio::test]
async fn a_rolled_token_is_dead_at_once() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let token = read_only(&local, &["Zone Read"]).await?;
    let old = token["value"].as_str().unwrap_or_default();
    let path = format!("/user/tokens/{}", token["id"].as_str().unwrap_or_default());
    let rolled = local.put(&format!("{path}/value"), json!({})).await?.ok()?;
    let new = rolled.result().as_str().unwrap_or_default();
    assert_eq!(local.with_token(old, "GET", "/zones", Value::Null).await?.status, 403);
    local.with_token(new, "GET", "/zones", Value::Null).await?.ok()?;
    assert!(local.get(&path).await?.ok()?.result().get("value").is_none(), "shown once");
    local.delete(&path).await?.ok()?;
    assert_eq!(local.with_token(new, "GET", "/zones", Value::Null).await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn the_audit_log_names_who_did_what() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let records = local.in_zone("dns_records");
    let record = |name: &str| json!({"type": "A", "name": name, "content": "203.0.113.1"});
    let mine = local.post(&records, record("mine")).await?.ok()?;
    let foreign = local.with_token(OTHER, "POST", &records, record("foreign")).await?.ok()?;
    let log = format!("/accounts/{ACCOUNT}/logs/audit?since=2020-01-01&before=2100-01-01");
    let newest = local.get(&format!("{log}&limit=1")).await?.ok()?;
    let entry = &newest.result()[0];
    assert_eq!(entry["resource"]["id"], foreign.result()["id"]);
    assert_eq!(entry["resource"]["type"], "dns_records");
    assert_eq!(entry["resource"]["name"], "foreign.example.com");
    assert_eq!(entry["action"]["type"], "create");
    assert_eq!(entry["raw"]["method"], "POST");
    assert_eq!(entry["raw"]["cf_rayid"], foreign.header("cf-ray"));
    assert_eq!(entry["zone"]["name"], "example.com");
    let cursor = newest.body["result_info"]["cursor"].as_str().unwrap_or_default();
    let older = local.get(&format!("{log}&cursor={cursor}")).await?.ok()?;
    assert_eq!(older.result()[0]["resource"]["id"], mine.result()["id"]);
    assert_ne!(older.result()[0]["actor"]["token_id"], entry["actor"]["token_id"]);
    assert_eq!(local.get(&format!("/accounts/{ACCOUNT}/logs/audit")).await?.status, 400);
    Ok(())
}
