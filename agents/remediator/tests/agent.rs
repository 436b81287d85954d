//! The remediator at work on a real server, with the rights a remediator has.

#![cfg(test)]

mod support;

use std::time::Duration;

use anyhow::Result;
use bus_schema::{
    Action, Generation, Observation, Origin, PlanFailed, PlanStale, RemedyAsked, RemedyKind,
    StackName, StaleReason,
};
use remediator::RemediatorSettings;
use remediator::damping::Damped;
use serde_json::json;
use support::{Swarm, address, changed, eventually, missing, stack};

fn edge() -> StackName {
    "edge".parse().unwrap()
}

fn quick() -> RemediatorSettings {
    let damped = Damped {
        first: Duration::from_millis(200),
        longest: Duration::from_secs(1),
        reversals: 3,
        ..Damped::default()
    };
    RemediatorSettings { damped, ..RemediatorSettings::default() }
}

fn with_rules(remediation: &str) -> Result<(tempfile::TempDir, RemediatorSettings)> {
    let folder = tempfile::tempdir()?;
    std::fs::write(
        folder.path().join("prod.yaml"),
        format!(
            "name: prod\ndefault: true\ncloudflare:\n  account: \
             0123456789abcdef0123456789abcdef\n  zones: [example.com]\n{remediation}"
        ),
    )?;
    let settings = RemediatorSettings { environments: Some(folder.path().to_owned()), ..quick() };
    Ok((folder, settings))
}

#[tokio::test]
async fn what_was_changed_and_what_is_gone_is_put_back_by_one_plan_by_two_remediators() -> Result<()>
{
    let swarm = Swarm::start().await?;
    let state = stack()?;
    swarm.record(&state).await?;
    let (one, two) = (swarm.remediator(quick())?, swarm.remediator(quick())?);
    let edited = changed(&state, "dns_record/api", &[("content", json!("198.51.100.9"))]);
    let gone = missing(&state, "dns_record/www");
    swarm.found(&[edited.clone(), gone.clone()]).await?;
    let proposed = swarm.plan(&edge(), 1).await?.message;
    let plan = &proposed.plan;
    assert_eq!(plan.origin, Origin::Heal);
    assert_eq!((plan.from, plan.to, plan.order), (Generation(1), Generation(2), 7));
    assert_eq!(Some(plan.intent), state.intent);
    assert_eq!(proposed.id, plan.id());
    let remedy = plan.remedy.clone().unwrap();
    assert_eq!((remedy.findings.len(), remedy.attempt), (2, 1));
    let mut done: Vec<_> =
        plan.changes.iter().map(|it| (it.resource.name.to_string(), it.action)).collect();
    done.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(done, [("api".to_owned(), Action::Update), ("www".to_owned(), Action::Create)]);
    for change in &plan.changes {
        assert_eq!(change.after.as_ref(), Some(&state.resources[&change.resource].declared));
    }
    assert_eq!(plan.unchanged.len(), 1);

    swarm.healed(&proposed, &[&edited.0, &gone.0]).await?;
    let lesson = swarm.lesson(&edited.0.signature, |it| it.closed).await?;
    assert_eq!((lesson.found, lesson.repaired), (1, 1));
    assert!(lesson.last_repair_ms >= 500, "{}", lesson.last_repair_ms);
    assert_eq!(lesson.writers["mallory@example.com"], 1);
    assert_eq!(swarm.lesson(&gone.0.signature, |it| it.closed).await?.repaired, 1);
    assert_eq!(swarm.plans(&edge()).await?.len(), 1, "once, whoever heard of it");
    one.stopped().await?;
    two.stopped().await
}

#[tokio::test]
async fn a_finding_handled_again_by_another_process_is_not_repaired_again() -> Result<()> {
    let swarm = Swarm::start().await?;
    let state = stack()?;
    swarm.record(&state).await?;
    let one = swarm.remediator(quick())?;
    let edited = changed(&state, "dns_record/api", &[("ttl", json!(60))]);
    swarm.found(std::slice::from_ref(&edited)).await?;
    swarm.plan(&edge(), 1).await?;
    one.stopped().await?;
    // Comes back ten seconds after; told again, it is the same finding at once.
    let two = swarm.remediator(quick())?;
    swarm.send(&bus_schema::DriftFound { stack: edge(), finding: edited.0.clone() }).await?;
    let gone = missing(&state, "dns_record/www");
    swarm.found(std::slice::from_ref(&gone)).await?;
    let second = swarm.plan(&edge(), 2).await?.message;
    assert_eq!(second.plan.remedy.unwrap().findings, [gone.0.id]);
    assert_eq!(second.plan.excluded, [address("dns_record/api")]);
    assert_eq!(swarm.lesson(&edited.0.signature, |_| true).await?.found, 1);
    two.stopped().await
}

#[tokio::test]
async fn a_repair_about_something_else_than_what_is_there_is_planned_again() -> Result<()> {
    let swarm = Swarm::start().await?;
    let state = stack()?;
    swarm.record(&state).await?;
    let remediator = swarm.remediator(quick())?;
    let edited = changed(&state, "dns_record/api", &[("ttl", json!(60))]);
    swarm.found(std::slice::from_ref(&edited)).await?;
    let first = swarm.plan(&edge(), 1).await?.message;
    let mut found = state.resources[&address("dns_record/api")].declared.clone();
    found.0.insert("ttl".to_owned(), json!(120));
    swarm
        .send(&PlanStale {
            stack: edge(),
            intent: first.plan.intent,
            plan: first.id.clone(),
            origin: Origin::Heal,
            because: StaleReason::Cloud {
                observations: vec![Observation {
                    resource: address("dns_record/api"),
                    properties: Some(found.clone()),
                }],
            },
        })
        .await?;
    let second = swarm.plan(&edge(), 2).await?.message;
    assert_eq!(second.plan.changes[0].before, Some(found));
    assert_eq!(second.plan.remedy.clone().unwrap().attempt, 2);
    let lesson = swarm.lesson(&edited.0.signature, |_| true).await?;
    assert_eq!(lesson.damping.repairs.len(), 1, "it is the same repair");

    // One that fails is damped like one that was taken back.
    swarm
        .send(&PlanFailed {
            stack: edge(),
            intent: second.plan.intent,
            plan: second.id,
            origin: Origin::Heal,
            resource: None,
            reason: "the zone is locked".to_owned(),
            next: String::new(),
            undone: 0,
        })
        .await?;
    let lesson = swarm
        .lesson(&edited.0.signature, |it| it.repair.as_ref().is_some_and(|it| it.ended.is_some()))
        .await?;
    assert_eq!(lesson.repair.unwrap().ended.as_deref(), Some("the zone is locked"));
    remediator.stopped().await
}

#[tokio::test]
async fn a_fight_is_damped_then_stopped_and_named_and_a_person_goes_on() -> Result<()> {
    let swarm = Swarm::start().await?;
    let mut state = stack()?;
    swarm.record(&state).await?;
    let remediator = swarm.remediator(quick())?;
    let mut times = Vec::new();
    for round in 1..=3 {
        let edited = changed(&state, "dns_record/api", &[("ttl", json!(60 + round))]);
        swarm.found(std::slice::from_ref(&edited)).await?;
        let plan = swarm.plan(&edge(), round).await?;
        times.push(plan.published_at);
        swarm.healed(&plan.message, &[&edited.0]).await?;
        state.generation = plan.message.plan.to;
        swarm.lesson(&edited.0.signature, |it| it.closed).await?;
    }
    let apart = |i: usize| times[i].duration_since(times[i - 1]).as_millis();
    assert!(apart(1) >= 190 && apart(2) >= 390, "{times:?}");

    let edited = changed(&state, "dns_record/api", &[("ttl", json!(99))]);
    swarm.found(std::slice::from_ref(&edited)).await?;
    let asked = eventually("a person is asked", || async {
        Ok(swarm.asked(&edge()).await?.into_iter().next())
    })
    .await?;
    assert!(asked.reason.contains("put back 3 times"), "{}", asked.reason);
    assert!(asked.reason.contains("mallory@example.com"), "{}", asked.reason);
    let lesson = swarm.lesson(&edited.0.signature, |it| it.damping.open_since.is_some()).await?;
    assert_eq!((lesson.found, lesson.repaired), (4, 3));
    assert_eq!(lesson.writers["mallory@example.com"], 4);

    // Everything else goes on, and leaves it alone.
    let gone = missing(&state, "dns_record/www");
    swarm.found(std::slice::from_ref(&gone)).await?;
    let other = swarm.plan(&edge(), 4).await?.message;
    assert_eq!(other.plan.excluded, [address("dns_record/api")]);
    swarm.healed(&other, &[&gone.0]).await?;
    assert_eq!(swarm.asked(&edge()).await?.len(), 1, "asked once");

    let by = Some("kim".to_owned());
    let finding = edited.0.id.clone();
    swarm.send(&RemedyAsked { stack: edge(), finding, remedy: RemedyKind::Revert, by }).await?;
    let plan = swarm.plan(&edge(), 5).await?.message;
    assert_eq!(plan.plan.remedy.unwrap().reason, "asked by kim");
    let lesson = swarm.lesson(&edited.0.signature, |it| it.damping.open_since.is_none()).await?;
    assert_eq!(lesson.damping.repairs.len(), 1);
    remediator.stopped().await
}

#[tokio::test]
async fn rules_say_what_is_adopted_ignored_and_left_to_people() -> Result<()> {
    let swarm = Swarm::start().await?;
    let state = stack()?;
    swarm.record(&state).await?;
    let (_folder, settings) = with_rules(
        "remediation:\n  rules:\n    - {kind: cloudflare.dns_record, field: ttl, verdict: adopt}\n    - \
         {field: proxied, verdict: ignore}\n    - {kind: cloudflare.kv_namespace, verdict: escalate}\n",
    )?;
    let remediator = swarm.remediator(settings)?;
    // The content is put back, and the ttl left for now.
    let both = changed(
        &state,
        "dns_record/api",
        &[("ttl", json!(60)), ("content", json!("198.51.100.9"))],
    );
    let ignored = changed(&state, "dns_record/www", &[("proxied", json!(true))]);
    let reserved = missing(&state, "kv_namespace/cache");
    swarm.found(&[both.clone(), ignored.clone(), reserved.clone()]).await?;
    let first = swarm.plan(&edge(), 1).await?.message;
    let [change] = first.plan.changes.as_slice() else { panic!("{:?}", first.plan.changes) };
    let after = change.after.as_ref().unwrap();
    assert_eq!(
        (after.get("content"), after.get("ttl")),
        (Some(&json!("203.0.113.10")), Some(&json!(60)))
    );
    let mut excluded = first.plan.excluded.clone();
    excluded.sort();
    assert_eq!(excluded, [address("dns_record/www"), address("kv_namespace/cache")]);
    let asked = eventually("a person is asked", || async {
        Ok(swarm.asked(&edge()).await?.into_iter().next())
    })
    .await?;
    assert_eq!(asked.finding.id, reserved.0.id);
    swarm.healed(&first, &[&both.0]).await?;

    let mut state = state;
    state.generation = first.plan.to;
    let ttl = changed(&state, "dns_record/api", &[("ttl", json!(60))]);
    swarm.found(std::slice::from_ref(&ttl)).await?;
    let second = swarm.plan(&edge(), 2).await?.message;
    assert_eq!((second.plan.origin, second.plan.changes.len()), (Origin::Adopt, 0));
    assert_eq!(second.plan.to, Generation(3));
    let adopted = second.plan.unchanged.iter().find(|it| it.address == address("dns_record/api"));
    assert_eq!(adopted.unwrap().properties.get("ttl"), Some(&json!(60)));
    assert_eq!(second.plan.remedy.unwrap().reason, "by the rules of environment prod");
    remediator.stopped().await
}

#[tokio::test]
async fn an_environment_that_only_proposes_waits_for_a_person_and_one_that_observes_does_nothing()
-> Result<()> {
    let swarm = Swarm::start().await?;
    let state = stack()?;
    swarm.record(&state).await?;
    let (_folder, settings) = with_rules("remediation:\n  mode: propose\n")?;
    let remediator = swarm.remediator(settings)?;
    let edited = changed(&state, "dns_record/api", &[("ttl", json!(60))]);
    swarm.found(std::slice::from_ref(&edited)).await?;
    let asked = eventually("a person is asked", || async {
        Ok(swarm.asked(&edge()).await?.into_iter().next())
    })
    .await?;
    let shown = asked.plan.unwrap();
    assert_eq!(shown.changes.len(), 1);
    assert!(swarm.plans(&edge()).await?.is_empty());
    let finding = edited.0.id.clone();
    let remedy = RemedyKind::Revert;
    swarm.send(&RemedyAsked { stack: edge(), finding, remedy, by: None }).await?;
    assert_eq!(swarm.plan(&edge(), 1).await?.message.plan.changes, shown.changes);
    remediator.stopped().await?;

    let (_folder, settings) = with_rules("remediation:\n  mode: observe\n")?;
    let remediator = swarm.remediator(settings)?;
    let gone = missing(&state, "dns_record/www");
    swarm.found(std::slice::from_ref(&gone)).await?;
    let lesson = swarm.lesson(&gone.0.signature, |it| it.found == 1).await?;
    assert_eq!((lesson.repair, lesson.escalated), (None, None));
    assert_eq!(swarm.plans(&edge()).await?.len(), 1);
    remediator.stopped().await
}

#[tokio::test]
async fn a_copy_is_removed_unless_it_may_hold_data() -> Result<()> {
    let swarm = Swarm::start().await?;
    let state = stack()?;
    swarm.record(&state).await?;
    let remediator = swarm.remediator(quick())?;
    let surplus = |local: &str| {
        let (mut finding, _) = missing(&state, local);
        finding.drift = bus_schema::Drift::Surplus;
        finding.cloud_id = Some("copy".to_owned());
        let observed = state.resources[&address(local)].observed.clone();
        (finding, observed)
    };
    let (record, namespace) = (surplus("dns_record/api"), surplus("kv_namespace/cache"));
    swarm.found(&[record.clone(), namespace.clone()]).await?;
    let plan = swarm.plan(&edge(), 1).await?.message.plan;
    let [change] = plan.changes.as_slice() else { panic!("{:?}", plan.changes) };
    assert_eq!((change.action, change.object.as_deref()), (Action::Delete, Some("copy")));
    assert_eq!(plan.unchanged.len(), 3, "what is declared stays");
    let asked = eventually("a person is asked", || async {
        Ok(swarm.asked(&edge()).await?.into_iter().next())
    })
    .await?;
    assert!(asked.reason.contains("may hold data"), "{}", asked.reason);
    remediator.stopped().await
}
