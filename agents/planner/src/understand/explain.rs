//! What the planner saw in a text on its way to an answer, for the person who wonders about it.

use bus_schema::Request;
use policy::{Environments, GoldenPaths};
use serde::Serialize;

use super::Known;
use super::choose::{self, Scored};
use super::entities::{Noise, Unit};
use super::lexicon::Lexicon;
use super::reading::Reading;
use super::text::Span;

/// The class of the names of regions.
const REGIONS: &str = "regions";

/// What was seen in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Things it mentions, in order.
    pub entities: Vec<Seen>,
    /// What it asks to be done, in order.
    pub acts: Vec<Act>,
    /// Every path it speaks for, best first.
    pub concerns: Vec<Concern>,
    /// By how much the best leads the next.
    pub margin: i64,
    /// By how much it has to.
    pub margin_needed: i64,
    /// The least score of a path that is chosen.
    pub score_needed: i64,
}

/// A thing in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its sort, as `host`; of what is no value, as `ticket`.
    pub sort: &'static str,
    /// The words as written.
    pub words: String,
    /// What was read from them; nothing where it is no value.
    pub value: Option<String>,
    /// First byte of the words in the text.
    pub start: usize,
    /// One past their last byte.
    pub end: usize,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    /// What: `create`, `block`.
    pub act: String,
    /// The words as written.
    pub words: String,
    /// Whether it is said not to be done.
    pub denied: bool,
    /// First byte of the words in the text.
    pub start: usize,
}

/// How much a text speaks for a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Concern {
    /// The path.
    pub path: String,
    /// Whether it is installed here.
    pub installed: bool,
    /// The sum of the weights.
    pub score: i64,
    /// Whether anything is spoken of that the path is about.
    pub fits: bool,
    /// Concept, weight and the words that speak of it.
    pub spoken: Vec<(String, i64, String)>,
}

/// What is seen in the request's text; nothing where it has none.
pub fn explain(
    request: &Request,
    environments: &Environments,
    paths: &GoldenPaths,
) -> Option<Explanation> {
    let text = request.text.as_deref().filter(|text| text.len() <= super::LONGEST_TEXT)?;
    let (reading, lexicon) = Reading::of(text, environments, paths);
    let known = Known { environments, paths, lexicon: &lexicon };
    let spoken = reading.without_stacks();
    let mut concerns: Vec<Concern> = choose::scores(&spoken, known)
        .iter()
        .map(|it| concern(&reading, it, it.of.name.as_str(), true))
        .collect();
    concerns.extend(
        choose::planned(&spoken, known)
            .iter()
            .map(|it| concern(&reading, it, it.of.name.as_str(), false)),
    );
    concerns.retain(|it| it.score > 0);
    concerns.sort_by(|a, b| (b.fits, b.score, &a.path).cmp(&(a.fits, a.score, &b.path)));
    let score = |nth: usize| concerns.get(nth).filter(|it| it.fits).map_or(0, |it| it.score);
    Some(Explanation {
        entities: entities(&reading),
        acts: acts(&reading, &lexicon),
        margin: score(0) - score(1),
        margin_needed: choose::MARGIN,
        score_needed: choose::ENOUGH,
        concerns,
    })
}

fn concern<T>(
    reading: &Reading<'_>,
    scored: &Scored<'_, T>,
    name: &str,
    installed: bool,
) -> Concern {
    let words = |span: Span| reading.text.slice(span).to_owned();
    Concern {
        path: name.to_owned(),
        installed,
        score: scored.score,
        fits: scored.fits,
        spoken: scored
            .spoken
            .iter()
            .map(|(concept, weight, span)| ((*concept).to_owned(), *weight, words(*span)))
            .collect(),
    }
}

fn acts(reading: &Reading<'_>, lexicon: &Lexicon<'_>) -> Vec<Act> {
    let mut acts: Vec<Act> = lexicon
        .acts
        .iter()
        .flat_map(|(name, terms)| {
            reading.mentions_of(terms).into_iter().map(|mention| Act {
                act: (*name).to_owned(),
                words: reading.text.slice(mention.span).to_owned(),
                denied: mention.negated,
                start: mention.span.start,
            })
        })
        .collect();
    acts.sort_by(|a, b| (a.start, &a.act).cmp(&(b.start, &b.act)));
    acts
}

fn entities(reading: &Reading<'_>) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut see = |sort: &'static str, span: Span, value: Option<String>| {
        let words = reading.text.slice(span).to_owned();
        all.push(Seen { sort, words, value, start: span.start, end: span.end });
    };
    let found = &reading.entities;
    for host in &found.hosts {
        see("host", host.span, Some(host.value.clone()));
    }
    for address in &found.addresses {
        see("address", address.span, Some(address.value.to_string()));
    }
    for path in &found.paths {
        see("path", path.span, Some(path.value.clone()));
    }
    for quantity in &found.quantities {
        let amount = quantity.value.amount;
        let (sort, value) = match quantity.value.unit {
            Unit::PerSecond => ("rate", format!("{amount} requests per second")),
            Unit::Seconds => ("duration", format!("{amount} seconds")),
            Unit::Plain => ("number", amount.to_string()),
        };
        see(sort, quantity.span, Some(value));
    }
    for span in reading.classes.get(REGIONS).into_iter().flatten() {
        see("region", *span, None);
    }
    for stack in &reading.stacks {
        see("stack", stack.span, Some(stack.value.to_string()));
    }
    for (noise, span) in &found.noise {
        let sort = match noise {
            Noise::Ticket => "ticket",
            Noise::Date => "date",
            Noise::Time => "time of day",
            Noise::Version => "version",
            Noise::Percentage => "percentage",
            Noise::Telephone => "telephone",
            Noise::Price => "price",
            Noise::Size => "size",
            Noise::Port => "port",
            Noise::Region => "region",
            Noise::File => "file",
        };
        see(sort, *span, None);
    }
    all.sort_by_key(|seen| (seen.start, seen.end));
    all
}
