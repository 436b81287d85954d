//! The planner at work on a real server, with the rights a planner has; the provisioner is played
//! by hand.

mod crashed;
mod support;

use anyhow::{Context, Result};
use bus_schema::{
    Action, Generation, IntentId, IntentPhase, Observation, Origin, PlanFailed, PlanStale,
    RefusalCode, StaleReason,
};

use serde_json::json;
use support::{Swarm, ended};

const EDGE: &str = "Secure edge cache for API with DDoS guardrails";

#[tokio::test]
async fn an_intent_in_plain_json_is_planned_and_closed() -> Result<()> {
    let swarm = Swarm::start().await?;
    let planner = swarm.planner()?;
    let first = swarm.submit(&json!({"text": EDGE})).await?;
    let plan = swarm.plan(first, None).await?;
    assert_eq!(plan.plan.stack.as_str(), "edge-cache-api");
    assert_eq!((plan.plan.from, plan.plan.to), (Generation(0), Generation(1)));
    assert_eq!(plan.plan.order, first);
    assert!(plan.plan.changes.iter().all(|change| change.action == Action::Create));
    swarm.apply(&plan).await?;
    let state = swarm.intent(first, ended).await?;
    assert_eq!(state.phase, IntentPhase::Converged);
    let count = plan.plan.changes.len();
    assert_eq!(
        state.reason.as_deref(),
        Some(format!("{count} changes applied; edge-cache-api is at g1").as_str())
    );

    // Asked again, there is nothing to change, and everything to check.
    let again = swarm.submit(&json!({"text": EDGE})).await?;
    let plan = swarm.plan(again, None).await?;
    assert_eq!((plan.plan.from, plan.plan.to), (Generation(1), Generation(1)));
    assert_eq!((plan.plan.changes.len(), plan.plan.unchanged.len()), (0, count));
    swarm.apply(&plan).await?;
    let state = swarm.intent(again, ended).await?;
    assert_eq!(state.reason.as_deref(), Some("already as declared; edge-cache-api is at g1"));
    planner.stopped().await
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_a_reason_and_a_way_on() -> Result<()> {
    let swarm = Swarm::start().await?;
    let planner = swarm.planner()?;
    let cases = [
        (json!({"text": "make it better"}), RefusalCode::TooVague),
        (json!({"text": "운영 WAF를 꺼줘"}), RefusalCode::Dangerous),
        (json!({"text": "retire edge-cache-api"}), RefusalCode::Unknown),
        (json!({"path": "waf-shield", "parameters": {"rps": "x"}}), RefusalCode::Invalid),
        (json!({}), RefusalCode::Empty),
    ];
    for (intent, code) in cases {
        let sequence = swarm.submit(&intent).await?;
        let state = swarm.intent(sequence, ended).await?;
        let refusal = state.refusal.context("refused")?;
        assert_eq!((state.phase, refusal.code), (IntentPhase::Refused, code), "{intent}");
        assert_eq!(state.reason, Some(refusal.reason));
        assert!(state.plan.is_none());
    }
    planner.stopped().await
}

#[tokio::test]
async fn a_plan_the_cloud_has_overtaken_is_made_again_and_a_failure_ends_it() -> Result<()> {
    let swarm = Swarm::start().await?;
    let planner = swarm.planner()?;
    let intent = swarm.submit(&json!({"text": "Point docs.example.com to 203.0.113.20"})).await?;
    let first = swarm.plan(intent, None).await?;
    swarm.apply(&first).await?;
    swarm.intent(intent, ended).await?;

    let again = swarm.submit(&json!({"text": "Point docs.example.com to 203.0.113.20"})).await?;
    let believed = swarm.plan(again, None).await?;
    assert!(believed.plan.changes.is_empty());
    // Somebody removed the record: the provisioner notes what it found, and hands the plan back.
    let mut stack = swarm.stack(&believed.plan.stack).await?;
    let mut observations = Vec::new();
    for (address, resource) in &mut stack.resources {
        resource.observed = None;
        observations.push(Observation { resource: address.clone(), properties: None });
    }
    swarm.record(&stack).await?;
    swarm
        .send(&PlanStale {
            stack: believed.plan.stack.clone(),
            intent: believed.plan.intent,
            plan: believed.id.clone(),
            origin: Origin::Intent,
            because: StaleReason::Cloud { observations },
        })
        .await?;
    let repair = swarm.plan(again, Some(&believed)).await?;
    assert_eq!(repair.plan.changes.len(), 1);
    assert_eq!((repair.plan.from, repair.plan.to), (Generation(1), Generation(2)));
    let state = swarm.intent(again, |state| state.replans == 1).await?;
    assert_eq!(state.phase, IntentPhase::Planned);

    swarm
        .send(&PlanFailed {
            stack: repair.plan.stack.clone(),
            intent: repair.plan.intent,
            plan: repair.id.clone(),
            origin: Origin::Intent,
            resource: None,
            reason: "the record exists and is not ours".to_owned(),
            next: "rename it".to_owned(),
            undone: 0,
        })
        .await?;
    let state = swarm.intent(again, ended).await?;
    assert_eq!(state.phase, IntentPhase::Failed);
    assert_eq!(
        state.reason.as_deref(),
        Some("the record exists and is not ours; nothing was changed")
    );
    assert_eq!(state.next.as_deref(), Some("rename it"));
    planner.stopped().await
}

#[tokio::test]
async fn an_intent_is_planned_against_what_the_auditor_saw_and_a_repair_s_end_is_not_its_own()
-> Result<()> {
    let swarm = Swarm::start().await?;
    let planner = swarm.planner()?;
    let text = "Point docs.example.com to 203.0.113.20";
    let intent = swarm.submit(&json!({"text": text})).await?;
    let first = swarm.plan(intent, None).await?;
    let stack = swarm.apply(&first).await?;
    swarm.intent(intent, ended).await?;
    let gone = stack.resources.keys().map(|address| (address.clone(), None)).collect();
    let seen = bus_schema::StackObservation {
        stack: stack.stack.clone(),
        generation: stack.generation,
        drifted: gone,
        findings: std::collections::BTreeMap::new(),
        unsaid: Vec::new(),
        updated_at: jiff::Timestamp::now(),
    };
    swarm.bus.store().create(&seen.stack, &seen).await?;
    let again = swarm.submit(&json!({"text": text})).await?;
    let repair = swarm.plan(again, None).await?;
    assert!(repair.plan.changes.iter().all(|change| change.action == Action::Create));
    assert_eq!(repair.plan.changes.len(), first.plan.changes.len());

    swarm
        .send(&PlanFailed {
            stack: repair.plan.stack.clone(),
            intent: repair.plan.intent,
            plan: repair.id.clone(),
            origin: Origin::Heal,
            resource: None,
            reason: "a repair's own".to_owned(),
            next: String::new(),
            undone: 0,
        })
        .await?;
    swarm.apply(&repair).await?;
    let state = swarm.intent(again, ended).await?;
    assert_eq!(state.phase, IntentPhase::Converged);
    planner.stopped().await
}

#[tokio::test]
async fn a_stack_is_retired_where_it_is_and_its_name_is_not_taken_by_another_path() -> Result<()> {
    let swarm = Swarm::start().await?;
    let planner = swarm.planner()?;
    let made = swarm.submit(&json!({"text": EDGE, "environment": "staging"})).await?;
    let plan = swarm.plan(made, None).await?;
    assert_eq!(plan.plan.environment.as_str(), "staging");
    swarm.apply(&plan).await?;

    let other = json!({
        "path": "dns-record", "stack": "edge-cache-api-staging",
        "parameters": {"hostname": "docs.example.com", "target": "203.0.113.20"},
    });
    let other = swarm.submit(&other).await?;
    let state = swarm.intent(other, ended).await?;
    assert_eq!(state.refusal.context("refused")?.code, RefusalCode::Invalid);

    let retire = swarm.submit(&json!({"text": "edge-cache-api-staging 스택을 제거해줘"})).await?;
    let plan = swarm.plan(retire, None).await?;
    assert_eq!(plan.plan.environment.as_str(), "staging");
    assert!(plan.plan.changes.iter().all(|change| change.action == Action::Delete));
    let left = swarm.apply(&plan).await?;
    assert!(left.resources.is_empty());
    let state = swarm.intent(retire, ended).await?;
    assert_eq!(state.phase, IntentPhase::Converged);
    assert!(state.reason.context("a reason")?.contains("적용했습니다"));

    let twice = swarm.submit(&json!({"text": "retire edge-cache-api-staging"})).await?;
    let state = swarm.intent(twice, ended).await?;
    assert_eq!(state.refusal.context("refused")?.code, RefusalCode::Unknown);
    planner.stopped().await
}

#[tokio::test]
async fn an_intent_that_comes_after_a_later_one_was_applied_is_superseded() -> Result<()> {
    let swarm = Swarm::start().await?;
    let early = swarm.submit(&json!({"text": "Point docs.example.com to 203.0.113.20"})).await?;
    let planner = swarm.planner()?;
    let plan = swarm.plan(early, None).await?;
    let mut stack = swarm.apply(&plan).await?;
    swarm.intent(early, ended).await?;
    let later = IntentId::of_stream_sequence(1_000);
    stack.order = 1_000;
    stack.intent = Some(later);
    swarm.record(&stack).await?;
    let late = swarm.submit(&json!({"text": "Point docs.example.com to 203.0.113.21"})).await?;
    let state = swarm.intent(late, ended).await?;
    assert_eq!(state.phase, IntentPhase::Superseded);
    assert!(state.reason.context("a reason")?.contains(&later.to_string()));
    planner.stopped().await
}

#[tokio::test]
async fn an_intent_id_stands_for_one_intent() -> Result<()> {
    let swarm = Swarm::start().await?;
    let planner = swarm.planner()?;
    let id = IntentId::fresh();
    let text = "Point docs.example.com to 203.0.113.20";
    let first = swarm.submit(&json!({"id": id, "text": text})).await?;
    swarm.submit(&json!({"id": id, "text": "Point docs.example.com to 203.0.113.99"})).await?;
    let last = swarm.submit(&json!({"text": "make it better"})).await?;
    swarm.intent(last, ended).await?;
    let intents = swarm.bus.store::<bus_schema::IntentState>();
    let state =
        support::eventually("its record", || async { Ok(intents.get(&id).await?) }).await?.0;
    assert_eq!((state.order, state.request.text.as_deref()), (first, Some(text)));
    planner.stopped().await
}
