//! Two intents in one text: `cache the API, then point docs.example.com to 203.0.113.20`.
//!
//! One path alone would take what it needs from both and leave the rest out, or worse, mix them.
//! So a text is cut where it may be two; where both parts say enough on their own, for different
//! paths, it is two.

use bus_schema::{PathName, Source};
use policy::{Environment, GoldenPath, ParameterType};
use serde_json::Value;

use super::{HINT, best, completed, says_enough, scores};
use crate::understand::fill::{self, Parameters};
use crate::understand::reading::Reading;
use crate::understand::text::{Script, Span};
use crate::understand::{Known, place};

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
    let subjects = scores(reading, known).iter().filter(|it| it.fits).count();
    if subjects < 2 {
        return chosen.and_then(|path| otherwise(reading, path, environment));
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
    let found = cuts(reading).into_iter().take(MOST_CUTS).find_map(|at| {
        let first = part(Span { start: 0, end: at })?;
        let second = part(Span { start: at, end })?;
        let more = [first, second].into_iter().any(|path| {
            chosen.is_none_or(|it| path.name != it.name && !it.covers.contains(&path.name))
        });
        (more && first.name != second.name).then(|| vec![first.name.clone(), second.name.clone()])
    });
    found.or_else(|| otherwise(reading, chosen?, environment))
}

/// One path, asked for twice: `docs.example.com goes to 203.0.113.20 and wiki.example.com to
/// 203.0.113.21`. Each part makes a stack of its own, or the same in another environment.
pub(crate) fn twice(reading: &Reading<'_>, known: Known<'_>) -> Option<Vec<PathName>> {
    let end = reading.text.original.len();
    let made = |part: &Reading<'_>, like: Option<&GoldenPath>| {
        let environment = place::environment(part, None, known).ok()?;
        let path = like.or_else(|| best(part, environment, known).ok())?;
        let named = named(&completed(part, path, environment)?, path);
        (!named.is_empty()).then(|| (path.name.clone(), (named, environment.name.clone())))
    };
    cuts(reading).into_iter().take(MOST_CUTS).find_map(|at| {
        let first = reading.part(Span { start: 0, end: at });
        let second = reading.part(Span { start: at, end });
        let (path, one) = made(&first, None)?;
        let like = known.paths.get(&path);
        let (_, other) = made(&second, like).filter(|_| speaks_for_itself(&second))?;
        (one != other).then(|| vec![path])
    })
}

/// What the words name that it is for: two of these are two things.
fn named(filled: &Parameters, path: &GoldenPath) -> Vec<Value> {
    let names = |name: &str| {
        path.parameters.get(name).is_some_and(|it| {
            matches!(
                it.takes,
                ParameterType::Hostname | ParameterType::Service | ParameterType::Domains { .. }
            )
        })
    };
    let said = filled.iter().filter(|(_, it)| matches!(it.source, Source::Words { .. }));
    said.filter(|(name, _)| names(name)).map(|(_, it)| it.value.clone()).collect()
}

/// `no, prod` says nothing of its own.
fn speaks_for_itself(part: &Reading<'_>) -> bool {
    part.classes.get("correction").is_none_or(Vec::is_empty)
        && part.words.first().is_none_or(|word| !matches!(word.form.as_str(), "no" | "not"))
}

/// `let a.example through, whereas b.example has to be blocked`: a list in two halves, and not the
/// same to be done with both.
fn otherwise(
    reading: &Reading<'_>,
    path: &GoldenPath,
    environment: &Environment,
) -> Option<Vec<PathName>> {
    let takes = |is: fn(&ParameterType) -> bool| {
        path.parameters.iter().find(|(_, it)| is(&it.takes)).map(|(name, _)| name.as_str())
    };
    let list = takes(|it| matches!(it, ParameterType::Domains { .. }))?;
    let choice = takes(|it| matches!(it, ParameterType::Choice(_)))?;
    if reading.entities.hosts.len() < 2 {
        return None;
    }
    let end = reading.text.original.len();
    let part = |part: Span| -> Option<Parameters> {
        completed(&reading.part(part), path, environment)
            .filter(|it| it.contains_key(list) && it.contains_key(choice))
    };
    cuts(reading).into_iter().take(MOST_CUTS).find_map(|at| {
        let first = part(Span { start: 0, end: at })?;
        let second = part(Span { start: at, end })?;
        let differ = |name: &str| {
            first.get(name).map(|it| &it.value) != second.get(name).map(|it| &it.value)
        };
        (differ(choice) && differ(list)).then(|| vec![path.name.clone()])
    })
}

/// Before these another may begin.
const JOINS: [&str; 8] = ["and", "but", "then", "also", "plus", "whereas", "while", "및"];
/// After these.
const GOES_ON: [&str; 8] = ["고", "후", "이랑", "랑", "며", "는데", "지만", "과"];
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
        let follows = reading.text.original.get(token.span.end..).unwrap_or_default();
        let numbered =
            follows.starts_with(')') && token.form.bytes().all(|byte| byte.is_ascii_digit());
        if token.clause != clause || numbered || JOINS.contains(&token.form.as_str()) {
            cuts.push(token.span.start);
        } else if token.script == Script::Hangul
            && GOES_ON.iter().any(|end| token.form.ends_with(end))
        {
            cuts.push(token.span.end);
        }
        clause = token.clause;
    }
    cuts
}
