//! What is left after a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::bus::{Entry, read_stream};
use crate::cloud::Sandbox;

/// A submission that the server acknowledged.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The intent's id, as submitted.
    pub intent: String,
    /// Its sequence, as acknowledged.
    pub sequence: u64,
    /// The bytes submitted.
    pub payload: Vec<u8>,
}

/// Everything that is stored after a run, once the agents have ended.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The log of everything.
    pub swarm: Vec<Entry>,
    /// The planner's bucket with its history.
    pub intents: Vec<Entry>,
    /// The provisioner's bucket with its history.
    pub stacks: Vec<Entry>,
    /// The state of the cloud, its audit log included.
    pub cloud: Value,
    /// What was acknowledged to submitters.
    pub accepted: Vec<Accepted>,
}

impl Evidence {
    /// Reads everything.
    pub async fn collect(
        client: &async_nats::Client,
        cloud: &Sandbox,
        accepted: Vec<Accepted>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            swarm: read_stream(client, "SWARM").await?,
            intents: read_stream(client, "KV_intents").await?,
            stacks: read_stream(client, "KV_stacks").await?,
            cloud: cloud.state().await?,
            accepted,
        })
    }

    /// The newest value of every key of a bucket that begins so, by the rest of the key.
    pub(crate) fn newest<'it>(
        bucket: &'it [Entry],
        prefix: &str,
    ) -> BTreeMap<&'it str, &'it Value> {
        let mut newest = BTreeMap::new();
        for entry in bucket {
            let Some((_, key)) = entry.subject.split_once(prefix) else { continue };
            if entry.body.is_object() {
                newest.insert(key, &entry.body);
            } else {
                newest.remove(key);
            }
        }
        newest
    }

    /// Every plan proposed, once, oldest first.
    pub(crate) fn plans(&self) -> impl Iterator<Item = &Entry> {
        self.swarm.iter().filter(|entry| entry.subject.starts_with("swarm.plan.proposed."))
    }

    /// What the provisioner said became of plans: the word, and the message.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.swarm.iter().filter_map(|entry| {
            let (word, _) = entry.subject.strip_prefix("swarm.provision.")?.split_once('.')?;
            Some((word, entry))
        })
    }
}
