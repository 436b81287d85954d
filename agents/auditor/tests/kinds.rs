//! Every kind there is, made from the kinds' own descriptions: a new one is covered by existing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use anyhow::{Context, Result};
use bus_schema::{Drift, Hint, StackState};
use cloud::cloudflare::catalogue;
use cloud::{Cloud, Error, Kind, Ownership};
use support::{World, kind, resource, scope};

/// What is declared of a kind: one of it, and what it needs.
fn declared(of: &dyn Kind, stack: &str) -> Vec<bus_schema::Resource> {
    let mut all = Vec::new();
    if of.describe().name == "cloudflare.worker_route" {
        let script = kind("worker_script");
        all.extend(["one", "two"].map(|name| resource(script, stack, name, None)));
    }
    all.push(resource(of, stack, "main", None));
    all
}

fn stack(of: &dyn Kind) -> String {
    of.describe().name.replace(['.', '_'], "-")
}

#[tokio::test]
async fn every_field_of_every_kind_that_is_edited_and_every_object_that_is_deleted_is_found()
-> Result<()> {
    let world = World::start().await?;
    let (ours, theirs) = (world.ours()?, world.theirs()?);
    let mut states: Vec<StackState> = Vec::new();
    for of in catalogue().0.iter().copied() {
        states.push(world.declare(&stack(of), &declared(of, &stack(of))).await?);
    }
    let auditor = world.auditor("auditor", &[("CADENCE_SECONDS", "3600")])?;
    for (of, state) in catalogue().0.iter().copied().zip(&states) {
        let scope = scope(of);
        world.looked(&scope, 1).await.with_context(|| auditor.log())?;
        let wanted = declared(of, &stack(of)).pop().unwrap();
        let id = state.resources[&wanted.address].cloud_id.clone().unwrap();
        let hint = Hint { scope: scope.clone(), by: None };
        let mut nth = 0;
        for field in of.describe().fields.iter().filter(|field| !field.fixed) {
            nth += 1;
            let edited = resource(of, &stack(of), "main", Some(field.name));
            theirs.update(&edited, &id).await?;
            world.send(&hint).await?;
            let found = world.finds(&state.stack, nth).await.with_context(|| auditor.log())?;
            assert_eq!(found.drift, Drift::Changed, "{scope} {}", field.name);
            let fields: Vec<_> = found.differences.iter().map(|it| it.field.as_str()).collect();
            assert!(fields.contains(&field.name), "{scope} {}: {fields:?}", field.name);
            assert_eq!(found.by.as_deref(), Some("token 2"), "{scope} {}", field.name);
            ours.update(&wanted, &id).await?;
            world.applied(&state.stack).await?;
            let ended = world.resolves(&state.stack, nth).await.with_context(|| auditor.log())?;
            assert_eq!(ended.became, None, "{scope} {}", field.name);
        }
        if of.describe().ownership == Ownership::Claimed {
            continue;
        }
        theirs.delete(&scope.kind, &scope.place, &id).await?;
        world.send(&hint).await?;
        let found = world.finds(&state.stack, nth + 1).await.with_context(|| auditor.log())?;
        assert_eq!(found.drift, Drift::Missing, "{scope}");
        assert_eq!(found.by.as_deref(), Some("token 2"), "{scope}");
        assert_eq!(world.found(&state.stack).await?.len(), nth + 1, "{scope}");
    }
    Ok(())
}

#[tokio::test]
async fn the_auditor_s_token_changes_nothing() -> Result<()> {
    let world = World::start().await?;
    let (ours, reading) = (world.ours()?, world.reading()?);
    for of in catalogue().0.iter().copied() {
        let scope = scope(of);
        let mut needed = declared(of, "edge-api");
        let wanted = needed.pop().unwrap();
        for needed in &needed {
            ours.create(needed).await?;
        }
        let refused = |error: Error| {
            assert!(matches!(error, Error::Unauthorised { .. }), "{scope}: {error}");
        };
        refused(reading.create(&wanted).await.unwrap_err());
        let made = ours.create(&wanted).await?;
        refused(reading.update(&wanted, &made.id).await.unwrap_err());
        if of.describe().ownership != Ownership::Claimed {
            refused(reading.delete(&scope.kind, &scope.place, &made.id).await.unwrap_err());
        }
        let listed = reading.list(&scope.kind, &scope.place).await?;
        assert!(listed.iter().any(|it| it.id == made.id), "{scope}");
    }
    Ok(())
}
