//! Submits intents, however the server is at the moment, and watches how they end.

use std::time::Duration;

use anyhow::Context;
use async_nats::HeaderMap;
use async_nats::jetstream::{self, context::ContextBuilder};
use serde_json::{Value, json};

use wait::{until, until_every};

use super::work::Lane;
use crate::checker::Accepted;

/// Between one question to the server and the next: six lanes ask at once.
const PAUSE: Duration = Duration::from_millis(60);

/// Who takes messages from `SWARM`.
const CONSUMERS: [&str; 4] =
    ["planner-intents", "planner-outcomes", "provisioner-plans", "provisioner-resumes"];

/// A submitter's view of the bus.
#[derive(Debug, Clone)]
pub(super) struct Submitter {
    context: jetstream::Context,
}

impl Submitter {
    pub(super) fn new(client: async_nats::Client) -> Self {
        Self { context: ContextBuilder::new().timeout(Duration::from_secs(1)).build(client) }
    }

    /// Submits one intent until the server has acknowledged it.
    pub(super) async fn submit(&self, mut intent: Value) -> anyhow::Result<Accepted> {
        let id = bus_schema::IntentId::fresh().to_string();
        intent.as_object_mut().context("an intent is an object")?.insert("id".into(), json!(id));
        let payload = serde_json::to_vec(&intent)?;
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id.as_str());
        let sequence = self.publish("swarm.intent.submit", headers, payload.clone()).await?;
        Ok(Accepted { intent: id, sequence, payload })
    }

    /// Publishes until the server has acknowledged it.
    pub(super) async fn publish(
        &self,
        subject: &str,
        headers: HeaderMap,
        payload: Vec<u8>,
    ) -> anyhow::Result<u64> {
        until("the server acknowledges", Duration::from_secs(60), || async {
            let subject = subject.to_owned();
            let (headers, payload) = (headers.clone(), payload.clone());
            let sent = self.context.publish_with_headers(subject, headers, payload.into()).await;
            let Ok(acknowledgement) = sent else { return Ok(None) };
            Ok(acknowledgement.await.ok().map(|acknowledgement| acknowledgement.sequence))
        })
        .await
    }

    /// Submits a lane's intents; answers those accepted.
    pub(super) async fn lane(&self, lane: Lane) -> anyhow::Result<Vec<Accepted>> {
        let mut accepted = Vec::new();
        for (pause, intent) in lane.intents {
            self.moved(pause).await;
            let next = self.submit(intent).await?;
            if lane.patient {
                self.ended(&next.intent, Duration::from_secs(60)).await?;
            }
            accepted.push(next);
        }
        Ok(accepted)
    }

    /// Waits until the swarm has got on, at most for `limit`: so intents come in the middle of each
    /// other's work, however fast the machine is.
    async fn moved(&self, limit: Duration) {
        let last = || async {
            let stream = self.context.get_stream("SWARM").await.ok()?;
            Some(stream.cached_info().state.last_sequence)
        };
        let before = last().await;
        let moved = until_every(PAUSE, "the swarm gets on", limit, || async {
            Ok(last().await.filter(|now| Some(*now) != before))
        });
        // One that rests is given its next intent.
        drop(moved.await);
    }

    /// Waits for an intent's end; `false` where it does not come in time, which is the checker's to
    /// judge.
    pub(super) async fn ended(&self, intent: &str, limit: Duration) -> anyhow::Result<bool> {
        let subject = format!("$KV.intents.intent.{intent}");
        let ended = until_every(PAUSE, "the intent ends", limit, || async {
            let Ok(stream) = self.context.get_stream_no_info("KV_intents").await else {
                return Ok(None);
            };
            let Ok(record) = stream.direct_get_last_for_subject(&subject).await else {
                return Ok(None);
            };
            let record: Value = rmp_serde::from_slice(&record.payload).unwrap_or_default();
            let phase = record.get("phase").and_then(Value::as_str);
            Ok(phase.filter(|phase| *phase != "planned").map(drop))
        });
        Ok(ended.await.is_ok())
    }

    /// Waits until no message waits for any agent.
    pub(super) async fn quiet(&self, limit: Duration) -> bool {
        let quiet = until_every(PAUSE, "no message waits", limit, || async {
            for name in CONSUMERS {
                let consumer: Result<jetstream::consumer::PullConsumer, _> =
                    self.context.get_consumer_from_stream(name, "SWARM").await;
                let Ok(consumer) = consumer else { return Ok(None) };
                let info = consumer.cached_info();
                if info.num_pending > 0 || info.num_ack_pending > 0 {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        });
        quiet.await.is_ok()
    }
}
