//! What is the same of a word in all its forms, and of syllables that sound alike.

use super::irregular;
use super::text::Script;
use super::words::is_syllable;

/// Whether a consonant was doubled before an ending, as in `mapping`.
pub(super) fn is_doubled(base: &str) -> bool {
    let mut ends = base.bytes().rev();
    matches!((ends.next(), ends.next()), (Some(a), Some(b))
        if a == b && !matches!(a, b'l' | b's' | b'z' | b'e'))
}

/// One syllable for all that sound alike: `삭재` is `삭제`, `되` is `돼`.
pub(super) fn sounds_like(syllable: char) -> char {
    const FIRST: u32 = 0xac00;
    if !is_syllable(syllable) {
        return syllable;
    }
    let index = u32::from(syllable) - FIRST;
    // 28 ends for each of 21 vowels (Unicode 3.12).
    let vowel = index / 28 % 21;
    let same = match vowel {
        5 => 1,        // ㅔ as ㅐ
        7 => 3,        // ㅖ as ㅒ
        10 | 15 => 11, // ㅙ, ㅞ as ㅚ
        other => other,
    };
    char::from_u32(FIRST + index - vowel * 28 + same * 28).unwrap_or(syllable)
}

/// Paying, which sounds like `결재`, approving.
const PAYMENT: &str = "결제";

/// A light stem: enough to hold `cache`, `caches`, `cached` and `caching` together, no more.
pub(super) fn stem(form: &str, script: Script) -> String {
    if script == Script::Hangul {
        // Who pays needs no approval: of all that sound alike these two must be told apart.
        return match form.split_once(PAYMENT) {
            Some((before, after)) => {
                let plain = |part: &str| part.chars().map(sounds_like).collect::<String>();
                plain(before) + PAYMENT + &plain(after)
            }
            None => form.chars().map(sounds_like).collect(),
        };
    }
    if !form.is_ascii() || form.bytes().any(|b| b.is_ascii_digit()) {
        return form.to_owned();
    }
    let form = irregular::base(form).unwrap_or(form);
    let mut word = form.trim_end_matches("'s").to_owned();
    if let Some(base) = word.strip_suffix("ies").filter(|base| base.len() > 2) {
        word = format!("{base}y");
    } else if word.len() > 3
        && word.ends_with('s')
        && !word.ends_with("ss")
        && !word.ends_with("us")
    {
        word.truncate(word.len() - 1);
    }
    for suffix in ["ing", "ed"] {
        if let Some(base) = word.strip_suffix(suffix).filter(|base| base.len() > 2) {
            let doubled = usize::from(is_doubled(base));
            let whole = base.len() - doubled;
            word.truncate(whole);
            break;
        }
    }
    match word.strip_suffix('e').filter(|base| base.len() > 2) {
        Some(base) => base.to_owned(),
        None => word,
    }
}
