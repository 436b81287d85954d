//! Makes trouble for swarms, many times over, and reports what the checker found: `make chaos`.

mod goals;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt;
use tests::chaos::{Outcome, Report, Trouble, points, run};
use tokio::time::Instant;

use goals::{Asked, Goals};

/// Trouble for swarms, and what the independent checker says.
///
/// Without a goal it makes --runs runs. With one or more it goes on past them, with the sorts of
/// trouble that serve the goals not reached yet, until every goal is reached, cannot be, or --minutes
/// are over. The report counts every goal and what it was missed by; one that was missed fails the
/// program, as a violation does.
#[derive(Debug, Parser)]
struct Arguments {
    /// Of the first run; each next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs; 20 where no goal is set, else as many as it takes.
    #[arg(long)]
    runs: Option<u64>,
    /// none, kill, bus, cloud, repeat, clock, crowd or all; without it, one after the other, or what
    /// serves the goals.
    #[arg(long)]
    trouble: Option<Trouble>,
    /// Runs at once.
    #[arg(long, default_value_t = 4)]
    parallel: usize,
    /// Most intents for one stack in a run; with more of them a run is longer and troubled more.
    #[arg(long, default_value_t = 5)]
    work: u64,
    /// No run begins after so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// Only places whose name begins so.
    #[arg(long, default_value = "")]
    place: String,
    #[command(flatten)]
    asked: Asked,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match chaos(&arguments).await {
        Ok((report, missed)) => {
            say(&format!("\n{report}"));
            for line in &missed {
                say(&format!("missed: {line}"));
            }
            let clean = report.violations.is_empty() && report.broken.is_empty();
            if clean && missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            say(&format!("{error:?}"));
            ExitCode::FAILURE
        }
    }
}

/// Everything that was run, and which goals were missed.
async fn chaos(arguments: &Arguments) -> anyhow::Result<(Report, Vec<String>)> {
    let mut places = points()?;
    places.retain(|it| it.name.starts_with(&arguments.place));
    say(&format!("{} places to be killed at; seeds from {}", places.len(), arguments.seed));
    let mut goals = Goals::new(arguments.asked.clone(), places);
    let least = arguments.runs.unwrap_or(if arguments.asked.any() { 0 } else { 20 });
    let began = Instant::now();
    let over = |began: Instant| {
        arguments.minutes.is_some_and(|it| began.elapsed() >= Duration::from_secs(it * 60))
    };
    let mut report = Report::default();
    let mut running = futures::stream::FuturesUnordered::new();
    let mut seed = arguments.seed;
    loop {
        while running.len() < arguments.parallel.max(1) && !over(began) {
            let trouble = if seed < arguments.seed + least {
                Some(by_turn(seed))
            } else {
                goals.serving(&report)
            };
            let Some(trouble) = trouble.map(|it| arguments.trouble.unwrap_or(it)) else { break };
            let scenario = goals.scenario(seed, trouble, arguments.work, &report);
            running.push(async move { (scenario.seed, scenario.trouble, run(scenario).await) });
            seed += 1;
        }
        let Some((seed, trouble, outcome)) = running.next().await else { break };
        match outcome {
            Ok(outcome) => {
                goals.note(&outcome);
                progress(seed, trouble, &outcome, began.elapsed());
                report.add(outcome);
            }
            Err(error) => {
                say(&format!("seed {seed} {trouble:?}: not run: {error:?}"));
                report.broken.push(format!("seed {seed}: {error:#}"));
            }
        }
    }
    let missed = goals.missed(&report);
    Ok((report, missed))
}

/// The sorts of trouble, one after the other.
fn by_turn(seed: u64) -> Trouble {
    let turn = usize::try_from(seed).unwrap_or_default() % Trouble::ALL.len();
    Trouble::ALL.get(turn).copied().unwrap_or(Trouble::All)
}

fn progress(seed: u64, trouble: Trouble, outcome: &Outcome, so_far: Duration) {
    let faults: u64 = outcome.faults.values().chain(outcome.kills.values()).sum();
    say(&format!(
        "{:>5} s: seed {seed} {trouble:?}: {:.0?}, {} intents, {} writes, {faults} faults, {} violations",
        so_far.as_secs(),
        outcome.took,
        outcome.intents,
        outcome.writes,
        outcome.violations.len()
    ));
    for violation in &outcome.violations {
        say(&format!("  {violation}"));
    }
}

fn say(line: &str) {
    // Nobody to tell where standard output is closed.
    drop(writeln!(std::io::stdout(), "{line}"));
}
