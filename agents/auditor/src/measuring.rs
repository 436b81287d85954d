//! How long a change can stay unseen, worked out from what is watched, and said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bus_schema::{KindName, Scope, Watch};
use runtime::Snapshot;

use crate::promise::{self, Demand};
use crate::watching::{Terms, Watching};

/// What was worked out last.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    kinds: Mutex<BTreeMap<KindName, Duration>>,
}

impl Latencies {
    /// Longest that a change of this kind can stay unseen.
    pub(crate) fn of(&self, kind: &KindName) -> Option<Duration> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(kind).copied()
    }
}

impl Watching {
    /// Works it out anew, and warns where it has become more than was promised.
    pub(crate) fn measure(&self, scopes: &BTreeSet<Scope>, watches: &Snapshot<Watch>) {
        let now = latencies(&self.terms, scopes, watches);
        let before = {
            let mut kinds = self.latencies.kinds.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *kinds, now.clone())
        };
        for (kind, latency) in &now {
            self.meters.latency(kind, *latency);
        }
        if now == before {
            return;
        }
        let promise = self.terms.promise;
        let worst = now.iter().max_by_key(|(_, latency)| **latency);
        let was_late = before.values().any(|latency| *latency > promise);
        match worst {
            Some((kind, latency)) if *latency > promise && !was_late => {
                tracing::warn!(
                    %kind, scopes = scopes.len(), latency_seconds = latency.as_secs(),
                    promised_seconds = promise.as_secs(),
                    "a change can stay unseen longer than was promised: look more often \
                     (CADENCE_SECONDS), have more calls (CLOUDFLARE_RATE), or promise less \
                     (PROMISE_SECONDS)"
                );
            }
            Some((_, latency)) if *latency <= promise && was_late => {
                tracing::info!(
                    latency_seconds = latency.as_secs(),
                    "the promise can be held again"
                );
            }
            Some(_) | None => {}
        }
    }
}

fn latencies(
    terms: &Terms,
    scopes: &BTreeSet<Scope>,
    watches: &Snapshot<Watch>,
) -> BTreeMap<KindName, Duration> {
    let demand = |scope: &Scope| Demand {
        cadence: terms.cadences.of(&scope.kind),
        calls: watches.get(&scope.token()).map_or(1, |entry| entry.record.calls),
    };
    let demands: Vec<Demand> = scopes.iter().map(demand).collect();
    let kinds: BTreeSet<&KindName> = scopes.iter().map(|scope| &scope.kind).collect();
    let latency = |kind| promise::latency(terms.cadences.of(kind), &demands, terms.grant);
    kinds.into_iter().map(|kind| (kind.clone(), latency(kind))).collect()
}
