//! Which stacks a text names.

use bus_schema::StackName;
use policy::{GoldenPath, GoldenPaths};

use crate::understand::entities::Found;
use crate::understand::problem::Problem;
use crate::understand::reading::Reading;
use crate::understand::text::{Script, Span, Token};
use crate::understand::words::{Term, Word, is_particle};

/// The stack that a text names for what it wants made; `None` where the path shall name it.
///
/// # Errors
/// When it names two.
pub(crate) fn stack(reading: &Reading<'_>) -> Result<Option<StackName>, Problem> {
    let names: Vec<StackName> = beside_the_word(reading).into_iter().map(|it| it.value).collect();
    one(names)
}

/// # Errors
/// When there are two.
pub(crate) fn one(mut names: Vec<StackName>) -> Result<Option<StackName>, Problem> {
    names.sort();
    names.dedup();
    match names.as_slice() {
        [] => Ok(None),
        [name] => Ok(Some(name.clone())),
        several => Err(Problem::Contradictory {
            path: None,
            parameter: "stack".to_owned(),
            values: several.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// Every stack named: beside the word stack, else, where something is to be removed, whatever has a
/// hyphen as the names of stacks do.
pub(crate) fn stack_names(
    reading: &Reading<'_>,
    removal: &[Term],
    paths: &GoldenPaths,
) -> Vec<Found<StackName>> {
    let mut named = beside_the_word(reading);
    for found in called_after_paths(reading, paths) {
        if !named.iter().any(|it| it.span.overlaps(found.span)) {
            named.push(found);
        }
    }
    named.sort_by_key(|it| it.span);
    let removes = removal.iter().any(|term| term.find(&reading.words, 0).is_some());
    if !named.is_empty() || !removes {
        return named;
    }
    // `clean-up` and `rate-limit` are words like others.
    let ordinary = |token: &Token| {
        let own = |class: &Vec<Span>| class.contains(&token.span);
        reading.classes.values().any(own)
            || removal.iter().any(|term| term.find_all(&reading.words).contains(&token.span))
    };
    reading
        .text
        .tokens
        .iter()
        .filter(|token| token.form.contains('-') && !ordinary(token))
        .filter(|token| is_removed(reading, removal, token))
        .filter_map(|token| stack_name(reading, token))
        .collect()
}

/// `tear down edge-cache-promo but leave edge-cache-www alone`, `edge-cache-api 말고`: named beside
/// what is meant, to be kept.
pub(crate) fn is_kept(reading: &Reading<'_>, span: Span) -> bool {
    const KEEP: [&str; 10] =
        ["keep", "keeps", "not", "except", "than", "without", "stays", "remains", "stay", "kept"];
    const NO: [&str; 12] = [
        "말고",
        "아니라",
        "아니고",
        "빼고",
        "제외",
        "놔두",
        "냅두",
        "남기",
        "남겨",
        "유지",
        "살려",
        "두고",
    ];
    let left = |word: &Word| reading.is_of_class(LEAVE_ALONE, word.span);
    let korean = |word: &Word| NO.iter().any(|no| word.form.starts_with(no));
    let english = |word: &Word| KEEP.contains(&word.form.as_str());
    reading
        .before(span)
        .take(3)
        .any(|word| english(word) || word.script == Script::Latin && left(word))
        || reading.after(span).take(3).any(|word| match word.script {
            Script::Hangul => korean(word) || left(word),
            Script::Latin => matches!(word.form.as_str(), "stays" | "remains" | "stay" | "alone"),
        })
}

/// What is kept as it is.
const LEAVE_ALONE: &str = "leave_alone";

/// Whether a word that removes stands shortly before it, or after it as in Korean.
fn is_removed(reading: &Reading<'_>, removal: &[Term], token: &Token) -> bool {
    const REACH: usize = 4;
    let removes = |word: &Word| {
        removal.iter().any(|term| {
            term.find_all(&reading.words).into_iter().any(|span| span.overlaps(word.span))
        })
    };
    reading.before(token.span).take(REACH).any(removes)
        || reading.after(token.span).take(REACH).any(removes)
}

/// The class of words that stand beside `stack` and are no name.
const NOT_A_NAME: &str = "not_a_name";
/// A beginning of so many letters is in other words as well.
const SHORT: usize = 4;

/// `edge-cache-api`: called as a path calls its stacks, wherever it stands.
fn called_after_paths(reading: &Reading<'_>, paths: &GoldenPaths) -> Vec<Found<StackName>> {
    let beginnings: Vec<&str> = paths
        .iter()
        .flat_map(GoldenPath::stack_beginnings)
        .filter(|beginning| beginning.len() > 3 && beginning.ends_with('-'))
        .collect();
    let called = |form: &str| {
        let rests = beginnings.iter().filter_map(|it| Some((it, form.strip_prefix(it)?)));
        // `dns-only` is no stack; `dns-docs-example-com` is.
        let rests = rests.filter(|(it, _)| it.len() > SHORT || form.matches('-').count() > 2);
        rests.into_iter().any(|(_, rest)| !rest.is_empty())
            && !paths.iter().any(|path| path.name.as_str() == form)
    };
    let tokens = reading.text.tokens.iter().filter(|token| called(&token.form));
    tokens.filter_map(|token| stack_name(reading, token)).collect()
}

fn beside_the_word(reading: &Reading<'_>) -> Vec<Found<StackName>> {
    let tokens = &reading.text.tokens;
    let mut found: Vec<Found<StackName>> = Vec::new();
    let mut take = |token: Option<&Token>, clause: usize| {
        let name = token
            .filter(|token| token.clause == clause)
            .and_then(|token| stack_name(reading, token));
        let taken = name.is_some();
        found.extend(name);
        taken
    };
    for (at, token) in tokens.iter().enumerate() {
        let korean = token
            .form
            .strip_prefix("스택")
            .is_some_and(|rest| rest.is_empty() || is_particle(rest));
        if token.form != "stack" && !korean {
            continue;
        }
        let next = tokens.get(at + 1);
        let called = next.is_some_and(|next| matches!(next.form.as_str(), "named" | "called"));
        let after = if called { tokens.get(at + 2) } else { next };
        // `the stack we talked about` names none; a name without a hyphen is the last word said.
        let ends = tokens.get(at + 2).is_none_or(|it| it.clause != token.clause);
        let after = after.filter(|it| called || korean || ends || it.form.contains('-'));
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        // `retire the edge-cache-api stack` and `retire stack edge-cache-api`: what has a hyphen is
        // the name; without one, English puts it after and Korean before.
        let hyphened = |token: Option<&Token>| token.is_some_and(|it| it.form.contains('-'));
        let (first, second) = if hyphened(before) && !called || (korean && !hyphened(after)) {
            (before, after)
        } else {
            (after, before)
        };
        if !take(first, token.clause) && (hyphened(second) || korean) {
            take(second, token.clause);
        }
    }
    found
}

fn stack_name(reading: &Reading<'_>, token: &Token) -> Option<Found<StackName>> {
    let noise = &reading.entities.noise;
    let words = reading.classes.get(NOT_A_NAME);
    if words.is_some_and(|spans| spans.contains(&token.span)) {
        return None;
    }
    if noise.iter().any(|(_, noise)| noise.overlaps(token.span))
        || token.script != Script::Latin
        || token.torn
    {
        return None;
    }
    StackName::new(token.form.clone()).ok().map(|value| Found { value, span: token.span })
}
