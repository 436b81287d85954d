//! When a scope is looked at, and by whom. Pure; whoever writes what comes of it by compare-and-set
//! has decided for all.

use std::collections::BTreeMap;
use std::time::Duration;

use bus_schema::{Finding, InstanceId, Scope, Taken, Watch};
use jiff::{SignedDuration, Timestamp};

/// Shortest time between two looks that hints ask for, begin to begin: a flood of them becomes one
/// look, and one after it.
pub const PAUSE: Duration = Duration::from_millis(250);
/// Shortest wait after a look that could not be made.
const LEAST_RETRY: Duration = Duration::from_secs(1);

/// A watch over a scope that nobody looked at yet: due at once.
pub fn begin(scope: Scope, now: Timestamp) -> Watch {
    Watch {
        scope,
        due_at: now,
        taken: None,
        again_at: None,
        looked_at: None,
        looks: 0,
        calls: 0,
        trouble: None,
        cadence_seconds: 0,
        latency_seconds: 0,
        unmanaged: BTreeMap::new(),
        unmanaged_left_out: 0,
    }
}

/// Whether anybody may take the look now.
pub fn is_due(watch: &Watch, now: Timestamp) -> bool {
    watch.due_at <= now && holder(watch, now).is_none()
}

/// Who looks, as far as is known.
fn holder(watch: &Watch, now: Timestamp) -> Option<&Taken> {
    watch.taken.as_ref().filter(|taken| now < taken.until)
}

/// The look, taken. It stays due until it has been made, so that another can take it where this
/// process dies over it.
#[must_use]
pub fn take(watch: &Watch, by: &InstanceId, now: Timestamp, hold: Duration) -> Watch {
    let taken = Taken { by: by.clone(), since: now, until: after(now, hold) };
    Watch { taken: Some(taken), again_at: None, ..watch.clone() }
}

/// The same look, held on to for longer; `None` where it is another's by now.
pub fn renew(watch: &Watch, mine: &Taken, now: Timestamp, hold: Duration) -> Option<Watch> {
    let mut renewed = still(watch, mine)?.clone();
    renewed.taken = Some(Taken { until: after(now, hold), ..mine.clone() });
    Some(renewed)
}

fn still<'it>(watch: &'it Watch, mine: &Taken) -> Option<&'it Watch> {
    let ours = watch.taken.as_ref().is_some_and(|it| it.by == mine.by && it.since == mine.since);
    ours.then_some(watch)
}

/// Why a look is wanted before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Somebody said that something changed.
    Hint,
    /// A repair was made: whether it holds is waited for.
    Repair,
    /// Something was applied.
    Applied,
}

/// What a wish makes of a watch; `None` where a look that shows it is made or to be made already.
/// `since`: when what is to be seen had happened.
pub fn wish(
    watch: &Watch,
    wish: Wish,
    since: Timestamp,
    now: Timestamp,
    pace: Pace,
) -> Option<Watch> {
    let under_way = holder(watch, now).map(|taken| taken.since);
    let last = under_way.or(watch.looked_at);
    if last.is_some_and(|began| began > since) {
        return None;
    }
    let after_last = |pause| last.map_or(now, |last| after(last, pause));
    let at = match wish {
        Wish::Hint => after_last(PAUSE),
        Wish::Repair => now,
        // No sooner than it can be believed, and under load no more than four times as often as by
        // the timer: calls are few.
        Wish::Applied => after(now, pace.lag).max(after_last(pace.cadence / 4)),
    };
    let at = at.max(now);
    if under_way.is_some() {
        let sooner = watch.again_at.is_none_or(|again_at| at < again_at);
        return sooner.then(|| Watch { again_at: Some(at), ..watch.clone() });
    }
    (at < watch.due_at).then(|| Watch { due_at: at, ..watch.clone() })
}

/// What a scope's looks are timed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one look to the next.
    pub cadence: Duration,
    /// Longest that the cloud's reads lag behind its writes.
    pub lag: Duration,
    /// Longest that a change can stay unseen.
    pub latency: Duration,
}

/// How a look ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// It was made.
    Looked(Looked),
    /// It could not be made.
    Trouble {
        /// Why.
        reason: String,
        /// When it can help to try again.
        retry: Duration,
    },
}

/// What a look found out about its scope.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked {
    /// Calls it took.
    pub calls: u64,
    /// What nobody owns.
    pub unmanaged: BTreeMap<String, Finding>,
    /// How many more there are.
    pub unmanaged_left_out: u64,
    /// Something could not be believed yet: look again then.
    pub again_at: Option<Timestamp>,
}

/// The watch after a look; `None` where it is another's by now, who will write what there is.
pub fn finish(
    watch: &Watch,
    mine: &Taken,
    ended: Ended,
    now: Timestamp,
    pace: Pace,
) -> Option<Watch> {
    let mut next = still(watch, mine)?.clone();
    next.taken = None;
    next.cadence_seconds = seconds(pace.cadence);
    next.latency_seconds = seconds(pace.latency);
    let hinted = next.again_at.take();
    let due_at = match ended {
        Ended::Looked(looked) => {
            next.looked_at = Some(mine.since);
            next.looks += 1;
            next.calls = looked.calls;
            next.trouble = None;
            next.unmanaged = looked.unmanaged;
            next.unmanaged_left_out = looked.unmanaged_left_out;
            let in_time = after(mine.since, pace.cadence);
            [looked.again_at, hinted].into_iter().flatten().fold(in_time, Timestamp::min)
        }
        // A look that cannot be made is not hurried by who hinted.
        Ended::Trouble { reason, retry } => {
            next.trouble = Some(reason);
            after(now, retry.clamp(LEAST_RETRY, pace.cadence.max(LEAST_RETRY)))
        }
    };
    next.due_at = due_at.max(now);
    Some(next)
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// So much later; at the end of time, where there is no later.
pub fn after(time: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}
