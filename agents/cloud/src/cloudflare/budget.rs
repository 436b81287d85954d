//! Keeps within what Cloudflare grants a token: 1,200 calls in any 5 minutes, or it answers nothing
//! but 429 for the next 5.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

/// Calls that may be made at once after a rest. With one more every [`PERIOD`] no 5 minutes see more
/// than 300 + 900 = 1,200.
const BURST: NonZeroU32 = match NonZeroU32::new(300) {
    Some(burst) => burst,
    None => NonZeroU32::MIN,
};
const PERIOD: Duration = Duration::from_nanos(1_000_000_000 / 3 + 1);

/// Longest to wait when Cloudflare says to; beyond, the caller is told and decides.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What is left of a token's budget.
#[derive(Debug)]
pub(super) struct Budget {
    limiter: DefaultDirectRateLimiter,
    /// No call before this: Cloudflare said so.
    paused_until: Mutex<Option<Instant>>,
}

impl Budget {
    pub(super) fn new() -> Self {
        let quota =
            Quota::with_period(PERIOD).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        Self {
            limiter: RateLimiter::direct(quota.allow_burst(BURST)),
            paused_until: Mutex::new(None),
        }
    }

    /// Waits for a call's turn.
    ///
    /// # Errors
    /// How long Cloudflare asks to wait, where that is longer than [`LONGEST_WAIT`].
    pub(super) async fn turn(&self) -> Result<(), Duration> {
        loop {
            let pause = self.pause();
            if pause.is_zero() {
                break;
            }
            if pause > LONGEST_WAIT {
                return Err(pause);
            }
            tokio::time::sleep(pause).await;
        }
        self.limiter.until_ready().await;
        Ok(())
    }

    /// Holds back every call of the token for this long.
    pub(super) fn hold(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = (*paused).max(Some(until));
    }

    fn pause(&self) -> Duration {
        let paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        paused.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}
