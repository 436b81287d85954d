//! A text read once: its tokens, what it mentions, and its words for looking terms up.

use bus_schema::StackName;

use super::entities::{Entities, Found};
use super::lexicon::Lexicon;
use super::place;
use super::text::{Script, Span, Text};
use super::words::{Term, Word, is_particle, words};

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
    pub(crate) fn of(text: &'a str, lexicon: &Lexicon<'_>) -> Self {
        let text = Text::of(text);
        let entities = Entities::of(&text);
        let mut words = words(&text, &entities.names());
        for word in &mut words {
            if word.script == Script::Latin
                && let Some(meant) = lexicon.meant(&word.form)
            {
                word.mean(meant);
            }
        }
        let mut reading = Self { text, entities, words, stacks: Vec::new() };
        reading.stacks = place::stack_names(&reading, &lexicon.removal);
        reading
    }

    /// What stands between two bytes of the text, as if it were all of it.
    pub(crate) fn part(&self, part: Span) -> Self {
        let mut reading = self.clone();
        let within = |span: Span| span.start >= part.start && span.end <= part.end;
        reading.text.tokens.retain(|token| within(token.span));
        reading.words.retain(|word| within(word.span));
        reading.stacks.retain(|stack| within(stack.span));
        reading.entities.retain(within);
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
        let terms: Vec<Term> = words.map(Term::of).collect();
        self.mentions_of(&terms)
    }

    /// The same, of words that are ready to be looked for.
    pub(crate) fn mentions_of(&self, terms: &[Term]) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = terms
            .iter()
            .flat_map(|term| {
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

    /// `no cache`, `without any cache`, `don't put a cache in front`, `stop caching`.
    fn is_negated_before(&self, place: Span) -> bool {
        const NO: [&str; 8] =
            ["no", "not", "without", "never", "except", "excluding", "minus", "cannot"];
        // What comes after one of these is meant again.
        const TURN: [&str; 12] = [
            "but", "only", "just", "instead", "so", "then", "and", "until", "because", "unless",
            "have", "if",
        ];
        const AUXILIARY: [&str; 8] =
            ["don", "doesn", "won", "shouldn", "isn", "mustn", "didn", "wouldn"];
        let mut before = self.before(place).map(|word| word.form.as_str()).peekable();
        if self.before(place).any(|word| word.form == "nobody") {
            return true;
        }
        let mut nth = 0;
        while let Some(form) = before.next() {
            if TURN.contains(&form) || nth >= NEGATION_REACH {
                return false;
            }
            match form {
                // An apostrophe ends a word.
                "t" if before.peek().is_some_and(|it| AUXILIARY.contains(it)) => return true,
                "stop" | "quit" | "cease" if nth == 0 => {
                    return self.spoken(place).any(|it| it.form.ends_with("ing"));
                }
                // `no` denies what it stands before; `not` all that follows.
                "no" | "without" | "minus" if nth > 2 => return false,
                _ if NO.contains(&form) => return true,
                _ => nth += 1,
            }
        }
        false
    }

    /// `캐시 없이`, `R2 버킷 말고`, `차단 해제`, `차단하지 말고`, `cache nothing`.
    fn is_negated_after(&self, place: Span) -> bool {
        const NO: [&str; 17] = [
            "없거든",
            "없으니",
            "없고",
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
            "아니라",
            "아니고",
            "아직",
        ];
        const DO_NOT: [&str; 3] = ["마", "말", "않"];
        let starts = |form: &str, with: &[&str]| with.iter().any(|no| form.starts_with(no));
        // A particle after a word in another script is a word of its own: `R2는 필요 없어요`.
        let mut after =
            self.after(place).map(|word| word.form.as_str()).skip_while(|form| is_particle(form));
        let next = after.next().unwrap_or_default();
        let second = after.next().unwrap_or_default();
        self.spoken(place).any(|word| {
            NO.iter().any(|no| word.form.ends_with(no))
                || word.form.ends_with('지') && starts(next, &DO_NOT)
                || word.form.ends_with("지는") && starts(next, &DO_NOT)
        }) || starts(next, &NO)
            || next == "nothing"
            || next.ends_with('지') && starts(second, &DO_NOT)
            || next.starts_with("필요") && starts(second, &["없", "안"])
            || next.starts_with("필요없")
            || next == "안" && starts(second, &["써", "쓰", "해", "하", "할", "돼", "되"])
            || matches!(second, "말고" | "없이" | "빼고" | "대신" | "아니라")
    }

    fn spoken(&self, place: Span) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(move |word| word.span.overlaps(place))
    }
}

/// How many words after `don't` are still denied.
const NEGATION_REACH: usize = 4;

/// A place where a declared word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) span: Span,
    /// Of how many words: the longer one of two that overlap is meant.
    pub(crate) length: usize,
    pub(crate) negated: bool,
}
