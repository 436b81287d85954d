//! What was done to swarms, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::points::Point;
use super::run::Outcome;
use crate::checker::{Rule, Violation};

/// What the killings of the server are counted under.
pub const KILLED: &str = "nats-server killed";
/// What repeated deliveries are counted under.
pub const REPEATED: &str = "delivered again, out of order";

/// What was done to one swarm.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// How often, by what.
    pub(super) faults: BTreeMap<String, u64>,
    /// How often at each place.
    pub(super) kills: BTreeMap<Point, u64>,
    /// When, in nanoseconds since 1970.
    pub(super) troubles: Vec<i128>,
    /// Agents that ended though nobody killed them.
    pub(super) ended_by_itself: Vec<String>,
    /// Faults of calls that have not hit yet, by the sandbox's id.
    pub(super) waiting: BTreeMap<String, &'static str>,
}

impl Tally {
    pub(super) fn strike(&mut self, what: &str, times: u64) {
        *self.faults.entry(what.to_owned()).or_default() += times;
    }

    pub(super) fn killed(&mut self, point: Point) {
        *self.kills.entry(point).or_default() += 1;
    }

    pub(super) fn armed(&mut self, id: String, sort: &'static str) {
        self.waiting.insert(id, sort);
    }

    /// Counts the faults that are no longer waiting.
    pub(super) fn hit(&mut self, left: &[String]) {
        for (id, sort) in std::mem::take(&mut self.waiting) {
            if !left.contains(&id) {
                self.strike(&format!("cloud: {sort}"), 1);
            }
        }
    }
}

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Report {
    /// Runs made.
    pub runs: u64,
    /// Runs that could not be made at all, with why.
    pub broken: Vec<String>,
    /// Intents accepted.
    pub intents: u64,
    /// Writes that reached the cloud.
    pub writes: u64,
    /// Messages stored in `SWARM`.
    pub messages: u64,
    /// Faults by sort.
    pub faults: BTreeMap<String, u64>,
    /// Kills by place.
    pub kills: BTreeMap<Point, u64>,
    /// Violations, with the seed of their run.
    pub violations: Vec<(u64, Violation)>,
    recoveries: Vec<Duration>,
}

impl Report {
    /// Adds a run.
    pub fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        self.intents += outcome.intents;
        self.writes += outcome.writes;
        self.messages += outcome.messages;
        for (what, times) in outcome.faults {
            *self.faults.entry(what).or_default() += times;
        }
        for (point, times) in outcome.kills {
            *self.kills.entry(point).or_default() += times;
        }
        let seed = outcome.seed;
        self.violations.extend(outcome.violations.into_iter().map(|it| (seed, it)));
        self.recoveries.extend(outcome.recoveries);
        self.recoveries.sort();
    }

    /// How often there was a fault of a sort.
    pub fn count(&self, what: &str) -> u64 {
        self.faults.get(what).copied().unwrap_or_default()
    }

    /// How often a place killed its agent.
    pub fn killed(&self, point: &Point) -> u64 {
        self.kills.get(point).copied().unwrap_or_default()
    }

    /// The recovery that so many in a hundred were not slower than.
    fn recovery(&self, percent: usize) -> Duration {
        let last = self.recoveries.len().saturating_sub(1);
        self.recoveries.get(last * percent / 100).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} runs: {} intents, {} writes to the cloud, {} messages",
            self.runs, self.intents, self.writes, self.messages
        )?;
        writeln!(f, "faults")?;
        for (what, times) in &self.faults {
            writeln!(f, "  {times:>6}  {what}")?;
        }
        for (point, times) in &self.kills {
            writeln!(f, "  {times:>6}  {point}")?;
        }
        writeln!(
            f,
            "recovery of intents under way: p50 {:.1?}, p95 {:.1?}, max {:.1?} (of {})",
            self.recovery(50),
            self.recovery(95),
            self.recovery(100),
            self.recoveries.len()
        )?;
        writeln!(f, "violations")?;
        for rule in Rule::ALL {
            let count = self.violations.iter().filter(|(_, it)| it.rule == rule).count();
            writeln!(f, "  {count:>6}  {rule}")?;
        }
        for (seed, violation) in &self.violations {
            writeln!(f, "  seed {seed}: {violation}")?;
        }
        for why in &self.broken {
            writeln!(f, "  not run: {why}")?;
        }
        if self.violations.is_empty() && self.runs > 0 {
            // The rule of three: https://doi.org/10.1001/jama.1983.03330370053031
            let runs = u32::try_from(self.runs).unwrap_or(u32::MAX);
            let (per_run, per_intent) = (
                3.0 / f64::from(runs),
                3.0 / f64::from(u32::try_from(self.intents.max(1)).unwrap_or(1)),
            );
            writeln!(
                f,
                "none in {} runs: with 95 % confidence fewer than {per_run:.4} a run, {per_intent:.5} \
                 an intent",
                self.runs
            )?;
        }
        Ok(())
    }
}
