//! Two intents in one text: `cache the API, then point docs.example.com to 203.0.113.20`.
//!
//! One path alone would take what it needs from both and leave the rest out, or worse, mix them.
//! So a text is cut where it may be two; where both parts say enough on their own, for different
//! paths, it is two.

use bus_schema::{PathName, Source};
use policy::{Environment, GoldenPath, ParameterType};

use super::{HINT, best, says_enough, scores};
use crate::understand::Known;
use crate::understand::fill;
use crate::understand::reading::Reading;
use crate::understand::text::{Script, Span};

/// Most places looked at; a text with more is no intent anyway.
const MOST_CUTS: usize = 16;

/// The paths the parts are for, if there is more in the text than the chosen path does, or no path could be chosen.
pub(super) fn find(
    reading: &Reading<'_>,
    chosen: Option<&GoldenPath>,
    environment: &Environment,
    known: Known<'_>,
) -> Option<Vec<PathName>> {
    // Where nothing but the chosen path is spoken of there is nothing to look for.
    let scored = scores(reading, known);
    if scored.iter().filter(|it| it.fits).count() < 2 {
        return None;
    }
    let explained =
        chosen.map_or_else(Vec::new, |path| explained(reading, path, environment, known));
    let is_other = |part: &Reading<'_>, path: &GoldenPath| {
        let own = scores(part, known).into_iter().find(|it| it.of.name == path.name);
        own.is_none_or(|own| {
            own.subjects.is_empty()
                || own.subjects.iter().any(|it| !explained.iter().any(|by| by.overlaps(*it)))
        }) && !is_background(part, path, known)
    };
    let part = |part: Span| -> Option<&GoldenPath> {
        let reading = reading.part(part);
        let path = best(&reading, environment, known).ok()?;
        let is_chosen = chosen.is_some_and(|it| it.name == path.name);
        let asked = is_chosen || chosen.is_none() || is_other(&reading, path);
        (asked && says_enough(&reading, path, environment)).then_some(path)
    };
    let end = reading.text.original.len();
    cuts(reading).into_iter().take(MOST_CUTS).find_map(|at| {
        let first = part(Span { start: 0, end: at })?;
        let second = part(Span { start: at, end })?;
        let more = [first, second].into_iter().any(|path| {
            chosen.is_none_or(|it| path.name != it.name && !it.covers.contains(&path.name))
        });
        (more && first.name != second.name).then(|| vec![first.name.clone(), second.name.clone()])
    })
}

/// Words that ask for something to be done.
const REQUESTS: &str = "requests";

/// `the backend answers 503 by turns`, `since our people hung installers onto it …`: how things are,
/// where what shall be is said elsewhere; and a name with an address, of which nothing is said.
fn is_background(part: &Reading<'_>, path: &GoldenPath, known: Known<'_>) -> bool {
    if part.classes.get(REQUESTS).is_some_and(|it| !it.is_empty()) {
        return false;
    }
    let first = part.words.first();
    let clauses = first.zip(part.words.last()).map(|(first, last)| last.clause - first.clause);
    let reason = first.is_some_and(|it| matches!(it.form.as_str(), "since" | "because"));
    if reason && clauses.is_some_and(|it| it == 0) {
        return true;
    }
    let own = scores(part, known).into_iter().find(|it| it.of.name == path.name);
    let names = part.entities.names();
    own.is_some_and(|own| {
        let suffers = part.classes.get("suffer").is_some_and(|it| !it.is_empty());
        own.plainly() <= HINT && (suffers || own.subjects.iter().all(|it| names.contains(it)))
            || own.subjects.iter().all(|it| part.is_of_class("suffer", *it))
    })
}

/// The words that the chosen path has a use for: those of what it is about, and those of its
/// choices. `let the large files come from R2` is a part of a cache that has them.
fn explained(
    reading: &Reading<'_>,
    path: &GoldenPath,
    environment: &Environment,
    known: Known<'_>,
) -> Vec<Span> {
    let entry = known.lexicon.paths.iter().find(|it| it.of.name == path.name);
    let concerns = entry.into_iter().flat_map(|it| &it.concerns).filter(|it| it.required);
    let mut spans: Vec<Span> = concerns
        .flat_map(|it| reading.mentions_of(&it.terms))
        .filter(|it| !it.negated)
        .map(|it| it.span)
        // What goes over a comma may go over another intent.
        .filter(|span| {
            let mut clauses =
                reading.text.tokens.iter().filter(|it| it.span.overlaps(*span)).map(|it| it.clause);
            let first = clauses.next();
            clauses.all(|it| Some(it) == first)
        })
        .collect();
    let filled = fill::from_words(reading, path, environment).unwrap_or_default();
    for (name, grounded) in filled {
        let chosen = path.parameters.get(&name).is_some_and(|it| {
            matches!(it.takes, ParameterType::Boolean { .. } | ParameterType::Choice(_))
        });
        if let Source::Words { start, end, .. } = grounded.source
            && chosen
        {
            spans.push(Span { start, end });
        }
    }
    spans
}

/// Where one intent may end and another begin, as bytes: at a new clause, before `and`, after a
/// Korean verb that goes on (`붙이고`).
fn cuts(reading: &Reading<'_>) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut clause = 0;
    for token in &reading.text.tokens {
        if token.clause != clause || matches!(token.form.as_str(), "and" | "then" | "also" | "plus")
        {
            cuts.push(token.span.start);
        } else if token.script == Script::Hangul
            && (token.form.ends_with('고') || token.form.ends_with('후'))
        {
            cuts.push(token.span.end);
        }
        clause = token.clause;
    }
    cuts
}
