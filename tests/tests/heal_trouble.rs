//! Repairs under trouble: the server dies, the cloud refuses, hesitates and shows what was, replicas
//! go. Each repair is made, once.

use anyhow::Context;
use bus_schema::StackName;
use serde_json::json;
use tests::{Deed, Identity, Swarm, Vandal, secs, until};

const STACK: &str = "dns-docs-example-com";
const HOSTNAME: &str = "docs.example.com";

async fn start(auditors: usize, lag: u32) -> anyhow::Result<Swarm> {
    let lag = lag.to_string();
    let swarm = Swarm::builder()
        .with_auditors(auditors)
        .with_remediators(1)
        .with_setting(Identity::Auditor, "ZERODRIFT_CLOUDFLARE_RATE", "100000000")
        .with_setting(Identity::Auditor, "ZERODRIFT_CLOUDFLARE_LAG_SECONDS", lag.clone())
        .with_setting(Identity::Auditor, "ZERODRIFT_CLOUDFLARE_TIMEOUT_SECONDS", "2")
        .with_setting(Identity::Provisioner, "ZERODRIFT_CLOUDFLARE_RATE", "100000000")
        .with_setting(Identity::Provisioner, "ZERODRIFT_CLOUDFLARE_LAG_SECONDS", lag)
        .with_setting(Identity::Provisioner, "ZERODRIFT_CLOUDFLARE_TIMEOUT_SECONDS", "2")
        .with_setting(Identity::Remediator, "ZERODRIFT_BACKOFF_SECONDS", "1")
        .with_setting(Identity::Remediator, "ZERODRIFT_BACKOFF_LONGEST_SECONDS", "1")
        .with_setting(Identity::Remediator, "ZERODRIFT_REVERSALS", "100")
        .start()
        .await?;
    swarm.cloudflare.set_limit(100_000_000).await?;
    Ok(swarm)
}

#[tokio::test]
async fn a_server_killed_at_any_stage_of_a_repair_costs_time_and_nothing_else() -> anyhow::Result<()>
{
    let mut swarm = start(1, 0).await?;
    swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    let vandal = Vandal::of(&swarm, STACK, HOSTNAME).await?;
    // How often each was said before the first repair.
    let stages = [
        ("nothing yet", 0),
        ("swarm.finding.drift", 0),
        ("swarm.plan.proposed", 1),
        ("swarm.provision.applied", 1),
        ("swarm.finding.resolved", 0),
    ];
    let mut deeds = Vec::new();
    for (nth, (said, before)) in stages.into_iter().enumerate() {
        let deed = if nth.is_multiple_of(2) { Deed::Edit } else { Deed::Delete };
        vandal.does(deed, nth).await?;
        deeds.push(deed);
        if said != "nothing yet" {
            until("the repair has got so far", secs(30), || async {
                let times = swarm.payloads(&format!("{said}.{STACK}")).await?.len();
                Ok((times > nth + before).then_some(()))
            })
            .await
            .with_context(|| swarm.logs())?;
        }
        swarm.nats.process.kill().await?;
        swarm.nats.restart().await?;
        vandal.healed(&swarm, nth + 1).await.with_context(|| said)?;
    }
    vandal.done_once(&swarm, &deeds).await
}

#[tokio::test]
async fn a_cloud_that_refuses_or_hesitates_is_repaired_once_it_answers() -> anyhow::Result<()> {
    let swarm = start(1, 0).await?;
    swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    let vandal = Vandal::of(&swarm, STACK, HOSTNAME).await?;
    let faults = [
        json!({ "kind": "status", "status": 429, "retry_after": 1, "count": 3 }),
        json!({ "kind": "status", "status": 500, "count": 3 }),
        json!({ "kind": "status", "status": 503, "count": 3 }),
        json!({ "kind": "reset", "count": 3 }),
        json!({ "kind": "lost", "count": 2 }),
        // Those that change something alone.
        json!({ "kind": "status", "status": 503, "count": 2, "method": "PATCH" }),
        json!({ "kind": "status", "status": 429, "retry_after": 1, "count": 2, "method": "POST" }),
        json!({ "kind": "lost", "method": "PATCH" }),
        json!({ "kind": "lost", "method": "POST" }),
        json!({ "kind": "hang", "ms": 60_000, "method": "PATCH" }),
        json!({ "kind": "stall", "ms": 60_000, "method": "POST" }),
    ];
    let mut deeds = Vec::new();
    for (nth, fault) in faults.iter().enumerate() {
        let deed = if fault["method"] == "POST" || nth == 4 { Deed::Delete } else { Deed::Edit };
        vandal.does(deed, nth).await?;
        swarm.cloudflare.fault(fault).await?;
        deeds.push(deed);
        // Asked of the swarm alone first: a call of this test would use the fault up.
        until("its end is told", secs(60), || async {
            Ok((swarm.resolved(&vandal.stack).await?.len() == deeds.len()).then_some(()))
        })
        .await
        .with_context(|| format!("{fault}\n{}", swarm.logs()))?;
        swarm.cloudflare.mend().await?;
        vandal.healed(&swarm, deeds.len()).await.with_context(|| fault.to_string())?;
    }
    vandal.done_once(&swarm, &deeds).await
}

#[tokio::test]
async fn a_cloud_that_shows_what_was_shows_no_drift_and_gets_no_second_repair() -> anyhow::Result<()>
{
    let swarm = start(2, 2).await?;
    let stale = json!({ "kind": "stale", "ms": 1_500, "count": 100_000, "method": "GET" });
    swarm.cloudflare.fault(&stale).await?;
    let intent = swarm.intend("Point docs.example.com to 203.0.113.20").await?;
    intent.converged().await?;
    let stack: StackName = STACK.parse()?;
    let looks = swarm.looks().await?;
    until("it is looked at a few times", secs(20), || async {
        Ok((swarm.looks().await? >= looks + 5).then_some(()))
    })
    .await?;
    assert_eq!(swarm.found(&stack).await?, [], "{}", swarm.logs());
    swarm.cloudflare.mend().await?;
    let vandal = Vandal::of(&swarm, STACK, HOSTNAME).await?;
    let mut deeds = Vec::new();
    for (nth, deed) in [Deed::Edit, Deed::Delete, Deed::Edit].into_iter().enumerate() {
        vandal.does(deed, nth).await?;
        deeds.push(deed);
        swarm.cloudflare.fault(&stale).await?;
        vandal.healed(&swarm, nth + 1).await?;
        let looks = swarm.looks().await?;
        until("it is looked at a few times", secs(20), || async {
            Ok((swarm.looks().await? >= looks + 4).then_some(()))
        })
        .await?;
        swarm.cloudflare.mend().await?;
    }
    assert_eq!(swarm.found(&stack).await?.len(), deeds.len(), "{}", swarm.logs());
    vandal.done_once(&swarm, &deeds).await
}

#[tokio::test]
async fn two_of_each_share_the_repairs_and_the_share_of_the_dead_moves() -> anyhow::Result<()> {
    let swarm = start(1, 0).await?;
    let mut vandals = Vec::new();
    for nth in 0..8 {
        let host = format!("host{nth}.example.com");
        swarm.intend(&format!("Point {host} to 203.0.113.20")).await?.converged().await?;
        vandals.push(Vandal::of(&swarm, &format!("dns-host{nth}-example-com"), &host).await?);
    }
    let what = |nth: usize| if nth.is_multiple_of(2) { Deed::Edit } else { Deed::Delete };
    let (mut killed, mut rounds) = (0, 0);
    // Each dies over work that it has taken, as soon as it has got any.
    while killed < 2 {
        anyhow::ensure!(rounds < 6, "they get no work beside the others");
        let doomed = [
            (Identity::Auditor, "auditor::listed"),
            (Identity::Remediator, "remediator::before_proposing"),
        ];
        let mut second = Vec::new();
        for (agent, place) in doomed.into_iter().skip(killed) {
            let armed = [("ZERODRIFT_FAILPOINT", place.to_owned())];
            second.push(swarm.start_agent(agent, &armed)?);
        }
        if killed == 0 {
            until("the second auditor dies over a look", secs(20), || {
                let dead = second.first_mut().is_some_and(|it| it.ended().is_some());
                async move { Ok(dead.then_some(())) }
            })
            .await?;
            killed += 1;
        }
        for (nth, vandal) in vandals.iter().enumerate() {
            vandal.does(what(nth), nth + rounds).await?;
        }
        rounds += 1;
        let began = tokio::time::Instant::now();
        for vandal in &vandals {
            vandal.healed(&swarm, rounds).await?;
        }
        let took = began.elapsed();
        let last = second.last_mut().context("a remediator")?;
        killed += usize::from(last.ended().is_some());
        println!("{} repairs in {took:.1?}, {killed} dead", vandals.len());
        // A look is free again after 2 s, an unanswered message comes again after 5; then the repair.
        assert!(took < secs(12), "{took:?}");
    }
    for (nth, vandal) in vandals.iter().enumerate() {
        let deeds = vec![what(nth); rounds];
        vandal.done_once(&swarm, &deeds).await?;
    }
    Ok(())
}
