//! What holds of damping, whatever happens.

#![cfg(test)]

use std::time::Duration;

use bus_schema::Damping;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use remediator::damping::{Damped, Ruling, opened, repaired, rule};

fn damped() -> impl Strategy<Value = Damped> {
    (1_u64..60, 1_u64..600, 1_usize..8, 1_u64..3_600, 0_u64..3_600).prop_map(
        |(first, longest, reversals, window, more)| Damped {
            first: Duration::from_secs(first),
            longest: Duration::from_secs(longest.max(first)),
            reversals,
            window: Duration::from_secs(window),
            quiet: Duration::from_secs(window + more),
        },
    )
}

/// Seconds from one foreign change to the next.
fn changes() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(prop_oneof![0_u32..5, 0_u32..600, 0_u32..10_000], 1..60)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

/// Plays a fight in which every repair is made as soon as it may be; gives their times, and whether
/// the circuit was open when each change came.
fn play(damped: &Damped, changes: &[u32]) -> (Vec<i64>, Vec<bool>) {
    let (mut damping, mut now) = (Damping::default(), 0_i64);
    let (mut repairs, mut open) = (Vec::new(), Vec::new());
    for gap in changes {
        now += i64::from(*gap);
        match rule(&damping, damped, at(now)) {
            Ruling::Now => open.push(false),
            Ruling::Wait(then) => {
                now = then.as_second();
                open.push(false);
            }
            Ruling::Open(_) => {
                damping = opened(&damping, at(now));
                open.push(true);
                continue;
            }
        }
        if rule(&damping, damped, at(now)) == Ruling::Now {
            damping = repaired(&damping, damped, at(now));
            repairs.push(now);
        }
    }
    (repairs, open)
}

proptest! {
    #[test]
    fn no_window_sees_more_repairs_than_are_allowed(damped in damped(), changes in changes()) {
        let (repairs, _) = play(&damped, &changes);
        let window = i64::try_from(damped.window.as_secs()).unwrap();
        for (i, first) in repairs.iter().enumerate() {
            let within = repairs[i..].iter().take_while(|it| **it < first + window).count();
            prop_assert!(within <= damped.reversals, "{within} {repairs:?}");
        }
    }

    #[test]
    fn two_repairs_within_a_window_are_apart(damped in damped(), changes in changes()) {
        let (repairs, _) = play(&damped, &changes);
        let window = i64::try_from(damped.window.as_secs()).unwrap();
        let first = i64::try_from(damped.first.min(damped.longest).as_secs()).unwrap();
        for pair in repairs.windows(2) {
            let apart = pair[1] - pair[0];
            prop_assert!(apart >= first.min(window), "{apart} {repairs:?}");
        }
    }

    #[test]
    fn waits_grow_up_to_the_longest(damped in damped()) {
        let mut damping = Damping::default();
        let mut before = Duration::ZERO;
        for _ in 0..damped.reversals {
            damping = repaired(&damping, &damped, at(0));
            let until = damping.not_before.unwrap();
            let wait = Duration::try_from(until.duration_since(at(0))).unwrap();
            prop_assert!(wait >= before && wait <= damped.longest);
            prop_assert!(wait == damped.longest || wait >= before * 2);
            before = wait;
        }
    }

    #[test]
    fn what_may_be_made_may_be_made_later_too(damped in damped(), changes in changes(), later in 0_i64..100_000) {
        let mut damping = Damping::default();
        let mut now = 0;
        for gap in changes {
            now += i64::from(gap);
            if rule(&damping, &damped, at(now)) == Ruling::Now {
                prop_assert_eq!(rule(&damping, &damped, at(now + later)), Ruling::Now);
                damping = repaired(&damping, &damped, at(now));
            }
        }
    }

    #[test]
    fn open_stays_open_until_quiet_or_a_person(damped in damped(), since in 0_i64..1_000, later in 0_u64..10_000) {
        let mut damping = Damping::default();
        for _ in 0..damped.reversals {
            damping = repaired(&damping, &damped, at(since));
        }
        prop_assert!(matches!(rule(&damping, &damped, at(since)), Ruling::Open(_)));
        let damping = opened(&damping, at(since));
        prop_assert_eq!(&opened(&damping, at(since + 5)), &damping, "since when it opened first");
        let ruling = rule(&damping, &damped, at(since + i64::try_from(later).unwrap()));
        prop_assert_eq!(matches!(ruling, Ruling::Open(_)), later < damped.quiet.as_secs());
        prop_assert!(!matches!(ruling, Ruling::Wait(_)));
        // A person's word forgets it all.
        prop_assert_eq!(rule(&Damping::default(), &damped, at(since)), Ruling::Now);
        // After quiet it counts anew.
        let after = at(since + i64::try_from(damped.quiet.as_secs()).unwrap());
        prop_assert_eq!(repaired(&damping, &damped, after).repairs.len(), 1);
    }

    #[test]
    fn what_is_rare_is_put_back_at_once(damped in damped(), more in 0_u32..1_000) {
        let gap = u32::try_from(damped.window.as_secs()).unwrap() + more;
        let (repairs, open) = play(&damped, &[gap; 20]);
        prop_assert!(open.iter().all(|it| !it));
        let expected: Vec<i64> = (1..=20).map(|i| i64::from(gap) * i).collect();
        prop_assert_eq!(repairs, expected);
    }
}
