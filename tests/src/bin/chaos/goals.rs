//! How much trouble is asked for, how much there was, and what would bring more of it.

use std::collections::BTreeMap;

use clap::Args;
use tests::chaos::{CLOUD_FAULTS, KILLED, Outcome, Point, REPEATED, Report, Scenario, Trouble};

/// Places that one run is given to be killed at.
const PLACES: usize = 16;
/// After so many runs that did not come to a place it is given up.
const HOPELESS: u64 = 40;

/// What is asked for; nothing where 0.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Asked {
    /// Every place in every agent kills it so often.
    #[arg(long, default_value_t = 0)]
    each: u64,
    /// nats-server is killed so often in the middle of work.
    #[arg(long, default_value_t = 0)]
    server: u64,
    /// Calls to the cloud fail so often, of each sort.
    #[arg(long, default_value_t = 0)]
    faults: u64,
    /// So many messages are delivered again or out of order.
    #[arg(long, default_value_t = 0)]
    repeats: u64,
    /// So many runs have a provisioner killed at random under fifty intents on ten stacks.
    #[arg(long, default_value_t = 0)]
    crowds: u64,
}

impl Asked {
    /// Whether anything is.
    pub(crate) const fn any(&self) -> bool {
        self.each > 0 || self.server > 0 || self.faults > 0 || self.repeats > 0 || self.crowds > 0
    }
}

/// How far the goals are reached.
#[derive(Debug)]
pub(crate) struct Goals {
    asked: Asked,
    places: Vec<Point>,
    /// How often each place was handed out.
    handed: BTreeMap<Point, u64>,
    /// How often a run did not come to it.
    unreached: BTreeMap<Point, u64>,
    crowds: u64,
    /// The goal that was served last.
    turn: usize,
}

impl Goals {
    pub(crate) const fn new(asked: Asked, places: Vec<Point>) -> Self {
        Self {
            asked,
            places,
            handed: BTreeMap::new(),
            unreached: BTreeMap::new(),
            crowds: 0,
            turn: 0,
        }
    }

    /// A sort of trouble that serves a goal not reached yet, each in its turn.
    pub(crate) fn serving(&mut self, report: &Report) -> Option<Trouble> {
        let kills = self.places.iter().any(|it| self.is_due(it, report));
        let server = report.count(KILLED) < self.asked.server;
        let faults = !self.sorts(report).is_empty();
        let repeats = report.count(REPEATED) < self.asked.repeats;
        let crowds = self.crowds < self.asked.crowds;
        let due: Vec<Trouble> = [
            (kills, Trouble::Kill),
            (server, Trouble::Bus),
            (faults, Trouble::Cloud),
            (repeats, Trouble::Repeat),
            (crowds, Trouble::Crowd),
        ]
        .into_iter()
        .filter_map(|(due, trouble)| due.then_some(trouble))
        .collect();
        self.turn = self.turn.wrapping_add(1);
        due.get(self.turn % due.len().max(1)).copied()
    }

    /// The next run: with the places that killed least, and the faults that hit least.
    pub(crate) fn scenario(
        &mut self,
        seed: u64,
        trouble: Trouble,
        work: u64,
        report: &Report,
    ) -> Scenario {
        let kills = matches!(trouble, Trouble::Kill | Trouble::All);
        let places = if kills { self.next(report) } else { Vec::new() };
        Scenario { seed, trouble, work, places, sorts: self.sorts(report) }
    }

    pub(crate) fn note(&mut self, outcome: &Outcome) {
        for point in &outcome.missed {
            *self.unreached.entry(*point).or_default() += 1;
        }
        self.crowds += u64::from(outcome.trouble == Trouble::Crowd && !outcome.faults.is_empty());
    }

    /// What was asked for and not reached, with how far it came.
    pub(crate) fn missed(&self, report: &Report) -> Vec<String> {
        let mut missed = Vec::new();
        let mut goal = |what: String, asked: u64, reached: u64| {
            if reached < asked {
                missed.push(format!("{what}: {reached} of {asked}"));
            }
        };
        for point in &self.places {
            let unreached = self.unreached.get(point).copied().unwrap_or_default();
            let what = format!("killed: {point} (not come to in {unreached} runs)");
            goal(what, self.asked.each, report.killed(point));
        }
        goal(KILLED.to_owned(), self.asked.server, report.count(KILLED));
        for sort in CLOUD_FAULTS {
            let sort = format!("cloud: {sort}");
            let reached = report.count(&sort);
            goal(sort, self.asked.faults, reached);
        }
        goal(REPEATED.to_owned(), self.asked.repeats, report.count(REPEATED));
        goal("crowds".to_owned(), self.asked.crowds, self.crowds);
        missed
    }

    /// Sorts of faults of the cloud that have not hit often enough.
    fn sorts(&self, report: &Report) -> Vec<&'static str> {
        let due = |sort: &&str| report.count(&format!("cloud: {sort}")) < self.asked.faults;
        CLOUD_FAULTS.into_iter().filter(due).collect()
    }

    fn is_due(&self, point: &Point, report: &Report) -> bool {
        report.killed(point) < self.asked.each && !self.is_hopeless(point)
    }

    /// Whether so many runs in a row of those that were to come to a place did not.
    fn is_hopeless(&self, point: &Point) -> bool {
        self.unreached.get(point).is_some_and(|runs| *runs >= HOPELESS.max(4 * self.asked.each))
    }

    /// Those that killed least, first; where a goal is set for them, only those it lacks.
    fn next(&mut self, report: &Report) -> Vec<Point> {
        let mut places = self.places.clone();
        places.retain(|it| !self.is_hopeless(it));
        if places.iter().any(|it| self.is_due(it, report)) {
            places.retain(|it| self.is_due(it, report));
        }
        places.sort_by_key(|it| {
            (report.killed(it), self.handed.get(it).copied().unwrap_or_default())
        });
        places.truncate(PLACES);
        for point in &places {
            *self.handed.entry(*point).or_default() += 1;
        }
        places
    }
}
