//! Time to repair: somebody else changes a record, and it is put back; with a hint and without.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use async_nats::jetstream;
use bus_schema::{Filter, Message, PlanApplied, Record, Scope, StackName, Watch, codec};
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Identity, Someone, Swarm, secs, until};
use tokio::time::Instant;

use crate::intents::Load;
use crate::measure::Measured;
use crate::{NO_LIMIT, agents, say};

/// How often the auditor looks where nobody hints.
const CADENCE: u64 = 2;
/// So seldom that within a measurement it does not.
const NEVER: u64 = 3_600;
/// Most repairs that are timed one after the other, each with a hint.
const HINTED: usize = 200;
/// Most repairs that are timed without one.
const UNHINTED: usize = 20;
/// Looks at what nobody changed.
const QUIET: u64 = 5;
/// Longest a repair may take before the measurement is given up.
const LONGEST: Duration = Duration::from_secs(60);

/// A record in the cloud, and the stack that declares it.
#[derive(Debug)]
struct Declared {
    path: String,
    stack: StackName,
}

/// Measures with so many resources, each in a stack of its own, all in one scope.
pub(crate) async fn measure(resources: usize) -> anyhow::Result<()> {
    let rate = "ZERODRIFT_CLOUDFLARE_RATE";
    let mut swarm = Swarm::builder()
        .with_auditors(1)
        .with_remediators(1)
        .with_setting(Identity::Provisioner, rate, NO_LIMIT.to_string())
        .with_setting(Identity::Auditor, rate, NO_LIMIT.to_string())
        .with_setting(Identity::Auditor, "ZERODRIFT_CADENCE_SECONDS", NEVER.to_string())
        .start()
        .await?;
    swarm.cloudflare.set_limit(NO_LIMIT).await?;
    Load::new(&swarm).await?.run("heal", 64, resources).await?;
    let scope: Scope = "cloudflare.dns_record.zone.example.com".parse()?;
    let someone = swarm.cloudflare.as_someone_else();
    let declared = declared(&someone).await?;
    anyhow::ensure!(declared.len() == resources, "{} records", declared.len());
    looked(&swarm, &scope, 1).await?;

    let hinted = hinted(&swarm, &someone, &scope, declared.iter().take(HINTED)).await?;
    say(&format!("  {resources:>4} resources in one scope"))?;
    say(&told("with a hint, one after the other", &hinted))?;

    swarm.auditors.clear();
    let often = [("ZERODRIFT_CADENCE_SECONDS", CADENCE.to_string())];
    swarm.auditors.push(swarm.start_agent(Identity::Auditor, &often)?);
    hint(&swarm, &scope).await?;
    let (calls, looks) = quiet(&swarm, &scope).await?;
    let declared: Vec<&Declared> = declared.iter().take(UNHINTED).collect();
    let unhinted = unhinted(&swarm, &someone, &declared).await?;
    say(&told(&format!("without, looking every {CADENCE} s, all at once"), &unhinted))?;
    say(&format!(
        "    {calls} cloud calls in {looks} looks; {}; {}",
        agents::memory_of("auditor", &swarm.auditors)?,
        agents::memory_of("remediator", &swarm.remediators)?
    ))?;
    Ok(())
}

fn told(how: &str, repairs: &Measured) -> String {
    format!(
        "    {how:<40} p50 {}   p99 {}   max {}   (n={})",
        repairs.percentile(50),
        repairs.percentile(99),
        repairs.percentile(100),
        repairs.count()
    )
}

/// Each after the other: a change, a hint, its repair.
async fn hinted(
    swarm: &Swarm,
    someone: &Someone,
    scope: &Scope,
    declared: impl Iterator<Item = &Declared>,
) -> anyhow::Result<Measured> {
    let mut repairs = Repairs::listen(swarm).await?;
    let (started, mut each) = (Instant::now(), Vec::new());
    for record in declared {
        let body = json!({ "content": "198.51.100.66" });
        someone.must(Method::PATCH, &record.path, Some(&body)).await?;
        let began = Instant::now();
        hint(swarm, scope).await?;
        repairs.of(swarm, &record.stack).await?;
        each.push(began.elapsed());
    }
    Ok(Measured::since(started, each))
}

/// All at some moment between two looks.
async fn unhinted(
    swarm: &Swarm,
    someone: &Someone,
    declared: &[&Declared],
) -> anyhow::Result<Measured> {
    let mut repairs = Repairs::listen(swarm).await?;
    let (started, mut each) = (Instant::now(), Vec::new());
    let mut began = HashMap::new();
    for record in declared {
        // Another field than before: a second repair of the same sort would be held back.
        someone.must(Method::PATCH, &record.path, Some(&json!({ "proxied": false }))).await?;
        began.insert(&record.stack, Instant::now());
    }
    for record in declared {
        let at = repairs.of(swarm, &record.stack).await?;
        let began = began.get(&record.stack).context("it was changed")?;
        each.push(at.duration_since(*began));
    }
    Ok(Measured::since(started, each))
}

/// Calls to the cloud and looks, while nobody changes anything.
async fn quiet(swarm: &Swarm, scope: &Scope) -> anyhow::Result<(u64, u64)> {
    let before = looked(swarm, scope, 1).await?;
    // The new auditor's first look has found its way around.
    let before = looked(swarm, scope, before + 1).await?;
    let calls = swarm.cloudflare.calls().await?;
    let after = looked(swarm, scope, before + QUIET).await?;
    Ok((swarm.cloudflare.calls().await? - calls, after - before))
}

async fn hint(swarm: &Swarm, scope: &Scope) -> anyhow::Result<()> {
    let hint = serde_json::to_vec(&json!({ "scope": scope, "by": "bench" }))?;
    let jetstream = jetstream::new(swarm.operator.clone());
    jetstream.publish(format!("swarm.hint.{scope}"), hint.into()).await?.await?;
    Ok(())
}

/// Waits for so many looks at a scope; how many there are.
async fn looked(swarm: &Swarm, scope: &Scope, times: u64) -> anyhow::Result<u64> {
    until("the auditor looks", secs(60), || async {
        let watch: Option<Watch> = swarm.record(&scope.token()).await?;
        Ok(watch.map(|watch| watch.looks).filter(|looks| *looks >= times))
    })
    .await
    .with_context(|| format!("{}\n{}", Watch::PREFIX, swarm.logs()))
}

/// Every record of the zone.
async fn declared(someone: &Someone) -> anyhow::Result<Vec<Declared>> {
    let zone = someone.zone("example.com").await?;
    let records = someone.list(&format!("/zones/{zone}/dns_records?per_page=5000")).await?;
    let declared = records.iter().map(|record| {
        let text = |field: &str| record.get(field).and_then(Value::as_str).context("its field");
        let stack = format!("dns-{}", text("name")?.replace('.', "-")).parse()?;
        Ok(Declared { path: format!("/zones/{zone}/dns_records/{}", text("id")?), stack })
    });
    declared.collect()
}

/// Repairs as they are applied.
struct Repairs {
    applied: async_nats::Subscriber,
    seen: HashMap<StackName, Instant>,
}

impl Repairs {
    async fn listen(swarm: &Swarm) -> anyhow::Result<Self> {
        let subject = Filter::PROVISION_APPLIED.as_str();
        let applied = swarm.operator.subscribe(subject).await?;
        swarm.operator.flush().await?;
        Ok(Self { applied, seen: HashMap::new() })
    }

    /// When the next one of this stack was heard of.
    async fn of(&mut self, swarm: &Swarm, stack: &StackName) -> anyhow::Result<Instant> {
        loop {
            if let Some(at) = self.seen.remove(stack) {
                return Ok(at);
            }
            let message = tokio::time::timeout(LONGEST, self.applied.next()).await;
            let message = message
                .with_context(|| format!("{stack} is not put back\n{}", swarm.logs()))?
                .context("the connection is open")?;
            let applied: PlanApplied = codec::decode(None, &message.payload)?;
            if let Some(stack) = applied.stack() {
                self.seen.insert(stack.clone(), Instant::now());
            }
        }
    }
}
