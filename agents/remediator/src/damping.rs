//! Whether a repair is made once more. Pure.
//!
//! A repair whose like was made before has been taken back by somebody: it waits, twice as long each
//! time. After so many within a window the circuit opens and no repair is made until a person says
//! so, or all has been quiet for long enough.

use std::time::Duration;

use bus_schema::Damping;
use jiff::Timestamp;

/// How repairs that are taken back are damped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damped {
    /// How long the second waits after the first; the third twice as long after the second, and so on.
    pub first: Duration,
    /// Longest that one waits.
    pub longest: Duration,
    /// Repairs within the window after which the circuit opens.
    pub reversals: usize,
    /// How long a repair is remembered.
    pub window: Duration,
    /// How long after it has opened the circuit closes by itself; no shorter than the window.
    pub quiet: Duration,
}

impl Default for Damped {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(300),
            reversals: 5,
            window: Duration::from_secs(600),
            quiet: Duration::from_secs(1_800),
        }
    }
}

/// What is to be done about a repair that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Make it.
    Now,
    /// Not before this.
    Wait(Timestamp),
    /// Not at all, unless a person says so; or all is quiet until then.
    Open(Timestamp),
}

/// What is to be done about a repair that is due now.
pub fn rule(damping: &Damping, damped: &Damped, now: Timestamp) -> Ruling {
    if let Some(since) = damping.open_since {
        let until = after(since, damped.quiet.max(damped.window));
        return if now < until { Ruling::Open(until) } else { Ruling::Now };
    }
    let recent = recent(damping, damped, now).count();
    if recent >= damped.reversals {
        return Ruling::Open(after(now, damped.quiet.max(damped.window)));
    }
    match damping.not_before.filter(|it| recent > 0 && *it > now) {
        Some(not_before) => Ruling::Wait(not_before),
        None => Ruling::Now,
    }
}

/// Notes that a repair is made now.
#[must_use]
pub fn repaired(damping: &Damping, damped: &Damped, now: Timestamp) -> Damping {
    let mut repairs: Vec<Timestamp> = match damping.open_since {
        Some(_) => Vec::new(),
        None => recent(damping, damped, now).collect(),
    };
    repairs.push(now);
    let doublings = u32::try_from(repairs.len() - 1).unwrap_or(u32::MAX);
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    let wait = damped.first.saturating_mul(factor).min(damped.longest);
    Damping { repairs, not_before: Some(after(now, wait)), open_since: None }
}

/// Notes that the circuit is open, since now if it was not before.
#[must_use]
pub fn opened(damping: &Damping, now: Timestamp) -> Damping {
    Damping { open_since: damping.open_since.or(Some(now)), ..damping.clone() }
}

/// Repairs that are remembered. What a clock that was set back since has put in the future is as
/// recent as can be.
fn recent(damping: &Damping, damped: &Damped, now: Timestamp) -> impl Iterator<Item = Timestamp> {
    damping.repairs.iter().copied().filter(move |it| after(*it, damped.window) > now)
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}

/// How long from now until then.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
