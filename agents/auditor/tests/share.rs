//! Several auditors share the looks, and hints do not multiply them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use auditor::schedule::PAUSE;
use bus_schema::{Hint, Scope, Watch, codec};
use cloud::cloudflare::catalogue;
use support::{World, eventually, kind, record, resource, scope};

/// Every revision that is kept of the watches, by scope, oldest first.
async fn history(world: &World) -> Result<BTreeMap<Scope, Vec<Watch>>> {
    let stream = world.bus.jetstream().get_stream("KV_observations").await?;
    let state = stream.cached_info().state.clone();
    let mut history: BTreeMap<Scope, Vec<Watch>> = BTreeMap::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let Ok(message) = stream.direct_get(sequence).await else { continue };
        if message.subject.as_str().starts_with("$KV.observations.scope.")
            && let Ok(watch) = codec::decode::<Watch>(None, &message.payload)
        {
            history.entry(watch.scope.clone()).or_default().push(watch);
        }
    }
    Ok(history)
}

async fn declare_all(world: &World) -> Result<Vec<Scope>> {
    let of: Vec<_> = catalogue()
        .0
        .iter()
        .copied()
        .filter(|of| of.describe().name != "cloudflare.worker_route")
        .collect();
    let resources: Vec<_> = of.iter().map(|of| resource(*of, "edge-api", "main", None)).collect();
    world.declare("edge-api", &resources).await?;
    Ok(of.into_iter().map(scope).collect())
}

#[tokio::test]
async fn two_auditors_share_the_looks_and_none_is_made_twice() -> Result<()> {
    let world = World::start().await?;
    let scopes = declare_all(&world).await?;
    let mut first = world.auditor("first", &[])?;
    let second = world.auditor("second", &[])?;
    first.says("at work").await?;
    second.says("at work").await?;
    let mut takers = BTreeSet::new();
    let deadline = tokio::time::Instant::now() + support::PATIENCE;
    while takers.len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "{}", first.log());
        for watches in history(&world).await?.into_values() {
            takers.extend(watches.into_iter().filter_map(|it| it.taken).map(|it| it.by));
        }
    }
    for scope in &scopes {
        world.looked(scope, 4).await?;
    }
    for (scope, watches) in history(&world).await? {
        // Between two takings of one scope it was given back, and each counts once.
        for pair in watches.windows(2) {
            let both = (&pair[0].taken, &pair[1].taken);
            if let (Some(before), Some(after)) = both {
                assert_eq!(before.by, after.by, "{scope} was taken while another looked");
                assert_eq!(before.since, after.since, "{scope} was taken while another looked");
            }
            if pair[0].taken.is_none() && pair[1].taken.is_some() {
                assert!(
                    pair[1].taken.as_ref().unwrap().since >= pair[1].due_at,
                    "{scope} too soon"
                );
                assert_eq!(pair[0].looks, pair[1].looks);
            }
        }
    }

    // One dies; the other does all there is, within the hold and a cadence.
    first.kill().await?;
    let killed = tokio::time::Instant::now();
    let before: BTreeMap<_, _> = {
        let mut looks = BTreeMap::new();
        for scope in &scopes {
            looks.insert(scope.clone(), world.watch(scope).await?.context("a watch")?.looks);
        }
        looks
    };
    for scope in &scopes {
        world.looked(scope, before[scope] + 1).await.with_context(|| second.log())?;
    }
    let took = killed.elapsed();
    println!("its share moved within {took:?}");
    assert!(took < Duration::from_secs(2 + 1 + 2), "hold 2 s, cadence 1 s: {took:?}");
    Ok(())
}

#[tokio::test]
async fn a_look_whose_auditor_died_is_made_by_another_within_its_hold() -> Result<()> {
    let world = World::start().await?;
    let ours = record("edge-api", "api", "203.0.113.10");
    let state = world.declare("edge-api", std::slice::from_ref(&ours)).await?;
    let mut first =
        world.auditor("first", &[("FAILPOINT", "auditor::listed"), ("CADENCE_SECONDS", "3600")])?;
    let died = || {
        let dead = !first.is_alive();
        async move { Ok(dead.then_some(())) }
    };
    eventually("the first one dies over its look", died).await?;
    let records = scope(kind("dns_record"));
    let taken = world.watch(&records).await?.and_then(|it| it.taken).context("a taken look")?;
    let second = world.auditor("second", &[("CADENCE_SECONDS", "3600")])?;
    let watch = world.looked(&records, 1).await.with_context(|| second.log())?;
    assert!(watch.looked_at.unwrap() >= taken.until, "{watch:?} {taken:?}");
    assert_eq!(world.found(&state.stack).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_flood_of_hints_becomes_one_look_and_one_after_it() -> Result<()> {
    let world = World::start().await?;
    world.declare("edge-api", &[record("edge-api", "api", "203.0.113.10")]).await?;
    let first = world.auditor("first", &[("CADENCE_SECONDS", "3600")])?;
    let second = world.auditor("second", &[("CADENCE_SECONDS", "3600")])?;
    first.says("at work").await?;
    second.says("at work").await?;
    let records = scope(kind("dns_record"));
    world.looked(&records, 1).await?;
    let hints = 300;
    let began = tokio::time::Instant::now();
    let hint = Hint { scope: records.clone(), by: None };
    let context = world.bus.jetstream();
    let payload = codec::encode(&hint)?;
    for _ in 0..hints {
        let subject = format!("swarm.hint.{records}");
        context.publish(subject, payload.clone().into()).await?;
    }
    let flooded = began.elapsed();
    let answered = || async {
        let consumer: async_nats::jetstream::consumer::PullConsumer =
            context.get_consumer_from_stream("auditor-hints", "SWARM").await?;
        let info = consumer.cached_info();
        let delivered = info.delivered.stream_sequence >= hints;
        Ok((delivered && info.num_pending == 0 && info.num_ack_pending == 0).then_some(()))
    };
    eventually("every hint is answered for", answered).await?;
    let handled = began.elapsed();
    let watch = world.looked(&records, 2).await?;
    // Every hint was before the last look began, or there is one to come.
    let looks = world.watch(&records).await?.map_or(watch.looks, |it| it.looks) - 1;
    println!("{hints} hints in {flooded:?}, answered in {handled:?}: {looks} looks");
    let most = 2 + u64::try_from(flooded.as_millis() / PAUSE.as_millis())?;
    assert!((1..=most).contains(&looks), "{looks} looks, {most} at most");
    Ok(())
}
