//! The same over a real nats-server: records, sessions, and the agent itself.

#![cfg(test)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use bus_schema::{
    Claim, InstanceId, MessageId, Outcome, PlanFailed, PlanProposed, Session, StackName,
    StackState, stream,
};
use provisioner::applier::Applier;
use provisioner::clouds::Clouds;
use provisioner::records::{Kept, Records};
use provisioner::saga::Saga;
use provisioner::sessions::OpenSession;
use provisioner::turn::{Arrival, TurnError};
use provisioner::{Provisioner, ProvisionerSettings};
use runtime::{Bus, CancellationToken, RuntimeSettings};
use support::cloud::{FakeCloud, Life, World};
use support::server::{Server, eventually};
use support::{STACK, kinds, plan, resource};

fn world() -> Arc<Mutex<World>> {
    let mut world = World::default();
    world.settings();
    Arc::new(Mutex::new(world))
}

/// A provisioner process, its cloud in memory.
fn applier(bus: &Bus, world: &Arc<Mutex<World>>, life: &Life) -> Applier {
    let saga = Saga {
        records: Arc::new(Kept::on(bus)),
        clouds: Clouds::new(vec![Arc::new(FakeCloud::new(world.clone(), life.clone()))]),
        catalogue: kinds::catalogue(),
        parallelism: 4,
        patience: Duration::from_secs(600),
        lag: Duration::ZERO,
    };
    Applier { me: bus.instance().clone(), saga, turn: Duration::from_millis(100) }
}

async fn turn(
    applier: &Applier,
    proposed: &PlanProposed,
    sequence: u64,
) -> Result<Vec<Outcome>, TurnError> {
    applier.turn(Arrival { proposed, sequence, at: jiff::Timestamp::now() }).await
}

async fn publish(bus: &Bus, proposed: &PlanProposed, id: &str) -> Result<u64> {
    Ok(bus.publish(proposed, &MessageId::given(id)).await?)
}

async fn state(bus: &Bus) -> Result<Option<StackState>> {
    let stack = StackName::new(STACK)?;
    Ok(bus.store::<StackState>().get(&stack).await?.map(|(state, _)| state))
}

#[tokio::test]
async fn a_plan_is_applied_and_its_redelivery_says_the_same() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let world = world();
    let applier = applier(&bus, &world, &Life::default());
    let desired = [
        resource("item/alone", &[("name", "alone"), ("value", "1")], &[]),
        resource("setting/tls", &[("setting", "tls"), ("value", "strict")], &[]),
    ];
    let proposed = plan(None, &desired, 1);
    let sequence = publish(&bus, &proposed, "one").await?;
    let outcomes = turn(&applier, &proposed, sequence).await?;
    assert!(matches!(outcomes.as_slice(), [Outcome::Applied(_)]), "{outcomes:?}");
    assert_eq!(turn(&applier, &proposed, sequence).await?, outcomes);
    let kept = state(&bus).await?.context("the stack is recorded")?;
    assert_eq!((kept.generation.0, kept.resources.len()), (1, 2));

    let retire = plan(Some(&kept), &[], 2);
    let sequence = publish(&bus, &retire, "two").await?;
    let outcomes = turn(&applier, &retire, sequence).await?;
    assert!(matches!(outcomes.as_slice(), [Outcome::Applied(_)]), "{outcomes:?}");
    let claims = bus.store::<Claim>().list().await?;
    assert!(claims.is_empty(), "{claims:?}");
    let before = self::world();
    assert_eq!(world.lock().unwrap().picture(), before.lock().unwrap().picture());
    Ok(())
}

#[tokio::test]
async fn a_killed_process_s_run_is_left_alone_until_its_session_ends() -> Result<()> {
    let server = Server::start().await?;
    let (first, second) = (server.bus().await?, server.bus().await?);
    let (world, life) = (world(), Life::default());
    let desired = [
        resource("item/one", &[("name", "one")], &[]),
        resource("item/two", &[("name", "two")], &["item/one"]),
    ];
    let proposed = plan(None, &desired, 1);
    let sequence = publish(&first, &proposed, "one").await?;

    // Killed between the call and its record; the session is not renewed any more.
    let session =
        Session { instance: first.instance().clone(), started_at: jiff::Timestamp::now() };
    let lasts = Duration::from_secs(2);
    first.store().put_for(first.instance(), &session, lasts, None).await?;
    life.dies_at(1);
    let killed = applier(&first, &world, &life);
    tokio::select! {
        () = life.died() => {}
        outcomes = turn(&killed, &proposed, sequence) => panic!("{outcomes:?}"),
    }
    assert_eq!(world.lock().unwrap().creates.len(), 1);
    let open = state(&first).await?.context("the run is recorded")?;
    assert_eq!(open.run.map(|run| run.holder).as_ref(), Some(first.instance()));

    let other = applier(&second, &world, &Life::default());
    let waiting = turn(&other, &proposed, sequence).await;
    assert!(matches!(waiting, Err(TurnError::Held { .. })), "{waiting:?}");
    let outcomes = eventually("the session ends", || async {
        match turn(&other, &proposed, sequence).await {
            Ok(outcomes) => Ok(Some(outcomes)),
            Err(TurnError::Held { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
    .await?;
    assert!(matches!(outcomes.as_slice(), [Outcome::Applied(_)]), "{outcomes:?}");
    let world = world.lock().unwrap();
    assert!(world.creates.values().all(|&n| n == 1), "{:?}", world.creates);
    assert_eq!(world.creates.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_session_lasts_while_its_process_does() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let kept = Kept::on(&bus);
    let stranger = InstanceId::new("somebody-else")?;
    let session = OpenSession::open(&bus, Duration::from_secs(2)).await?;
    assert!(kept.alive(bus.instance()).await?);
    assert!(!kept.alive(&stranger).await?);

    let revision = || async {
        let found = bus.store::<Session>().get(bus.instance()).await?;
        anyhow::Ok(found.context("it is alive")?.1)
    };
    let opened = revision().await?;
    // Renewed every third of its time: after six renewals it is two lives old.
    eventually("it is renewed", || async {
        Ok((revision().await?.0 >= opened.0 + 6).then_some(()))
    })
    .await?;
    session.close().await;
    assert!(!kept.alive(bus.instance()).await?, "ended at once");
    Ok(())
}

#[tokio::test]
async fn the_agent_answers_for_a_cloud_it_cannot_reach_and_drops_what_is_no_plan() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let own = ProvisionerSettings {
        cloudflare_api: Some(format!("http://127.0.0.1:{closed}/client/v4").parse()?),
        cloudflare_token: "a-token".to_owned().into(),
        cloudflare_limits: ::cloud::cloudflare::Limits::default(),
        session: Duration::from_secs(3),
        parallelism: 2,
        patience: Duration::ZERO,
        lag: Duration::ZERO,
    };
    let stop = CancellationToken::new();
    let settings = RuntimeSettings::at(&server.url);
    let agent = tokio::spawn(runtime::serve::<Provisioner>(settings, own, stop.clone()));

    let desired = [bus_schema::Resource {
        address: support::address("dns_record/api"),
        place: support::zone("example.com"),
        properties: serde_json::from_value(serde_json::json!({
            "name": "api.example.com", "type": "A", "content": "203.0.113.10",
            "ttl": 1, "proxied": true,
        }))?,
        depends_on: Vec::new(),
    }];
    let proposed = support::plan_of(None, &desired, 1, ::cloud::cloudflare::catalogue());
    let sequence = publish(&bus, &proposed, "good").await?;
    let mut altered = proposed.clone();
    altered.plan.order = 99;
    publish(&bus, &altered, "altered").await?;

    let failed = eventually("the outcome", || async {
        match bus.message_at::<PlanFailed>(sequence + 2).await {
            Ok(found) => Ok(found.map(|it| it.message)),
            Err(_) => Ok(None),
        }
    })
    .await?;
    assert_eq!(failed.plan, proposed.id);
    assert!(failed.reason.contains("not available"), "{}", failed.reason);
    assert!(failed.next.contains("Nothing was changed"), "{}", failed.next);

    let dead = eventually("the dead letter", || async {
        let dead = bus.jetstream().get_stream(stream::DEAD.name).await?;
        let subject = bus_schema::Subject::dead(stream::PROVISIONER_PLANS.name);
        Ok(dead.direct_get_last_for_subject(subject.as_str()).await.ok())
    })
    .await?;
    let reason = dead.headers.get(bus_schema::header::DEAD_REASON).context("it has a reason")?;
    assert!(reason.as_str().contains("its content has the id"), "{reason}");

    stop.cancel();
    agent.await??;
    let sessions = bus.store::<Session>().list().await?;
    assert!(sessions.is_empty(), "it closed its session: {sessions:?}");
    Ok(())
}

#[tokio::test]
async fn the_agent_keeps_hands_off_and_gives_what_came_meanwhile_its_turn() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let own = ProvisionerSettings {
        cloudflare_api: Some(format!("http://127.0.0.1:{closed}/client/v4").parse()?),
        cloudflare_token: "a-token".to_owned().into(),
        cloudflare_limits: ::cloud::cloudflare::Limits::default(),
        session: Duration::from_secs(3),
        parallelism: 2,
        patience: Duration::ZERO,
        lag: Duration::ZERO,
    };
    let stop = CancellationToken::new();
    let settings = RuntimeSettings::at(&server.url);
    let agent = tokio::spawn(runtime::serve::<Provisioner>(settings, own, stop.clone()));
    let desired = [bus_schema::Resource {
        address: support::address("dns_record/api"),
        place: support::zone("example.com"),
        properties: serde_json::from_value(serde_json::json!({
            "name": "api.example.com", "type": "A", "content": "203.0.113.10",
            "ttl": 1, "proxied": true,
        }))?,
        depends_on: Vec::new(),
    }];
    let proposed = support::plan_of(None, &desired, 1, ::cloud::cloudflare::catalogue());
    let blank = provisioner::ending::blank(&proposed.plan, jiff::Timestamp::now());
    bus.store().create(&blank.stack, &blank).await?;

    let ask = |paused: bool| {
        let (bus, stack) = (bus.clone(), blank.stack.clone());
        async move {
            let asked = bus_schema::PauseRequested { stack, paused, reason: None, by: None };
            bus.publish(&asked, &MessageId::given(format!("paused {paused}"))).await
        }
    };
    ask(true).await?;
    eventually("it is heeded", || async {
        Ok(state(&bus).await?.filter(|state| state.paused.is_some()))
    })
    .await?;
    let sequence = publish(&bus, &proposed, "plan").await?;
    let waiting = eventually("the plan waits", || async {
        Ok(state(&bus).await?.filter(|state| !state.waiting.is_empty()))
    })
    .await?;
    assert_eq!(waiting.waiting, [sequence]);
    let resumed = ask(false).await?;
    let outcome = eventually("its outcome", || async {
        Ok(bus.message_at::<PlanFailed>(resumed + 1).await?.map(|it| it.message))
    })
    .await?;
    assert_eq!(outcome.plan, proposed.id);
    let after = eventually("nothing waits", || async {
        Ok(state(&bus).await?.filter(|state| state.waiting.is_empty()))
    })
    .await?;
    assert_eq!(after.paused, None);
    stop.cancel();
    agent.await??;
    Ok(())
}
