//! A text read once: its tokens, what it mentions, and its words for looking terms up.

use bus_schema::StackName;

use super::entities::{Entities, Found};
use super::place;
use super::text::{Span, Text};
use super::words::{Term, Word, words};

#[derive(Debug, Clone)]
pub(crate) struct Reading<'a> {
    pub(crate) text: Text<'a>,
    pub(crate) entities: Entities,
    /// Without those inside names: `cache.example.com` does not speak of caching.
    pub(crate) words: Vec<Word>,
    /// Stacks that are named.
    pub(crate) stacks: Vec<Found<StackName>>,
}

impl<'a> Reading<'a> {
    /// `removal`: words that ask for something to be removed.
    pub(crate) fn of(text: &'a str, removal: &[&str]) -> Self {
        let text = Text::of(text);
        let entities = Entities::of(&text);
        let words = words(&text, &entities.names());
        let mut reading = Self { text, entities, words, stacks: Vec::new() };
        reading.stacks = place::stack_names(&reading, removal);
        reading
    }

    /// The same without the words of stacks' names: `retire waf-edge` does not speak of a firewall.
    pub(crate) fn without_stacks(&self) -> Self {
        let mut reading = self.clone();
        reading.words.retain(|word| !self.stacks.iter().any(|it| it.span.overlaps(word.span)));
        reading
    }

    /// Every place one of these words stands and is meant: not `no waf`, not `캐시 없이`.
    pub(crate) fn mentions<'w>(&self, words: impl Iterator<Item = &'w str>) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = words
            .flat_map(|word| {
                let term = Term::of(word);
                let length = term.len();
                term.find_all(&self.words).into_iter().map(move |span| (span, length))
            })
            .map(|(span, length)| Mention { span, length, negated: self.is_negated(span) })
            .collect();
        mentions.sort_by_key(|mention| (mention.span, usize::MAX - mention.length));
        mentions.dedup_by_key(|mention| mention.span);
        mentions
    }

    /// The words just before a place, nearest first, with nothing but words in between.
    pub(crate) fn before(&self, place: Span) -> impl Iterator<Item = &Word> {
        let clause = self.clause(place);
        let from = self.names_end_before(place);
        self.words.iter().rev().filter(move |word| {
            word.span.end <= place.start && word.span.start >= from && Some(word.clause) == clause
        })
    }

    /// The words just after a place, nearest first, with nothing but words in between.
    pub(crate) fn after(&self, place: Span) -> impl Iterator<Item = &Word> {
        let clause = self.clause(place);
        let until = self.names_start_after(place);
        self.words.iter().filter(move |word| {
            word.span.start >= place.end && word.span.end <= until && Some(word.clause) == clause
        })
    }

    fn clause(&self, place: Span) -> Option<usize> {
        self.text.tokens.iter().find(|token| token.span.overlaps(place)).map(|token| token.clause)
    }

    fn names_end_before(&self, place: Span) -> usize {
        let ends = self.entities.names().into_iter().map(|name| name.end);
        ends.filter(|end| *end <= place.start).max().unwrap_or(0)
    }

    fn names_start_after(&self, place: Span) -> usize {
        let starts = self.entities.names().into_iter().map(|name| name.start);
        starts.filter(|start| *start >= place.end).min().unwrap_or(usize::MAX)
    }

    /// English says no before, Korean after.
    pub(crate) fn is_negated(&self, place: Span) -> bool {
        self.is_negated_before(place) || self.is_negated_after(place)
    }

    /// `no cache`, `without any cache`, `don't cache`, `stop caching`.
    fn is_negated_before(&self, place: Span) -> bool {
        const NO: [&str; 7] = ["no", "not", "without", "never", "except", "excluding", "minus"];
        const SKIP: [&str; 5] = ["any", "the", "a", "an", "using"];
        let before = self.before(place).map(|word| word.form.as_str());
        let mut before = before.skip_while(|form| SKIP.contains(form));
        match before.next() {
            // An apostrophe ends a word.
            Some("t") => matches!(before.next(), Some("don" | "doesn" | "won" | "shouldn")),
            Some("stop" | "quit" | "cease") => {
                self.spoken(place).any(|it| it.form.ends_with("ing"))
            }
            Some(word) => NO.contains(&word),
            None => false,
        }
    }

    /// `캐시 없이`, `차단 해제`, `차단하지 말고`, `cache nothing`.
    fn is_negated_after(&self, place: Span) -> bool {
        const NO: [&str; 11] = [
            "없이",
            "없는",
            "없도록",
            "말고",
            "빼고",
            "제외",
            "해제",
            "풀어",
            "풀고",
            "취소",
            "중단",
        ];
        const DO_NOT: [&str; 3] = ["마", "말", "않"];
        let starts = |form: &str, with: &[&str]| with.iter().any(|no| form.starts_with(no));
        let next = self.after(place).next().map_or("", |word| word.form.as_str());
        self.spoken(place).any(|word| {
            NO.iter().any(|no| word.form.ends_with(no))
                || word.form.ends_with('지') && starts(next, &DO_NOT)
        }) || starts(next, &NO)
            || next == "nothing"
    }

    fn spoken(&self, place: Span) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(move |word| word.span.overlaps(place))
    }
}

/// A place where a declared word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) span: Span,
    /// Of how many words: the longer one of two that overlap is meant.
    pub(crate) length: usize,
    pub(crate) negated: bool,
}
