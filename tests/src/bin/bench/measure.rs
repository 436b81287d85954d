//! What was measured, and how it is told.

use std::time::Duration;

use tokio::time::Instant;

/// How long each of many took, and all of them together.
#[derive(Debug)]
pub(crate) struct Measured {
    /// In the order they ended.
    each: Vec<Duration>,
    sorted: Vec<Duration>,
    all: Duration,
}

impl Measured {
    /// Of what ended since `began`.
    pub(crate) fn since(began: Instant, each: Vec<Duration>) -> Self {
        let all = began.elapsed();
        let mut sorted = each.clone();
        sorted.sort();
        Self { each, sorted, all }
    }

    pub(crate) fn count(&self) -> usize {
        self.each.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        float(self.each.len()) / self.all.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The nearest-rank percentile, for people.
    pub(crate) fn percentile(&self, percent: usize) -> String {
        let rank = (self.sorted.len() * percent).div_ceil(100).saturating_sub(1);
        self.sorted.get(rank).copied().map_or_else(|| "-".to_owned(), time)
    }

    /// The one that ended first.
    pub(crate) fn first(&self) -> String {
        self.each.first().copied().map_or_else(|| "-".to_owned(), time)
    }
}

/// A time for people, in milliseconds.
pub(crate) fn time(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// A count as a float; exact for every count here.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}
