//! Makes the task of a change, or of its undoing, from the journal; and the record of what came of
//! it. Pure.

use std::sync::Arc;
use std::time::Duration;

use bus_schema::{Action, Change, ResourceState, StackState};
use cloud::{Catalogue, Cloud, Kind};
use tracing::Span;

use crate::clouds::Clouds;
use crate::outputs::{self, Outputs};
use crate::preflight::{self, Survey};
use crate::records::Records;
use crate::step::{Made, Spot, Task};

/// What tasks are made from.
#[derive(Debug, Clone, Copy)]
pub struct Maker<'it> {
    /// For objects that cannot say whose they are.
    pub records: &'it Arc<dyn Records>,
    /// The clouds.
    pub clouds: &'it Clouds,
    /// The kinds.
    pub catalogue: Catalogue,
    /// The stack as it was when the run, or its resumption, began.
    pub committed: &'it StackState,
    /// The stack as it is now.
    pub draft: &'it StackState,
    /// Longest that the cloud's reads lag behind its writes.
    pub lag: Duration,
}

impl Maker<'_> {
    /// The task that makes a change.
    ///
    /// # Errors
    /// With why it cannot be made, for a person.
    pub fn forward(&self, change: &Change, survey: Option<&Survey>) -> Result<Task, String> {
        let (kind, cloud) = self.kind(change)?;
        let outputs = Outputs::now(self.draft);
        let after = match &change.after {
            Some(after) => Some(
                outputs
                    .resolved(kind, after)
                    .map_err(|error| format!("{}: {}", change.resource, runtime::chain(&error)))?,
            ),
            None => None,
        };
        let recorded = self.committed.resources.get(&change.resource);
        let seen = survey.map(|survey| {
            preflight::seen(survey, kind, change, after.as_ref(), Some(self.committed))
        });
        let place = preflight::place_before(change, Some(self.committed));
        Ok(Task {
            cloud,
            records: Arc::clone(self.records),
            kind,
            address: change.resource.clone(),
            object: change.object.clone(),
            action: change.action,
            backward: false,
            from: change.before.clone().map(|properties| Spot { place: place.clone(), properties }),
            to: after.map(|properties| Spot { place: change.place.clone(), properties }),
            id: recorded.and_then(|resource| resource.cloud_id.clone()),
            made_in: Some(place.clone()),
            deleted: self.draft.deleted.clone(),
            prior: recorded.and_then(|resource| resource.prior.clone()),
            ignored: self.draft.ignored_of(&change.resource),
            seen,
            lag: self.lag,
        })
    }

    /// The task that takes a change back.
    ///
    /// # Errors
    /// With why it cannot be taken back, for a person.
    pub fn backward(&self, change: &Change) -> Result<Task, String> {
        let (kind, cloud) = self.kind(change)?;
        let step = self.draft.run.as_ref().and_then(|run| run.steps.get(&change.resource));
        let (before, after) =
            step.map_or((None, None), |step| (step.before.as_ref(), step.after.as_ref()));
        let (then, now) = (Outputs::of(Some(self.committed)), Outputs::now(self.draft));
        let ignored = self.draft.ignored_of(&change.resource);
        let from = change.after.as_ref().map(|after| Spot {
            place: change.place.clone(),
            properties: now.resolved_or_same(kind, after),
        });
        let to = before.and_then(|before| {
            let properties = outputs::restored(kind, before, &then, &now, &ignored)?;
            Some(Spot { place: before.place.clone(), properties })
        });
        let known = after.or(before);
        Ok(Task {
            cloud,
            records: Arc::clone(self.records),
            kind,
            address: change.resource.clone(),
            object: change.object.clone(),
            action: change.action,
            backward: true,
            from,
            to,
            id: known.and_then(|resource| resource.cloud_id.clone()),
            made_in: known.map(|resource| resource.place.clone()),
            deleted: self.draft.deleted.clone(),
            prior: before.and_then(|before| before.prior.clone()),
            ignored,
            seen: None,
            lag: self.lag,
        })
    }

    fn kind(&self, change: &Change) -> Result<(&'static dyn Kind, Arc<dyn Cloud>), String> {
        let name = &change.resource.kind;
        let kind = self.catalogue.get(name).ok_or_else(|| format!("no such kind: {name}"))?;
        let cloud = self
            .clouds
            .of(name)
            .ok_or_else(|| format!("no access to cloud {} is configured", name.cloud()))?;
        Ok((kind, Arc::clone(cloud)))
    }
}

/// The record of an object a change has made; `None` where it is gone.
pub fn made(change: &Change, made: Option<Box<Made>>) -> Option<ResourceState> {
    let made = made?;
    Some(ResourceState {
        place: change.place.clone(),
        declared: change.after.clone().unwrap_or_default(),
        observed: Some(made.observed.properties),
        cloud_id: Some(made.observed.id),
        outputs: made.observed.outputs,
        depends_on: change.depends_on.clone(),
        prior: made.prior,
    })
}

/// The record of an object that was put back.
pub fn restored(before: Option<&ResourceState>, made: Option<Box<Made>>) -> Option<ResourceState> {
    let mut before = before.cloned()?;
    if let Some(made) = made {
        preflight::observe(&mut before, Some(&made.observed));
    }
    Some(before)
}

/// The span of a task, a child of its run's.
pub fn span(task: &Task) -> Span {
    let verb = match (task.backward, task.action) {
        (true, _) => "undo",
        (false, Action::Create) => "create",
        (false, Action::Update) => "update",
        (false, Action::Replace) => "replace",
        (false, Action::Delete) => "delete",
    };
    tracing::info_span!(
        "change",
        otel.name = format!("{verb} {} {}", task.address.kind.local(), task.address.name),
        zerodrift.resource = %task.address,
    )
}
