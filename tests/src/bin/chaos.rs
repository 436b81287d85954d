//! Makes trouble for swarms, many times over, and reports what the checker found: `make chaos`.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt;
use tests::chaos::{Outcome, Point, Report, Scenario, Trouble, points, run};

/// Trouble for swarms, and what the independent checker says.
#[derive(Debug, Parser)]
struct Arguments {
    /// Of the first run; each next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs.
    #[arg(long, default_value_t = 20)]
    runs: u64,
    /// none, kill, bus, cloud, repeat, clock, crowd or all; without it, one after the other.
    #[arg(long)]
    trouble: Option<Trouble>,
    /// Runs at once.
    #[arg(long, default_value_t = 4)]
    parallel: usize,
    /// Goes on, past --runs, until every place in every agent has killed it so often.
    #[arg(long, default_value_t = 0)]
    each: u64,
    /// Only places whose name begins so.
    #[arg(long, default_value = "")]
    place: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match chaos(&arguments).await {
        Ok(report) => {
            say(&format!("\n{report}"));
            let clean = report.violations.is_empty() && report.broken.is_empty();
            if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            say(&format!("{error:?}"));
            ExitCode::FAILURE
        }
    }
}

async fn chaos(arguments: &Arguments) -> anyhow::Result<Report> {
    let places: Vec<Point> =
        points()?.into_iter().filter(|it| it.name.starts_with(&arguments.place)).collect();
    say(&format!("{} places to be killed at; seeds from {}", places.len(), arguments.seed));
    let mut due = Due::new(places);
    let mut report = Report::default();
    let mut running = futures::stream::FuturesUnordered::new();
    let mut seed = arguments.seed;
    loop {
        let more = seed < arguments.seed + arguments.runs
            || (arguments.each > 0 && due.least(&report) < arguments.each && due.hopeful());
        while more && running.len() < arguments.parallel.max(1) {
            let scenario = scenario(arguments, seed, &mut due, &report);
            running.push(async move { (scenario.seed, scenario.trouble, run(scenario).await) });
            seed += 1;
            if seed >= arguments.seed + arguments.runs && arguments.each == 0 {
                break;
            }
        }
        let Some((seed, trouble, outcome)) = running.next().await else { break };
        match outcome {
            Ok(outcome) => {
                due.note(&outcome);
                progress(seed, trouble, &outcome);
                report.add(outcome);
            }
            Err(error) => {
                say(&format!("seed {seed} {trouble:?}: not run: {error:?}"));
                report.broken.push(format!("seed {seed}: {error:#}"));
            }
        }
    }
    for (point, times) in &due.missed {
        if !report.kills.contains_key(point) {
            say(&format!("never reached, though asked for {times} times: {point}"));
        }
    }
    Ok(report)
}

fn scenario(arguments: &Arguments, seed: u64, due: &mut Due, report: &Report) -> Scenario {
    let turn = usize::try_from(seed).unwrap_or_default() % Trouble::ALL.len();
    let by_turn = Trouble::ALL.get(turn).copied().unwrap_or(Trouble::All);
    let trouble = arguments.trouble.unwrap_or(by_turn);
    let kills = matches!(trouble, Trouble::Kill | Trouble::All);
    let places = if kills { due.next(report, 16) } else { Vec::new() };
    Scenario { seed, trouble, places }
}

/// Which places are to be visited next.
struct Due {
    places: Vec<Point>,
    /// How often each was handed out.
    asked: BTreeMap<Point, u64>,
    missed: BTreeMap<Point, u64>,
}

impl Due {
    fn new(places: Vec<Point>) -> Self {
        Self { places, asked: BTreeMap::new(), missed: BTreeMap::new() }
    }

    fn hopeless(&self, point: &Point) -> bool {
        self.missed.get(point).is_some_and(|missed| *missed >= 40)
    }

    fn hopeful(&self) -> bool {
        self.places.iter().any(|point| !self.hopeless(point))
    }

    /// The place visited least.
    fn least(&self, report: &Report) -> u64 {
        let visits = self.places.iter().filter(|point| !self.hopeless(point));
        visits
            .map(|point| report.kills.get(point).copied().unwrap_or_default())
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Those visited least, first.
    fn next(&mut self, report: &Report, count: usize) -> Vec<Point> {
        let mut places = self.places.clone();
        places.retain(|point| !self.hopeless(point));
        places.sort_by_key(|point| {
            let visits = report.kills.get(point).copied().unwrap_or_default();
            (visits, self.asked.get(point).copied().unwrap_or_default())
        });
        places.truncate(count);
        for point in &places {
            *self.asked.entry(*point).or_default() += 1;
        }
        places
    }

    fn note(&mut self, outcome: &Outcome) {
        for point in &outcome.missed {
            *self.missed.entry(*point).or_default() += 1;
        }
    }
}

fn progress(seed: u64, trouble: Trouble, outcome: &Outcome) {
    let faults: u64 = outcome.faults.values().chain(outcome.kills.values()).sum();
    say(&format!(
        "seed {seed} {trouble:?}: {} intents, {} writes, {faults} faults, {} violations",
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
