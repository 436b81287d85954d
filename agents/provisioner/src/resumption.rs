//! A stuck run's turn, once a person has been there.

use bus_schema::{InstanceId, Outcome, PlanProposed, ResumeRequested};
use tracing::Instrument;

use crate::admission::{self, Resumption};
use crate::applier::{self, Applier};
use crate::journal::Event;
use crate::saga::Held;
use crate::turn::TurnError;

impl Applier {
    /// Tries once more to put back what a stuck run has left, and answers what came of it; nothing
    /// where that run is past. It is recorded already, so a request handled again answers the same.
    ///
    /// # Errors
    /// When it has to be handled again.
    pub async fn resumed(&self, asked: &ResumeRequested) -> Result<Option<Outcome>, TurnError> {
        let held = self.read(&asked.stack).await?;
        let state = held.as_ref().map(|held| &held.state);
        let alive = match admission::contender(state, &self.me) {
            Some(holder) => self.saga.records.alive(holder).await?,
            None => false,
        };
        let resumption = admission::resume(state, &asked.plan, &self.me, alive);
        tracing::info!(stack = %asked.stack, plan = asked.plan.short(), by = asked.by, ?resumption, "asked to go on");
        match (resumption, held) {
            (Resumption::TryAgain { sequence }, Some(held)) => {
                let stuck = self.plan(sequence).await?;
                Box::pin(self.try_again(&stuck, held)).await
            }
            (Resumption::GoOn { sequence }, Some(held)) => {
                let begun = self.plan(sequence).await?;
                Box::pin(self.resume(&begun, held)).await
            }
            (Resumption::Wait { holder }, _) => Err(self.held(asked, holder)),
            (Resumption::Repeat(outcome), _) => Ok(Some(*outcome)),
            (Resumption::Paused, _) => Err(TurnError::Paused { stack: asked.stack.clone() }),
            (Resumption::Nothing | Resumption::TryAgain { .. } | Resumption::GoOn { .. }, _) => {
                Ok(None)
            }
        }
    }

    async fn try_again(
        &self,
        stuck: &PlanProposed,
        held: Held,
    ) -> Result<Option<Outcome>, TurnError> {
        let first = vec![Event::TakenOver { holder: self.me.clone() }, Event::TriedAgain];
        let run = self.saga.run(stuck, held, first, None);
        Ok(run.instrument(applier::span(stuck)).await?.state.last)
    }

    fn held(&self, asked: &ResumeRequested, holder: InstanceId) -> TurnError {
        TurnError::Held { stack: asked.stack.clone(), holder, again: self.turn }
    }
}
