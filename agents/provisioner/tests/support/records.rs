//! Records in memory that can die at any write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bus_schema::{Claim, InstanceId, IntentId, PlanProposed, StackName, StackState};
use provisioner::records::Records;
use runtime::{BusError, Revision, StoreError};

use super::cloud::Life;

/// What is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    pub(crate) stacks: BTreeMap<String, (StackState, u64)>,
    pub(crate) claims: BTreeMap<String, (Claim, u64)>,
    pub(crate) sessions: BTreeSet<String>,
    /// Intents that have ended.
    pub(crate) ended: BTreeSet<String>,
    pub(crate) plans: Vec<PlanProposed>,
    pub(crate) revision: u64,
    /// Every state a stack's record had.
    pub(crate) history: Vec<StackState>,
}

/// One process's view of it.
#[derive(Debug)]
pub(crate) struct FakeRecords {
    shelf: Arc<Mutex<Shelf>>,
    life: Life,
}

impl FakeRecords {
    pub(crate) const fn new(shelf: Arc<Mutex<Shelf>>, life: Life) -> Self {
        Self { shelf, life }
    }

    fn conflict(key: &str) -> StoreError {
        StoreError::Conflict { key: key.to_owned() }
    }
}

#[async_trait]
impl Records for FakeRecords {
    async fn stack(&self, stack: &StackName) -> Result<Option<(StackState, Revision)>, StoreError> {
        self.life.alive().await;
        let kept = self.shelf.lock().unwrap();
        Ok(kept.stacks.get(stack.as_str()).map(|(state, at)| (state.clone(), Revision(*at))))
    }

    async fn stacks(&self) -> Result<Vec<StackState>, StoreError> {
        self.life.alive().await;
        let kept = self.shelf.lock().unwrap();
        Ok(kept.stacks.values().map(|(state, _)| state.clone()).collect())
    }

    async fn put_stack(
        &self,
        state: &StackState,
        over: Option<Revision>,
    ) -> Result<Revision, StoreError> {
        self.life.alive().await;
        self.life.count().await;
        let revision = {
            let mut kept = self.shelf.lock().unwrap();
            let at = kept.stacks.get(state.stack.as_str()).map(|(_, at)| Revision(*at));
            if at != over {
                return Err(Self::conflict("stack"));
            }
            kept.revision += 1;
            let revision = kept.revision;
            kept.stacks.insert(state.stack.to_string(), (state.clone(), revision));
            kept.history.push(state.clone());
            Revision(revision)
        };
        self.life.count().await;
        Ok(revision)
    }

    async fn claim(&self, key: &str) -> Result<Option<(Claim, Revision)>, StoreError> {
        self.life.alive().await;
        let kept = self.shelf.lock().unwrap();
        Ok(kept.claims.get(key).map(|(claim, at)| (claim.clone(), Revision(*at))))
    }

    async fn put_claim(
        &self,
        key: &str,
        claim: &Claim,
        over: Option<Revision>,
    ) -> Result<Revision, StoreError> {
        self.life.alive().await;
        self.life.count().await;
        let mut kept = self.shelf.lock().unwrap();
        if kept.claims.get(key).map(|(_, at)| Revision(*at)) != over {
            return Err(Self::conflict("claim"));
        }
        kept.revision += 1;
        let revision = kept.revision;
        kept.claims.insert(key.to_owned(), (claim.clone(), revision));
        Ok(Revision(revision))
    }

    async fn delete_claim(&self, key: &str, over: Revision) -> Result<(), StoreError> {
        self.life.alive().await;
        self.life.count().await;
        let mut kept = self.shelf.lock().unwrap();
        if kept.claims.get(key).map(|(_, at)| Revision(*at)) != Some(over) {
            return Err(Self::conflict("claim"));
        }
        kept.claims.remove(key);
        Ok(())
    }

    async fn alive(&self, instance: &InstanceId) -> Result<bool, StoreError> {
        self.life.alive().await;
        Ok(self.shelf.lock().unwrap().sessions.contains(instance.as_str()))
    }

    async fn ended(&self, intent: IntentId) -> Result<bool, StoreError> {
        self.life.alive().await;
        Ok(self.shelf.lock().unwrap().ended.contains(&intent.to_string()))
    }

    async fn plan(&self, sequence: u64) -> Result<Option<PlanProposed>, BusError> {
        self.life.alive().await;
        let kept = self.shelf.lock().unwrap();
        let index = usize::try_from(sequence).unwrap_or(usize::MAX).wrapping_sub(1);
        Ok(kept.plans.get(index).cloned())
    }
}
