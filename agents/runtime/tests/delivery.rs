//! A message from its delivery to its end, against a real server.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use bus_schema::{IntentSubmitted, Message, codec, header, stream};
use runtime::{HandleError, Retry, RuntimeSettings};
use support::{
    Planner, Provisioner, Running, Script, Server, applied, dead, eventually, plan, publish, send,
    settled, stored,
};
use tokio::sync::{Notify, mpsc};

#[derive(Debug, thiserror::Error)]
#[error("the cloud said no")]
struct Refused(#[source] std::io::Error);

fn refused(retry: Retry) -> HandleError {
    HandleError::new(retry, Refused(std::io::Error::other("quota exceeded")))
}

const SOON: Retry = Retry::After(Duration::from_millis(20));

#[tokio::test]
async fn an_intent_in_plain_json_without_headers_is_enough() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let (seen, mut intents) = mpsc::unbounded_channel();
    let script = Script::intent(move |received, _| {
        seen.send(received).ok();
        async { Ok(()) }
    });
    let agent = Running::start::<Planner>(RuntimeSettings::at(server.url()), script);
    let sequence = publish(&bus, "swarm.intent.submit", &[], r#"{"text":"Secure it"}"#).await?;
    let received = intents.recv().await.expect("an intent");
    assert_eq!(received.message.request.text.as_deref(), Some("Secure it"));
    assert_eq!(received.sequence, sequence);
    assert_eq!(received.id, bus_schema::MessageId::of_stream_sequence("SWARM", sequence));
    assert_eq!(received.delivery, 1);
    settled(&bus, &stream::PLANNER_INTENTS).await?;
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn handling_again_emits_the_same_messages_again() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let deliveries = Arc::new(Mutex::new(Vec::new()));
    let script = Script::plan({
        let deliveries = Arc::clone(&deliveries);
        move |received, outbox| {
            let deliveries = Arc::clone(&deliveries);
            async move {
                let first = outbox.publish(&applied(&received.message)).await?;
                let second = outbox.publish(&applied(&received.message)).await?;
                let mut deliveries = deliveries.lock().unwrap();
                deliveries.push((received.delivery, first.sequence, second.sequence));
                if deliveries.len() < 3 { Err(refused(SOON)) } else { Ok(()) }
            }
        }
    });
    let agent = Running::start::<Provisioner>(RuntimeSettings::at(server.url()), script);
    let sequence = send(&bus, &plan("edge", 1)?).await?;
    eventually("three deliveries", || async {
        Ok((deliveries.lock().unwrap().len() == 3).then_some(()))
    })
    .await?;
    settled(&bus, &stream::PROVISIONER_PLANS).await?;
    agent.stopped().await??;
    let (one, two) = (sequence + 1, sequence + 2);
    assert_eq!(*deliveries.lock().unwrap(), [(1, one, two), (2, one, two), (3, one, two)]);
    assert!(stored(&bus, "SWARM", two + 1).await?.is_none());
    let emitted = stored(&bus, "SWARM", one).await?.expect("emitted");
    let cause = stored(&bus, "SWARM", sequence).await?.expect("sent");
    let header = |name: &'static str| emitted.headers.get(name).map(ToString::to_string);
    let id = cause.headers.get(header::MESSAGE_ID).map(ToString::to_string);
    assert_eq!(header(header::CAUSE), id);
    assert_eq!(header(header::TYPE).as_deref(), Some("swarm.provision.v1.applied"));
    assert_eq!(header(header::CONTENT_TYPE).as_deref(), Some(codec::MESSAGEPACK));
    assert_eq!(header(header::INTENT), Some(plan("edge", 1)?.plan.intent.to_string()));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_handled_is_kept_whole_with_its_reason() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let script = Script::intent(|_, _| async { Err(refused(Retry::Never)) });
    let agent = Running::start::<Planner>(RuntimeSettings::at(server.url()), script);
    let payload = "{\"text\": \"as it was  typed\" }\n";
    let headers = [
        ("X-Mine", "kept"),
        ("Nats-Expected-Stream", "SWARM"),
        ("Nats-Msg-Id", "mine"),
        ("Zerodrift-Dead-Reason", "forged"),
    ];
    let sequence = publish(&bus, "swarm.intent.submit", &headers, payload).await?;
    let letter = dead(&bus).await?;
    settled(&bus, &stream::PLANNER_INTENTS).await?;
    agent.stopped().await??;
    assert_eq!(letter.payload, payload);
    assert_eq!(letter.subject.as_str(), "dead.planner-intents");
    let header = |name: &'static str| letter.headers.get(name).map(ToString::to_string);
    assert_eq!(header("X-Mine").as_deref(), Some("kept"));
    assert_eq!(header("Nats-Expected-Stream"), None);
    assert_eq!(header(header::DEAD_REASON).as_deref(), Some("the cloud said no: quota exceeded"));
    assert_eq!(header(header::DEAD_SUBJECT).as_deref(), Some("swarm.intent.submit"));
    assert_eq!(header(header::DEAD_SEQUENCE), Some(sequence.to_string()));
    assert_eq!(header(header::DEAD_DELIVERIES).as_deref(), Some("1"));
    assert_eq!(header(header::DEAD_MESSAGE_ID).as_deref(), Some("mine"));
    Ok(())
}

#[tokio::test]
async fn garbage_on_any_subject_is_put_aside_and_traffic_goes_on() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let (seen, mut handled) = mpsc::unbounded_channel();
    let script = Script::intent(move |received, _| {
        seen.send(received.message.request.text).ok();
        async { Ok(()) }
    });
    let agent = Running::start::<Planner>(RuntimeSettings::at(server.url()), script);
    let on_intents = "swarm.intent.submit";
    publish(&bus, on_intents, &[], [0xc1, 0xff, 0x00]).await?;
    publish(&bus, on_intents, &[(header::TYPE, "swarm.odd.v1.thing")], "{}").await?;
    publish(&bus, on_intents, &[(header::CONTENT_TYPE, "text/html")], "<p>").await?;
    // An outcome of another stack than its subject says, and one of no known type.
    let outcome = codec::encode(&applied(&plan("edge", 1)?))?;
    publish(&bus, "swarm.provision.applied.other", &[], outcome).await?;
    publish(&bus, "swarm.provision.odd.edge", &[(header::TYPE, "odd")], "{}").await?;
    publish(&bus, on_intents, &[], r#"{"text":"still here"}"#).await?;
    assert_eq!(handled.recv().await, Some(Some("still here".to_owned())));
    let mut reasons = Vec::new();
    for sequence in 1..=5 {
        let letter = eventually("a dead letter", || stored(&bus, "DEAD", sequence)).await?;
        reasons.push(letter.headers.get(header::DEAD_REASON).unwrap().to_string());
    }
    reasons.sort();
    assert!(reasons[0].contains("content type `text/html` is neither"), "{reasons:#?}");
    assert!(reasons[1].starts_with("cannot be decoded as swarm.intent.v1.submitted: "));
    assert_eq!(reasons[2], "it belongs on subject `swarm.provision.applied.edge`");
    assert!(reasons[3].starts_with("no handler for type `odd`; planner-outcomes takes"));
    assert!(reasons[4].starts_with("no handler for type `swarm.odd.v1.thing`"), "{reasons:#?}");
    settled(&bus, &stream::PLANNER_INTENTS).await?;
    settled(&bus, &stream::PLANNER_OUTCOMES).await?;
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn a_handler_that_panics_is_tried_again() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let tries = Arc::new(AtomicUsize::new(0));
    let script = Script::plan({
        let tries = Arc::clone(&tries);
        move |_, _| {
            let first = tries.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                assert!(!first, "once");
                Ok(())
            }
        }
    });
    let agent = Running::start::<Provisioner>(RuntimeSettings::at(server.url()), script);
    send(&bus, &plan("edge", 1)?).await?;
    settled(&bus, &stream::PROVISIONER_PLANS).await?;
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn one_handler_at_a_time_for_a_stack_in_order_and_others_beside_it() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let go = Arc::new(Notify::new());
    let (seen, mut events) = mpsc::unbounded_channel();
    let script = Script::plan({
        let go = Arc::clone(&go);
        move |received, _| {
            let (go, seen) = (Arc::clone(&go), seen.clone());
            let plan = received.message.plan;
            async move {
                seen.send(format!("{} {} begins", plan.stack, plan.order)).ok();
                if plan.stack.as_str() == "busy" {
                    go.notified().await;
                }
                seen.send(format!("{} {} ends", plan.stack, plan.order)).ok();
                Ok(())
            }
        }
    });
    for order in 1..=3 {
        send(&bus, &plan("busy", order)?).await?;
    }
    send(&bus, &plan("other", 4)?).await?;
    let agent = Running::start::<Provisioner>(RuntimeSettings::at(server.url()), script);
    let mut first = Vec::new();
    for _ in 0..3 {
        first.push(events.recv().await.unwrap());
    }
    first.sort();
    assert_eq!(first, ["busy 1 begins", "other 4 begins", "other 4 ends"]);
    go.notify_one();
    assert_eq!(events.recv().await.unwrap(), "busy 1 ends");
    assert_eq!(events.recv().await.unwrap(), "busy 2 begins");
    go.notify_one();
    assert_eq!(events.recv().await.unwrap(), "busy 2 ends");
    assert_eq!(events.recv().await.unwrap(), "busy 3 begins");
    go.notify_one();
    settled(&bus, &stream::PROVISIONER_PLANS).await?;
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn what_killed_every_handler_is_given_up_without_another() -> Result<()> {
    use futures::StreamExt;

    let server = Server::start().await?;
    let bus = server.bus().await?;
    let sequence = publish(&bus, "swarm.intent.submit", &[], r#"{"text":"poison"}"#).await?;
    let consumer: async_nats::jetstream::consumer::PullConsumer = bus
        .jetstream()
        .get_consumer_from_stream(stream::PLANNER_INTENTS.name, stream::SWARM.name)
        .await?;
    for _ in 0..stream::PLANNER_INTENTS.max_deliver {
        let mut batch = consumer.batch().max_messages(1).messages().await?;
        let message = batch.next().await.expect("delivered").expect("a message");
        let again = async_nats::jetstream::AckKind::Nak(None);
        message.ack_with(again).await.expect("sent");
    }
    let script = Script::intent(|_, _| async { panic!("must not be handled") });
    let agent = Running::start::<Planner>(RuntimeSettings::at(server.url()), script);
    let letter = dead(&bus).await?;
    let reason = letter.headers.get(header::DEAD_REASON).unwrap().to_string();
    assert!(reason.starts_with("delivered 20 times and never answered for"), "{reason}");
    assert_eq!(letter.headers.get(header::DEAD_SEQUENCE).unwrap().as_str(), sequence.to_string());
    settled(&bus, &stream::PLANNER_INTENTS).await?;
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn a_stored_message_is_read_back_by_its_sequence() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let proposed = plan("edge", 7)?;
    let sequence = send(&bus, &proposed).await?;
    let read = bus.message_at::<bus_schema::PlanProposed>(sequence).await?.expect("stored");
    assert_eq!(read.message, proposed);
    assert_eq!(read.sequence, sequence);
    assert!(bus.message_at::<bus_schema::PlanProposed>(sequence + 9).await?.is_none());
    let wrong = bus.message_at::<IntentSubmitted>(sequence).await.unwrap_err();
    assert_eq!(
        wrong.to_string(),
        format!("message {sequence} of SWARM is not {}", IntentSubmitted::TYPE)
    );
    Ok(())
}
