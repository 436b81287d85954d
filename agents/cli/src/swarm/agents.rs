//! Who is in the swarm: the agents' answers as NATS micro services.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::failure::Explain as _;
use crate::swarm::Swarm;

/// Where every micro service answers, by NATS' own convention (ADR-32).
const STATS: &str = "$SRV.STATS";
/// The same for what does not change while it runs.
const INFO: &str = "$SRV.INFO";
/// How long answers are waited for after the last one.
const QUIET: Duration = Duration::from_millis(150);
/// How long the first one is waited for.
const FIRST: Duration = Duration::from_millis(700);

/// One running agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AgentStats {
    /// For example `planner`.
    pub(crate) name: String,
    /// Which process.
    pub(crate) id: String,
    /// Which release.
    pub(crate) version: String,
    /// Since when.
    #[serde(default)]
    pub(crate) started: Option<Timestamp>,
    /// Its instance id: what a run's holder is named by.
    #[serde(default)]
    pub(crate) instance: Option<String>,
    /// What it counts.
    #[serde(default)]
    pub(crate) endpoints: Vec<Endpoint>,
}

/// What an agent says of itself.
#[derive(Debug, Deserialize)]
struct Info {
    id: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Info {
    fn instance(&self) -> Option<String> {
        self.metadata.get("instance").cloned()
    }
}

/// What an agent counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// Its name.
    pub(crate) name: String,
    /// The agent's own figures.
    #[serde(default)]
    pub(crate) data: Option<serde_json::Value>,
}

impl AgentStats {
    /// One of the agent's own figures, over all its endpoints.
    pub(crate) fn figure(&self, name: &str) -> Option<u64> {
        let values = self.endpoints.iter().filter_map(|endpoint| endpoint.data.as_ref()?.get(name));
        values.filter_map(serde_json::Value::as_u64).reduce(u64::saturating_add)
    }
}

impl Swarm {
    /// Every agent that answers, by name.
    pub(crate) async fn agents(&self) -> Result<Vec<AgentStats>, Failure> {
        let (mut agents, infos) =
            tokio::try_join!(self.ask_all::<AgentStats>(STATS), self.ask_all::<Info>(INFO))?;
        for agent in &mut agents {
            agent.instance = infos.iter().find(|info| info.id == agent.id).and_then(Info::instance);
        }
        agents.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(agents)
    }

    /// What every service answers to one question.
    async fn ask_all<T: DeserializeOwned>(&self, subject: &'static str) -> Result<Vec<T>, Failure> {
        let client = self.bus.client();
        let what = "the agents cannot be asked";
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await.or_fail(what)?;
        client.publish_with_reply(subject, inbox, Bytes::new()).await.or_fail(what)?;
        let mut understood = Vec::new();
        let mut patience = FIRST;
        // Nobody knows how many there are: the end is when none answers any more.
        while let Ok(Some(answer)) = tokio::time::timeout(patience, answers.next()).await {
            patience = QUIET;
            // Other people's services may be on the server too; what is not understood is not ours.
            understood.extend(serde_json::from_slice::<T>(&answer.payload).ok());
        }
        Ok(understood)
    }
}
