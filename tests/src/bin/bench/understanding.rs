//! How fast intents in people's own words are understood: the corpus that everybody may read.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bus_schema::Request;
use planner::Library;
use serde::Deserialize;
use tokio::time::Instant;

use crate::measure::{Measured, time};

/// How often each text is understood.
const ROUNDS: usize = 5;

#[derive(Deserialize)]
struct Intent {
    text: String,
}

/// A line for people.
pub(crate) fn line() -> anyhow::Result<String> {
    let Library { environments, paths } = Library::load(None, None)?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("intents/develop.jsonl");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let requests = text
        .lines()
        .map(|line| {
            let Intent { text } = serde_json::from_str(line)?;
            Ok(Request { text: Some(text), ..Request::default() })
        })
        .collect::<Result<Vec<_>, serde_json::Error>>()?;
    let (began, mut each) = (Instant::now(), Vec::new());
    for request in requests.iter().cycle().take(requests.len() * ROUNDS) {
        let asked = Instant::now();
        black_box(planner::understand(black_box(request), &environments, &paths)).ok();
        each.push(asked.elapsed());
    }
    let worst = each.iter().max().copied().unwrap_or_default();
    let measured = Measured::since(began, each);
    let mean = Duration::from_secs_f64(1.0 / measured.per_second());
    Ok(format!(
        "  {} µs per intent on average, p50 {}, p99 {}, at worst {} (n={}, {} texts)",
        mean.as_micros(),
        measured.percentile(50),
        measured.percentile(99),
        time(worst),
        measured.count(),
        requests.len(),
    ))
}
