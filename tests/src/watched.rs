//! What the auditor has said, and how often it has looked.

use async_nats::jetstream;
use async_nats::jetstream::stream::DirectGetErrorKind;
use bus_schema::{DriftFound, FindingResolved, Message, Record, StackName, Watch, codec};
use futures::StreamExt;

use crate::swarm::Swarm;

impl Swarm {
    /// What was found of a stack so far.
    pub async fn found(&self, stack: &StackName) -> anyhow::Result<Vec<DriftFound>> {
        self.all(&format!("swarm.finding.drift.{stack}")).await
    }

    /// What was found of a stack and is over.
    pub async fn resolved(&self, stack: &StackName) -> anyhow::Result<Vec<FindingResolved>> {
        self.all(&format!("swarm.finding.resolved.{stack}")).await
    }

    /// Every message on a subject, in order.
    pub async fn all<M: Message>(&self, subject: &str) -> anyhow::Result<Vec<M>> {
        let payloads = self.payloads(subject).await?;
        payloads.iter().map(|payload| Ok(codec::decode(None, payload)?)).collect()
    }

    /// What every message on a subject holds, in order.
    pub async fn payloads(&self, subject: &str) -> anyhow::Result<Vec<bytes::Bytes>> {
        let context = jetstream::new(self.operator.clone());
        let stream = context.get_stream_no_info("SWARM").await?;
        let mut all = Vec::new();
        let mut from = 1;
        loop {
            match stream.direct_get_next_for_subject(subject, Some(from)).await {
                Ok(message) => {
                    from = message.sequence + 1;
                    all.push(message.payload);
                }
                Err(error) if error.kind() == DirectGetErrorKind::NotFound => return Ok(all),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks at every scope so far.
    pub async fn looks(&self) -> anyhow::Result<u64> {
        let bucket = jetstream::new(self.operator.clone());
        let bucket = bucket.get_key_value(Watch::BUCKET.name).await?;
        let mut keys = bucket.keys().await?;
        let mut sum = 0;
        while let Some(key) = keys.next().await {
            let key = key?;
            if key.starts_with(Watch::PREFIX)
                && let Some(bytes) = bucket.get(key).await?
            {
                sum += codec::decode::<Watch>(None, &bytes)?.looks;
            }
        }
        Ok(sum)
    }
}
