//! Moments and spans as a person reads them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How long something took: `340 ms`, `4.2 s`, `3 m 20 s`.
pub fn span(length: Duration) -> String {
    let millis = length.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} m {} s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!("{} h {} m", millis / 3_600_000, millis % 3_600_000 / 60_000),
    }
}

/// A length that was said in whole seconds: `30 s`, `2 m`, `1 h 30 m`.
pub fn seconds(length: u64) -> String {
    match (length / 3_600, length % 3_600 / 60, length % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} m"),
        (0, m, s) => format!("{m} m {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} m"),
    }
}

/// How long ago something was: `just now`, `2 m ago`, `3 d ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} m ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// The time of day here, to the millisecond.
pub fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S%.3f").to_string()
}

/// The time from one moment to another; nothing where clocks say it went backwards.
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        let all = [40, 4_260, 200_000, 7_500_000].map(|ms| span(Duration::from_millis(ms)));
        assert_eq!(all, ["40 ms", "4.2 s", "3 m 20 s", "2 h 5 m"]);
    }

    #[test]
    fn whole_seconds_have_no_fraction() {
        let all = [11, 60, 91, 3_600, 5_400].map(seconds);
        assert_eq!(all, ["11 s", "1 m", "1 m 31 s", "1 h", "1 h 30 m"]);
    }

    #[test]
    fn the_past_is_rounded() {
        let now: Timestamp = "2026-11-22T16:00:00Z".parse().unwrap();
        let past = |text: &str| ago(text.parse().unwrap(), now);
        assert_eq!(past("2026-11-22T15:59:58Z"), "just now");
        assert_eq!(past("2026-11-22T15:58:00Z"), "2 m ago");
        assert_eq!(past("2026-11-19T15:58:00Z"), "3 d ago");
        assert_eq!(past("2026-11-22T16:00:09Z"), "just now");
    }
}
