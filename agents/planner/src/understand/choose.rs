//! Which golden path a text is for.
//!
//! A path declares what an intent for it speaks of, each concept with a weight; its score is the
//! sum of the weights of what the text speaks of. The best path wins by a margin; where two come
//! within it, the one that the text says enough for; else the text is ambiguous.

mod besides;

pub(crate) use self::besides::twice;

use bus_schema::PathName;
use policy::{Environment, GoldenPath, Planned};

use super::Known;
use super::entities::Unit;
use super::fill::{self, Parameters};
use super::lexicon::{Concern, Entry};
use super::problem::Problem;
use super::reading::Reading;
use super::text::{Script, Span};
use super::together;
use super::words::Word;

/// Least score of a path that is chosen: one thing that says it all, or several that hint.
pub(crate) const ENOUGH: i64 = 4;
/// By how much the best must lead the next.
pub(crate) const MARGIN: i64 = 2;
/// What is taken from a path that is only hinted at where another one is named.
const HINTED: i64 = 3;
/// Weight up to which a word only hints at a path.
const HINT: i64 = 4;
/// What the path's own name in the text is worth.
const BY_NAME: i64 = 8;
/// What speaking of a platform that no path reaches takes away: as much as a path needs.
const ELSEWHERE: i64 = 6;
/// How many are named in a refusal.
const NEAREST: usize = 3;

/// How much a text speaks for one path.
#[derive(Debug)]
pub(crate) struct Scored<'p, T> {
    pub(crate) of: &'p T,
    pub(crate) score: i64,
    /// Something that its intents are about is spoken of.
    pub(crate) fits: bool,
    /// The weight of the plainest thing said of what its intents are about.
    about: Option<i64>,
    /// What is spoken of: concept, weight, and where.
    pub(crate) spoken: Vec<(&'p str, i64, Span)>,
    /// Where what its intents are about is.
    subjects: Vec<Span>,
    /// Whether that is said in so many words, and not only hinted at by several.
    plain: bool,
}

impl<T> Scored<'_, T> {
    /// The weight of the plainest thing said of what the path is about.
    fn plainly(&self) -> i64 {
        self.about.into_iter().max().unwrap_or(0)
    }
}

/// # Errors
/// When no path fits, or several do about as well.
pub(crate) fn path<'p>(
    reading: &Reading<'_>,
    environment: &Environment,
    known: Known<'p>,
) -> Result<&'p GoldenPath, Problem> {
    let chosen = best(reading, environment, known);
    if !matches!(chosen, Ok(_) | Err(Problem::Ambiguous { .. })) {
        return chosen;
    }
    match besides::find(reading, chosen.as_ref().ok().copied(), environment, known) {
        None => chosen,
        Some(nearest) => Err(Problem::Several { nearest }),
    }
}

/// Every path with its score, best first.
pub(crate) fn scores<'p>(reading: &Reading<'_>, known: Known<'p>) -> Vec<Scored<'p, GoldenPath>> {
    let mut scored: Vec<_> = known
        .lexicon
        .paths
        .iter()
        .map(|entry| score(reading, entry, entry.of.name.as_str()))
        .collect();
    scored.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.of.name.cmp(&b.of.name)));
    scored
}

/// Every path that is not installed, with its score.
pub(crate) fn planned<'p>(reading: &Reading<'_>, known: Known<'p>) -> Vec<Scored<'p, Planned>> {
    known
        .lexicon
        .planned
        .iter()
        .map(|entry| score(reading, entry, entry.of.name.as_str()))
        .collect()
}

/// # Errors
/// When no path fits, or several do about as well.
fn best<'p>(
    reading: &Reading<'_>,
    environment: &Environment,
    known: Known<'p>,
) -> Result<&'p GoldenPath, Problem> {
    let spoken = reading.without_stacks();
    let mut scored = scores(&spoken, known);
    yield_to_the_plain(&mut scored);
    let nearest: Vec<PathName> = scored
        .iter()
        .filter(|it| it.score > 0)
        .take(NEAREST)
        .map(|it| it.of.name.clone())
        .collect();
    let elsewhere = spoken
        .mentions_of(&known.lexicon.elsewhere)
        .into_iter()
        .find(|mention| !mention.negated)
        .map(|mention| reading.text.slice(mention.span).to_owned());
    let taken = if elsewhere.is_some() { ELSEWHERE } else { 0 };
    let removes = asks_for_removal(&spoken, known);
    let fitting: Vec<&Scored<'p, GoldenPath>> = scored
        .iter()
        .filter(|it| it.fits && it.score - taken >= ENOUGH)
        .filter(|it| !removes || it.of.is_removal())
        // `내려받고` takes nothing down: what is removed is a stack, or removing is all that is said.
        .filter(|it| removes || !it.of.is_removal() || names_a_stack(reading))
        .collect();
    let lead = fitting.first().map_or(0, |best| best.score);
    let planned = planned(&spoken, known)
        .into_iter()
        .filter(|it| it.fits && it.score >= lead.max(ENOUGH))
        .max_by_key(|it| it.score);
    if let Some(planned) = planned {
        return Err(Problem::NotAvailable {
            path: planned.of.name.clone(),
            title: planned.of.title.clone(),
        });
    }
    let Some(best) = fitting.first() else {
        return Err(match elsewhere {
            Some(platform) => Problem::Elsewhere { platform, nearest },
            None => nothing(&spoken, nearest, known),
        });
    };
    // What was said and the best has no use for is a part of what was asked for.
    if fitting.len() > 1
        && !reading.entities.paths.is_empty()
        && let Err(Problem::Leftover { .. }) = fill::from_words(reading, best.of, environment)
    {
        let uses = |it: &&&Scored<'p, GoldenPath>| says_enough(reading, it.of, environment);
        if let Some(other) = fitting.iter().skip(1).find(uses) {
            return Ok(other.of);
        }
    }
    let close: Vec<&GoldenPath> =
        fitting.iter().filter(|it| best.score - it.score < MARGIN).map(|it| it.of).collect();
    // A path that does the other's work as well, where it is spoken of at least as plainly.
    let covering = fitting
        .iter()
        .filter(|it| {
            it.of.covers.contains(&best.of.name) && it.plainly() >= best.plainly() + MARGIN
        })
        .find(|it| {
            says_enough(reading, it.of, environment) || !says_enough(reading, best.of, environment)
        });
    if let Some(covering) = covering {
        return Ok(covering.of);
    }
    let close: Vec<&GoldenPath> =
        close.into_iter().filter(|path| !best.of.covers.contains(&path.name)).collect();
    if let [only] = close.as_slice() {
        return Ok(only);
    }
    let enough: Vec<&GoldenPath> =
        close.iter().copied().filter(|path| says_enough(reading, path, environment)).collect();
    match enough.as_slice() {
        [only] => Ok(only),
        _ => Err(Problem::Ambiguous { nearest: close.iter().map(|it| it.name.clone()).collect() }),
    }
}

/// `저장했다가 JSON으로 꺼내 쓰는 API`: what several words hint at yields to what is named.
fn yield_to_the_plain(scored: &mut [Scored<'_, GoldenPath>]) {
    let plain: Vec<PathName> = scored
        .iter()
        .filter(|it| it.plain && it.fits && !it.of.is_removal())
        .map(|it| it.of.name.clone())
        .collect();
    for hinted in scored.iter_mut().filter(|it| !it.plain && it.fits) {
        if plain.iter().any(|it| !hinted.of.covers.contains(it)) {
            hinted.score -= HINTED;
        }
    }
    scored.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.of.name.cmp(&b.of.name)));
}

/// Why no path fits.
fn nothing(reading: &Reading<'_>, nearest: Vec<PathName>, known: Known<'_>) -> Problem {
    let topic = !reading.entities.names().is_empty()
        || !reading.entities.quantities.iter().all(|it| it.value.unit == Unit::Plain)
        || !reading.mentions_of(&known.lexicon.topics).is_empty();
    let wish = !reading.mentions_of(&known.lexicon.wishes).is_empty();
    if !reading.mentions_of(&known.lexicon.chatter).is_empty() {
        Problem::OffTopic
    } else if topic || !nearest.is_empty() || wish {
        let denied = known
            .lexicon
            .paths
            .iter()
            .flat_map(|entry| entry.concerns.iter().filter(|concern| concern.required))
            .any(|concern| reading.mentions_of(&concern.terms).iter().any(|it| it.negated));
        if denied { Problem::NoPath { nearest } } else { Problem::TooVague { nearest } }
    } else {
        Problem::OffTopic
    }
}

/// Whether removing is what the sentence is about: its first word in English, its last in Korean.
/// Then nothing is made, however well its other words fit.
fn asks_for_removal(reading: &Reading<'_>, known: Known<'_>) -> bool {
    const POLITE: [&str; 6] = ["please", "can", "could", "would", "you", "kindly"];
    let first = reading.words.iter().find(|word| !POLITE.contains(&word.form.as_str()));
    // `(10/3 종료)` is said besides.
    let besides = |word: &Word| {
        let rest = reading.text.original.get(word.span.end..).unwrap_or_default();
        rest.trim_start().starts_with([')', ']'])
    };
    let last = reading.words.last().filter(|it| it.script == Script::Hangul && !besides(it));
    reading
        .mentions_of_terms(&known.lexicon.removal)
        .into_iter()
        .filter(|mention| !mention.negated)
        // `CDN으로 내려주세요` serves something; only a stack is taken down.
        .filter(|mention| {
            !reading.text.slice(mention.span).starts_with("내려") || !reading.stacks.is_empty()
        })
        // `다른 기능은 필요 없습니다`.
        .filter(|mention| {
            const OTHER: [&str; 13] = [
                "다른",
                "딴",
                "밖에",
                "그밖",
                "외에",
                "그외",
                "외",
                "이외",
                "나머지",
                "추가",
                "별도",
                "기타",
                "기능",
            ];
            let before = reading.words.iter().rev().filter(|it| it.span.end <= mention.span.start);
            !before.take(4).any(|word| OTHER.iter().any(|it| word.form.starts_with(it)))
                || !reading.text.slice(mention.span).contains('필')
        })
        .any(|mention| {
            [first, last].into_iter().flatten().any(|word| word.span.overlaps(mention.span))
        })
}

fn names_a_stack(reading: &Reading<'_>) -> bool {
    !reading.stacks.is_empty()
        || reading.words.iter().any(|it| it.form == "stack" || it.form.starts_with("스택"))
}

fn score<'p, T>(reading: &Reading<'_>, entry: &Entry<'p, T>, name: &str) -> Scored<'p, T> {
    let named = reading.text.tokens.iter().find(|token| token.form == name);
    let mut scored = Scored {
        of: entry.of,
        score: 0,
        fits: named.is_some(),
        about: None,
        spoken: Vec::new(),
        subjects: Vec::new(),
        plain: named.is_some(),
    };
    if let Some(token) = named {
        scored.score = BY_NAME;
        scored.spoken.push(("name", BY_NAME, token.span));
    }
    for concern in &entry.concerns {
        if let Some((span, plain)) = speaks_of(reading, concern) {
            scored.score += concern.weight;
            scored.fits |= concern.required;
            if concern.required {
                scored.subjects.push(span);
                scored.plain |= plain && concern.weight > HINT;
                scored.about = scored.about.max(Some(concern.weight));
            }
            scored.spoken.push((concern.name, concern.weight, span));
        }
    }
    scored
}

/// Where, and whether in so many words.
fn speaks_of(reading: &Reading<'_>, concern: &Concern<'_>) -> Option<(Span, bool)> {
    let mentions = reading.mentions_of(&concern.terms).into_iter();
    let words = mentions.filter(|it| concern.denied || !it.negated).min_by_key(|it| it.joint);
    let thing = || Some((*together::things(reading, concern.sort?).first()?, false));
    words.map(|it| (it.span, !it.joint || it.length == 1)).or_else(thing)
}

fn says_enough(reading: &Reading<'_>, path: &GoldenPath, environment: &Environment) -> bool {
    completed(reading, path, environment).is_some()
}

/// Every parameter of the path, if the text says enough for it.
fn completed(
    reading: &Reading<'_>,
    path: &GoldenPath,
    environment: &Environment,
) -> Option<Parameters> {
    let mut filled = fill::from_words(reading, path, environment).ok()?;
    path.complete(environment, &mut filled).ok().map(|()| filled)
}
