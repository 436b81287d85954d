//! The rate limit of the API: so many calls per token and window, then refused until it ends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// How much a token may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Calls in a window.
    pub requests: u64,
    /// Length of the window, in seconds.
    pub seconds: u64,
}

impl Default for Limit {
    /// Cloudflare's published limit.
    fn default() -> Self {
        Self { requests: 1_200, seconds: 300 }
    }
}

/// Where a token stands after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The limit in force.
    pub(super) limit: Limit,
    /// Calls left in the window.
    pub(super) left: u64,
    /// Seconds until the window ends, rounded up.
    pub(super) resets_in: u64,
    /// Whether this call is over the limit.
    pub(super) refused: bool,
}

/// What every token has used.
#[derive(Debug)]
pub(super) struct Budget {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    windows: HashMap<String, (Instant, u64)>,
}

impl Budget {
    /// Nothing used yet.
    pub(super) fn new(limit: Limit) -> Self {
        Self { state: Mutex::new(State { limit, windows: HashMap::new() }) }
    }

    /// Sets another limit and forgets what was used.
    pub(super) fn set(&self, limit: Limit) {
        *self.locked() = State { limit, windows: HashMap::new() };
    }

    /// Counts a call.
    pub(super) fn spend(&self, token: &str) -> Standing {
        let now = Instant::now();
        let mut state = self.locked();
        let limit = state.limit;
        let length = Duration::from_secs(limit.seconds.max(1));
        let (start, used) = state.windows.entry(token.to_owned()).or_insert((now, 0));
        if now.duration_since(*start) >= length {
            (*start, *used) = (now, 0);
        }
        let refused = *used >= limit.requests;
        if !refused {
            *used += 1;
        }
        let remaining = length.saturating_sub(now.duration_since(*start));
        Standing {
            limit,
            left: limit.requests.saturating_sub(*used),
            resets_in: remaining.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
            refused,
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_window_refuses_beyond_its_limit_and_then_opens_again() {
        let budget = Budget::new(Limit { requests: 2, seconds: 10 });
        assert!(!budget.spend("a").refused);
        assert!(!budget.spend("a").refused);
        let over = budget.spend("a");
        assert!(over.refused && over.resets_in == 10);
        assert!(!budget.spend("b").refused, "another token has its own");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!budget.spend("a").refused);
    }
}
