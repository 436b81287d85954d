//! Whether a declared word can stand in a text at all, told without looking for it.
//!
//! Thousands of words are declared and a text has a few dozen. The first letters of every word of
//! the text are kept; what begins otherwise is not there, and need not be made ready to be looked
//! for. Sometimes wrongly yes, never wrongly no.

use super::irregular;
use super::stem::sounds_like;
use super::text::Script;
use super::words::Word;

/// The beginnings of a text's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    bits: Vec<u64>,
}

const SLOTS: usize = 8_192;
/// English endings change nothing of the first letters.
const LETTERS: usize = 3;

impl Keys {
    pub(crate) fn of(words: &[Word]) -> Self {
        let mut keys = Self { bits: vec![0; SLOTS / 64] };
        for word in words {
            match word.script {
                Script::Latin => {
                    keys.add(beginning(&word.form));
                    keys.add(beginning(word.stem()));
                }
                // A Korean word may begin anywhere in a compound.
                Script::Hangul => word.stem().chars().for_each(|it| keys.add(u32::from(it))),
            }
        }
        keys
    }

    /// Whether it may stand in the text: its first word begins like one of it.
    pub(crate) fn may_hold(&self, declared: &str) -> bool {
        let rest = declared.strip_prefix('^').unwrap_or(declared);
        match rest.as_bytes().first() {
            None => true,
            Some(first) if first.is_ascii() => {
                let word = rest.split([' ', '-']).next().unwrap_or_default();
                let verb = irregular::base(word).map(beginning);
                self.has(beginning(rest)) || verb.is_some_and(|it| self.has(it))
            }
            Some(_) => rest.chars().next().is_none_or(|it| self.has(u32::from(sounds_like(it)))),
        }
    }

    fn add(&mut self, key: u32) {
        let slot = slot(key);
        if let Some(bits) = self.bits.get_mut(slot / 64) {
            *bits |= 1 << (slot % 64);
        }
    }

    fn has(&self, key: u32) -> bool {
        let slot = slot(key);
        self.bits.get(slot / 64).is_some_and(|bits| bits & (1 << (slot % 64)) != 0)
    }
}

/// The first letters as a number; a hyphen, a dot and a change of script end a word.
fn beginning(word: &str) -> u32 {
    word.bytes()
        .take_while(u8::is_ascii_alphanumeric)
        .take(LETTERS)
        .fold(1, |key, byte| key << 8 | u32::from(byte))
}

/// Fibonacci hashing: Knuth, The Art of Computer Programming 3, 6.4.
const fn slot(key: u32) -> usize {
    (key.wrapping_mul(0x9e37_79b9) >> 19) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::text::Text;
    use crate::understand::words::{Term, words};

    #[test]
    fn what_stands_in_a_text_is_never_ruled_out() {
        let texts =
            ["Caching the APIs, r2-buckets", "엣지캐시를 삭재해 주세요", "x-frame-options 앞에"];
        let terms = ["cache", "api", "r2 bucket", "캐시", "삭제", "x frame options", "앞"];
        for text in texts {
            let words = words(&Text::of(text), &[]);
            let keys = Keys::of(&words);
            for term in terms {
                let found = Term::of(term).find(&words, 0).is_some();
                assert!(keys.may_hold(term) || !found, "{term} in {text}");
            }
        }
        assert!(!Keys::of(&words(&Text::of("cache"), &[])).may_hold("방화벽"));
    }
}
