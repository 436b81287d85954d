//! Which golden path a text is for.
//!
//! A path declares what an intent for it speaks of, each concept with a weight; its score is the
//! sum of the weights of what the text speaks of. The best path wins by a margin; where two come
//! within it, the one that the text says enough for; else the text is ambiguous.

mod besides;

use bus_schema::PathName;
use policy::{Environment, GoldenPath, GoldenPaths};

use super::fill;
use super::problem::Problem;
use super::reading::Reading;
use super::text::Script;
use super::words::Term;

/// Least score of a path that is chosen: one thing that says it all, or several that hint.
const ENOUGH: i64 = 4;
/// By how much the best must lead the next.
const MARGIN: i64 = 2;
/// What the path's own name in the text is worth.
const BY_NAME: i64 = 8;
/// What speaking of a platform that no path reaches takes away: as much as a path needs.
const ELSEWHERE: i64 = 6;
/// How many are named in a refusal.
const NEAREST: usize = 3;

/// Platforms and products that people ask for and no golden path makes.
const PLATFORMS: [&str; 40] = [
    "aws",
    "amazon",
    "azure",
    "gcp",
    "google cloud",
    "kubernetes",
    "k8s",
    "eks",
    "gke",
    "aks",
    "ec2",
    "s3",
    "rds",
    "lambda",
    "terraform",
    "ansible",
    "docker",
    "vm",
    "virtual machine",
    "database",
    "postgres",
    "postgresql",
    "mysql",
    "redis",
    "mongodb",
    "kafka",
    "vpc",
    "helm",
    "jenkins",
    "github",
    "fastly",
    "akamai",
    "openstack",
    "vmware",
    "쿠버네티스",
    "데이터베이스",
    "도커",
    "아마존",
    "애저",
    "가상머신",
];

struct Scored<'p> {
    path: &'p GoldenPath,
    score: i64,
    /// Everything its intents must speak of is spoken of.
    fits: bool,
}

/// # Errors
/// When no path fits, or several do about as well.
pub(crate) fn path<'p>(
    reading: &Reading<'_>,
    environment: &Environment,
    paths: &'p GoldenPaths,
) -> Result<&'p GoldenPath, Problem> {
    let chosen = best(reading, environment, paths)?;
    match besides::find(reading, chosen, environment, paths) {
        None => Ok(chosen),
        Some(nearest) => Err(Problem::Several { nearest }),
    }
}

/// # Errors
/// When no path fits, or several do about as well.
fn best<'p>(
    reading: &Reading<'_>,
    environment: &Environment,
    paths: &'p GoldenPaths,
) -> Result<&'p GoldenPath, Problem> {
    let spoken = reading.without_stacks();
    let elsewhere = PLATFORMS
        .iter()
        .find_map(|platform| Term::of(platform).find(&spoken.words, 0))
        .map(|(_, span)| reading.text.slice(span).to_owned());
    let mut scored: Vec<Scored<'p>> = paths.iter().map(|path| score(&spoken, path)).collect();
    scored.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.path.name.cmp(&b.path.name)));
    let nearest: Vec<PathName> = scored
        .iter()
        .filter(|it| it.score > 0)
        .take(NEAREST)
        .map(|it| it.path.name.clone())
        .collect();
    let taken = if elsewhere.is_some() { ELSEWHERE } else { 0 };
    let removes = asks_for_removal(&spoken, paths);
    let fitting: Vec<&Scored<'p>> = scored
        .iter()
        .filter(|it| it.fits && it.score - taken >= ENOUGH)
        .filter(|it| !removes || it.path.is_removal())
        .collect();
    let Some(best) = fitting.first() else {
        return Err(Problem::NoPath { nearest, elsewhere });
    };
    let close: Vec<&GoldenPath> =
        fitting.iter().filter(|it| best.score - it.score < MARGIN).map(|it| it.path).collect();
    if let [only] = close.as_slice() {
        return Ok(only);
    }
    let enough: Vec<&GoldenPath> =
        close.iter().copied().filter(|path| says_enough(reading, path, environment)).collect();
    // All that are left with a subject speak of it, or they would not fit: that says more than
    // words which several paths share.
    let with_subject: Vec<&GoldenPath> = enough
        .iter()
        .copied()
        .filter(|path| path.concepts.values().any(|concept| concept.required))
        .collect();
    match (enough.as_slice(), with_subject.as_slice()) {
        ([only], _) | (_, [only]) => Ok(only),
        _ => Err(Problem::Ambiguous { nearest: close.iter().map(|it| it.name.clone()).collect() }),
    }
}

/// The words that ask for something to be removed, by the paths that do.
pub(crate) fn removal_words(paths: &GoldenPaths) -> Vec<&str> {
    paths.iter().filter(|path| path.is_removal()).flat_map(subjects).collect()
}

/// The words without which an intent is not for the path.
fn subjects(path: &GoldenPath) -> impl Iterator<Item = &str> {
    path.concepts.values().filter(|concept| concept.required).flat_map(|it| it.words.iter())
}

/// Whether removing is what the sentence is about: its first word in English, its last in Korean.
/// Then nothing is made, however well its other words fit.
fn asks_for_removal(reading: &Reading<'_>, paths: &GoldenPaths) -> bool {
    const POLITE: [&str; 6] = ["please", "can", "could", "would", "you", "kindly"];
    let first = reading.words.iter().find(|word| !POLITE.contains(&word.form.as_str()));
    let last = reading.words.last().filter(|word| word.script == Script::Hangul);
    reading
        .mentions(removal_words(paths).into_iter())
        .into_iter()
        .filter(|mention| !mention.negated)
        .any(|mention| {
            [first, last].into_iter().flatten().any(|word| word.span.overlaps(mention.span))
        })
}

fn score<'p>(reading: &Reading<'_>, path: &'p GoldenPath) -> Scored<'p> {
    let named = reading.text.tokens.iter().any(|token| token.form == path.name.as_str());
    let mut score = if named { BY_NAME } else { 0 };
    let mut fits = true;
    for concept in path.concepts.values() {
        let spoken = reading.mentions(concept.words.iter()).iter().any(|it| !it.negated);
        if spoken {
            score += concept.weight;
        } else if concept.required && !named {
            fits = false;
        }
    }
    Scored { path, score, fits }
}

fn says_enough(reading: &Reading<'_>, path: &GoldenPath, environment: &Environment) -> bool {
    fill::from_words(reading, path, environment)
        .is_ok_and(|mut filled| path.complete(environment, &mut filled).is_ok())
}
