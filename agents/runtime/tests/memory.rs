//! Records, and what bootstrap makes, against a real server.

mod support;

use std::time::Duration;

use anyhow::{Context, Result};
use async_nats::jetstream::stream::Config;
use bus_schema::{InstanceId, Session, stream};
use runtime::{Revision, Store, StoreError};
use support::{Server, eventually};

fn session(name: &str) -> Result<(InstanceId, Session)> {
    let instance: InstanceId = name.parse()?;
    let started_at = jiff::Timestamp::from_second(1_700_000_000)?;
    Ok((instance.clone(), Session { instance, started_at }))
}

fn is_conflict<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict { .. }))
}

#[tokio::test]
async fn every_write_is_compare_and_set() -> Result<()> {
    let server = Server::start().await?;
    let store: Store<Session> = server.bus().await?.store();
    let (key, mut record) = session("one")?;
    assert!(store.get(&key).await?.is_none());
    let first = store.create(&key, &record).await?;
    assert!(is_conflict(&store.create(&key, &record).await));
    record.started_at = jiff::Timestamp::from_second(1_800_000_000)?;
    let second = store.update(&key, &record, first).await?;
    assert!(second > first);
    assert!(is_conflict(&store.update(&key, &record, first).await));
    assert!(is_conflict(&store.delete(&key, first).await));
    assert_eq!(store.get(&key).await?, Some((record.clone(), second)));
    store.delete(&key, second).await?;
    assert!(store.get(&key).await?.is_none());
    // Over the mark of the deletion.
    let third = store.create(&key, &record).await?;
    assert_eq!(store.get(&key).await?, Some((record, third)));
    assert!(is_conflict(&store.update(&key, &session("one")?.1, Revision(0)).await));
    Ok(())
}

#[tokio::test]
async fn a_record_with_a_time_to_live_ends_unless_written_again() -> Result<()> {
    let server = Server::start().await?;
    let store: Store<Session> = server.bus().await?.store();
    let (key, record) = session("short")?;
    let ttl = Duration::from_secs(1);
    let gone = || async { Ok(store.get(&key).await?.is_none().then_some(())) };
    // Twice: the second is made over the mark that the first left.
    for _ in 0..2 {
        let made = store.put_for(&key, &record, ttl, None).await?;
        assert!(is_conflict(&store.put_for(&key, &record, ttl, None).await));
        let renewed = store.put_for(&key, &record, ttl, Some(made)).await?;
        assert!(is_conflict(&store.put_for(&key, &record, ttl, Some(made)).await));
        eventually("it ends", gone).await?;
        assert!(is_conflict(&store.put_for(&key, &record, ttl, Some(renewed)).await));
    }
    Ok(())
}

#[tokio::test]
async fn records_of_a_type_are_listed_by_key() -> Result<()> {
    let server = Server::start().await?;
    let store: Store<Session> = server.bus().await?.store();
    for name in ["b", "a", "c"] {
        let (key, record) = session(name)?;
        let revision = store.create(&key, &record).await?;
        if name == "c" {
            store.delete(&key, revision).await?;
        }
    }
    let listed = store.list().await?;
    let keys: Vec<&str> = listed.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["a", "b"]);
    Ok(())
}

/// A write whose answer got lost is tried again, and must not look like somebody else's.
#[tokio::test]
async fn one_writer_never_meets_a_conflict_though_the_server_is_killed() -> Result<()> {
    let mut server = Server::start().await?;
    let store: Store<Session> = server.bus().await?.store();
    let (key, record) = session("alone")?;
    let mut revision = store.create(&key, &record).await?;
    let writer = tokio::spawn(async move {
        let (mut written, mut known) = (0, true);
        loop {
            match store.update(&key, &record, revision).await {
                Ok(next) => (revision, written, known) = (next, written + 1, true),
                Err(conflict @ StoreError::Conflict { .. }) if known => return Err(conflict),
                // Only where all attempts went unanswered is it not known what was written.
                Err(_) => {
                    known = false;
                    if let Ok(Some((_, now))) = store.get(&key).await {
                        revision = now;
                    }
                }
            }
            if written == 600 {
                return Ok(());
            }
        }
    });
    for _ in 0..3 {
        server.kill();
        server.restart().await?;
    }
    tokio::time::timeout(support::PATIENCE, writer).await???;
    Ok(())
}

#[tokio::test]
async fn bootstrap_puts_right_what_differs_and_keeps_what_is_stored() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let (key, record) = session("kept")?;
    bus.store::<Session>().create(&key, &record).await?;
    let dead = bus.jetstream().get_stream(stream::DEAD.name).await?;
    let made = dead.cached_info().config.clone();
    let other = Config { duplicate_window: Duration::from_secs(1), ..made.clone() };
    bus.jetstream().update_stream(other).await?;
    runtime::bootstrap(&bus, 1).await?;
    runtime::bootstrap(&bus, 1).await?;
    let now = bus.jetstream().get_stream(stream::DEAD.name).await?;
    assert_eq!(now.cached_info().config, made);
    assert!(bus.store::<Session>().get(&key).await?.is_some());
    let swarm = bus.jetstream().get_stream(stream::SWARM.name).await?;
    let config = &swarm.cached_info().config;
    assert!(config.deny_delete && config.deny_purge && config.allow_direct);
    Ok(())
}

#[tokio::test]
async fn a_view_shows_every_record_as_it_is_when_asked() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let store: Store<Session> = bus.store();
    let view = bus.view::<Session>();
    assert!(view.now().await?.is_empty());
    // More than one batch.
    let many = 600;
    for nth in 0..many {
        let (key, record) = session(&format!("s{nth}"))?;
        store.create(&key, &record).await?;
    }
    assert_eq!(view.now().await?.len(), many);
    assert_eq!(bus.view::<Session>().now().await?.len(), many);

    let (key, mut record) = session("s7")?;
    let (_, over) = store.get(&key).await?.context("it is there")?;
    record.started_at = jiff::Timestamp::from_second(1_800_000_000)?;
    let before = view.now().await?;
    let written = store.update(&key, &record, over).await?;
    let after = view.now().await?;
    assert_eq!(after["s7"].record, record);
    assert_eq!(after["s7"].revision, written);
    assert_ne!(before["s7"].record, record, "a snapshot stays as it was");

    store.delete(&key, written).await?;
    assert!(!view.now().await?.contains_key("s7"));
    let (key, record) = session("short")?;
    store.put_for(&key, &record, Duration::from_secs(1), None).await?;
    assert!(view.now().await?.contains_key("short"));
    let ended = || async { Ok((!view.now().await?.contains_key("short")).then_some(())) };
    eventually("it ends", ended).await
}
