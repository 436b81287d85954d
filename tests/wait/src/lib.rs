//! Waiting for a condition, never for a time. For the tests of every crate.

use std::future::Future;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Between one question and the next.
const PAUSE: Duration = Duration::from_millis(20);

/// So many seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Asks again until the answer is there, at most for `limit`; `what` names the condition where it
/// never holds.
///
/// # Errors
/// When the answer is not there in time, and the first error of asking.
pub async fn until<T, F, Fut>(what: &str, limit: Duration, ask: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<Option<T>>>,
{
    until_every(PAUSE, what, limit, ask).await
}

/// The same with another pause between one question and the next.
///
/// # Errors
/// As [`until`].
pub async fn until_every<T, F, Fut>(
    pause: Duration,
    what: &str,
    limit: Duration,
    mut ask: F,
) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<Option<T>>>,
{
    let deadline = Instant::now() + limit;
    let mut turns = interval(pause);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            bail!("{what}: not within {limit:?}");
        }
    }
}
