//! How fast messages are written and read: what an intent has really stored, one thread.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Context;
use bus_schema::{IntentState, IntentSubmitted, PlanApplied, PlanProposed, StackState, codec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::intents::Sample;
use crate::measure::float;

/// How long each is measured.
const LONG_ENOUGH: Duration = Duration::from_millis(200);
/// Between two looks at the clock.
const ROUNDS: usize = 100;

/// A line for each main message and record.
pub(crate) fn lines(sample: &Sample) -> anyhow::Result<Vec<String>> {
    Ok(vec![
        line::<IntentSubmitted>(sample, "IntentSubmitted")?,
        line::<PlanProposed>(sample, "PlanProposed")?,
        line::<PlanApplied>(sample, "PlanApplied")?,
        line::<IntentState>(sample, "IntentState")?,
        line::<StackState>(sample, "StackState")?,
    ])
}

fn line<M: Serialize + DeserializeOwned>(sample: &Sample, name: &str) -> anyhow::Result<String> {
    let message: M = codec::decode(None, sample.last(name)?)?;
    let bytes = codec::encode(&message)?;
    let encoding = rate(|| codec::encode(black_box(&message)).is_ok())?;
    let decoding = rate(|| codec::decode::<M>(None, black_box(&bytes)).is_ok())?;
    let megabytes = |rate: f64| rate * float(bytes.len()) / 1e6;
    Ok(format!(
        "  {name:<16} {:>5} bytes   encode {encoding:>9.0}/s {:>5.0} MB/s   decode {decoding:>9.0}/s {:>5.0} MB/s",
        bytes.len(),
        megabytes(encoding),
        megabytes(decoding),
    ))
}

/// How often a second something can be done.
fn rate(mut work: impl FnMut() -> bool) -> anyhow::Result<f64> {
    let (began, mut done) = (Instant::now(), 0);
    loop {
        for _ in 0..ROUNDS {
            black_box(work()).then_some(()).context("what was encoded decodes")?;
        }
        done += ROUNDS;
        let took = began.elapsed();
        if took >= LONG_ENOUGH {
            return Ok(float(done) / took.as_secs_f64());
        }
    }
}
