//! What somebody else changes in the cloud is found in a whole swarm.

use std::collections::BTreeSet;

use anyhow::Context;
use bus_schema::{Drift, DriftFound, Record, StackObservation, codec};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Identity, Swarm, secs, until};

/// One intent for every golden path that makes something.
const INTENTS: [&str; 6] = [
    "Secure edge cache for API with DDoS guardrails",
    "Deploy a worker with a redirect map at go.example.com",
    "Scale prod to 10k RPS with WAF",
    "Point docs.example.com to 203.0.113.20",
    "Block gambling.example and bad.example at the gateway",
    "Serve files from R2 at files.example.com",
];

async fn found(swarm: &Swarm) -> anyhow::Result<Vec<DriftFound>> {
    let messages = swarm.messages("SWARM").await?;
    messages
        .iter()
        .filter(|message| message.subject.starts_with("swarm.finding.drift."))
        .map(|message| Ok(codec::decode(None, &message.payload)?))
        .collect()
}

/// Looks at every scope so far.
async fn looks(swarm: &Swarm) -> anyhow::Result<(u64, usize)> {
    let bucket = async_nats::jetstream::new(swarm.operator.clone());
    let bucket = bucket.get_key_value(bus_schema::Watch::BUCKET.name).await?;
    let mut keys = bucket.keys().await?;
    let (mut sum, mut scopes) = (0, 0);
    while let Some(key) = futures::StreamExt::next(&mut keys).await {
        let key = key?;
        if key.starts_with("scope.")
            && let Some(bytes) = bucket.get(key).await?
        {
            sum += codec::decode::<bus_schema::Watch>(None, &bytes)?.looks;
            scopes += 1;
        }
    }
    Ok((sum, scopes))
}

#[tokio::test]
async fn what_the_swarm_made_shows_no_drift_and_what_another_edits_does() -> anyhow::Result<()> {
    let swarm = Swarm::builder()
        .with_auditors(2)
        .with_setting(Identity::Auditor, "ZERODRIFT_CLOUDFLARE_RATE", "1000000")
        .start()
        .await?;
    for text in INTENTS {
        swarm.intend(text).await?.converged().await?;
    }
    let (_, scopes) = looks(&swarm).await?;
    anyhow::ensure!(scopes > 0, "nothing is watched\n{}", swarm.logs());
    let enough = (looks(&swarm).await?.0 + 4 * scopes as u64).max(1);
    until("every scope was looked at a few times", secs(30), || async {
        Ok((looks(&swarm).await?.0 >= enough).then_some(()))
    })
    .await
    .with_context(|| swarm.logs())?;
    assert_eq!(found(&swarm).await?, [], "{}", swarm.logs());
    let audits = swarm.cloudflare.audit().await?;
    let by_auditor = |entry: &&Value| {
        entry.pointer("/actor/token_name").and_then(Value::as_str) == Some("read token 1")
    };
    assert_eq!(audits.iter().filter(by_auditor).count(), 0, "the auditor writes nothing");

    // The WAF rule is edited, the DNS record deleted, the Worker changed.
    let someone = swarm.cloudflare.as_someone_else();
    let zone = someone.zone("example.com").await?;
    let record = someone.records("example.com", "docs.example.com").await?;
    let id = record[0]["id"].as_str().context("a record")?;
    someone.must(Method::DELETE, &format!("/zones/{zone}/dns_records/{id}"), None).await?;
    let phase = format!("/zones/{zone}/rulesets/phases/http_request_firewall_custom/entrypoint");
    let mut rules = someone.must(Method::GET, &phase, None).await?;
    rules["rules"][0]["enabled"] = json!(false);
    let rules = json!({ "rules": rules["rules"] });
    someone.must(Method::PUT, &phase, Some(&rules)).await?;

    let all = until("both are found", secs(15), || async {
        let all = found(&swarm).await?;
        Ok((all.len() >= 2).then_some(all))
    })
    .await
    .with_context(|| swarm.logs())?;
    let told: BTreeSet<(Drift, Option<&str>)> =
        all.iter().map(|it| (it.finding.drift, it.finding.by.as_deref())).collect();
    let by = Some("token 2");
    assert_eq!(told, BTreeSet::from([(Drift::Changed, by), (Drift::Missing, by)]), "{all:#?}");
    for it in &all {
        let state = swarm.stack(it.stack.as_str()).await?;
        assert_eq!(it.finding.intent, state.intent);
        let observation: Option<StackObservation> = swarm.record(&it.stack).await?;
        let observation = observation.context("an observation")?;
        assert!(observation.findings.contains_key(&it.finding.signature));
        let resource = it.finding.resource.as_ref().context("a resource")?;
        assert!(observation.drifted.contains_key(resource));
    }
    Ok(())
}

#[tokio::test]
async fn the_trace_of_an_intent_leads_to_its_drift_and_back() -> anyhow::Result<()> {
    let swarm = Swarm::builder().with_telemetry().with_auditors(1).start().await?;
    let followed =
        swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    let traceparent = followed.state.traceparent.clone().unwrap_or_default();
    let declared = traceparent.split('-').nth(1).unwrap_or_default().to_owned();
    let someone = swarm.cloudflare.as_someone_else();
    let zone = someone.zone("example.com").await?;
    let record = someone.records("example.com", "docs.example.com").await?;
    let id = record[0]["id"].as_str().context("a record")?;
    someone.must(Method::DELETE, &format!("/zones/{zone}/dns_records/{id}"), None).await?;

    let receiver = swarm.telemetry.as_ref().context("asked for")?;
    let told = until("both spans have arrived", secs(30), || async {
        let told: Vec<_> =
            receiver.spans().into_iter().filter(|span| span.name == "drift found").collect();
        Ok((told.len() >= 2).then_some(told))
    })
    .await
    .with_context(|| swarm.logs())?;
    let (there, here): (Vec<_>, Vec<_>) = told.iter().partition(|span| span.trace == declared);
    let (there, here) = (there.first(), here.first());
    let (there, here) = (there.context("in the intent's trace")?, here.context("in the look's")?);
    // The receiver prints links as it prints attributes.
    assert_eq!(there.attributes.get("Trace ID"), Some(&here.trace), "{told:#?}");
    assert_eq!(here.attributes.get("Trace ID"), Some(&declared), "{told:#?}");
    Ok(())
}
