//! An auditor killed at every place it can be killed at: what there is to find is found once, and its
//! end is told once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use std::path::Path;

use anyhow::{Context, Result};
use bus_schema::{Hint, StackObservation};
use cloud::Cloud;
use support::{World, eventually, kind, record, resource, scope};

/// Every place, from the source: a new one is covered by being there.
fn places() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))? {
        let text = std::fs::read_to_string(entry?.path())?;
        let found = text.split("failpoint!(\"").skip(1).filter_map(|rest| rest.split_once('"'));
        names.extend(found.map(|(name, _)| name.to_owned()));
    }
    names.sort();
    names.dedup();
    anyhow::ensure!(names.len() >= 8, "{names:?}");
    Ok(names)
}

#[tokio::test]
async fn what_there_is_to_find_is_found_once_wherever_an_auditor_dies() -> Result<()> {
    let world = World::start().await?;
    let (ours, theirs) = (world.ours()?, world.theirs()?);
    let quiet = [("CADENCE_SECONDS", "3600")];
    for (nth, place) in places()?.into_iter().enumerate() {
        let stack = format!("stack-{nth}");
        let wanted = record(&stack, "api", "203.0.113.10");
        // Three scopes, so that looks at one stack come together.
        let rules = ["waf_rule", "cache_rule"].map(|it| resource(kind(it), &stack, "main", None));
        let all = [std::slice::from_ref(&wanted), rules.as_slice()].concat();
        let state = world.declare(&stack, &all).await?;
        let id = |resource: &bus_schema::Resource| {
            state.resources[&resource.address].cloud_id.clone().unwrap()
        };
        theirs.update(&record(&stack, "api", "198.51.100.9"), &id(&wanted)).await?;
        for rule in &rules {
            theirs.delete(&rule.address.kind, &rule.place, &id(rule)).await?;
        }
        let scopes =
            [scope(kind("dns_record")), scope(kind("waf_rule")), scope(kind("cache_rule"))];
        let hint = async || {
            for scope in &scopes {
                world.send(&Hint { scope: scope.clone(), by: None }).await?;
            }
            Ok::<_, anyhow::Error>(())
        };

        let mut doomed = world.auditor(
            &format!("doomed-{nth}"),
            &[("FAILPOINT", place.as_str()), ("CADENCE_SECONDS", "3600")],
        )?;
        hint().await?;
        let died = || {
            let dead = !doomed.is_alive();
            async move { Ok(dead.then_some(())) }
        };
        eventually(&format!("it dies at {place}"), died).await.with_context(|| doomed.log())?;

        let mut auditor = world.auditor(&format!("auditor-{nth}"), &quiet)?;
        hint().await?;
        world
            .finds(&state.stack, 3)
            .await
            .with_context(|| format!("{place}\n{}", auditor.log()))?;
        ours.update(&wanted, &id(&wanted)).await?;
        world.applied(&state.stack).await?;
        let ended = world.resolves(&state.stack, 1).await;
        let ended = ended.with_context(|| format!("{place}\n{}", auditor.log()))?;
        assert_eq!(ended.finding.resource.as_ref(), Some(&wanted.address), "{place}");

        // Nothing is owed any more, and nothing was said twice.
        let settled = || async {
            let observation = world.bus.store::<StackObservation>().get(&state.stack).await?;
            Ok(observation.filter(|(it, _)| it.unsaid.is_empty()).map(|(it, _)| it))
        };
        let observation = eventually("everything is said", settled).await?;
        assert_eq!(observation.findings.len(), 2, "{place}");
        let found = world.found(&state.stack).await?;
        assert_eq!(found.len(), 3, "{place}: {found:#?}");
        assert_eq!(world.resolved(&state.stack).await?.len(), 1, "{place}");
        auditor.kill().await?;
        // The next one's stack alone.
        let (mut retired, revision) = world.stacks().get(&state.stack).await?.context("it")?;
        retired.resources.clear();
        world.stacks().update(&state.stack, &retired, revision).await?;
        ours.delete(&wanted.address.kind, &wanted.place, &id(&wanted)).await?;
    }
    Ok(())
}
