//! Rate-limiting rules: who has had how much. The clock is a parameter; no I/O.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::rules::{Characteristic, Expression, Request};

/// Counters kept before those that are over are forgotten.
const KEPT: usize = 10_000;

/// What a rate-limiting rule allows.
#[derive(Debug)]
pub(super) struct Limit {
    characteristics: Vec<Characteristic>,
    period: Duration,
    requests: u64,
    mitigation: Duration,
    /// Which requests are counted, where it is not those the rule matches.
    counting: Option<Expression>,
    /// Whether only those count that the cache did not answer.
    pub(super) to_origin: bool,
}

impl Limit {
    /// Reads a rule's `ratelimit`.
    pub(super) fn of(parameters: &Value) -> Result<Self, String> {
        let number = |name: &str| {
            let number = parameters.get(name).and_then(Value::as_u64);
            number.ok_or_else(|| format!("ratelimit.{name} is not a number"))
        };
        let named = parameters.get("characteristics").and_then(Value::as_array);
        let characteristics = named
            .into_iter()
            .flatten()
            .map(|one| Characteristic::parse(one.as_str().unwrap_or_default()))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let counting = parameters.get("counting_expression").and_then(Value::as_str);
        let counting = counting.filter(|text| !text.is_empty()).map(Expression::parse).transpose();
        Ok(Self {
            characteristics,
            period: Duration::from_secs(number("period")?.max(1)),
            requests: number("requests_per_period")?,
            mitigation: Duration::from_secs(number("mitigation_timeout").unwrap_or(0)),
            counting: counting.map_err(|error| error.to_string())?,
            to_origin: parameters.get("requests_to_origin").and_then(Value::as_bool) == Some(true),
        })
    }

    /// What requests are told apart by, as one text.
    pub(super) fn key(&self, rule: &str, request: &Request) -> String {
        let values = self.characteristics.iter().map(|one| one.value(request));
        std::iter::once(rule.to_owned()).chain(values).collect::<Vec<_>>().join("\u{1f}")
    }

    /// Whether the request is one to count; `matched` by the rule's own expression.
    pub(super) fn counts(&self, request: &Request, matched: bool) -> bool {
        self.counting.as_ref().map_or(matched, |counting| counting.matches(request))
    }
}

/// How much each has had.
#[derive(Debug, Default)]
pub(super) struct Counters {
    counters: Mutex<HashMap<String, Counter>>,
}

#[derive(Debug)]
struct Counter {
    since: Instant,
    count: u64,
    /// Until when everything of this key is stopped.
    until: Option<Instant>,
    /// When it can be forgotten.
    over: Instant,
}

impl Counters {
    /// Counts a request.
    pub(super) fn count(&self, key: &str, limit: &Limit, now: Instant) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= KEPT {
            counters.retain(|_, counter| counter.over > now);
        }
        let over = now + limit.period;
        let new = Counter { since: now, count: 0, until: None, over };
        let counter = counters.entry(key.to_owned()).or_insert(new);
        if counter.until.is_some_and(|until| until > now) {
            return;
        }
        if counter.until.is_some() || now >= counter.since + limit.period {
            *counter = Counter { since: now, count: 0, until: None, over };
        }
        counter.count += 1;
        if counter.count > limit.requests {
            // Without a timeout the limit holds until the period is over: throttling.
            let until = (now + limit.mitigation).max(counter.since + limit.period);
            counter.until = Some(until);
            counter.over = until;
        }
    }

    /// How long requests of this key are stopped for; none where they may pass.
    pub(super) fn stopped(&self, key: &str, now: Instant) -> Option<Duration> {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.get(key)?.until?.checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit(requests: u64, mitigation: u64) -> Limit {
        Limit::of(&json!({
            "characteristics": ["cf.colo.id", "ip.src"], "period": 10,
            "requests_per_period": requests, "mitigation_timeout": mitigation,
        }))
        .expect("a limit")
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_window_begins_with_its_first_request_and_ends() {
        let (counters, limit, start) = (Counters::default(), limit(2, 60), Instant::now());
        for second in [0, 9, 10, 19, 20] {
            counters.count("k", &limit, start + seconds(second));
            assert_eq!(counters.stopped("k", start + seconds(second)), None, "at {second} s");
        }
    }

    #[test]
    fn who_is_stopped_stays_so_for_the_timeout_and_starts_afresh() {
        let (counters, limit, start) = (Counters::default(), limit(2, 60), Instant::now());
        for _ in 0..3 {
            counters.count("k", &limit, start);
        }
        assert_eq!(counters.stopped("k", start), Some(seconds(60)));
        assert_eq!(counters.stopped("other", start), None);
        counters.count("k", &limit, start + seconds(59));
        assert_eq!(counters.stopped("k", start + seconds(59)), Some(seconds(1)), "not prolonged");
        assert_eq!(counters.stopped("k", start + seconds(60)), None);
        counters.count("k", &limit, start + seconds(60));
        assert_eq!(counters.stopped("k", start + seconds(60)), None, "one of two");
    }

    #[test]
    fn without_a_timeout_it_lasts_to_the_end_of_the_window() {
        let (counters, limit, start) = (Counters::default(), limit(1, 0), Instant::now());
        counters.count("k", &limit, start);
        counters.count("k", &limit, start + seconds(4));
        assert_eq!(counters.stopped("k", start + seconds(4)), Some(seconds(6)));
        assert_eq!(counters.stopped("k", start + seconds(10)), None);
    }

    #[test]
    fn counters_that_are_over_are_forgotten() {
        let (counters, limit, start) = (Counters::default(), limit(1, 0), Instant::now());
        for key in 0..KEPT {
            counters.count(&key.to_string(), &limit, start);
        }
        counters.count("last", &limit, start + seconds(10));
        assert_eq!(counters.counters.lock().expect("no panic").len(), 1);
    }

    #[test]
    fn a_limit_that_cannot_be_followed_is_an_error() {
        let no_period = json!({"characteristics": ["ip.src"], "requests_per_period": 1});
        assert!(Limit::of(&no_period).expect_err("no period").contains("ratelimit.period"));
        let unknown =
            json!({"characteristics": ["cf.unknown"], "period": 10, "requests_per_period": 1});
        assert!(Limit::of(&unknown).expect_err("unknown").contains("unknown identifier"));
    }
}
