//! A stack that is to be left alone, and no longer.
//!
//! That it is stands in the stack's record: the write takes the record's revision from whoever is
//! at work on the stack, who sees it before the next call to a cloud. Plans that come meanwhile are
//! noted in the record too, and so not lost when their messages are acknowledged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bus_schema::{Pause, PauseRequested, StackName, StackState};
use runtime::StoreError;
use tokio::sync::OwnedMutexGuard;

use crate::applier::Applier;
use crate::saga::Held;
use crate::turn::TurnError;

/// How often a record is read and written anew that somebody at work writes all the time.
const ATTEMPTS: u32 = 50;

impl Applier {
    /// Records that a stack is to be left alone, or no longer. `sequence`, of the request in the
    /// stream, and `at`, when it was stored there: a request that comes late does not undo a later
    /// one.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub async fn heed(
        &self,
        asked: &PauseRequested,
        sequence: u64,
        at: jiff::Timestamp,
    ) -> Result<(), TurnError> {
        let pause = asked.paused.then(|| Pause {
            since: at,
            reason: asked.reason.clone(),
            by: asked.by.clone(),
        });
        let known = self
            .rewrite(&asked.stack, |state| {
                if state.heeded >= sequence {
                    return false;
                }
                state.heeded = sequence;
                state.paused.clone_from(&pause);
                true
            })
            .await?;
        match known {
            Some(_) => {
                tracing::info!(stack = %asked.stack, paused = asked.paused, by = asked.by, reason = asked.reason, "heeded");
            }
            None => {
                tracing::warn!(stack = %asked.stack, "asked to leave a stack alone that is not there");
            }
        }
        Ok(())
    }

    /// Notes that a plan, and the run that stands before it, wait until the stack is to be left
    /// alone no longer; answers whether it is to be left alone still.
    pub(crate) async fn wait(&self, stack: &StackName, sequence: u64) -> Result<bool, TurnError> {
        let me = &self.me;
        let state = self
            .rewrite(stack, |state| {
                if state.paused.is_none() {
                    return false;
                }
                let run = state.run.as_mut().filter(|run| !run.stuck);
                let before = run.as_ref().map(|run| run.sequence);
                let mut written = false;
                // Its run was handed back, and this is it: nobody is at work on it.
                if let Some(run) = run
                    && run.holder == *me
                    && !run.resting
                {
                    run.resting = true;
                    written = true;
                }
                for sequence in before.into_iter().chain([sequence]) {
                    if !state.waiting.contains(&sequence) {
                        state.waiting.push(sequence);
                        written = true;
                    }
                }
                state.waiting.sort_unstable();
                written
            })
            .await?;
        let paused = state.is_some_and(|state| state.paused.is_some());
        if paused {
            tracing::info!(%stack, sequence, "the plan waits: the stack is to be left alone");
        }
        Ok(paused)
    }

    /// The plan that waits longest, where its stack is to be left alone no longer.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub async fn first_waiting(&self, stack: &StackName) -> Result<Option<u64>, TurnError> {
        let held = self.read(stack).await?;
        let state = held.map(|held| held.state).filter(|state| state.paused.is_none());
        Ok(state.and_then(|state| state.waiting.first().copied()))
    }

    /// Notes that a plan has had its turn. One that waits again, since the stack is to be left alone
    /// again, goes on waiting.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub async fn waited(&self, stack: &StackName, sequence: u64) -> Result<(), TurnError> {
        self.rewrite(stack, |state| {
            let before = state.waiting.len();
            if state.paused.is_none() {
                state.waiting.retain(|it| *it != sequence);
            }
            state.waiting.len() != before
        })
        .await?;
        Ok(())
    }

    /// Changes a stack's record, whoever else writes it; `change` says whether it has. Answers the
    /// record as it is then, where there is one.
    pub(crate) async fn rewrite(
        &self,
        stack: &StackName,
        mut change: impl FnMut(&mut StackState) -> bool,
    ) -> Result<Option<StackState>, TurnError> {
        let mut attempt = 1;
        loop {
            let Some(Held { mut state, revision }) = self.read(stack).await? else {
                return Ok(None);
            };
            if !change(&mut state) {
                return Ok(Some(state));
            }
            runtime::failpoint!("pause::before_write");
            match self.saga.records.put_stack(&state, revision).await {
                Ok(_) => {
                    runtime::failpoint!("pause::after_write");
                    return Ok(Some(state));
                }
                Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Lets one task at a time of this process work on a stack: plans that waited are taken up by the
/// request that ends their waiting, beside those that arrive.
#[derive(Debug, Default)]
pub struct Workplaces(Mutex<HashMap<StackName, Weak<tokio::sync::Mutex<()>>>>);

impl Workplaces {
    /// The stack's place, once it is free.
    pub async fn at(&self, stack: &StackName) -> OwnedMutexGuard<()> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = places.get(stack).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                places.retain(|_, place| place.strong_count() > 0);
                let place = Arc::default();
                places.insert(stack.clone(), Arc::downgrade(&place));
                place
            })
        };
        place.lock_owned().await
    }
}
