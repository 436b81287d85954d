//! A planner that died in the middle of its work, and the one that comes after it.

use std::sync::Arc;

use crate::support::{Swarm, ended, eventually};
use anyhow::Result;
use bus_schema::{
    Generation, IntentId, IntentPhase, IntentSubmitted, Origin, Plan, PlanProposed, Received,
    stream,
};
use runtime::{Agent, Bus, HandleError, Outbox, Retry, Routes, StartError};
use serde_json::json;

/// Dies after it has published a plan, before it has recorded that: never finishes an intent.
struct Dying;

impl Agent for Dying {
    const NAME: &'static str = "planner";
    const ABOUT: &'static str = "A test's planner";
    type Settings = ();

    fn routes() -> Routes<Self> {
        Routes::new().on(stream::PLANNER_INTENTS, Self::intent)
    }

    async fn start((): (), _: Bus) -> Result<Self, StartError> {
        Ok(Self)
    }
}

impl Dying {
    async fn intent(
        self: Arc<Self>,
        received: Received<IntentSubmitted>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let plan = another_plan(received.sequence)
            .map_err(|error| HandleError::new(Retry::Never, error))?;
        outbox.publish(&plan).await?;
        Err(HandleError::new(Retry::After(std::time::Duration::from_millis(200)), "died"))
    }
}

/// For the same stack, as if its record had been another then.
fn another_plan(order: u64) -> Result<PlanProposed> {
    Ok(PlanProposed::new(Plan {
        intent: IntentId::of_stream_sequence(order),
        order,
        stack: "dns-docs-example-com".parse()?,
        environment: "prod".parse()?,
        path: "dns-record".parse()?,
        origin: Origin::Intent,
        from: Generation(4),
        to: Generation(5),
        parameters: std::collections::BTreeMap::new(),
        changes: Vec::new(),
        unchanged: Vec::new(),
        excluded: Vec::new(),
        remedy: None,
    }))
}

#[tokio::test]
async fn a_plan_published_before_a_crash_is_the_one_that_counts() -> Result<()> {
    let swarm = Swarm::start().await?;
    let intent = swarm.submit(&json!({"text": "Point docs.example.com to 203.0.113.20"})).await?;
    let dying = swarm.agent::<Dying>(())?;
    eventually("the first plan", || async {
        Ok(swarm.bus.message_at::<PlanProposed>(intent + 1).await?)
    })
    .await?;
    dying.stopped().await?;
    let planner = swarm.planner()?;
    let plan = swarm.plan(intent, None).await?;
    assert_eq!(plan, another_plan(intent)?);
    planner.stopped().await
}

/// The record of an intent that somebody has begun with.
fn claim(order: u64, text: &str) -> bus_schema::IntentState {
    bus_schema::IntentState {
        intent: IntentId::of_stream_sequence(order),
        order,
        request: bus_schema::Request { text: Some(text.to_owned()), ..Default::default() },
        by: None,
        phase: IntentPhase::Planned,
        understanding: None,
        plan: None,
        replans: 0,
        reason: None,
        next: None,
        refusal: None,
        submitted_at: jiff::Timestamp::UNIX_EPOCH,
        since: jiff::Timestamp::UNIX_EPOCH,
        traceparent: None,
    }
}

#[tokio::test]
async fn a_copy_of_an_intent_begun_with_takes_its_place_and_no_other() -> Result<()> {
    let swarm = Swarm::start().await?;
    let text = "Point docs.example.com to 203.0.113.20";
    let claim = claim(1_000, text);
    swarm.bus.store().create(&claim.intent, &claim).await?;
    swarm.submit(&json!({"id": claim.intent, "text": text})).await?;
    let planner = swarm.planner()?;
    let plan = swarm.plan(claim.order, None).await?;
    assert_eq!((plan.plan.intent, plan.plan.order), (claim.intent, claim.order));
    planner.stopped().await
}

#[tokio::test]
async fn a_plan_published_before_a_crash_counts_whatever_has_come_after_it() -> Result<()> {
    let swarm = Swarm::start().await?;
    let text = "Point docs.example.com to 203.0.113.20";
    let order = swarm.submit(&json!({"text": text})).await?;
    let claim = claim(order, text);
    swarm.bus.store().create(&claim.intent, &claim).await?;
    let published = another_plan(order)?;
    swarm.send(&published).await?;
    let mut stack = swarm.apply(&published).await?;
    stack.order = 1_000;
    stack.intent = Some(IntentId::of_stream_sequence(1_000));
    swarm.record(&stack).await?;
    let planner = swarm.planner()?;
    assert_eq!(swarm.plan(order, None).await?, published);
    planner.stopped().await
}

#[tokio::test]
async fn an_applied_plan_is_applied_even_if_a_late_copy_of_it_is_called_overtaken() -> Result<()> {
    let swarm = Swarm::start().await?;
    let planner = swarm.planner()?;
    let order = swarm.submit(&json!({"text": "Point docs.example.com to 203.0.113.20"})).await?;
    let proposed = swarm.plan(order, None).await?;
    planner.stopped().await?;
    let applied = bus_schema::PlanApplied {
        stack: proposed.plan.stack.clone(),
        intent: proposed.plan.intent,
        plan: proposed.id.clone(),
        origin: Origin::Intent,
        generation: proposed.plan.to,
        changes: 1,
    };
    let overtaken = bus_schema::PlanSuperseded {
        stack: proposed.plan.stack.clone(),
        intent: proposed.plan.intent,
        plan: proposed.id.clone(),
        origin: Origin::Intent,
        by: IntentId::of_stream_sequence(1_000),
    };
    // As after the death of a planner that had just taken it: the other one is delivered first.
    swarm.send(&applied).await?;
    let taking = swarm.agent::<Deaf>(())?;
    eventually("it is taken", || async {
        Ok(TAKEN.load(std::sync::atomic::Ordering::SeqCst).then_some(()))
    })
    .await?;
    taking.stopped().await?;
    swarm.send(&overtaken).await?;
    let planner = swarm.planner()?;
    assert_eq!(swarm.intent(order, ended).await?.phase, IntentPhase::Converged);
    planner.stopped().await
}

/// Whether [`Deaf`] has taken an outcome.
static TAKEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Takes outcomes and gives them back for later.
struct Deaf;

impl Agent for Deaf {
    const NAME: &'static str = "planner";
    const ABOUT: &'static str = "A test's planner";
    type Settings = ();

    fn routes() -> Routes<Self> {
        Routes::new().on(stream::PLANNER_OUTCOMES, Self::outcome)
    }

    async fn start((): (), _: Bus) -> Result<Self, StartError> {
        Ok(Self)
    }
}

impl Deaf {
    #[expect(clippy::unused_async, reason = "a handler is asynchronous, whatever it does")]
    async fn outcome(
        self: Arc<Self>,
        _: Received<bus_schema::PlanApplied>,
        _: Outbox,
    ) -> Result<(), HandleError> {
        TAKEN.store(true, std::sync::atomic::Ordering::SeqCst);
        Err(HandleError::new(Retry::After(std::time::Duration::from_secs(2)), "later"))
    }
}
