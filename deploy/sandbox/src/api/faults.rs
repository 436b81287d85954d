//! Faults made on purpose: which call they hit, and what happens to it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::store::{Store, new_id};

/// A fault to come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// Given by the sandbox.
    #[serde(default)]
    pub id: String,
    /// For example `POST`; any method where none is given.
    #[serde(default)]
    pub method: Option<String>,
    /// The beginning of the path below `/client/v4`, where `*` stands for any text; any path where
    /// none is given.
    #[serde(default)]
    pub path: Option<String>,
    /// How many matching calls pass by unharmed first.
    #[serde(default)]
    pub skip: u64,
    /// How many calls it hits after that.
    #[serde(default = "once")]
    pub count: u64,
    /// What happens to them.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> u64 {
    1
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// It is refused before it has any effect.
    Status {
        /// For example 429, 500, 503.
        status: u16,
        /// Header `retry-after`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// It is answered late.
    Latency {
        /// Milliseconds before it has its effect.
        ms: u64,
    },
    /// The connection closes before it has any effect.
    Reset,
    /// It has its effect, then the connection closes without an answer.
    Lost,
    /// It has its effect, then nothing is answered for a while, then the connection closes.
    Hang {
        /// Milliseconds.
        #[serde(default = "a_minute")]
        ms: u64,
    },
    /// Nothing is answered for a while, then the connection closes; it has no effect.
    Stall {
        /// Milliseconds.
        #[serde(default = "a_minute")]
        ms: u64,
    },
    /// A read is answered from the state before the writes of the last moments, or before the fault
    /// was set. One that comes later is answered truly, and does not count as hit.
    Stale {
        /// How far a read may lag behind, in milliseconds.
        #[serde(default = "a_second")]
        ms: u64,
    },
}

fn a_second() -> u64 {
    1_000
}

fn a_minute() -> u64 {
    60_000
}

/// What hits one call.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    /// What happens.
    pub(super) kind: FaultKind,
    /// For a stale read: what to answer from.
    pub(super) past: Option<Store>,
}

/// The faults still to come, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pending: Mutex<Vec<Pending>>,
}

type Pending = (Fault, Option<Past>);

/// The state before a write.
#[derive(Debug, Clone)]
struct Past {
    at: Instant,
    store: Store,
}

impl Past {
    fn of(store: &Store) -> Self {
        Self { at: Instant::now(), store: store.frozen() }
    }

    fn is_within(&self, ms: u64) -> bool {
        self.at.elapsed() <= Duration::from_millis(ms)
    }
}

impl Faults {
    /// Adds a fault and gives it an id.
    pub(super) fn add(&self, mut fault: Fault, store: &Store) -> Fault {
        fault.id = new_id();
        let past = matches!(fault.kind, FaultKind::Stale { .. }).then(|| Past::of(store));
        self.locked().push((fault.clone(), past));
        fault
    }

    /// Those not used up.
    pub(super) fn list(&self) -> Vec<Fault> {
        self.locked().iter().map(|(fault, _)| fault.clone()).collect()
    }

    /// Forgets all of them, or one by id; how many.
    pub(super) fn clear(&self, id: Option<&str>) -> usize {
        let mut pending = self.locked();
        let before = pending.len();
        pending.retain(|(fault, _)| id.is_some_and(|id| fault.id != id));
        before - pending.len()
    }

    /// Something is about to be written: keeps what reads that lag will be answered from.
    pub(super) fn before_write(&self, store: &Store) {
        for (fault, past) in self.locked().iter_mut() {
            if let (FaultKind::Stale { ms }, Some(past)) = (&fault.kind, past)
                && !past.is_within(*ms)
            {
                *past = Past::of(store);
            }
        }
    }

    /// What hits this call: the oldest fault that matches. A fault used up is forgotten.
    pub(super) fn strike(&self, method: &str, path: &str) -> Option<Hit> {
        let mut pending = self.locked();
        let index = pending.iter_mut().position(|(fault, past)| {
            if !fault.matches(method, path) {
                return false;
            }
            if let (FaultKind::Stale { ms }, Some(past)) = (&fault.kind, past)
                && !past.is_within(*ms)
            {
                return false;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                return false;
            }
            true
        })?;
        let (fault, past) = pending.get_mut(index)?;
        let hit =
            Hit { kind: fault.kind.clone(), past: past.as_ref().map(|past| past.store.clone()) };
        fault.count = fault.count.saturating_sub(1);
        if fault.count == 0 {
            pending.remove(index);
        }
        Some(hit)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn matches(&self, method: &str, path: &str) -> bool {
        let reads = method == "GET" || method == "HEAD";
        self.count > 0
            && (!matches!(self.kind, FaultKind::Stale { .. }) || reads)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|wanted| {
                begins(path, wanted.strip_prefix("/client/v4").unwrap_or(wanted))
            })
    }
}

/// Whether a path begins with a pattern in which `*` stands for any text.
fn begins(path: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else {
        return false;
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::World;

    #[test]
    fn a_pattern_is_a_beginning_with_stars() {
        assert!(begins("/zones/abc/dns_records/1", "/zones/*/dns_records"));
        assert!(begins("/zones", "/z"));
        assert!(!begins("/accounts", "/zones"));
        assert!(!begins("/zones/abc/settings", "/zones/*/dns_records"));
    }

    #[test]
    fn a_fault_skips_then_hits_then_is_gone() {
        let store = Store::in_memory(World::default());
        let faults = Faults::default();
        let fault: Fault = serde_json::from_str(
            r#"{"method":"post","path":"/zones","skip":1,"count":2,"kind":"status","status":503}"#,
        )
        .unwrap();
        faults.add(fault, &store);
        assert!(faults.strike("GET", "/zones").is_none());
        let hits: Vec<bool> = (0..4).map(|_| faults.strike("POST", "/zones").is_some()).collect();
        assert_eq!(hits, [false, true, true, false]);
        assert!(faults.list().is_empty());
    }
}
