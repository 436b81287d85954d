//! Where kinds of words stand together in one sentence.

use policy::{Sort, Together, WordClass};

use super::entities::Unit;
use super::reading::{Mention, Reading};
use super::text::{Span, is_hangul};

/// A place where a word of a class stands, or a thing.
#[derive(Debug, Clone, Copy)]
struct Place {
    span: Span,
    /// How many words come before its first, and before its last.
    first: usize,
    last: usize,
    sentence: usize,
    clause: usize,
}

/// The closest that they stand, from each place of the first class.
pub(crate) fn find(reading: &Reading<'_>, together: &Together) -> Vec<Mention> {
    let mut slots = Vec::with_capacity(together.slots.len());
    for slot in &together.slots {
        let places: Vec<Place> = slot.iter().flat_map(|class| places(reading, class)).collect();
        if places.is_empty() {
            return Vec::new();
        }
        slots.push(places);
    }
    let Some((heads, rest)) = slots.split_first() else { return Vec::new() };
    heads
        .iter()
        .filter_map(|head| {
            let (found, taken) = closest(together, rest, &mut vec![*head])?;
            // A word of what is meant does not stand in between: `DDoS mitigation` is no attack.
            let within = |span: &Span| {
                span.overlaps(found)
                    && !taken.iter().any(|it| span.start >= it.start && span.end <= it.end)
            };
            let mut without = together.without.iter().flat_map(|it| spans(reading, it));
            if without.any(|it| within(&it)) {
                return None;
            }
            Some(Mention {
                span: found,
                length: together.slots.len(),
                negated: reading.is_negated(head.span),
                joint: true,
            })
        })
        .collect()
}

/// The smallest piece of text that holds these places and one of each slot that is left.
fn closest(
    together: &Together,
    rest: &[Vec<Place>],
    taken: &mut Vec<Place>,
) -> Option<(Span, Vec<Span>)> {
    let Some((slot, rest)) = rest.split_first() else {
        let all: Vec<Span> = taken.iter().map(|place| place.span).collect();
        return all.iter().copied().reduce(Span::join).map(|span| (span, all));
    };
    let mut best: Option<(Span, Vec<Span>)> = None;
    for place in slot {
        // One word cannot stand for two.
        let apart = taken.iter().all(|other| !other.span.overlaps(place.span));
        let after = taken.last().is_none_or(|last| place.span.start >= last.span.end);
        let low = taken.iter().map(|it| it.first).min().unwrap_or(place.first).min(place.first);
        let high = taken.iter().map(|it| it.last).max().unwrap_or(place.last).max(place.last);
        let one = taken.iter().all(|other| {
            other.sentence == place.sentence
                && (!together.one_clause || other.clause == place.clause)
        });
        if apart && one && high - low <= together.reach && (after || !together.ordered) {
            taken.push(*place);
            let found = closest(together, rest, taken);
            taken.pop();
            let length = |span: Span| span.end - span.start;
            if let Some(found) = found
                && best.as_ref().is_none_or(|best| length(found.0) < length(best.0))
            {
                best = Some(found);
            }
        }
    }
    best
}

fn places(reading: &Reading<'_>, class: &WordClass) -> Vec<Place> {
    spans(reading, class).into_iter().filter_map(|span| place(reading, span)).collect()
}

fn spans(reading: &Reading<'_>, class: &WordClass) -> Vec<Span> {
    match class {
        WordClass::Named(name) => reading.classes.get(name.as_str()).cloned().unwrap_or_default(),
        WordClass::Thing(sort) => things(reading, *sort),
    }
}

fn place(reading: &Reading<'_>, span: Span) -> Option<Place> {
    let words = &reading.words;
    let first = words.partition_point(|word| word.span.end <= span.start);
    let after = words.partition_point(|word| word.span.start < span.end);
    let tokens = &reading.text.tokens;
    let token = tokens.get(tokens.partition_point(|token| token.span.end <= span.start))?;
    let last = first.max(after.saturating_sub(1));
    Some(Place { span, first, last, sentence: token.sentence, clause: token.clause })
}

/// Where a thing of that sort stands.
pub(crate) fn things(reading: &Reading<'_>, sort: Sort) -> Vec<Span> {
    let entities = &reading.entities;
    let of_unit = |unit: Unit| {
        entities.quantities.iter().filter(|it| it.value.unit == unit).map(|it| it.span).collect()
    };
    match sort {
        Sort::Host => entities.hosts.iter().map(|it| it.span).collect(),
        Sort::Ours => hosts_of(reading, true),
        Sort::Theirs => hosts_of(reading, false),
        Sort::Blank => {
            let open = |span: &Span| {
                let rest = reading.text.original.get(span.end..).unwrap_or_default();
                let rest = rest.strip_prefix('/').unwrap_or_default();
                rest.starts_with(|c: char| matches!(c, '<' | '{' | '[' | '…' | ':') || is_hangul(c))
                    || rest.starts_with("...")
                    || rest.starts_with("something")
            };
            entities.hosts.iter().map(|it| it.span).filter(open).collect()
        }
        Sort::Anywhere => {
            let all = entities.addresses.iter().filter(|it| it.value.is_unspecified());
            all.map(|it| it.span).collect()
        }
        Sort::Address => entities.addresses.iter().map(|it| it.span).collect(),
        Sort::Path => entities.paths.iter().map(|it| it.span).collect(),
        Sort::Rate => of_unit(Unit::PerSecond),
        Sort::Duration => of_unit(Unit::Seconds),
        Sort::Pair if entities.hosts.is_empty() => Vec::new(),
        Sort::Pair => entities.addresses.iter().map(|it| it.span).collect(),
        Sort::Stack => reading.stacks.iter().map(|it| it.span).collect(),
    }
}

fn hosts_of(reading: &Reading<'_>, ours: bool) -> Vec<Span> {
    let hosts = reading.entities.hosts.iter().map(|it| it.span);
    hosts.filter(|span| reading.ours.contains(span) == ours).collect()
}
