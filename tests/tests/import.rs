//! What somebody else made becomes a stack without a write to the cloud, and is healed from then on.

use anyhow::Context;
use bus_schema::StackState;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sandbox, Someone, Swarm, secs, until};

const WWW: &str = "www.example.com";
const FIREWALL: &str = "rulesets/phases/http_request_firewall_custom/entrypoint";

/// A record, a rule, and some of what cannot be taken.
async fn made_by_somebody(someone: &Someone) -> anyhow::Result<()> {
    let zone = someone.zone("example.com").await?;
    let records = format!("/zones/{zone}/dns_records");
    let www = json!({"type": "A", "name": WWW, "content": "203.0.113.7", "ttl": 300});
    someone.must(Method::POST, &records, Some(&www)).await?;
    for content in ["198.51.100.1", "198.51.100.2"] {
        let twice =
            json!({"type": "A", "name": "pool.example.com", "content": content, "ttl": 300});
        someone.must(Method::POST, &records, Some(&twice)).await?;
    }
    let rules = json!({"rules": [
        {"action": "block", "expression": "(http.request.uri.path contains \"/admin\")",
            "description": "No admin from outside"},
        {"action": "skip", "expression": "(ip.src eq 192.0.2.1)", "description": "The office",
            "action_parameters": {"phases": ["http_ratelimit"]}},
    ]});
    someone.must(Method::PUT, &format!("/zones/{zone}/{FIREWALL}"), Some(&rules)).await?;
    Ok(())
}

async fn rule(someone: &Someone, action: &str) -> anyhow::Result<Option<Value>> {
    let zone = someone.zone("example.com").await?;
    let ruleset = someone.must(Method::GET, &format!("/zones/{zone}/{FIREWALL}"), None).await?;
    let rules = ruleset.get("rules").and_then(Value::as_array).cloned().unwrap_or_default();
    let is = |it: &Value| {
        it["action"] == action
            && it["description"].as_str().is_some_and(|it| it.starts_with("No admin"))
    };
    Ok(rules.into_iter().find(is))
}

/// Waits until record and rule are as they were imported, each once.
async fn put_back(swarm: &Swarm) -> anyhow::Result<()> {
    let someone = swarm.cloudflare.as_someone_else();
    until("they are put back", secs(30), || async {
        let records = someone.records("example.com", WWW).await?;
        let contents: Vec<&Value> = records.iter().map(|it| &it["content"]).collect();
        let there = contents == ["203.0.113.7"] && rule(&someone, "block").await?.is_some();
        Ok(there.then_some(()))
    })
    .await
    .with_context(|| swarm.logs())
}

async fn writes(cloudflare: &Sandbox) -> anyhow::Result<usize> {
    Ok(cloudflare.audit().await?.iter().filter(|entry| Sandbox::is_ours(entry)).count())
}

#[tokio::test]
async fn what_somebody_else_made_is_imported_watched_healed_and_retired() -> anyhow::Result<()> {
    let swarm = Swarm::builder().with_auditors(1).with_remediators(1).start().await?;
    let someone = swarm.cloudflare.as_someone_else();
    made_by_somebody(&someone).await?;
    let import = ["import", "cloudflare", "zone/example.com", "--as", "site", "--json"];
    let dry = swarm.zerodrift(&[&import[..], &["--dry-run"]].concat()).await?;
    assert_eq!(dry.code, Some(0), "{dry:?}\n{}", swarm.logs());
    let none: Option<StackState> = swarm.record(&"site".parse()?).await?;
    assert_eq!(none, None);

    let said = swarm.zerodrift(&import).await?;
    assert_eq!(said.code, Some(0), "{said:?}\n{}", swarm.logs());
    let answer = said.json()?.remove(0);
    let taken: Vec<&str> = answer["taken"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["resource"].as_str())
        .collect();
    assert_eq!(
        taken,
        ["site/cloudflare.dns_record/www-a", "site/cloudflare.waf_rule/no-admin-from-outside"],
        "{answer:#}"
    );
    let left = answer["left"].to_string();
    for why in ["one of 2 alike", "action_parameters.phases", "worker_route"] {
        assert!(left.contains(why), "{why}: {answer:#}");
    }
    assert_eq!(writes(&swarm.cloudflare).await?, 0, "nothing was written");
    let again = swarm.zerodrift(&import).await?;
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(again.out.contains("there is a stack site already"), "{again:?}");

    // It is watched and healed.
    let zone = someone.zone("example.com").await?;
    let id = |value: &Value| value["id"].as_str().map(str::to_owned).context("an id");
    let record = id(someone.records("example.com", WWW).await?.first().context("www")?)?;
    let path = format!("/zones/{zone}/dns_records/{record}");
    someone.must(Method::PATCH, &path, Some(&json!({"content": "198.51.100.66"}))).await?;
    let ruleset = someone.must(Method::GET, &format!("/zones/{zone}/{FIREWALL}"), None).await?;
    let blocks = rule(&someone, "block").await?.context("the rule")?;
    let rule_path = format!("/zones/{zone}/rulesets/{}/rules/{}", id(&ruleset)?, id(&blocks)?);
    let challenges = json!({"action": "managed_challenge", "expression": blocks["expression"],
        "description": blocks["description"]});
    someone.must(Method::PATCH, &rule_path, Some(&challenges)).await?;
    put_back(&swarm).await?;

    // What is deleted is made anew.
    someone.must(Method::DELETE, &path, None).await?;
    let blocks = rule(&someone, "block").await?.context("the rule")?;
    let rule_path = format!("/zones/{zone}/rulesets/{}/rules/{}", id(&ruleset)?, id(&blocks)?);
    someone.must(Method::DELETE, &rule_path, None).await?;
    put_back(&swarm).await?;

    // Retired, it goes; what was not taken stays.
    until("nothing is open", secs(20), || async {
        let seen: Option<bus_schema::StackObservation> = swarm.record(&"site".parse()?).await?;
        Ok(seen.filter(|it| it.findings.is_empty()).map(|_| ()))
    })
    .await
    .with_context(|| swarm.logs())?;
    swarm.intend("Retire stack site").await?.converged().await?;
    assert_eq!(someone.records("example.com", WWW).await?.len(), 0);
    assert_eq!(someone.records("example.com", "pool.example.com").await?.len(), 2);
    assert_eq!(rule(&someone, "block").await?, None);
    assert_eq!(swarm.messages("DEAD").await?.len(), 0);
    Ok(())
}
