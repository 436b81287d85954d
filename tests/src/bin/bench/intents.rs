//! Intents under load: so many at once, each timed until it has converged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use async_nats::jetstream::{self, consumer, stream};
use bus_schema::stream::{Bucket, SWARM};
use bus_schema::{IntentId, IntentPhase, IntentState, Record, StackName, StackState, codec};
use futures::{StreamExt, TryStreamExt};
use serde_json::json;
use tests::Swarm;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::measure::Measured;

/// Longest an intent may take before the measurement is given up.
const LONGEST: Duration = Duration::from_secs(60);

type Waiting = Arc<Mutex<HashMap<IntentId, oneshot::Sender<IntentPhase>>>>;

/// Submits intents to a swarm and hears of their ends.
pub(crate) struct Load<'swarm> {
    swarm: &'swarm Swarm,
    jetstream: jetstream::Context,
    waiting: Waiting,
    listening: JoinHandle<()>,
}

/// The payloads that one intent has stored, in the order it did; and what two of them are.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) stored: Vec<(String, bytes::Bytes)>,
}

impl<'swarm> Load<'swarm> {
    /// Listens for ends.
    pub(crate) async fn new(swarm: &'swarm Swarm) -> anyhow::Result<Self> {
        let jetstream = jetstream::new(swarm.operator.clone());
        let bucket = jetstream.get_stream(Bucket::INTENTS.stream_name()).await?;
        let deliver = consumer::push::OrderedConfig {
            deliver_subject: swarm.operator.new_inbox(),
            deliver_policy: consumer::DeliverPolicy::New,
            ..Default::default()
        };
        let mut records = bucket.create_consumer(deliver).await?.messages().await?;
        let waiting = Waiting::default();
        let heard = Arc::clone(&waiting);
        let listening = tokio::spawn(async move {
            while let Some(Ok(message)) = records.next().await {
                let Ok(state) = codec::decode::<IntentState>(None, &message.payload) else {
                    continue;
                };
                if state.phase.is_final() {
                    let mut waiting = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(waits) = waiting.remove(&state.intent) {
                        // Whoever waited may have given up.
                        waits.send(state.phase).unwrap_or_default();
                    }
                }
            }
        });
        Ok(Self { swarm, jetstream, waiting, listening })
    }

    /// Has `count` intents converge, `in_flight` at once; each makes a stack of its own, named by
    /// `prefix` and its number.
    pub(crate) async fn run(
        &self,
        prefix: &str,
        in_flight: usize,
        count: usize,
    ) -> anyhow::Result<Measured> {
        let began = Instant::now();
        let each = futures::stream::iter(0..count)
            .map(|number| self.one(prefix, number))
            .buffer_unordered(in_flight)
            .try_collect()
            .await?;
        Ok(Measured::since(began, each))
    }

    async fn one(&self, prefix: &str, number: usize) -> anyhow::Result<Duration> {
        let id = IntentId::fresh();
        let (ends, end) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, ends);
        let intent = json!({
            "id": id,
            "path": "dns-record",
            "parameters": { "hostname": host(prefix, number), "target": "203.0.113.20" },
        });
        let intent = serde_json::to_vec(&intent)?;
        let began = Instant::now();
        self.jetstream.publish("swarm.intent.submit", intent.into()).await?.await?;
        let phase = tokio::time::timeout(LONGEST, end)
            .await
            .with_context(|| format!("{id} did not end\n{}", self.swarm.logs()))??;
        let took = began.elapsed();
        ensure!(phase == IntentPhase::Converged, "{id} ended {phase:?}\n{}", self.swarm.logs());
        Ok(took)
    }

    /// What the intent `number` of a run has stored.
    pub(crate) async fn sample(&self, prefix: &str, number: usize) -> anyhow::Result<Sample> {
        let stack: StackName = format!("dns-{}", host(prefix, number).replace('.', "-")).parse()?;
        let state = self.swarm.stack(stack.as_str()).await?;
        let intent = state.intent.context("an applied stack has an intent")?;
        let swarm = self.jetstream.get_stream(SWARM.name).await?;
        let submitted = state.order;
        let mut stored =
            vec![("IntentSubmitted".to_owned(), swarm.get_raw_message(submitted).await?.payload)];
        for (name, subject) in [
            ("PlanProposed", format!("swarm.plan.proposed.{stack}")),
            ("PlanApplied", format!("swarm.provision.applied.{stack}")),
        ] {
            let message = swarm.get_last_raw_message_by_subject(&subject).await?;
            stored.push((name.to_owned(), message.payload));
        }
        let kept = [
            ("IntentState", intents(), Bucket::INTENTS.subject(&IntentState::key(&intent))),
            ("StackState", stacks(), Bucket::STACKS.subject(&StackState::key(&stack))),
        ];
        for (name, bucket, subject) in kept {
            let bucket = self.jetstream.get_stream(bucket).await?;
            for payload in history(&bucket, &subject).await? {
                stored.push((name.to_owned(), payload));
            }
        }
        Ok(Sample { stored })
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Every message of a subject, oldest first.
async fn history(stream: &stream::Stream, subject: &str) -> anyhow::Result<Vec<bytes::Bytes>> {
    let filter =
        consumer::pull::OrderedConfig { filter_subject: subject.to_owned(), ..Default::default() };
    let consumer = stream.create_consumer(filter).await?;
    let mut all = Vec::new();
    let mut messages = consumer.messages().await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        let pending = message.info().map(|info| info.pending).unwrap_or_default();
        all.push(message.payload.clone());
        if pending == 0 {
            break;
        }
    }
    Ok(all)
}

fn host(prefix: &str, number: usize) -> String {
    format!("{prefix}-{number}.example.com")
}

fn intents() -> String {
    Bucket::INTENTS.stream_name()
}

fn stacks() -> String {
    Bucket::STACKS.stream_name()
}

impl Sample {
    /// The payloads alone.
    pub(crate) fn payloads(&self) -> Vec<bytes::Bytes> {
        self.stored.iter().map(|(_, payload)| payload.clone()).collect()
    }

    /// The last payload of a type.
    pub(crate) fn last(&self, name: &str) -> anyhow::Result<&[u8]> {
        let found = self.stored.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, payload)| payload.as_ref()).with_context(|| format!("no {name} was stored"))
    }

    /// For people: how large each is.
    pub(crate) fn sizes(&self) -> String {
        let sizes: Vec<String> =
            self.stored.iter().map(|(_, payload)| payload.len().to_string()).collect();
        format!("{} bytes", sizes.join(", "))
    }
}
