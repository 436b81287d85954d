//! When a scope is looked at, and by whom: whatever happens in whatever order.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use auditor::schedule::{
    Ended, Looked, PAUSE, Pace, Wish, after, begin, finish, is_due, renew, take, wish,
};
use bus_schema::{InstanceId, Taken, Watch};
use jiff::Timestamp;
use proptest::prelude::*;

const HOLD: Duration = Duration::from_secs(6);
const PACE: Pace = Pace {
    cadence: Duration::from_secs(30),
    lag: Duration::from_secs(2),
    latency: Duration::from_secs(31),
};

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

fn name(nth: usize) -> InstanceId {
    format!("auditor-{nth}").parse().unwrap()
}

fn fresh() -> Watch {
    begin("cloudflare.dns_record.zone.example.com".parse().unwrap(), at(0))
}

fn looked() -> Ended {
    Ended::Looked(Looked::default())
}

/// Taken and looked at, from then to then.
fn after_look(watch: &Watch, from: i64, to: i64, ended: Ended) -> Watch {
    let taken = take(watch, &name(1), at(from), HOLD);
    finish(&taken, taken.taken.as_ref().unwrap(), ended, at(to), PACE).unwrap()
}

#[test]
fn a_scope_is_due_at_once_and_then_once_a_cadence() {
    let watch = fresh();
    assert!(is_due(&watch, at(0)));
    let taken = take(&watch, &name(1), at(0), HOLD);
    assert!(!is_due(&taken, at(5_999)), "it is being looked at");
    assert!(is_due(&taken, at(6_000)), "whoever looked is gone");
    let watch = after_look(&watch, 0, 40, looked());
    assert_eq!((watch.due_at, watch.looks, watch.looked_at), (at(30_000), 1, Some(at(0))));
    assert!(!is_due(&watch, at(29_999)) && is_due(&watch, at(30_000)));
}

#[test]
fn who_was_overtaken_neither_holds_on_nor_finishes() {
    let first = take(&fresh(), &name(1), at(0), HOLD);
    let mine = first.taken.clone().unwrap();
    let second = take(&first, &name(2), at(6_000), HOLD);
    assert_eq!(renew(&second, &mine, at(6_001), HOLD), None);
    assert_eq!(finish(&second, &mine, looked(), at(6_001), PACE), None);
    let renewed = renew(&first, &mine, at(2_000), HOLD).unwrap();
    assert!(!is_due(&renewed, at(7_999)) && is_due(&renewed, at(8_000)));
}

#[test]
fn a_hint_is_heeded_at_once_and_a_flood_of_them_once_more() {
    let watch = after_look(&fresh(), 0, 40, looked());
    let hinted = wish(&watch, Wish::Hint, at(10_000), at(10_001), PACE).unwrap();
    assert!(is_due(&hinted, at(10_001)));
    let taken = take(&hinted, &name(1), at(10_001), HOLD);
    assert_eq!(wish(&taken, Wish::Hint, at(9_999), at(10_002), PACE), None, "it shows that");
    let again = wish(&taken, Wish::Hint, at(10_002), at(10_003), PACE).unwrap();
    for later in 10_004..10_100 {
        assert_eq!(wish(&again, Wish::Hint, at(later), at(later + 1), PACE), None);
    }
    let mine = taken.taken.unwrap();
    let done = finish(&again, &mine, looked(), at(10_050), PACE).unwrap();
    assert_eq!(done.due_at, after(at(10_001), PAUSE));
}

#[test]
fn what_was_applied_is_looked_at_when_it_can_be_believed_and_not_too_often() {
    let watch = after_look(&fresh(), 0, 40, looked());
    let soon = wish(&watch, Wish::Applied, at(60_000), at(60_001), PACE);
    assert!(soon.is_none_or(|it| it.due_at == at(30_000)), "it is due already");
    let soon = wish(&watch, Wish::Applied, at(1_000), at(1_001), PACE).unwrap();
    assert_eq!(soon.due_at, at(7_500));
    let repair = wish(&watch, Wish::Repair, at(1_000), at(1_001), PACE).unwrap();
    assert_eq!(repair.due_at, at(1_001));
}

#[test]
fn a_cloud_that_cannot_be_listed_is_tried_again_in_its_time() {
    let trouble =
        |seconds| Ended::Trouble { reason: "down".to_owned(), retry: Duration::from_secs(seconds) };
    let watch = after_look(&fresh(), 0, 40, trouble(0));
    assert_eq!((watch.due_at, watch.looks), (at(1_040), 0));
    assert_eq!(watch.trouble.as_deref(), Some("down"));
    let watch = after_look(&watch, 1_040, 1_100, trouble(3_600));
    assert_eq!(watch.due_at, at(31_100));
    assert_eq!(after_look(&watch, 31_100, 31_200, looked()).trouble, None);
}

#[derive(Debug, Clone)]
enum Event {
    Pass(i64),
    Take(usize),
    Renew(usize),
    Finish(usize, bool),
    Wish(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (1..9_000_i64).prop_map(Event::Pass),
        (0..3_usize).prop_map(Event::Take),
        (0..3_usize).prop_map(Event::Renew),
        (0..3_usize, any::<bool>()).prop_map(|(who, well)| Event::Finish(who, well)),
        (0..3_u8).prop_map(Event::Wish),
    ];
    proptest::collection::vec(event, 1..80)
}

proptest! {
    /// Every write goes over the one before it, as compare-and-set has it.
    #[test]
    fn nobody_looks_while_another_does_and_every_hint_is_heeded(events in events()) {
        let mut watch = fresh();
        let mut now = 0_i64;
        // What each process believes it holds.
        let mut held: [Option<Taken>; 3] = [None, None, None];
        // When the last thing happened that a look must still show.
        let mut owed: Option<Timestamp> = None;
        for event in events {
            match event {
                Event::Pass(milliseconds) => now += milliseconds,
                Event::Take(who) => if is_due(&watch, at(now)) {
                    let looking = held.iter().flatten().filter(|it| {
                        watch.taken.as_ref() == Some(*it) && at(now) < it.until
                    }).count();
                    prop_assert_eq!(looking, 0, "taken while another looked");
                    watch = take(&watch, &name(who), at(now), HOLD);
                    held[who].clone_from(&watch.taken);
                },
                Event::Renew(who) => if let Some(mine) = held[who].clone() {
                    match renew(&watch, &mine, at(now), HOLD) {
                        Some(next) => {
                            watch = next;
                            held[who].clone_from(&watch.taken);
                        }
                        None => held[who] = None,
                    }
                },
                Event::Finish(who, well) => if let Some(mine) = held[who].take() {
                    let before = watch.looks;
                    let ended = if well { looked() } else {
                        Ended::Trouble { reason: "x".to_owned(), retry: Duration::ZERO }
                    };
                    if let Some(next) = finish(&watch, &mine, ended, at(now), PACE) {
                        prop_assert_eq!(next.looks, before + u64::from(well));
                        prop_assert!(next.due_at >= at(now));
                        prop_assert!(next.due_at <= after(at(now), PACE.cadence));
                        if well && owed.is_some_and(|it| it < mine.since) {
                            owed = None;
                        }
                        watch = next;
                    }
                },
                Event::Wish(which) => {
                    let wanted = [Wish::Hint, Wish::Repair, Wish::Applied][usize::from(which)];
                    if let Some(next) = wish(&watch, wanted, at(now), at(now), PACE) {
                        watch = next;
                    }
                    owed = Some(at(now));
                    now += 1;
                }
            }
            // Whatever happened, a look at what is owed comes within its time.
            if let Some(happened) = owed {
                let next = watch.taken.as_ref().map_or(watch.due_at, |it| it.until);
                let next = watch.again_at.map_or(next, |again| again.max(next));
                let longest = after(happened.max(at(now)), PACE.cadence + HOLD);
                prop_assert!(next <= longest, "{next} is after {longest}");
            }
        }
    }
}
