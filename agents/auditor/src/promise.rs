//! How long a change can stay unseen where nobody hints. Pure.

use std::time::Duration;

/// One scope's part of the cloud's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// From one look to the next.
    pub cadence: Duration,
    /// Calls a look takes.
    pub calls: u64,
}

/// What calls are granted: as the client in `cloud` keeps them, a quarter at once after a rest and
/// the rest spread over the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grant {
    /// Calls that may be made at once.
    burst: f64,
    /// Calls a second after that.
    rate: f64,
}

/// What a grant counts over, in seconds.
const WINDOW: f64 = 300.0;
/// The look itself, from its first call to what it says: the listing of a large scope and a record's
/// write, on a usual day. Longer where the cloud is slow.
const LOOK: Duration = Duration::from_secs(1);

impl Grant {
    /// So many calls in any 5 minutes.
    pub fn of(calls: u32) -> Self {
        let calls = f64::from(calls);
        let burst = (calls / 4.0).floor().max(1.0);
        Self { burst, rate: (calls - burst).max(1.0) / WINDOW }
    }
}

/// Longest that a change in a scope can stay unseen, by its cadence, while these are all that is
/// looked at: its cadence, what the budget makes it wait beyond that, and the look.
///
/// Looks that fall due together make as many calls at once. Where the budget gives that many at once
/// and regains them in time, nobody waits. Where it gives fewer at once, the last waits for the rest.
/// Where it does not regain them, looks fall behind until a round takes as long as its calls.
pub fn latency(cadence: Duration, all: &[Demand], grant: Grant) -> Duration {
    let at_once: f64 = all.iter().map(|it| calls(it.calls)).sum();
    let steady: f64 =
        all.iter().map(|it| calls(it.calls) / it.cadence.as_secs_f64().max(0.001)).sum();
    let missing = (at_once - grant.burst).max(0.0) / grant.rate;
    let behind =
        if steady > grant.rate { cadence.as_secs_f64() * (steady / grant.rate - 1.0) } else { 0.0 };
    cadence + LOOK + Duration::from_secs_f64((missing + behind).min(1e9))
}

fn calls(calls: u64) -> f64 {
    // A look that was never made takes one at least.
    f64::from(u32::try_from(calls.max(1)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Duration = Duration::from_secs(30);

    fn scopes(count: usize, calls: u64) -> Vec<Demand> {
        vec![Demand { cadence: HALF, calls }; count]
    }

    #[test]
    fn within_the_budget_it_is_the_cadence_and_the_look() {
        let grant = Grant::of(1_200);
        assert_eq!(latency(HALF, &scopes(22, 1), grant), HALF + LOOK);
        assert_eq!(latency(HALF, &scopes(90, 1), grant), HALF + LOOK);
    }

    #[test]
    fn what_the_budget_does_not_give_is_waited_for() {
        // 3 calls a second are regained: 150 scopes every 30 s need 5.
        let longer = latency(HALF, &scopes(150, 1), Grant::of(1_200));
        assert_eq!(longer.as_secs(), 51);
        // 100 at once of which 25 are given at once, and 75 regained within 300 s.
        let slow: Vec<_> =
            (0..100).map(|_| Demand { cadence: Duration::from_secs(600), calls: 1 }).collect();
        assert_eq!(latency(Duration::from_secs(600), &slow, Grant::of(100)).as_secs(), 901);
    }

    #[test]
    fn more_calls_never_show_a_change_sooner() {
        let grant = Grant::of(1_200);
        let mut before = Duration::ZERO;
        for calls in 1..200 {
            let now = latency(HALF, &scopes(20, calls), grant);
            assert!(now >= before, "{calls}");
            before = now;
        }
    }
}
