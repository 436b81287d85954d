//! Two intents in one text: `cache the API, then point docs.example.com to 203.0.113.20`.
//!
//! One path alone would take what it needs from both and leave the rest out, or worse, mix them.
//! So a text is cut where it may be two; where both parts say enough on their own, for different
//! paths, it is two.

use bus_schema::PathName;
use policy::{Environment, GoldenPath, GoldenPaths};

use super::{best, removal_words, says_enough, subjects};
use crate::understand::reading::Reading;
use crate::understand::text::Script;

/// Most places looked at; a text with more is no intent anyway.
const MOST_CUTS: usize = 16;

/// The paths the parts are for, if there is more in the text than the chosen path does.
pub(super) fn find(
    reading: &Reading<'_>,
    chosen: &GoldenPath,
    environment: &Environment,
    paths: &GoldenPaths,
) -> Option<Vec<PathName>> {
    let removal = removal_words(paths);
    let part = |text: &str| -> Option<&GoldenPath> {
        let reading = Reading::of(text, &removal);
        let path = best(&reading, environment, paths).ok()?;
        says_enough(&reading, path, environment).then_some(path)
    };
    cuts(reading).into_iter().take(MOST_CUTS).find_map(|at| {
        let (first, second) = reading.text.original.split_at_checked(at)?;
        let (first, second) = (part(first)?, part(second)?);
        // What has no subject of its own, as `scale it to 10k RPS`, may belong to the chosen one.
        let more = [first, second]
            .into_iter()
            .any(|path| path.name != chosen.name && subjects(path).next().is_some());
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
