//! What somebody else does is found, told as what it is, and seen to be over.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use anyhow::{Context, Result};
use bus_schema::{Drift, Hint};
use cloud::Cloud;
use serde_json::json;
use support::{World, kind, record, scope};

#[tokio::test]
async fn an_edit_is_found_with_its_fields_who_and_when_and_seen_to_be_over() -> Result<()> {
    let world = World::start().await?;
    let ours = record("edge-api", "api", "203.0.113.10");
    let state = world.declare("edge-api", std::slice::from_ref(&ours)).await?;
    let id = state.resources[&ours.address].cloud_id.clone().context("an id")?;
    let auditor = world.auditor("auditor", &[("CADENCE_SECONDS", "3600")])?;
    let records = scope(kind("dns_record"));
    world.looked(&records, 1).await?;

    let before = jiff::Timestamp::now();
    let theirs = record("edge-api", "api", "198.51.100.9");
    world.theirs()?.update(&theirs, &id).await?;
    world.send(&Hint { scope: records.clone(), by: None }).await?;
    let found = world.finds(&state.stack, 1).await.with_context(|| auditor.log())?;
    assert_eq!(found.drift, Drift::Changed);
    assert_eq!(found.resource.as_ref(), Some(&ours.address));
    assert_eq!(found.object, "api.edge-api.example.com");
    assert_eq!(found.cloud_id.as_deref(), Some(id.as_str()));
    assert_eq!(found.by.as_deref(), Some("token 2"));
    assert_eq!(found.intent, state.intent);
    let differences: Vec<_> =
        found.differences.iter().map(|it| (it.field.as_str(), &it.before, &it.after)).collect();
    let (observed, declared) = (json!("198.51.100.9"), json!("203.0.113.10"));
    assert_eq!(differences, [("content", &Some(observed), &Some(declared))]);
    let changed = found.changed_at.context("the cloud tells when")?;
    assert!(before <= changed && changed <= found.detected_at, "{before} {found:?}");
    println!("seen {:?} after the change", found.detected_at.duration_since(changed));

    // Another value is another finding, and the first one ends as it.
    let theirs = record("edge-api", "api", "198.51.100.10");
    world.theirs()?.update(&theirs, &id).await?;
    world.send(&Hint { scope: records.clone(), by: None }).await?;
    let second = world.finds(&state.stack, 2).await?;
    assert_eq!(second.signature, found.signature);
    let ended = world.resolves(&state.stack, 1).await?;
    assert_eq!((ended.finding.id, ended.became), (found.id, Some(second.id.clone())));

    world.ours()?.update(&ours, &id).await?;
    world.applied(&state.stack).await?;
    let ended = world.resolves(&state.stack, 2).await?;
    assert_eq!((ended.finding.id, ended.became), (second.id, None));
    let observation = world.bus.store::<bus_schema::StackObservation>();
    let (observation, _) = observation.get(&state.stack).await?.context("an observation")?;
    assert!(observation.findings.is_empty() && observation.drifted.is_empty());
    assert_eq!(world.found(&state.stack).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_is_deleted_copied_or_nobody_s_is_told_apart() -> Result<()> {
    let world = World::start().await?;
    let (gone, copied) =
        (record("edge-api", "gone", "203.0.113.10"), record("edge-api", "copied", "203.0.113.11"));
    let state = world.declare("edge-api", &[gone.clone(), copied.clone()]).await?;
    let auditor = world.auditor("auditor", &[])?;
    let records = scope(kind("dns_record"));
    let theirs = world.theirs()?;
    let id = |address| state.resources[address].cloud_id.clone().unwrap();
    theirs.delete(&records.kind, &records.place, &id(&gone.address)).await?;
    let zone = world.call("GET", "/zones?name=example.com", &json!({})).await?;
    let zone = zone[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/zones/{zone}/dns_records");
    let copy = json!({ "type": "A", "name": "copied.edge-api.example.com", "ttl": 300,
        "content": "203.0.113.99", "comment": "zerodrift:edge-api/copied" });
    world.call("POST", &path, &copy).await?;
    let foreign =
        json!({ "type": "A", "name": "legacy.example.com", "content": "198.51.100.7", "ttl": 300 });
    world.call("POST", &path, &foreign).await?;

    world.finds(&state.stack, 2).await.with_context(|| auditor.log())?;
    let found = world.found(&state.stack).await?;
    let of =
        |drift| found.iter().find(|it| it.drift == drift).unwrap_or_else(|| panic!("{found:?}"));
    let missing = of(Drift::Missing);
    assert_eq!(missing.resource.as_ref(), Some(&gone.address));
    assert_eq!(missing.by.as_deref(), Some("token 2"));
    let surplus = of(Drift::Surplus);
    assert_eq!(surplus.resource.as_ref(), Some(&copied.address));
    assert_ne!(surplus.cloud_id, state.resources[&copied.address].cloud_id);
    let looks = world.watch(&records).await?.context("a watch")?.looks;
    let watch = world.looked(&records, looks + 1).await?;
    let unmanaged: Vec<_> = watch.unmanaged.values().map(|it| it.object.as_str()).collect();
    assert_eq!(unmanaged, ["legacy.example.com"]);
    let content = &watch.unmanaged["A legacy.example.com"].differences[0];
    assert_eq!(
        (content.field.as_str(), &content.before),
        ("content", &Some(json!("198.51.100.7")))
    );
    assert_eq!(world.found(&state.stack).await?.len(), 2);
    Ok(())
}
