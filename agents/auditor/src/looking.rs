//! One look at a scope: read what is declared, list, read again, judge, record, announce.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bus_schema::{Finding, Scope, StackName, StackObservation, StackState};
use cloud::cloudflare::{Write, author, counted};
use cloud::{Drifted, Error};
use jiff::{SignedDuration, Timestamp};
use runtime::{Retry, Retryable, Snapshot, StoreError};
use tokio::time::Instant;
use tracing::Instrument;

use crate::findings::{self, Origin, Sighting};
use crate::judge::judge;
use crate::schedule::{Ended, Looked};
use crate::watching::{ATTEMPTS, Terms, Watching};

/// How long before the last write of ours somebody else's is looked for: two clocks.
const CLOCKS: SignedDuration = SignedDuration::from_secs(1);
/// How far back at most.
const LONGEST_AGO: SignedDuration = SignedDuration::from_hours(24);
/// How far ahead of ours the cloud's clock may be.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// When to try again where that does not help by itself.
const NO_HELP: Duration = Duration::from_secs(3_600);

/// A look that could not be made.
#[derive(Debug, thiserror::Error)]
enum LookError {
    /// The cloud could not be listed.
    #[error("the scope cannot be listed")]
    Listing(#[source] Error),
    /// The records could not be read or written.
    #[error("the swarm's records cannot be used")]
    Records(#[from] StoreError),
}

impl LookError {
    fn retry(&self) -> Duration {
        match self {
            Self::Listing(error) => match error.retry() {
                cloud::Retry::After(delay) => delay,
                cloud::Retry::Never => NO_HELP,
            },
            Self::Records(error) => match error.retry() {
                Retry::After(delay) | Retry::Later(delay) => delay,
                Retry::Never => NO_HELP,
            },
        }
    }
}

impl Watching {
    /// Looks at a scope.
    pub(crate) async fn look(
        &self,
        scope: &Scope,
        since: Timestamp,
        unmanaged: &BTreeMap<String, Finding>,
    ) -> Ended {
        let span = tracing::info_span!(
            "look",
            otel.name = format!("look at {}", scope.kind),
            otel.status_code = tracing::field::Empty,
            otel.status_description = tracing::field::Empty,
            zerodrift.scope = %scope,
            zerodrift.findings = tracing::field::Empty,
        );
        let began = Instant::now();
        let looked = self.looked(scope, since, unmanaged).instrument(span.clone()).await;
        let calls = looked.as_ref().ok().map(|looked| looked.calls);
        self.meters.looked(scope, began.elapsed(), calls);
        match looked {
            Ok(looked) => Ended::Looked(looked),
            Err(error) => {
                let reason = runtime::chain(&error);
                span.record("otel.status_code", "ERROR");
                span.record("otel.status_description", &reason);
                tracing::warn!(%scope, reason, "a look could not be made");
                Ended::Trouble { reason, retry: error.retry() }
            }
        }
    }

    async fn looked(
        &self,
        scope: &Scope,
        since: Timestamp,
        known: &BTreeMap<String, Finding>,
    ) -> Result<Looked, LookError> {
        let before = self.stacks.now().await?;
        let at = runtime::now();
        let (listing, calls) = counted(self.sight.list(scope)).await;
        let listing = listing.map_err(LookError::Listing)?;
        runtime::failpoint!("auditor::listed");
        let stacks = self.stacks.now().await?;
        let Terms { catalogue, lag, .. } = self.terms.clone();
        let judgement = judge(scope, &listing, &before, &stacks, catalogue, at, lag);
        let observations = self.observations.now().await?;
        let open = observations.values().filter(|entry| {
            let findings = entry.record.findings.values();
            findings.into_iter().any(|finding| finding.scope == *scope)
        });
        let concerned: BTreeSet<StackName> = open
            .map(|entry| entry.record.stack.clone())
            .chain(judgement.drifted.keys().cloned())
            .filter(|stack| !judgement.held.contains(stack))
            .collect();
        let mut log = Log::default();
        for stack in &concerned {
            let Some(entry) = stacks.get(stack.as_str()) else { continue };
            let drifted = judgement.drifted.get(stack).map(Vec::as_slice).unwrap_or_default();
            let sighting = Sighting { state: &entry.record, scope, drifted, at: runtime::now() };
            self.observe(sighting, &stacks, &mut log).await?;
        }
        let (unmanaged, unmanaged_left_out) =
            findings::unmanaged(known, scope, &judgement.unmanaged, since);
        let again_at = judgement.again_at;
        let calls = calls + log.calls;
        Ok(Looked { calls, unmanaged, unmanaged_left_out, again_at })
    }

    /// Records what was seen of a stack, and announces it.
    async fn observe(
        &self,
        sighting: Sighting<'_>,
        stacks: &Snapshot<StackState>,
        log: &mut Log,
    ) -> Result<(), StoreError> {
        let stack = &sighting.state.stack;
        for _ in 0..ATTEMPTS {
            let previous = self.observed.get(stack).await?;
            let (previous, revision) =
                previous.map_or((None, None), |(it, at)| (Some(it), Some(at)));
            if findings::has_news(previous.as_ref(), &sighting) {
                self.read_log(sighting.scope, stacks, log).await;
            }
            let origin = |drifted: &Drifted| log.origin(&sighting, drifted);
            let Some(next) = findings::next(previous.as_ref(), &sighting, origin) else {
                return Ok(());
            };
            runtime::failpoint!("auditor::before_record");
            let written = match revision {
                Some(over) => self.observed.update(stack, &next, over).await,
                None => self.observed.create(stack, &next).await,
            };
            runtime::failpoint!("auditor::recorded");
            match written {
                Ok(revision) => {
                    self.say(previous.as_ref(), &next);
                    return self.tell(next, revision).await;
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict { key: stack.to_string() })
    }

    fn say(&self, previous: Option<&StackObservation>, next: &StackObservation) {
        let known = |finding: &Finding| {
            previous.is_some_and(|it| it.findings.get(&finding.signature) == Some(finding))
        };
        for finding in next.findings.values().filter(|finding| !known(finding)) {
            self.meters.found(finding);
        }
    }

    /// Reads who changed something lately, once for a look. Without the log, nobody is named.
    async fn read_log(&self, scope: &Scope, stacks: &Snapshot<StackState>, log: &mut Log) {
        if log.read {
            return;
        }
        log.read = true;
        let now = runtime::now();
        // Only what came after our own last write to a stack can be somebody else's.
        let oldest = stacks.values().map(|entry| entry.record.updated_at).min().unwrap_or(now);
        let earliest = now.checked_sub(LONGEST_AGO).unwrap_or(Timestamp::MIN);
        let since = oldest.checked_sub(CLOCKS).unwrap_or(Timestamp::MIN).max(earliest);
        let before = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let (writes, calls) = counted(self.sight.writes(scope, since, before)).await;
        log.calls = calls;
        match writes {
            Ok(writes) => log.writes = writes,
            Err(error) => {
                tracing::warn!(%scope, error = runtime::chain(&error), "who did it cannot be told");
            }
        }
    }
}

/// What the cloud's audit log says, as far as it was asked.
#[derive(Debug, Default)]
struct Log {
    read: bool,
    writes: Vec<Write>,
    calls: u64,
}

impl Log {
    /// Who made a difference, and when.
    fn origin(&self, sighting: &Sighting<'_>, drifted: &Drifted) -> Origin {
        let state = sighting.state;
        let recorded = state.resources.get(&drifted.address);
        let id = drifted
            .observed
            .as_ref()
            .map(|object| object.id.as_str())
            .or_else(|| recorded?.cloud_id.as_deref());
        // What we wrote last was as declared.
        let since = state.updated_at.checked_sub(CLOCKS).unwrap_or(Timestamp::MIN);
        let writes: Vec<Write> =
            self.writes.iter().filter(|write| write.at >= since).cloned().collect();
        let write = author(&writes, &sighting.scope.kind, id);
        let at = drifted.modified_at().or_else(|| write.map(|write| write.at));
        Origin { at, by: write.map(|write| write.by.clone()) }
    }
}
