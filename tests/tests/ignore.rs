//! A field that is somebody else's stays as they set it, while everything else is put back.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Someone, Swarm, secs, until};

const RECORD: &str = "docs.example.com";
const STACK: &str = "dns-docs-example-com";

async fn edit(someone: &Someone, to: &Value) -> anyhow::Result<()> {
    let zone = someone.zone("example.com").await?;
    let records = someone.records("example.com", RECORD).await?;
    let id = records.first().and_then(|it| it.get("id")?.as_str()).context("a record")?;
    someone.must(Method::PATCH, &format!("/zones/{zone}/dns_records/{id}"), Some(to)).await?;
    Ok(())
}

/// Waits until the record is so.
async fn becomes(swarm: &Swarm, content: &str, ttl: u64) -> anyhow::Result<()> {
    let someone = swarm.cloudflare.as_someone_else();
    until("the record is as it is to be", secs(30), || async {
        let records = someone.records("example.com", RECORD).await?;
        let is = |it: &&Value| it["content"] == content && it["ttl"] == ttl;
        Ok(records.iter().find(is).map(|_| ()))
    })
    .await
    .with_context(|| swarm.logs())
}

/// Waits until nothing of the stack is open.
async fn nothing_open(swarm: &Swarm) -> anyhow::Result<()> {
    until("nothing is open", secs(20), || async {
        let seen: Option<bus_schema::StackObservation> = swarm.record(&STACK.parse()?).await?;
        Ok(seen.filter(|it| it.findings.is_empty()).map(|_| ()))
    })
    .await
    .with_context(|| swarm.logs())
}

#[tokio::test]
async fn an_ignored_field_stays_as_somebody_else_set_it_and_the_rest_comes_back()
-> anyhow::Result<()> {
    let swarm = Swarm::builder().with_auditors(1).with_remediators(1).start().await?;
    // Cloudflare chooses the TTL of what it proxies.
    let intent = "Point docs.example.com to 203.0.113.20 without proxy";
    swarm.intend(intent).await?.converged().await?;
    let resource = swarm.stack(STACK).await?.resources.into_keys().next().context("a record")?;
    let local = format!("dns_record/{}", resource.name);
    let ignore = async |arguments: &[&str]| {
        swarm.zerodrift(&[&["ignore", STACK, &local][..], arguments].concat()).await
    };
    let wrong = ignore(&["tttl"]).await?;
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.err.contains("no field `tttl`") && wrong.err.contains("ttl"), "{wrong:?}");
    let said = ignore(&["ttl", "--reason", "tuned by hand", "--json"]).await?;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.json()?[0]["ignored"], json!(["ttl"]));

    let someone = swarm.cloudflare.as_someone_else();
    edit(&someone, &json!({"content": "198.51.100.9", "ttl": 120})).await?;
    becomes(&swarm, "203.0.113.20", 120).await?;
    nothing_open(&swarm).await?;
    let state = swarm.stack(STACK).await?;
    assert_eq!(state.generation.0, 2, "one repair");
    let declared = &state.resources.get(&resource).context("the record")?.declared;
    assert_eq!(declared.get("ttl"), Some(&json!(300)), "what is declared stays declared");
    let listed = swarm.zerodrift(&["ignore", STACK]).await?;
    assert!(listed.out.contains("tuned by hand"), "{listed:?}");

    // Theirs no longer: what is declared comes back.
    edit(&someone, &json!({"ttl": 600})).await?;
    let undone = ignore(&["ttl", "--undo"]).await?;
    assert_eq!(undone.code, Some(0), "{undone:?}");
    becomes(&swarm, "203.0.113.20", 300).await?;
    nothing_open(&swarm).await?;
    assert_eq!(swarm.messages("DEAD").await?.len(), 0);
    Ok(())
}
