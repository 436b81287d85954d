//! Whether words written in a text are the words somebody declared, inflection aside.
//!
//! English words are compared by a light stem; Korean ones by their beginning, since particles and
//! endings follow the word (`캐시를`, `캐시해줘`), and inside compounds (`엣지캐시`).

use super::irregular;
use super::stem::{is_doubled, stem};
use super::text::{Script, Span, Text, Token, normalise};

/// One word of a text, for comparison: hyphenated tokens are several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) span: Span,
    pub(crate) form: String,
    /// What is compared: without its English ending, or with Korean vowels that sound alike made
    /// one.
    stem: String,
    ending: Ending,
    pub(crate) script: Script,
    pub(crate) clause: usize,
    pub(crate) sentence: usize,
}

impl Word {
    /// Takes it for another word, which was mistyped.
    pub(crate) fn mean(&mut self, meant: &str) {
        meant.clone_into(&mut self.form);
        (self.stem, self.ending) = (stem(meant, self.script), Ending::of(meant));
    }

    /// Whether a declared word of that script and stem is this one.
    pub(crate) fn stem(&self) -> &str {
        &self.stem
    }
}

/// How an English word ends, as far as its stem does not show it: `site` is not `sit`, though
/// `sited` may be either's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With an `e`, which the stem leaves out.
    E,
    /// As the stem.
    Bare,
    /// With what an inflected verb ends with.
    Inflected,
}

impl Ending {
    fn of(form: &str) -> Self {
        if irregular::base(form).is_some() {
            return Self::Inflected;
        }
        let form = form.strip_suffix('s').filter(|it| !it.ends_with('s')).unwrap_or(form);
        let base = form.strip_suffix("ing").or_else(|| form.strip_suffix("ed"));
        if let Some(base) = base {
            // `sitting` cannot come of `site`.
            if is_doubled(base) { Self::Bare } else { Self::Inflected }
        } else if form.ends_with('e') {
            Self::E
        } else {
            Self::Bare
        }
    }

    const fn may_be(self, other: Self) -> bool {
        !matches!((self, other), (Self::E, Self::Bare) | (Self::Bare, Self::E))
    }
}

/// The words of a text, without those inside the given spans (names, addresses, numbers).
pub(crate) fn words(text: &Text<'_>, without: &[Span]) -> Vec<Word> {
    text.tokens
        .iter()
        .filter(|token| !without.iter().any(|span| span.overlaps(token.span)))
        .flat_map(|token| split(text, token))
        .collect()
}

fn split(text: &Text<'_>, token: &Token) -> Vec<Word> {
    let mut at = token.span.start;
    text.slice(token.span)
        .split_inclusive(['-', '_'])
        .filter_map(|part| {
            let name = part.trim_end_matches(['-', '_']);
            let span = Span { start: at, end: at + name.len() };
            at += part.len();
            let form = normalise(name);
            (!form.is_empty()).then(|| Word {
                span,
                stem: stem(&form, token.script),
                ending: Ending::of(&form),
                form,
                script: token.script,
                clause: token.clause,
                sentence: token.sentence,
            })
        })
        .collect()
}

/// A declared word or phrase, ready to be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    words: Vec<Word>,
    /// Whether a Korean word begins so; else it may stand inside a compound.
    begins: bool,
    /// A Korean phrase as one word, for those who leave the spaces out.
    joined: Option<String>,
}

impl Term {
    pub(crate) fn of(declared: &str) -> Self {
        let (begins, declared) = match declared.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, declared),
        };
        let plain = |c: char| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, ' ' | '-') || is_syllable(c)
        };
        let words = if declared.chars().all(plain) {
            plain_words(declared)
        } else {
            words(&Text::of(declared), &[])
        };
        let korean = words.len() > 1 && words.iter().all(|word| word.script == Script::Hangul);
        let joined = korean.then(|| words.iter().map(|word| word.stem.as_str()).collect());
        Self { words, begins, joined }
    }

    /// How many words it has: a longer term says more.
    pub(crate) const fn len(&self) -> usize {
        self.words.len()
    }

    /// Where it first stands in these words at or after `from`: index of the first, and its span.
    pub(crate) fn find(&self, words: &[Word], from: usize) -> Option<(usize, Span)> {
        (from..words.len()).find_map(|at| self.at(words, at).map(|span| (at, span)))
    }

    /// Every place it stands.
    pub(crate) fn find_all(&self, words: &[Word]) -> Vec<Span> {
        (0..words.len()).filter_map(|at| self.at(words, at)).collect()
    }

    /// Its span, if it stands at that word.
    pub(crate) fn at(&self, words: &[Word], at: usize) -> Option<Span> {
        let first = words.get(at)?;
        if let Some(joined) = &self.joined
            && first.script == Script::Hangul
            && first.stem.contains(joined.as_str())
        {
            return Some(first.span);
        }
        if self.begins && !self.words.first().is_some_and(|it| first.stem.starts_with(&it.stem)) {
            return None;
        }
        let mut span = first.span;
        let mut next = at;
        for (nth, term) in self.words.iter().enumerate() {
            let mut word = words.get(next)?;
            let is = |word: &Word| same(term, word, nth + 1 == self.words.len(), nth > 0);
            // `clean it up`, `turn the WAF off` is left to others.
            for _ in 0..2 {
                if nth > 0 && !is(word) && BETWEEN.contains(&word.form.as_str()) {
                    next += 1;
                    word = words.get(next)?;
                }
            }
            if word.clause != first.clause || !is(word) {
                return None;
            }
            span = span.join(word.span);
            next += 1;
        }
        Some(span)
    }
}

/// What English puts between the words of a phrase.
const BETWEEN: [&str; 19] = [
    "it",
    "them",
    "this",
    "that",
    "these",
    "those",
    "him",
    "us",
    "the",
    "our",
    "my",
    "your",
    "both",
    "her",
    "people",
    "staff",
    "everyone",
    "everybody",
    "all",
];

pub(super) fn is_syllable(char: char) -> bool {
    matches!(char, '\u{ac00}'..='\u{d7a3}')
}

/// What [`words`] makes of a text that needs no normalising: most that is declared, and there is a
/// lot of it.
fn plain_words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut push = |start: usize, end: usize, script: Script| {
        if let Some(form) = text.get(start..end).filter(|form| !form.is_empty()) {
            words.push(Word {
                span: Span { start, end },
                stem: stem(form, script),
                ending: Ending::of(form),
                form: form.to_owned(),
                script,
                clause: 0,
                sentence: 0,
            });
        }
    };
    let mut open: Option<(usize, Script)> = None;
    for (at, char) in text.char_indices() {
        let script = match char {
            ' ' | '-' => None,
            char if char.is_ascii() => Some(Script::Latin),
            _ => Some(Script::Hangul),
        };
        if open.map(|(_, script)| script) != script {
            if let Some((start, script)) = open {
                push(start, at, script);
            }
            open = script.map(|script| (at, script));
        }
    }
    if let Some((start, script)) = open {
        push(start, text.len(), script);
    }
    words
}

fn same(term: &Word, word: &Word, last: bool, within: bool) -> bool {
    match (term.script, word.script) {
        (Script::Latin, Script::Latin) => term.stem == word.stem && term.ending.may_be(word.ending),
        (Script::Hangul, Script::Hangul) => {
            let syllables = term.form.chars().count();
            match syllables {
                _ if term.stem == word.stem => true,
                // The end of a phrase is inflected: `수 없` is in `수 없어야`.
                _ if within => word.stem.starts_with(&term.stem),
                // One syllable is in too many words: it must stand alone but for a particle.
                1 => {
                    word.form.strip_prefix(&term.form).is_some_and(|rest| last && is_particle(rest))
                }
                _ => word.stem.contains(&term.stem),
            }
        }
        _ => false,
    }
}

/// What may follow a noun: case, topic, direction, conjunction.
pub(crate) fn is_particle(text: &str) -> bool {
    const PARTICLES: &[&str] = &[
        "을",
        "를",
        "이",
        "가",
        "은",
        "는",
        "의",
        "에",
        "에서",
        "에게",
        "로",
        "으로",
        "와",
        "과",
        "도",
        "만",
        "까지",
        "부터",
        "이랑",
        "랑",
        "하고",
        "에는",
        "에도",
        "로는",
        "으로는",
        "이나",
        "나",
        "라",
        "이라",
        "라는",
        "이라는",
        "용",
        "쪽",
        "쪽으로",
        "쪽에",
        "앞에",
        "앞단에",
        "마다",
    ];
    PARTICLES.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(term: &str, text: &str) -> Option<String> {
        let text = Text::of(text);
        let (_, span) = Term::of(term).find(&words(&text, &[]), 0)?;
        Some(text.slice(span).to_owned())
    }

    #[test]
    fn english_inflection_does_not_hide_a_word() {
        for text in ["Cache it", "caches", "a CACHED site", "caching"] {
            assert!(found("cache", text).is_some(), "{text}");
        }
        assert_eq!(
            found("rate limit", "with rate-limiting please").as_deref(),
            Some("rate-limiting")
        );
        assert_eq!(found("cat", "cache"), None);
        assert_eq!(found("rate limit", "rate. limit"), None);
    }

    #[test]
    fn korean_particles_and_compounds_do_not_hide_a_word() {
        assert_eq!(found("캐시", "캐시를 붙여줘").as_deref(), Some("캐시를"));
        assert_eq!(found("캐시", "엣지캐시로").as_deref(), Some("엣지캐시로"));
        assert_eq!(found("앞", "API 앞에").as_deref(), Some("앞에"));
        assert_eq!(found("앞", "앞뒤가"), None);
    }
}
