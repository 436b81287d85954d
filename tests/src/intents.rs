//! Submitting intents as people and programs do.

use anyhow::Context;
use async_nats::jetstream;
use bus_schema::{
    IntentId, IntentPhase, IntentState, PlanProposed, Record, StackName, StackState, codec,
};
use serde_json::{Value, json};

use crate::follow::Followed;
use crate::swarm::Swarm;
use wait::{secs, until};

/// An intent on its way.
#[derive(Debug)]
pub struct Submitted<'swarm> {
    swarm: &'swarm Swarm,
    /// Its id, chosen here.
    pub id: IntentId,
}

impl Swarm {
    /// Submits a text, as plain JSON without headers.
    pub async fn intend(&self, text: &str) -> anyhow::Result<Submitted<'_>> {
        self.submit(json!({ "text": text })).await
    }

    /// Submits any JSON object.
    pub async fn submit(&self, mut intent: Value) -> anyhow::Result<Submitted<'_>> {
        let id = IntentId::fresh();
        intent.as_object_mut().context("an intent is an object")?.insert("id".into(), json!(id));
        self.say("swarm.intent.submit", serde_json::to_vec(&intent)?).await?;
        Ok(Submitted { swarm: self, id })
    }

    /// An intent submitted before.
    pub const fn submitted(&self, id: IntentId) -> Submitted<'_> {
        Submitted { swarm: self, id }
    }

    /// Publishes bytes on a subject as the operator, past all types, and waits for the server.
    pub async fn say(&self, subject: &str, payload: Vec<u8>) -> anyhow::Result<()> {
        let jetstream = jetstream::new(self.operator.clone());
        jetstream.publish(subject.to_owned(), payload.into()).await?.await?;
        Ok(())
    }

    /// A record of the swarm's shared memory.
    pub async fn record<R: Record>(&self, key: &R::Key) -> anyhow::Result<Option<R>> {
        let bucket = jetstream::new(self.operator.clone()).get_key_value(R::BUCKET.name).await?;
        let bytes = bucket.get(R::key(key)).await?;
        Ok(bytes.map(|bytes| codec::decode(None, &bytes)).transpose()?)
    }

    /// A stack's record.
    pub async fn stack(&self, name: &str) -> anyhow::Result<StackState> {
        let name: StackName = name.parse()?;
        self.record(&name).await?.with_context(|| format!("there is no stack {name}"))
    }
}

impl Submitted<'_> {
    /// Waits until the intent has ended, however.
    pub async fn ended(&self) -> anyhow::Result<IntentState> {
        let ended = until("the intent ends", secs(40), || async {
            let state: Option<IntentState> = self.swarm.record(&self.id).await?;
            Ok(state.filter(|state| state.phase.is_final()))
        });
        match ended.await {
            Ok(state) => Ok(state),
            Err(error) => {
                let state: Option<IntentState> = self.swarm.record(&self.id).await?;
                Err(error.context(format!("{state:#?}\n{}", self.swarm.logs())))
            }
        }
    }

    /// Waits until it has ended in a phase; any other is an error with its reason.
    pub async fn ends(&self, phase: IntentPhase) -> anyhow::Result<IntentState> {
        let state = self.ended().await?;
        anyhow::ensure!(
            state.phase == phase,
            "{phase:?} was expected: {state:#?}\n{}",
            self.swarm.logs()
        );
        Ok(state)
    }

    /// Waits until one that was stuck has ended anew, in this phase.
    pub async fn ends_next(&self, phase: IntentPhase) -> anyhow::Result<IntentState> {
        until(&format!("the intent is {phase:?}"), secs(20), || async {
            let state: Option<IntentState> = self.swarm.record(&self.id).await?;
            Ok(state.filter(|state| state.phase == phase))
        })
        .await
    }

    /// Waits until the cloud is as declared.
    pub async fn converged(&self) -> anyhow::Result<Followed> {
        let state = self.ends(IntentPhase::Converged).await?;
        let reference = state.plan.clone().context("a converged intent has a plan")?;
        let plan = self.swarm.plan(reference.sequence).await?;
        Ok(Followed { state, plan })
    }
}

impl Swarm {
    /// The plan at a place of the stream.
    pub async fn plan(&self, sequence: u64) -> anyhow::Result<PlanProposed> {
        let stream = jetstream::new(self.operator.clone()).get_stream("SWARM").await?;
        let message = stream.get_raw_message(sequence).await?;
        Ok(codec::decode(None, &message.payload)?)
    }
}
