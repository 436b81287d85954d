//! Keeps within what Cloudflare grants a token: so many calls in any 5 minutes, or it answers nothing
//! but 429 for the next 5.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

/// What the grant counts over.
const WINDOW: Duration = Duration::from_secs(5 * 60);

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
    /// `granted`: calls in any 5 minutes.
    pub(super) fn new(granted: NonZeroU32) -> Self {
        Self { limiter: RateLimiter::direct(quota(granted)), paused_until: Mutex::new(None) }
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

/// A quarter may be called at once after a rest, and the rest spread over the window: so no window
/// sees more than is granted.
fn quota(granted: NonZeroU32) -> Quota {
    let burst = NonZeroU32::new(granted.get() / 4).unwrap_or(NonZeroU32::MIN);
    let spread = granted.get().saturating_sub(burst.get()).max(1);
    // A nanosecond more, for the division leaves a part of one out.
    let period = WINDOW / spread + Duration::from_nanos(1);
    Quota::with_period(period)
        .unwrap_or_else(|| Quota::per_minute(NonZeroU32::MIN))
        .allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_sees_more_than_is_granted() {
        for granted in [1, 2, 3, 4, 5, 1_199, 1_200, 1_000_000, u32::MAX] {
            let quota = quota(NonZeroU32::new(granted).unwrap());
            let spread = WINDOW.as_nanos() / quota.replenish_interval().as_nanos();
            let most = u128::from(quota.burst_size().get()) + spread;
            assert!(most <= u128::from(granted).max(2), "{granted}: {most}");
            if (1_000..=1_000_000).contains(&granted) {
                assert!(most * 10 >= u128::from(granted) * 9, "{granted}: {most}");
            }
        }
    }
}
