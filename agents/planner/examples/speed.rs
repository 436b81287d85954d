//! How long understanding takes: every text of a file (a corpus of JSON lines, or plain lines),
//! many times over, and what one takes on average and at worst.
//!
//! `cargo run --release -p planner --example speed -- tests/intents/develop.jsonl`

use std::hint::black_box;
use std::time::Duration;

use bus_schema::Request;
use planner::Library;
use tokio::time::Instant;

const ROUNDS: u32 = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which file of texts?")?;
    let Library { environments, paths } = Library::load(None, None)?;
    let requests: Vec<Request> = std::fs::read_to_string(file)?
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let json: Option<serde_json::Value> = serde_json::from_str(line).ok();
            let text = json.as_ref().and_then(|it| it.get("text")?.as_str()).unwrap_or(line);
            Request { text: Some(text.to_owned()), ..Request::default() }
        })
        .collect();
    let mut all = Duration::ZERO;
    let mut worst = Duration::ZERO;
    for _ in 0..ROUNDS {
        for request in &requests {
            let start = Instant::now();
            black_box(planner::understand(request, &environments, &paths)).ok();
            let took = start.elapsed();
            all += took;
            worst = worst.max(took);
        }
    }
    let asked = ROUNDS * u32::try_from(requests.len())?;
    let mean = all.checked_div(asked).ok_or("no text in the file")?;
    #[expect(clippy::print_stdout, reason = "this is what the example is for")]
    {
        println!("understood {asked} texts: {mean:?} each, {worst:?} at worst");
    }
    Ok(())
}
