//! What the provisioner keeps, and how: every write is compare-and-set on a revision.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus_schema::{
    Claim, InstanceId, IntentId, IntentState, PlanProposed, Session, StackName, StackState,
};
use runtime::{Bus, BusError, Retry, Retryable, Revision, Store, StoreError, View};

/// The records the provisioner works on. A trait, so that the saga can be tested killed at every
/// write.
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync {
    /// A stack's state; `None` where nothing was ever applied to it.
    async fn stack(&self, stack: &StackName) -> Result<Option<(StackState, Revision)>, StoreError>;

    /// Every stack.
    async fn stacks(&self) -> Result<Vec<StackState>, StoreError>;

    /// Writes a stack's state over exactly this revision, or where there is none yet.
    async fn put_stack(
        &self,
        state: &StackState,
        over: Option<Revision>,
    ) -> Result<Revision, StoreError>;

    /// Who holds an object that cannot say so itself.
    async fn claim(&self, key: &str) -> Result<Option<(Claim, Revision)>, StoreError>;

    /// Writes a claim over exactly this revision, or where there is none yet.
    async fn put_claim(
        &self,
        key: &str,
        claim: &Claim,
        over: Option<Revision>,
    ) -> Result<Revision, StoreError>;

    /// Deletes exactly this revision of a claim.
    async fn delete_claim(&self, key: &str, over: Revision) -> Result<(), StoreError>;

    /// Whether a provisioner process still lives.
    async fn alive(&self, instance: &InstanceId) -> Result<bool, StoreError>;

    /// Whether an intent has ended, as far as the planner has recorded it.
    async fn ended(&self, intent: IntentId) -> Result<bool, StoreError>;

    /// The plan stored at a sequence of the stream.
    async fn plan(&self, sequence: u64) -> Result<Option<PlanProposed>, BusError>;
}

/// The records in the swarm's shared memory.
#[derive(Debug, Clone)]
pub struct Kept {
    bus: Bus,
    stacks: Store<StackState>,
    all: Arc<View<StackState>>,
    claims: Store<Claim>,
    sessions: Store<Session>,
    intents: Store<IntentState>,
}

impl Kept {
    /// Through this connection.
    pub fn on(bus: &Bus) -> Self {
        Self {
            stacks: bus.store(),
            all: Arc::new(bus.view()),
            claims: bus.store(),
            sessions: bus.store(),
            intents: bus.store(),
            bus: bus.clone(),
        }
    }
}

#[async_trait]
impl Records for Kept {
    async fn stack(&self, stack: &StackName) -> Result<Option<(StackState, Revision)>, StoreError> {
        self.stacks.get(stack).await
    }

    async fn stacks(&self) -> Result<Vec<StackState>, StoreError> {
        let all = self.all.now().await?;
        Ok(all.values().map(|entry| entry.record.clone()).collect())
    }

    async fn put_stack(
        &self,
        state: &StackState,
        over: Option<Revision>,
    ) -> Result<Revision, StoreError> {
        match over {
            Some(over) => self.stacks.update(&state.stack, state, over).await,
            None => self.stacks.create(&state.stack, state).await,
        }
    }

    async fn claim(&self, key: &str) -> Result<Option<(Claim, Revision)>, StoreError> {
        self.claims.get(&key.to_owned()).await
    }

    async fn put_claim(
        &self,
        key: &str,
        claim: &Claim,
        over: Option<Revision>,
    ) -> Result<Revision, StoreError> {
        match over {
            Some(over) => self.claims.update(&key.to_owned(), claim, over).await,
            None => self.claims.create(&key.to_owned(), claim).await,
        }
    }

    async fn delete_claim(&self, key: &str, over: Revision) -> Result<(), StoreError> {
        self.claims.delete(&key.to_owned(), over).await
    }

    async fn alive(&self, instance: &InstanceId) -> Result<bool, StoreError> {
        Ok(self.sessions.get(instance).await?.is_some())
    }

    async fn ended(&self, intent: IntentId) -> Result<bool, StoreError> {
        let known = self.intents.get(&intent).await?;
        Ok(known.is_some_and(|(state, _)| state.phase.is_final()))
    }

    async fn plan(&self, sequence: u64) -> Result<Option<PlanProposed>, BusError> {
        let received = self.bus.message_at::<PlanProposed>(sequence).await?;
        Ok(received.map(|received| received.message))
    }
}

/// A stack's record could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Another process wrote it: it holds the stack now, and this one must not touch it.
    #[error("the record of stack {stack} was taken over by another process")]
    Fenced {
        /// Which stack.
        stack: StackName,
    },
    /// Whether it was written is not known.
    #[error("the record of stack {stack} could not be written")]
    Lost {
        /// Which stack.
        stack: StackName,
        /// Why.
        source: StoreError,
    },
}

impl Retryable for WriteError {
    fn retry(&self) -> Retry {
        match self {
            Self::Fenced { .. } => Retry::After(Duration::from_secs(1)),
            Self::Lost { source, .. } => source.retry(),
        }
    }
}

/// How often a write is tried whose answer was lost.
const ATTEMPTS: u32 = 5;
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Writes a stack's state over exactly this revision, so that one write either orders all that led
/// to it or fences its writer. Where the answer is lost, what is there says whether it was written.
///
/// # Errors
/// When another process wrote in between, or the record cannot be reached.
pub async fn write(
    records: &dyn Records,
    state: &StackState,
    over: Option<Revision>,
) -> Result<Revision, WriteError> {
    let mut attempt = 1;
    loop {
        runtime::failpoint!("journal::before_write");
        let source = match records.put_stack(state, over).await {
            Ok(revision) => {
                runtime::failpoint!("journal::after_write");
                return Ok(revision);
            }
            Err(source) => source,
        };
        let conflict = matches!(source, StoreError::Conflict { .. });
        match records.stack(&state.stack).await {
            Ok(Some((found, revision))) if found == *state => return Ok(revision),
            Ok(found) if conflict || found.as_ref().map(|(_, revision)| *revision) != over => {
                return Err(WriteError::Fenced { stack: state.stack.clone() });
            }
            Ok(_) | Err(_) => {}
        }
        if attempt == ATTEMPTS || source.retry() == Retry::Never {
            return Err(WriteError::Lost { stack: state.stack.clone(), source });
        }
        tracing::warn!(stack = %state.stack, attempt, error = %source, "writing the journal again");
        tokio::time::sleep(PAUSE * attempt).await;
        attempt += 1;
    }
}
