//! What time it is. Agents ask here and nowhere else, so that a test can give them a clock that
//! jumps, as a clock set by hand or by a machine's wake-up does.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Farthest the clock jumps either way, in seconds; 0: it does not. Only debug builds ever set it.
static FARTHEST: AtomicI64 = AtomicI64::new(0);
/// How often the clock was read.
static READ: AtomicU64 = AtomicU64::new(0);
/// Readings between two jumps.
const STEADY: u64 = 7;

/// The present.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    match FARTHEST.load(Ordering::Relaxed) {
        0 => now,
        farthest => {
            let nth = READ.fetch_add(1, Ordering::Relaxed) / STEADY;
            now.checked_add(SignedDuration::from_secs(offset(nth, farthest))).unwrap_or(now)
        }
    }
}

/// Makes the clock jump, up to this many seconds either way.
#[cfg(debug_assertions)]
pub(crate) fn jump(farthest: i64) {
    FARTHEST.store(farthest, Ordering::Relaxed);
}

/// The clock's error after so many jumps: scattered over the whole range, the same at every run.
fn offset(nth: u64, farthest: i64) -> i64 {
    // Knuth's multiplicative hashing: the golden ratio scatters consecutive numbers well.
    let scattered = i64::try_from(nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 2).unwrap_or_default();
    scattered.rem_euclid(farthest.saturating_mul(2).saturating_add(1)) - farthest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_go_both_ways_and_not_too_far() {
        let offsets: Vec<i64> = (0..100).map(|nth| offset(nth, 3600)).collect();
        assert!(offsets.iter().all(|it| it.abs() <= 3600), "{offsets:?}");
        assert!(offsets.iter().any(|it| *it > 600) && offsets.iter().any(|it| *it < -600));
    }
}
