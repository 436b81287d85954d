//! What nobody touched gives no finding, however the cloud shows it.
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
use bus_schema::Resource;
use bus_schema::stream::Bucket;
use cloud::Kind;
use cloud::cloudflare::catalogue;
use serde_json::json;
use support::{World, kind, record, resource, scope};

/// Stacks that nobody touches.
const STACKS: usize = 50;
/// Looks at each scope.
const LOOKS: u64 = 200;

/// One of a kind. Two rules cannot have one precedence, so that it is left to the cloud.
fn main_of(of: &dyn Kind, stack: &str) -> Resource {
    let mut made = resource(of, stack, "main", None);
    made.properties.0.remove("precedence");
    made
}

/// Looks from one reordering of the rules to the next.
const REORDER: u64 = 50;

/// Somebody else puts every rule of the zone in the other order, which moves the version of each:
/// the order of rules is not declared, and neither are versions. Answers how many calls it took.
async fn reorder(world: &World) -> Result<u64> {
    let zone = world.call("GET", "/zones?name=example.com", &json!({})).await?;
    let zone = zone[0]["id"].as_str().context("a zone")?.to_owned();
    let phases = ["http_request_firewall_custom", "http_ratelimit", "http_request_cache_settings"];
    for phase in phases {
        let path = format!("/zones/{zone}/rulesets/phases/{phase}/entrypoint");
        let rules = world.call("GET", &path, &json!({})).await?;
        let mut rules = rules["rules"].as_array().cloned().context("rules")?;
        assert!(rules.len() > STACKS, "{phase}");
        rules.reverse();
        world.call("PUT", &path, &json!({ "rules": rules })).await?;
    }
    Ok(phases.len() as u64)
}

#[tokio::test]
async fn two_hundred_looks_at_fifty_untouched_stacks_find_and_write_nothing() -> Result<()> {
    let world = World::start().await?;
    let mut stacks = Vec::new();
    for nth in 0..STACKS {
        let stack = format!("stack-{nth}");
        let records = [("api", "203.0.113.10"), ("www", "203.0.113.11")];
        let mut resources: Vec<_> =
            records.map(|(name, content)| record(&stack, name, content)).to_vec();
        for of in ["waf_rule", "rate_limit", "cache_rule", "kv_namespace", "gateway_rule"] {
            resources.push(main_of(kind(of), &stack));
        }
        stacks.push(world.declare(&stack, &resources).await?.stack);
    }
    let stack = "all-kinds";
    let mut resources = Vec::new();
    for of in catalogue().0.iter().copied() {
        if of.describe().name == "cloudflare.worker_route" {
            for script in ["one", "two"] {
                resources.push(resource(kind("worker_script"), stack, script, None));
            }
        }
        resources.push(main_of(of, stack));
    }
    stacks.push(world.declare(stack, &resources).await?.stack);
    world.forget_requests().await?;

    let scopes: Vec<_> = catalogue().0.iter().map(|of| scope(*of)).collect();
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
    let sight = Arc::new(world.reading()?);
    let watching = Arc::new(Watching::new(world.bus.clone(), sight, terms));
    let mut theirs = 0;
    for look in 1..=LOOKS {
        if look % REORDER == 0 {
            theirs += reorder(&world).await?;
        }
        for scope in &scopes {
            watching.wish(scope, Wish::Repair, jiff::Timestamp::now()).await?;
        }
        for scope in &scopes {
            world.looked(scope, look).await?;
        }
    }
    watching.end().await;
    for stack in &stacks {
        let found = world.found(stack).await?;
        assert_eq!(found, [], "{stack}");
        let (_, revision) = world.stacks().get(stack).await?.context("a stack")?;
        assert!(revision.0 <= stacks.len() as u64, "{stack} was written again");
    }
    let observations = world.bus.view::<bus_schema::StackObservation>().now().await?;
    assert!(observations.is_empty(), "{} of {}", observations.len(), Bucket::OBSERVATIONS.name);
    let (writes, reads) = world.calls().await?;
    assert_eq!(writes, theirs, "calls that change something");
    let looks = LOOKS * scopes.len() as u64;
    println!("{looks} looks, {reads} calls");
    Ok(())
}
