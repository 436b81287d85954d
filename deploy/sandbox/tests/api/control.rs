//! Faults, limits and counts.

use serde_json::{Value, json};

use crate::support::Local;

fn record(name: &str) -> Value {
    json!({"type": "A", "name": name, "content": "203.0.113.1"})
}

async fn count(local: &Local) -> anyhow::Result<u64> {
    let shown = local.get(&local.in_zone("dns_records")).await?.ok()?;
    Ok(shown.body["result_info"]["total_count"].as_u64().unwrap_or_default())
}

#[tokio::test]
async fn a_refusal_on_purpose_hits_as_often_as_asked() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let fault = json!({"method": "POST", "path": "/zones/*/dns_records", "count": 2,
        "kind": "status", "status": 429, "retry_after": 3});
    local.control("POST", "faults", fault).await?.ok()?;
    let records = local.in_zone("dns_records");
    for _ in 0..2 {
        let refused = local.post(&records, record("x")).await?;
        assert_eq!((refused.status.as_u16(), refused.code()), (429, 971));
        assert_eq!(refused.header("retry-after"), "3");
    }
    local.post(&records, record("x")).await?.ok()?;
    assert_eq!(local.control("GET", "faults", Value::Null).await?.body, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_reset_has_no_effect_and_a_lost_answer_has() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let records = local.in_zone("dns_records");
    local.control("POST", "faults", json!({"method": "POST", "kind": "reset"})).await?.ok()?;
    assert!(local.post(&records, record("x")).await.is_err());
    assert_eq!(count(&local).await?, 0);
    local.control("POST", "faults", json!({"method": "POST", "kind": "lost"})).await?.ok()?;
    assert!(local.post(&records, record("x")).await.is_err());
    assert_eq!(count(&local).await?, 1);
    let hang = json!({"method": "POST", "kind": "hang", "ms": 50});
    local.control("POST", "faults", hang).await?.ok()?;
    assert!(local.post(&records, record("y")).await.is_err());
    assert_eq!(count(&local).await?, 2);
    let stall = json!({"method": "POST", "kind": "stall", "ms": 50});
    local.control("POST", "faults", stall).await?.ok()?;
    assert!(local.post(&records, record("z")).await.is_err());
    assert_eq!(count(&local).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_stale_read_shows_the_past() -> anyhow::Result<()> {
    let local = Local::start().await?;
    local.control("POST", "faults", json!({"kind": "stale", "ms": 60_000})).await?.ok()?;
    local.post(&local.in_zone("dns_records"), record("x")).await?.ok()?;
    assert_eq!(count(&local).await?, 0);
    assert_eq!(count(&local).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_token_over_its_limit_waits() -> anyhow::Result<()> {
    let local = Local::start().await?;
    local.control("POST", "limits", json!({"requests": 2, "seconds": 100})).await?.ok()?;
    let first = local.get("/zones").await?.ok()?;
    assert_eq!(first.header("ratelimit"), "\"default\";r=1;t=100");
    assert_eq!(first.header("ratelimit-policy"), "\"default\";q=2;w=100");
    local.get("/zones").await?.ok()?;
    let over = local.get("/zones").await?;
    assert_eq!((over.status.as_u16(), over.code()), (429, 971));
    assert!(over.header("retry-after").parse::<u64>()? > 0);
    Ok(())
}

#[tokio::test]
async fn calls_are_counted_and_everything_can_be_reset() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let records = local.in_zone("dns_records");
    local.post(&records, record("x")).await?.ok()?;
    local.get(&format!("{records}/none")).await?;
    let counts = local.control("GET", "requests", Value::Null).await?.ok()?;
    let expected = json!({"method": "GET", "path": "/zones/{zone}/dns_records/{record}",
        "status": 404, "count": 1});
    let listed = counts.body["requests"].as_array().cloned().unwrap_or_default();
    assert!(listed.contains(&expected), "{listed:?}");
    let state = local.control("GET", "state", Value::Null).await?.ok()?;
    assert!(state.text.contains("x.example.com"));
    assert!(!state.text.contains(crate::support::TOKEN));
    local.control("POST", "reset", Value::Null).await?.ok()?;
    assert_eq!(count(&local).await?, 0);
    let health = local.control("GET", "health", Value::Null).await?.ok()?;
    assert_eq!(health.body["status"], "ok");
    Ok(())
}
