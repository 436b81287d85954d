//! Two intents in one text: `cache the API, then point docs.example.com to 203.0.113.20`.
//!
//! One path alone would take what it needs from both and leave the rest out, or worse, mix them.
//! So a text is cut where it may be two; where both parts say enough on their own, for different
//! paths, it is two.

use bus_schema::PathName;
use policy::{Environment, GoldenPath};

use super::{best, says_enough, scores};
use crate::understand::Known;
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
    let subjects = scores(reading, known).iter().filter(|it| it.fits).count();
    if subjects < 2 {
        return None;
    }
    let part = |part: Span| -> Option<&GoldenPath> {
        let reading = reading.part(part);
        let path = best(&reading, environment, known).ok()?;
        says_enough(&reading, path, environment).then_some(path)
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
