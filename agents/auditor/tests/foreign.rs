//! What is not the swarm's stays as it is, however often it is looked at, and whatever is repaired
//! beside it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use auditor::Cadences;
use auditor::promise::Grant;
use auditor::schedule::Wish;
use auditor::watching::{Terms, Watching};
use bus_schema::StackState;
use cloud::cloudflare::catalogue;
use cloud::{Cloud, Observed};
use serde_json::{Value, json};
use support::{World, eventually, kind, record, resource, scope};

/// Looks at each scope.
const LOOKS: u64 = 1_000;
/// Looks from one thing that somebody does to ours to the next.
const DEEDS: u64 = 100;

/// Puts a record and a rule of somebody else's beside ours.
async fn foreign(world: &World) -> Result<()> {
    let zone = world.call("GET", "/zones?name=example.com", &json!({})).await?;
    let zone = zone[0]["id"].as_str().context("a zone")?.to_owned();
    let records = format!("/zones/{zone}/dns_records");
    for (name, content) in [("legacy", "198.51.100.7"), ("mail", "198.51.100.8")] {
        let record = json!({ "type": "A", "name": format!("{name}.example.com"), "ttl": 300,
            "content": content, "comment": "not by a machine" });
        world.call("POST", &records, &record).await?;
    }
    // Of another type, at the name of one of ours.
    let beside = json!({ "type": "TXT", "name": "api.edge-api.example.com", "ttl": 300,
        "content": "\"theirs\"" });
    world.call("POST", &records, &beside).await?;
    let phase = format!("/zones/{zone}/rulesets/phases/http_request_firewall_custom/entrypoint");
    let rules = world.call("GET", &phase, &json!({})).await?;
    let mut rules = rules["rules"].as_array().cloned().unwrap_or_default();
    let theirs = json!({ "action": "block", "expression": "(ip.src eq 192.0.2.1)",
        "description": "theirs", "enabled": true });
    rules.insert(0, theirs);
    world.call("PUT", &phase, &json!({ "rules": rules })).await?;
    Ok(())
}

/// What is in both scopes and not the stack's, as the cloud shows it.
async fn not_ours(world: &World, state: &StackState) -> Result<Vec<Observed>> {
    let ours: Vec<_> = state.resources.values().filter_map(|it| it.cloud_id.clone()).collect();
    let mut all = Vec::new();
    for of in ["dns_record", "waf_rule"] {
        let scope = scope(kind(of));
        let listed = world.ours()?.list(&scope.kind, &scope.place).await?;
        all.extend(listed.into_iter().filter(|it| !ours.contains(&it.id)));
    }
    for it in &mut all {
        // A rule's moves with every write of its neighbours.
        if it.properties.get("expression").is_some() {
            it.modified_at = None;
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

#[tokio::test]
async fn what_is_somebody_else_s_survives_a_thousand_looks_and_every_repair_beside_it() -> Result<()>
{
    let world = World::start().await?;
    let wanted = [
        record("edge-api", "api", "203.0.113.10"),
        record("edge-api", "www", "203.0.113.11"),
        resource(kind("waf_rule"), "edge-api", "main", None),
    ];
    let state = world.declare("edge-api", &wanted).await?;
    foreign(&world).await?;
    let before = not_ours(&world, &state).await?;
    assert_eq!(before.len(), 4, "{before:#?}");
    let provisioner = world.provisioner("provisioner", &[])?;
    let remediator = world.remediator("remediator", &[])?;
    for agent in [&provisioner, &remediator] {
        agent.says("at work").await?;
    }
    // In this process, where a look can follow upon the other without waiting for its time.
    let terms = Terms {
        catalogue: catalogue(),
        cadences: Cadences { usual: Duration::from_secs(3_600), kinds: BTreeMap::new() },
        grant: Grant::of(1_200),
        promise: Duration::from_secs(60),
        lag: Duration::ZERO,
        hold: Duration::from_secs(6),
        parallelism: 16,
    };
    let watching = Arc::new(Watching::new(world.bus.clone(), Arc::new(world.reading()?), terms));
    let scopes = [scope(kind("dns_record")), scope(kind("waf_rule"))];
    let theirs = world.theirs()?;
    let mut done = 0;
    for look in 1..=LOOKS {
        if look % DEEDS == 0 {
            let (state, _) = world.stacks().get(&state.stack).await?.context("a stack")?;
            let victim = &wanted[done % wanted.len()];
            let id = state.resources[&victim.address].cloud_id.clone().context("an id")?;
            if done % 2 == 0 {
                theirs.delete(&victim.address.kind, &victim.place, &id).await?;
            } else {
                let mut edited = victim.clone();
                let field = if victim.address.kind.local() == "dns_record" {
                    "content"
                } else {
                    "description"
                };
                edited.properties.0.insert(field.to_owned(), Value::from("198.51.100.1"));
                theirs.update(&edited, &id).await?;
            }
            done += 1;
        }
        for scope in &scopes {
            watching.wish(scope, Wish::Repair, jiff::Timestamp::now()).await?;
        }
        for scope in &scopes {
            world.looked(scope, look).await?;
        }
        if look % DEEDS == 0 {
            let repaired = || async {
                let (now, _) = world.stacks().get(&state.stack).await?.context("a stack")?;
                let over = now.generation.0 > done as u64 && now.run.is_none();
                Ok(over.then_some(()))
            };
            eventually(&format!("repair {done}"), repaired)
                .await
                .with_context(|| format!("{}\n{}", remediator.log(), provisioner.log()))?;
        }
    }
    for scope in &scopes {
        watching.wish(scope, Wish::Repair, jiff::Timestamp::now()).await?;
        let watch = world.looked(scope, LOOKS + 1).await?;
        assert_eq!(watch.unmanaged.len(), if scope == &scopes[0] { 3 } else { 1 }, "{watch:#?}");
    }
    watching.end().await;
    let (now, _) = world.stacks().get(&state.stack).await?.context("a stack")?;
    assert_eq!(not_ours(&world, &now).await?, before);
    for wanted in &wanted {
        assert!(world.as_declared(&now, wanted).await?.is_some(), "{}", wanted.address);
    }
    assert_eq!(world.found(&state.stack).await?.len(), done);
    println!("{} looks, {done} repairs, {} objects of others", LOOKS * 2 + 2, before.len());
    Ok(())
}
