//! Runs a plan: journal, call, journal.
//!
//! One loop owns the state. It asks the journal what follows, writes down what is about to happen,
//! makes the calls once that is written, and writes down what came back. What happens while a write
//! is under way goes into the next one, so a wave of independent changes costs one write, and so does
//! the last outcome with the end of the run.

mod writing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bus_schema::{Change, PlanProposed, ResourceAddress, ResourceState, StackState, StepState};
use cloud::Catalogue;
use runtime::{Retry, Retryable, Revision};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::clouds::Clouds;
use crate::journal::{self, End, Event, OutOfOrder};
use crate::preflight::{self, Survey};
use crate::records::{Records, WriteError};
use crate::step::{Ended, Task};
use crate::tasks;
use writing::Writing;

/// What a run works with.
#[derive(Debug, Clone)]
pub struct Saga {
    /// Where the journal is kept.
    pub records: Arc<dyn Records>,
    /// The clouds by name.
    pub clouds: Clouds,
    /// The kinds.
    pub catalogue: Catalogue,
    /// Changes of one run under way at once.
    pub parallelism: usize,
    /// How long a run is handed back and taken up again before what hinders it counts as a failure;
    /// for the undoing as long again.
    pub patience: Duration,
    /// Longest that the clouds' reads lag behind their writes.
    pub lag: Duration,
}

/// A run did not come to an end; it is to be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum SagaError {
    /// The journal could not be written.
    #[error("the run cannot go on")]
    Write(#[from] WriteError),
    /// A cloud could not be reached long enough.
    #[error("the run waits for the cloud: {error}")]
    Interrupted {
        /// What the cloud said.
        error: String,
        /// When to try again.
        after: Duration,
    },
    /// The stack is to be left alone: the run goes on when it is no longer.
    #[error("the run rests: the stack is to be left alone")]
    Paused,
    /// A mistake in this program.
    #[error("the run has lost its way")]
    OutOfOrder(#[from] OutOfOrder),
    /// A task of the run panicked.
    #[error("a change ended without an answer")]
    Panicked(#[source] tokio::task::JoinError),
}

impl Retryable for SagaError {
    fn retry(&self) -> Retry {
        match self {
            Self::Write(error) => error.retry(),
            Self::Interrupted { after, .. } => Retry::After(*after),
            Self::Paused => Retry::After(Duration::from_secs(1)),
            Self::OutOfOrder(_) | Self::Panicked(_) => Retry::After(Duration::from_secs(5)),
        }
    }
}

/// A stack's state and the revision it was read at.
#[derive(Debug, Clone)]
pub struct Held {
    /// The state.
    pub state: StackState,
    /// Its revision; `None` where it was never written.
    pub revision: Option<Revision>,
}

impl Saga {
    /// Brings a run to its end and gives the state it ended in. `first` is what the run begins with:
    /// that it began, or that it was taken over. Without a survey, every object is looked up before
    /// it is touched.
    ///
    /// # Errors
    /// When the run has to be taken up again later.
    pub async fn run(
        &self,
        proposed: &PlanProposed,
        held: Held,
        first: Vec<Event>,
        survey: Option<Survey>,
    ) -> Result<Held, SagaError> {
        let about =
            |survey: Survey| survey.about(&proposed.plan, Some(&held.state), self.catalogue);
        let survey = survey.map(about).unwrap_or_default();
        let mut running = Running {
            saga: self,
            proposed,
            committed: held.state.clone(),
            stored: held.state.clone(),
            draft: held.state,
            revision: held.revision,
            dirty: false,
            survey,
            surveyed: BTreeSet::new(),
            launches: Vec::new(),
            active: BTreeSet::new(),
            tasks: JoinSet::new(),
            interruption: None,
            advice: None,
        };
        for event in first {
            running.apply(&event)?;
        }
        running.adopt_open_steps()?;
        running.drive().await
    }
}

/// A change whose journal entry is being written; it is made once that is done.
type Launch = ResourceAddress;

struct Running<'run> {
    saga: &'run Saga,
    proposed: &'run PlanProposed,
    /// As it was before this run went on: what the survey was compared with.
    committed: StackState,
    /// What is in the record, as far as is known.
    stored: StackState,
    /// Everything that has happened, written or not.
    draft: StackState,
    revision: Option<Revision>,
    /// Whether the draft holds what is not being written.
    dirty: bool,
    survey: Survey,
    /// Changes that the survey is fresh for: those it was compared for, before they were begun.
    surveyed: BTreeSet<ResourceAddress>,
    launches: Vec<Launch>,
    active: BTreeSet<ResourceAddress>,
    tasks: JoinSet<(ResourceAddress, Ended)>,
    interruption: Option<(String, Duration)>,
    advice: Option<String>,
}

impl Running<'_> {
    async fn drive(mut self) -> Result<Held, SagaError> {
        let mut writing: Option<Writing> = None;
        loop {
            self.decide()?;
            if writing.is_none() && self.dirty {
                self.dirty = false;
                writing = Some(self.write());
            }
            if writing.is_none() && self.active.is_empty() {
                break;
            }
            // A write under way is polled in place; when it is done its launches start.
            tokio::select! {
                written = async {
                    match writing.as_mut() {
                        Some(writing) => (&mut writing.write).await,
                        None => std::future::pending().await,
                    }
                } => {
                    if let Some(writing) = writing.take() {
                        self.wrote(written, writing).await?;
                    }
                }
                Some(joined) = self.tasks.join_next() => {
                    let (resource, ended) = joined.map_err(SagaError::Panicked)?;
                    self.active.remove(&resource);
                    self.ended(&resource, ended)?;
                }
            }
        }
        match self.interruption {
            Some((error, after)) if self.draft.run.as_ref().is_some_and(|run| !run.stuck) => {
                Err(SagaError::Interrupted { error, after })
            }
            _ if self.draft.run.as_ref().is_some_and(|run| run.resting) => Err(SagaError::Paused),
            _ => Ok(Held { state: self.draft, revision: self.revision }),
        }
    }

    fn apply(&mut self, event: &Event) -> Result<(), OutOfOrder> {
        journal::apply(&mut self.draft, self.proposed, event, runtime::now())?;
        self.dirty = true;
        Ok(())
    }

    /// Steps an earlier process had begun: they go on once the takeover is written.
    fn adopt_open_steps(&mut self) -> Result<(), SagaError> {
        let Some(run) = &self.draft.run else { return Ok(()) };
        let failing = run.failure.clone();
        let open: Vec<(ResourceAddress, StepState)> = run
            .steps
            .iter()
            .filter(|(_, step)| matches!(step.state, StepState::Started | StepState::Undoing))
            .map(|(resource, step)| (resource.clone(), step.state))
            .collect();
        for (resource, state) in open {
            match (state, &failing) {
                // Whether it was made is not known, and it is not wanted any more: its undoing looks.
                (StepState::Started, Some(error)) => {
                    let error = error.clone();
                    self.apply(&Event::Broken { resource, error })?;
                }
                _ => self.launches.push(resource),
            }
        }
        Ok(())
    }

    /// Writes into the draft what follows from it.
    fn decide(&mut self) -> Result<(), SagaError> {
        let Some(run) = journal::run_of(&self.draft, &self.proposed.id) else { return Ok(()) };
        if self.interruption.is_some() {
            return Ok(());
        }
        let mut next = journal::next(run, &self.proposed.plan);
        if self.draft.paused.is_some() && next.end.is_none() {
            let resting = run.resting || run.stuck;
            if !resting && self.active.is_empty() && self.launches.is_empty() {
                self.apply(&Event::Rested)?;
            }
            next = journal::Next::default();
        }
        let under_way = self.active.len() + self.launches.len();
        let mut free = self.saga.parallelism.max(1).saturating_sub(under_way);
        for resource in next.start {
            if free == 0 {
                return Ok(());
            }
            free -= 1;
            let before = self.before(&resource);
            self.apply(&Event::Started { resource: resource.clone(), before })?;
            self.surveyed.insert(resource.clone());
            self.launches.push(resource);
        }
        for resource in next.undo {
            if free == 0 {
                return Ok(());
            }
            free -= 1;
            self.apply(&Event::Undoing { resource: resource.clone() })?;
            self.launches.push(resource);
        }
        match next.end {
            Some(End::Commit) => self.apply(&Event::Committed)?,
            Some(End::RollBack) => {
                let advice = self.advice.take();
                self.apply(&Event::RolledBack { advice })?;
            }
            Some(End::Halt) => self.apply(&Event::Halted)?,
            None => {}
        }
        Ok(())
    }

    fn change(&self, resource: &ResourceAddress) -> Option<&Change> {
        self.proposed.plan.changes.iter().find(|change| change.resource == *resource)
    }

    /// The object before a change: as recorded, with what the survey saw of it.
    fn before(&self, resource: &ResourceAddress) -> Option<ResourceState> {
        let mut before = self.draft.resources.get(resource).cloned()?;
        let change = self.change(resource)?;
        let kind = self.saga.catalogue.get(&resource.kind)?;
        let seen = preflight::seen(&self.survey, kind, change, None, Some(&self.committed));
        let found = seen.stray.or(seen.ours);
        match (&change.before, found) {
            (Some(_), Some(found)) => preflight::observe(&mut before, Some(&found)),
            (Some(properties), None) => before.observed = Some(properties.clone()),
            (None, _) => preflight::observe(&mut before, None),
        }
        Some(before)
    }

    /// Makes the call whose beginning is written.
    fn launch(&mut self, resource: ResourceAddress) -> Result<(), SagaError> {
        let Some(run) = journal::run_of(&self.draft, &self.proposed.id) else { return Ok(()) };
        let Some(step) = run.steps.get(&resource) else { return Ok(()) };
        let backward = step.state == StepState::Undoing;
        if self.interruption.is_some() {
            return Ok(());
        }
        if !backward && run.failure.is_some() && self.surveyed.contains(&resource) {
            let error = "not made: the run had failed meanwhile".to_owned();
            return Ok(self.apply(&Event::Refused { resource, error })?);
        }
        let survey = self.surveyed.contains(&resource).then_some(&self.survey);
        match self.task(&resource, backward, survey) {
            Ok(task) => {
                let span = tasks::span(&task);
                self.active.insert(resource.clone());
                let work = async move { (resource, task.run().await) };
                self.tasks.spawn(work.instrument(span));
                Ok(())
            }
            Err(error) => {
                let ended = Ended::Failed { error, advice: None, untouched: !backward };
                self.ended(&resource, ended)
            }
        }
    }

    fn task(
        &self,
        resource: &ResourceAddress,
        backward: bool,
        survey: Option<&Survey>,
    ) -> Result<Task, String> {
        let change = self.change(resource).ok_or_else(|| format!("{resource} is not planned"))?;
        let maker = tasks::Maker {
            records: &self.saga.records,
            clouds: &self.saga.clouds,
            catalogue: self.saga.catalogue,
            committed: &self.committed,
            draft: &self.draft,
            lag: self.saga.lag,
        };
        if backward {
            runtime::failpoint!("saga::before_undoing");
            maker.backward(change)
        } else {
            runtime::failpoint!("saga::before_doing");
            maker.forward(change, survey)
        }
    }

    /// Writes into the draft what came of a task.
    fn ended(&mut self, resource: &ResourceAddress, ended: Ended) -> Result<(), SagaError> {
        let step = self.draft.run.as_ref().and_then(|run| run.steps.get(resource));
        let Some(step) = step else { return Ok(()) };
        let backward = step.state == StepState::Undoing;
        let resource = resource.clone();
        let event = match (ended, backward) {
            (Ended::Done(made), false) => {
                let after = self.change(&resource).and_then(|change| tasks::made(change, made));
                Event::Done { resource, after }
            }
            (Ended::Done(made), true) => {
                let restored = tasks::restored(step.before.as_ref(), made);
                runtime::failpoint!("saga::after_undoing");
                Event::Undone { resource, restored }
            }
            (Ended::Failed { error, advice, untouched }, false) => {
                self.advice = self.advice.take().or(advice);
                if untouched {
                    Event::Refused { resource, error }
                } else {
                    Event::Broken { resource, error }
                }
            }
            (Ended::Failed { error, .. }, true) => Event::Stuck { resource, error },
            (Ended::Interrupted { error, after }, backward) => {
                if !self.out_of_patience(backward) {
                    self.interruption = Some((error, after));
                    return Ok(());
                }
                let error = format!("{error}; given up after trying for a long time");
                if backward {
                    Event::Stuck { resource, error }
                } else {
                    Event::Broken { resource, error }
                }
            }
        };
        Ok(self.apply(&event)?)
    }

    fn out_of_patience(&self, backward: bool) -> bool {
        let patience = if backward { self.saga.patience * 2 } else { self.saga.patience };
        self.draft.run.as_ref().is_some_and(|run| {
            let worked = runtime::now().duration_since(run.started_at);
            Duration::try_from(worked).is_ok_and(|worked| worked >= patience)
        })
    }
}
