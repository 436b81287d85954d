//! Takes what is due and sees each look through. No process leads: whoever writes a scope's record
//! by compare-and-set has its look.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bus_schema::{
    ResourceAddress, ResourceState, Scope, StackObservation, StackState, Taken, Watch,
};
use cloud::Catalogue;
use jiff::Timestamp;
use runtime::{Bus, CancellationToken, Revision, Snapshot, Store, StoreError, View};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::findings;
use crate::measuring::Latencies;
use crate::meters::Meters;
use crate::promise::Grant;
use crate::schedule::{self, Ended, Pace, Wish};
use crate::settings::Cadences;
use crate::sight::Sight;

/// How often it is looked up what is due.
const TICK: Duration = Duration::from_millis(250);
/// How long an announcement may be owed before another process makes it.
const OWED: Duration = Duration::from_secs(5);
/// How often a write over what others write as well is tried.
pub(crate) const ATTEMPTS: usize = 20;

/// What watching goes by.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The kinds there are.
    pub catalogue: Catalogue,
    /// How often scopes are looked at.
    pub cadences: Cadences,
    /// What the cloud grants.
    pub grant: Grant,
    /// Longest that a change may stay unseen.
    pub promise: Duration,
    /// Longest that the cloud's reads lag behind its writes.
    pub lag: Duration,
    /// How long a dead process's look is left alone.
    pub hold: Duration,
    /// Looks under way at once.
    pub parallelism: usize,
}

/// Watches scopes.
#[derive(Debug)]
pub struct Watching {
    pub(crate) bus: Bus,
    pub(crate) sight: Arc<dyn Sight>,
    pub(crate) terms: Terms,
    pub(crate) stacks: View<StackState>,
    pub(crate) observations: View<StackObservation>,
    pub(crate) observed: Store<StackObservation>,
    pub(crate) meters: Meters,
    watches: View<Watch>,
    watched: Store<Watch>,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
    pub(crate) latencies: Latencies,
}

/// Every scope in which anything is declared.
pub fn scopes(stacks: &Snapshot<StackState>) -> BTreeSet<Scope> {
    stacks.values().flat_map(|entry| scopes_of(&entry.record)).collect()
}

/// The scopes of one stack.
pub fn scopes_of(state: &StackState) -> BTreeSet<Scope> {
    let of = |(address, resource): (&ResourceAddress, &ResourceState)| {
        Scope::new(address.kind.clone(), resource.place.clone())
    };
    state.resources.iter().map(of).collect()
}

/// A look that is ours.
struct Held {
    watch: Watch,
    revision: Revision,
    taken: Taken,
}

impl Watching {
    /// Through this connection; nothing is watched yet.
    pub fn new(bus: Bus, sight: Arc<dyn Sight>, terms: Terms) -> Self {
        Self {
            sight,
            stacks: bus.view(),
            observations: bus.view(),
            observed: bus.store(),
            watches: bus.view(),
            watched: bus.store(),
            meters: Meters::new(),
            slots: Arc::new(Semaphore::new(terms.parallelism.max(1))),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            latencies: Latencies::default(),
            terms,
            bus,
        }
    }

    /// Watches from now on, in the background.
    pub fn begin(self: &Arc<Self>) {
        let watching = Arc::clone(self);
        self.tasks.spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while watching.stop.run_until_cancelled(tick.tick()).await.is_some() {
                if let Err(error) = watching.round().await {
                    tracing::warn!(error = runtime::chain(&error), "what is due cannot be told");
                }
            }
        });
    }

    /// Takes no more, and waits for the looks under way.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Sees to it that every scope has its watch, takes what is due, and announces what a process
    /// that died did not.
    async fn round(self: &Arc<Self>) -> Result<(), StoreError> {
        let stacks = self.stacks.now().await?;
        let watches = self.watches.now().await?;
        let now = runtime::now();
        let scopes = scopes(&stacks);
        self.measure(&scopes, &watches);
        for scope in &scopes {
            if !watches.contains_key(&scope.token()) {
                let watch = schedule::begin(scope.clone(), now);
                allow_conflict(self.watched.create(&scope.token(), &watch).await)?;
            }
        }
        let mut due: Vec<_> = watches.values().collect();
        due.sort_by_key(|entry| entry.record.due_at);
        for entry in due {
            let watch = &entry.record;
            if !scopes.contains(&watch.scope) {
                let taken = watch.taken.as_ref().is_some_and(|taken| now < taken.until);
                if !taken {
                    allow_conflict(self.watched.delete(&entry.key, entry.revision).await)?;
                }
            } else if schedule::is_due(watch, now) {
                let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { break };
                self.spawn(watch.clone(), entry.revision, slot);
            }
        }
        self.tidy(&stacks, &scopes, now).await
    }

    /// Ends what is watched no longer, and says what was left unsaid.
    async fn tidy(
        &self,
        stacks: &Snapshot<StackState>,
        scopes: &BTreeSet<Scope>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let observations = self.observations.now().await?;
        let open: usize = observations.values().map(|it| it.record.findings.len()).sum();
        self.meters.open(open as u64);
        for entry in observations.values() {
            let observation = &entry.record;
            let state = stacks.get(&entry.key).map(|entry| &entry.record);
            if state.is_some_and(|state| state.run.is_some()) {
                continue;
            }
            if let Some(next) = findings::unwatched(observation, state, scopes, now) {
                let written = self.observed.update(&next.stack, &next, entry.revision).await;
                if let Some(revision) = allow_conflict(written)? {
                    self.tell(next, revision).await?;
                }
            } else if !observation.unsaid.is_empty()
                && schedule::after(observation.updated_at, OWED) < now
            {
                tracing::info!(stack = %observation.stack, "announcing what another could not");
                self.tell(observation.clone(), entry.revision).await?;
            }
        }
        Ok(())
    }

    /// Has a scope looked at before its time: at once, where there is room.
    ///
    /// # Errors
    /// When the scope's record cannot be read or written.
    pub async fn wish(
        self: &Arc<Self>,
        scope: &Scope,
        wish: Wish,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let key = scope.token();
        for _ in 0..ATTEMPTS {
            let now = runtime::now();
            let pace = self.pace(scope);
            let Some((watch, revision)) = self.watched.get(&key).await? else {
                let watch = schedule::begin(scope.clone(), now);
                allow_conflict(self.watched.create(&key, &watch).await)?;
                continue;
            };
            let next = schedule::wish(&watch, wish, since, now, pace);
            let wanted = next.as_ref().unwrap_or(&watch);
            if schedule::is_due(wanted, now)
                && let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned()
            {
                let taken = schedule::take(wanted, self.bus.instance(), now, self.terms.hold);
                match self.watched.update(&key, &taken, revision).await {
                    Ok(revision) => {
                        self.spawn_taken(taken, revision, slot);
                        return Ok(());
                    }
                    Err(StoreError::Conflict { .. }) => continue,
                    Err(error) => return Err(error),
                }
            }
            let Some(next) = next else { return Ok(()) };
            if allow_conflict(self.watched.update(&key, &next, revision).await)?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::Conflict { key })
    }

    /// Takes a look and makes it, in the background.
    fn spawn(self: &Arc<Self>, watch: Watch, revision: Revision, slot: OwnedSemaphorePermit) {
        let watching = Arc::clone(self);
        self.tasks.spawn(async move {
            let me = watching.bus.instance();
            let taken = schedule::take(&watch, me, runtime::now(), watching.terms.hold);
            runtime::failpoint!("auditor::before_take");
            match watching.watched.update(&taken.scope.token(), &taken, revision).await {
                Ok(revision) => watching.see_through(taken, revision).await,
                // Another was first.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => {
                    tracing::warn!(scope = %taken.scope, error = runtime::chain(&error), "a look cannot be taken");
                }
            }
            drop(slot);
        });
    }

    fn spawn_taken(self: &Arc<Self>, watch: Watch, revision: Revision, slot: OwnedSemaphorePermit) {
        let watching = Arc::clone(self);
        self.tasks.spawn(async move {
            watching.see_through(watch, revision).await;
            drop(slot);
        });
    }

    /// Makes a look that is ours, holds on to it meanwhile, and writes what came of it.
    async fn see_through(&self, watch: Watch, revision: Revision) {
        let Some(taken) = watch.taken.clone() else { return };
        runtime::failpoint!("auditor::taken");
        let mut held = Held { watch, revision, taken };
        let scope = held.watch.scope.clone();
        let unmanaged = held.watch.unmanaged.clone();
        let mut looking = Box::pin(self.look(&scope, held.taken.since, &unmanaged));
        let ended = loop {
            match tokio::time::timeout(self.terms.hold / 3, &mut looking).await {
                Ok(ended) => break ended,
                Err(_) => {
                    if !self.renew(&mut held).await {
                        tracing::warn!(%scope, "the look was taken over by another process");
                        return;
                    }
                }
            }
        };
        drop(looking);
        runtime::failpoint!("auditor::before_finish");
        if let Err(error) = self.finish(held, ended).await {
            tracing::warn!(%scope, error = runtime::chain(&error), "a look is not recorded; it will be made again");
        }
        runtime::failpoint!("auditor::finished");
    }

    /// Holds on; tells whether the look is still ours.
    async fn renew(&self, held: &mut Held) -> bool {
        for _ in 0..ATTEMPTS {
            let now = runtime::now();
            let Some(next) = schedule::renew(&held.watch, &held.taken, now, self.terms.hold) else {
                return false;
            };
            match self.watched.update(&held.watch.scope.token(), &next, held.revision).await {
                Ok(revision) => {
                    held.watch = next;
                    held.revision = revision;
                    return true;
                }
                Err(StoreError::Conflict { .. }) => {
                    if !self.reread(held).await {
                        return false;
                    }
                }
                Err(error) => {
                    // The next time is soon, and the hold is longer than that.
                    tracing::debug!(error = runtime::chain(&error), "a look was not held on to");
                    return true;
                }
            }
        }
        false
    }

    /// Reads the record again that somebody else wrote; tells whether it is there.
    async fn reread(&self, held: &mut Held) -> bool {
        match self.watched.get(&held.watch.scope.token()).await {
            Ok(Some((watch, revision))) => {
                held.watch = watch;
                held.revision = revision;
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    async fn finish(&self, mut held: Held, ended: Ended) -> Result<(), StoreError> {
        let scope = held.watch.scope.clone();
        for _ in 0..ATTEMPTS {
            let pace = self.pace(&scope);
            let now = runtime::now();
            let next = schedule::finish(&held.watch, &held.taken, ended.clone(), now, pace);
            let Some(next) = next else { return Ok(()) };
            match self.watched.update(&scope.token(), &next, held.revision).await {
                Err(StoreError::Conflict { key }) => {
                    if !self.reread(&mut held).await {
                        return Err(StoreError::Conflict { key });
                    }
                }
                other => return other.map(drop),
            }
        }
        Err(StoreError::Conflict { key: scope.token() })
    }

    fn pace(&self, scope: &Scope) -> Pace {
        let cadence = self.terms.cadences.of(&scope.kind);
        let latency = self.latencies.of(&scope.kind).unwrap_or(cadence);
        Pace { cadence, lag: self.terms.lag, latency }
    }
}

/// What was written; `None` where somebody else wrote first.
fn allow_conflict<T>(written: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match written {
        Ok(done) => Ok(Some(done)),
        Err(StoreError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
