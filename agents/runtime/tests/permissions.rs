//! Each identity can do its work and nothing else, on a real server.

mod support;

use anyhow::{Context, Result};
use bus_schema::identity::{Identity, status_subject};
use bus_schema::{
    InstanceId, IntentRefused, IntentSubmitted, Refusal, RefusalCode, Request, Session, stream,
};
use futures::StreamExt;
use runtime::{Bus, NatsSettings, RunError, RuntimeSettings};
use support::{
    Keys, Planner, Provisioner, Running, Script, Server, eventually, plan, send, settled,
};

/// A server that lets in the identities only, and the connection of its operator.
async fn guarded() -> Result<(Server, Keys, Bus)> {
    let keys = Keys::new();
    let server = Server::start_with(&keys.authorization()).await?;
    let bootstrap = connect(&keys.settings(&server, Identity::Bootstrap)?).await?;
    runtime::bootstrap(&bootstrap, 1).await?;
    runtime::bootstrap(&bootstrap, 1).await?;
    assert_eq!(*bootstrap.denied().borrow(), None);
    let operator = connect(&keys.settings(&server, Identity::Operator)?).await?;
    Ok((server, keys, operator))
}

async fn connect(settings: &NatsSettings) -> Result<Bus> {
    Ok(runtime::connect(settings, "test").await?)
}

fn settings(keys: &Keys, server: &Server, identity: Identity) -> Result<RuntimeSettings> {
    let mut settings = RuntimeSettings::at("");
    settings.nats = keys.settings(server, identity)?;
    Ok(settings)
}

fn session() -> Result<(InstanceId, Session)> {
    let instance: InstanceId = "somebody".parse()?;
    Ok((instance.clone(), Session { instance, started_at: jiff::Timestamp::UNIX_EPOCH }))
}

/// Waits until the server has denied something to this connection.
async fn denial(bus: &Bus) -> Result<String> {
    let denied = bus.denied();
    eventually("a denial", || async { Ok(denied.borrow().clone()) }).await
}

#[tokio::test]
async fn agents_work_with_no_more_rights_than_they_have() -> Result<()> {
    let (server, keys, operator) = guarded().await?;
    let planner = Script::intent(|received, outbox| async move {
        let order = received.sequence;
        if received.message.request.text.as_deref() == Some("no") {
            let refusal = Refusal {
                code: RefusalCode::Empty,
                reason: "no".to_owned(),
                missing: Vec::new(),
                nearest: Vec::new(),
                example: None,
            };
            let intent = bus_schema::IntentId::of_stream_sequence(order);
            outbox.publish(&IntentRefused { intent, refusal }).await?;
        } else if received.message.request.text.is_some() {
            outbox.publish(&plan("edge", order).expect("valid")).await?;
        } else {
            return Err(runtime::HandleError::new(runtime::Retry::Never, "nothing asked"));
        }
        Ok(())
    });
    let provisioner = Script::plan(|received, outbox| async move {
        outbox.publish(&support::applied(&received.message)).await?;
        Ok(())
    });
    let planner = Running::start::<Planner>(settings(&keys, &server, Identity::Planner)?, planner);
    let provisioner = Running::start::<Provisioner>(
        settings(&keys, &server, Identity::Provisioner)?,
        provisioner,
    );
    let submitter = connect(&keys.settings(&server, Identity::Submitter)?).await?;
    for text in [Some("yes"), Some("no"), None] {
        let mut intent = IntentSubmitted { id: None, request: Request::default(), by: None };
        intent.request.text = text.map(ToOwned::to_owned);
        send(&submitter, &intent).await?;
    }
    support::dead(&operator).await?;
    // Three intents, a plan, a refusal, an outcome.
    eventually("everything was said", || support::stored(&operator, "SWARM", 6)).await?;
    let at_work = ["planner", "provisioner"];
    for consumer in stream::CONSUMERS.iter().filter(|it| at_work.contains(&it.agent)) {
        settled(&operator, consumer).await?;
    }
    let mut answers = {
        let inbox = operator.client().new_inbox();
        let answers = operator.client().subscribe(inbox.clone()).await?;
        operator.client().publish_with_reply("$SRV.PING", inbox, "".into()).await?;
        answers
    };
    let mut names = Vec::new();
    for _ in 0..2 {
        let answer = tokio::time::timeout(support::PATIENCE, answers.next()).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.context("open")?.payload)?;
        names.push(answer["name"].as_str().unwrap_or_default().to_owned());
    }
    names.sort();
    assert_eq!(names, at_work);
    let status = operator.client().request(status_subject("provisioner"), "".into()).await?;
    let status: serde_json::Value = serde_json::from_slice(&status.payload)?;
    assert_eq!(status["handled"], 1, "{status}");
    let figures = operator.client().request("$SRV.STATS.planner", "".into()).await?;
    let figures: serde_json::Value = serde_json::from_slice(&figures.payload)?;
    assert_eq!(figures["endpoints"][0]["data"]["dead_lettered"], 1, "{figures}");
    planner.stopped().await??;
    provisioner.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn a_planner_reads_the_stacks_and_cannot_write_them() -> Result<()> {
    let (server, keys, operator) = guarded().await?;
    let (key, record) = session()?;
    let planner = connect(&keys.settings(&server, Identity::Planner)?).await?;
    operator.store::<Session>().create(&key, &record).await?;
    assert!(planner.store::<Session>().get(&key).await?.is_some());
    assert_eq!(*planner.denied().borrow(), None);
    let (_, revision) = planner.store::<Session>().get(&key).await?.context("there")?;
    assert!(planner.store::<Session>().update(&key, &record, revision).await.is_err());
    assert!(denial(&planner).await?.contains("$KV.stacks.session.somebody"));
    Ok(())
}

#[tokio::test]
async fn a_submitter_hears_nothing_but_the_answer() -> Result<()> {
    let (server, keys, _operator) = guarded().await?;
    let submitter = connect(&keys.settings(&server, Identity::Submitter)?).await?;
    let _everything = submitter.client().subscribe("swarm.>").await?;
    let denied = denial(&submitter).await?;
    assert!(denied.contains("Subscription to \"swarm.>\""), "{denied}");
    Ok(())
}

#[tokio::test]
async fn an_agent_without_its_rights_ends_and_says_so() -> Result<()> {
    let (server, keys, _operator) = guarded().await?;
    let settings = settings(&keys, &server, Identity::Planner)?;
    let wrong = Running::start::<Provisioner>(settings, Script::default());
    let Err(RunError::Denied { violation }) = wrong.ended().await? else {
        panic!("it should have been denied")
    };
    assert!(violation.contains("provisioner-plans"), "{violation}");
    Ok(())
}

#[tokio::test]
async fn without_a_key_there_is_no_connection_and_anonymous_may_be_a_submitter() -> Result<()> {
    let (server, _keys, _operator) = guarded().await?;
    assert!(connect(&NatsSettings::at(server.url())).await.is_err());
    let open = bus_schema::identity::render_authorization(&[], Some(Identity::Submitter));
    let server = Server::start_with(&open).await?;
    let anonymous = connect(&NatsSettings::at(server.url())).await?;
    assert!(anonymous.client().request("swarm.intent.submit", "{}".into()).await.is_err());
    assert_eq!(*anonymous.denied().borrow(), None);
    let _everything = anonymous.client().subscribe("swarm.>").await?;
    denial(&anonymous).await?;
    Ok(())
}
