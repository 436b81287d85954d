//! Which parameter a value is for, by the words beside it.

use policy::{Parameter, Words};

use crate::understand::reading::Reading;
use crate::understand::text::Span;
use crate::understand::words::Term;

/// Most words between a role's word and its value: `to our origin 203.0.113.10`.
const REACH: usize = 2;

/// How far the nearest role word of the parameter is from a value, in words; `None` if it has none
/// there.
pub(super) fn distance(reading: &Reading<'_>, parameter: &Parameter, value: Span) -> Option<usize> {
    let near = |words, most| near(reading, words, value, most);
    next_to(reading, parameter, value, false)
        .or_else(|| near(&parameter.roles.near, NEAR).map(|gap| gap + REACH + 1))
        .or_else(|| near(&parameter.roles.loosely, LOOSELY).map(|gap| gap + REACH + NEAR + 2))
}

/// The same, of the words right beside it, and of its label.
pub(super) fn beside(reading: &Reading<'_>, parameter: &Parameter, value: Span) -> Option<usize> {
    next_to(reading, parameter, value, true)
}

/// Whether words of the parameter lead to a value in its own clause: `keep the responses for 5
/// minutes`.
pub(super) fn is_said_of(reading: &Reading<'_>, parameter: &Parameter, value: Span) -> bool {
    let roles = &parameter.roles;
    let words = roles.before.iter().chain(roles.near.iter()).chain(roles.loosely.iter());
    words
        .filter(|word| reading.keys.may_hold(word))
        .flat_map(|word| Term::of(word).find_all(&reading.words))
        .any(|place| gap(reading, place, value, true).is_some_and(|gap| gap <= LEADS))
}

/// Most words between a word and the value it leads to.
const LEADS: usize = 5;

fn next_to(
    reading: &Reading<'_>,
    parameter: &Parameter,
    value: Span,
    labels: bool,
) -> Option<usize> {
    let gap = |first: Span, second: Span| gap(reading, first, second, labels);
    let holds = |word: &&str| reading.keys.may_hold(word);
    let before = parameter.roles.before.iter().filter(holds).filter_map(|word| {
        let places = Term::of(word).find_all(&reading.words);
        places.into_iter().filter_map(|place| gap(place, value)).min()
    });
    // What follows, as Korean particles do, follows at once.
    let after = parameter.roles.after.iter().filter(holds).filter_map(|word| {
        let places = Term::of(word).find_all(&reading.words);
        places.into_iter().filter_map(|place| gap(value, place)).find(|gap| *gap == 0)
    });
    before.chain(after).filter(|gap| *gap <= REACH).min()
}

/// Most words between a value and a word that stands anywhere near it.
const NEAR: usize = 7;
/// The same, of a word that goes with other values as well.
const LOOSELY: usize = 12;

/// As [`distance`], but before or after it and over a colon or a comma; farther than any role word.
fn near(reading: &Reading<'_>, near: &Words, value: Span, most: usize) -> Option<usize> {
    let clause = |span: Span| {
        reading.text.tokens.iter().find(|token| token.span.overlaps(span)).map(|token| token.clause)
    };
    let here = clause(value)?;
    let words = |first: Span, second: Span| {
        let between = |span: Span| span.start >= first.end && span.end <= second.start;
        reading.words.iter().filter(|word| between(word.span)).count()
    };
    let places = near
        .iter()
        .filter(|word| reading.keys.may_hold(word))
        .flat_map(|word| Term::of(word).find_all(&reading.words));
    places
        .filter_map(|place| {
            // What is said of a value stands before it rather than after, and on its side of a comma.
            let commas = clause(place)?.abs_diff(here);
            let apart = if place.end <= value.start {
                words(place, value)
            } else {
                words(value, place) + 1
            };
            (commas <= 1).then_some(apart + 2 * commas)
        })
        .filter(|gap| *gap <= most)
        .min()
}

/// The words between two places of one clause, if the first comes first and no name is between.
fn gap(reading: &Reading<'_>, first: Span, second: Span, labels: bool) -> Option<usize> {
    let between = |span: Span| span.start >= first.end && span.end <= second.start;
    if first.end > second.start || reading.entities.names().into_iter().any(between) {
        return None;
    }
    let clause = |span: Span| {
        reading.text.tokens.iter().find(|token| token.span.overlaps(span)).map(|token| token.clause)
    };
    // `TTL: 600` is one clause to people.
    let label = reading.text.original.get(first.end..second.start).map(str::trim);
    (clause(first) == clause(second) || labels && matches!(label, Some(":" | "=" | "：")))
        .then(|| reading.words.iter().filter(|word| between(word.span)).count())
}
