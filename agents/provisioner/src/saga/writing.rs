//! Writes the journal, and sees in it what people say meanwhile: that the stack is to be left alone,
//! or fields of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bus_schema::{ResourceAddress, StackState, StepState};
use runtime::Revision;

use super::{Launch, Running, SagaError};
use crate::ignores;
use crate::journal;
use crate::records::{self, WriteError};

/// A write under way.
pub(super) struct Writing {
    pub(super) write: Pin<Box<dyn Future<Output = Result<Revision, WriteError>> + Send>>,
    /// What is written.
    state: StackState,
    /// What is made once it is written.
    launches: Vec<Launch>,
}

impl Running<'_> {
    /// Begins to write what has happened, and what is about to.
    pub(super) fn write(&mut self) -> Writing {
        let records = Arc::clone(&self.saga.records);
        let (state, over) = (self.draft.clone(), self.revision);
        let written = state.clone();
        let write = Box::pin(async move { records::write(&*records, &written, over).await });
        Writing { write, state, launches: std::mem::take(&mut self.launches) }
    }

    /// Makes what a write has announced. Where the record was written by another in between, and all
    /// that is new there is what is to be left alone, the run is still this one's: it goes on from there, and nothing that was not written yet has begun.
    pub(super) async fn wrote(
        &mut self,
        written: Result<Revision, WriteError>,
        writing: Writing,
    ) -> Result<(), SagaError> {
        let fenced = match written {
            Ok(revision) => {
                self.revision = Some(revision);
                self.stored = writing.state;
                return writing.launches.into_iter().try_for_each(|it| self.launch(it));
            }
            Err(fenced @ WriteError::Fenced { .. }) => fenced,
            Err(lost @ WriteError::Lost { .. }) => return Err(lost.into()),
        };
        let Ok(Some((found, revision))) = self.saga.records.stack(&self.draft.stack).await else {
            return Err(fenced.into());
        };
        let paused =
            |state: &StackState| (state.paused.clone(), state.waiting.clone(), state.heeded);
        let (now, before) = (paused(&found), paused(&self.stored));
        let mut as_before = found.clone();
        (as_before.paused, as_before.waiting, as_before.heeded) = before;
        as_before.ignored.clone_from(&self.stored.ignored);
        if as_before != self.stored {
            return Err(fenced.into());
        }
        (self.draft.paused, self.draft.waiting, self.draft.heeded) = now;
        self.draft.ignored.clone_from(&found.ignored);
        if self.draft.run.is_none() {
            ignores::forget(&mut self.draft);
        }
        self.stored = found;
        self.revision = Some(revision);
        self.dirty = true;
        let mut begun = writing.launches;
        begun.append(&mut self.launches);
        if self.draft.paused.is_some() {
            tracing::info!(stack = %self.draft.stack, "left alone from here on");
            for resource in &begun {
                self.take_back(resource);
            }
        } else {
            self.launches = begun;
        }
        Ok(())
    }

    /// Takes the beginning of a change out of the draft, where the record does not hold it.
    fn take_back(&mut self, resource: &ResourceAddress) {
        let plan = &self.proposed.id;
        let stored = journal::run_of(&self.stored, plan).and_then(|run| run.steps.get(resource));
        let stored = stored.map(|step| step.state);
        let Some(run) = self.draft.run.as_mut() else { return };
        let Some(step) = run.steps.get_mut(resource).filter(|step| stored != Some(step.state))
        else {
            return;
        };
        match step.state {
            StepState::Started => drop(run.steps.remove(resource)),
            StepState::Undoing => step.state = StepState::Done,
            StepState::Done | StepState::Refused | StepState::Undone | StepState::Stuck => {}
        }
    }
}
