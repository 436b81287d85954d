//! The bus alone: the same bytes published, delivered and acknowledged, without anybody thinking
//! about them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use async_nats::jetstream::{self, consumer::pull, stream};
use async_nats::{HeaderMap, jetstream::context::Context as JetStream};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tests::Swarm;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::measure::Measured;

const STREAM: &str = "BENCH";
const NUMBER: &str = "Bench-Number";

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>;

/// Sends `count` messages with these payloads in turn, `in_flight` at once. Each is timed from its
/// publish until the server has confirmed both the storing and the acknowledgement of it.
pub(crate) async fn run(
    swarm: &Swarm,
    payloads: &[Bytes],
    in_flight: usize,
    count: usize,
) -> anyhow::Result<Measured> {
    let jetstream = jetstream::new(swarm.operator.clone());
    let stream = jetstream
        .create_stream(stream::Config {
            name: STREAM.to_owned(),
            subjects: vec!["bench.>".to_owned()],
            ..Default::default()
        })
        .await?;
    let consumer = stream
        .create_consumer(pull::Config {
            durable_name: Some("bench".to_owned()),
            ..Default::default()
        })
        .await?;
    let mut deliveries = consumer.messages().await?;
    let waiting = Waiting::default();
    let heard = Arc::clone(&waiting);
    let listening = tokio::spawn(async move {
        while let Some(Ok(message)) = deliveries.next().await {
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                let confirmed = message.double_ack().await;
                let number = message.headers.as_ref().and_then(|headers| headers.get(NUMBER));
                let mut waiting = heard.lock().unwrap_or_else(PoisonError::into_inner);
                let waits = number.and_then(|number| waiting.remove(number.as_str()));
                if let (Ok(()), Some(waits)) = (confirmed, waits) {
                    waits.send(()).unwrap_or_default();
                }
            });
        }
    });
    let began = Instant::now();
    let each = futures::stream::iter(payloads.iter().cycle().take(count).enumerate())
        .map(|(number, payload)| one(&jetstream, &waiting, number, payload.clone()))
        .buffer_unordered(in_flight)
        .try_collect()
        .await?;
    let measured = Measured::since(began, each);
    listening.abort();
    jetstream.delete_stream(STREAM).await?;
    Ok(measured)
}

async fn one(
    jetstream: &JetStream,
    waiting: &Waiting,
    number: usize,
    payload: Bytes,
) -> anyhow::Result<Duration> {
    let number = number.to_string();
    let mut headers = HeaderMap::new();
    headers.insert(NUMBER, number.as_str());
    headers.insert("Nats-Msg-Id", number.as_str());
    let (ends, end) = oneshot::channel();
    waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(number, ends);
    let began = Instant::now();
    jetstream.publish_with_headers("bench.message", headers, payload).await?.await?;
    tokio::time::timeout(Duration::from_secs(30), end).await.context("never delivered")??;
    Ok(began.elapsed())
}
