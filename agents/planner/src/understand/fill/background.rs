//! Values that a text mentions beside the one that is wanted: what was, and what was said by
//! mistake. `it used to be 203.0.113.8 and has to become 203.0.113.9`; `초당 5천, 아니 6천`.

use super::values::{Candidate, Sort};
use crate::understand::reading::Reading;
use crate::understand::text::{Script, Span};

/// Words before a value that is so already, or no more.
const AS_IT_WAS: &str = "as_it_was";
/// Words before a value that is so today, where another shall be.
const AS_IT_IS_NOW: &str = "as_it_is_now";
/// Words beside a load that was measured.
const MEASURED: &str = "measured";
/// Words after a value that is no more.
const NOT_ANY_MORE: &str = "not_any_more";
/// Words with which somebody corrects himself.
const CORRECTION: &str = "correction";
/// Words for how long something takes, and for what is too slow.
const TAKES_LONG: &str = "takes_long";
const SUFFER: &str = "suffer";
/// Words for one client among all.
const EACH_ONE: &str = "each_one";
/// How many words before it.
const REACH: usize = 4;

/// Forgets such values, where another of the same sort is left.
pub(super) fn drop(reading: &Reading<'_>, all: &mut Vec<Candidate>) {
    // `visitors wait four seconds` says how long something takes, not how long it shall be kept.
    all.retain(|it| it.sort != Sort::Seconds || !is_delay(reading, it.span));
    // `no client more than 60 requests a minute` says nothing of all of them.
    let rates: Vec<Span> =
        all.iter().filter(|it| it.sort == Sort::Rate).map(|it| it.span).collect();
    if let [only] = rates.as_slice()
        && is_for_each(reading, *only)
    {
        all.retain(|it| it.sort != Sort::Rate);
    }
    for sort in [Sort::Rate, Sort::Address, Sort::Host, Sort::Seconds] {
        let of_sort: Vec<Span> =
            all.iter().filter(|it| it.sort == sort).map(|it| it.span).collect();
        let past: Vec<Span> = of_sort
            .iter()
            .copied()
            .filter(|span| is_past(reading, *span, sort) || is_corrected(reading, *span, &of_sort))
            .collect();
        let now = |span: &Span| {
            is_beside(reading, *span, AS_IT_IS_NOW)
                || sort == Sort::Rate && is_measured(reading, *span)
        };
        // `it was …, it now is …`: what is said of the past decides first.
        let mut left = of_sort.clone();
        // `45초만. 아 미안 45초 아니고 90초`: wherever it is said.
        let past = same_values(all, &past);
        for aside in [past, of_sort.iter().copied().filter(now).collect()] {
            let rest: Vec<Span> = left.iter().copied().filter(|it| !aside.contains(it)).collect();
            if !rest.is_empty() {
                left = rest;
            }
        }
        all.retain(|it| it.sort != sort || left.contains(&it.span));
    }
}

/// Whether it is said of one who asks.
fn is_for_each(reading: &Reading<'_>, span: Span) -> bool {
    let of_each = |span: Span| reading.is_of_class(EACH_ONE, span);
    reading.before(span).take(REACH).any(|word| of_each(word.span))
        || reading.after(span).take(2).any(|word| of_each(word.span))
}

/// These, and all that say the same.
fn same_values(all: &[Candidate], spans: &[Span]) -> Vec<Span> {
    let value = |span: &Span| all.iter().find(|it| it.span == *span).map(|it| &it.value);
    let values: Vec<_> = spans.iter().filter_map(value).collect();
    all.iter().filter(|it| values.contains(&&it.value)).map(|it| it.span).collect()
}

/// `p99 640 rps`, `it sees 40 requests per second`, `초당 300까지 찍었`.
fn is_measured(reading: &Reading<'_>, span: Span) -> bool {
    let of = |it: Span| reading.is_of_class(MEASURED, it);
    is_beside(reading, span, MEASURED)
        || reading.after(span).take(2).any(|it| it.script == Script::Hangul && of(it.span))
}

fn is_past(reading: &Reading<'_>, span: Span, sort: Sort) -> bool {
    let mut after = reading.after(span).take(1);
    let from = |form: &str| form == "from" && matches!(sort, Sort::Rate | Sort::Address);
    let next_before = reading.before(span).next().is_some_and(|word| from(&word.form));
    // `203.0.113.8 에서 203.0.113.9 로`.
    let leaves = reading
        .after(span)
        .next()
        .is_some_and(|word| word.form == "에서" && matches!(sort, Sort::Rate | Sort::Address));
    next_before
        || leaves
        || is_beside(reading, span, AS_IT_WAS)
        || after.any(|word| reading.is_of_class(NOT_ANY_MORE, word.span))
}

fn is_delay(reading: &Reading<'_>, span: Span) -> bool {
    let of = |class: &str, span: Span| reading.is_of_class(class, span);
    reading.before(span).take(2).any(|word| of(TAKES_LONG, word.span) || of(SUFFER, word.span))
        || reading
            .after(span)
            .take(2)
            .any(|word| of(TAKES_LONG, word.span) && word.script == Script::Hangul)
}

/// Whether a word of the class stands shortly before it.
fn is_beside(reading: &Reading<'_>, span: Span, class: &str) -> bool {
    reading.before(span).take(REACH).any(|word| reading.is_of_class(class, word.span))
}

/// Whether a correction stands between it and the next of its sort.
fn is_corrected(reading: &Reading<'_>, span: Span, of_sort: &[Span]) -> bool {
    let Some(next) = of_sort.iter().filter(|it| it.start >= span.end).min() else { return false };
    reading
        .classes
        .get(CORRECTION)
        .is_some_and(|all| all.iter().any(|it| it.start >= span.end && it.end <= next.start))
}
