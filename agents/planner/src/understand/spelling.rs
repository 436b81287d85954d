//! English words with a slip of the pen: `chache` for `cache`.
//!
//! Only a word that nobody declared is taken for a declared one, and only where one or two letters
//! are off; ordinary words that happen to be that near are declared as spelled right.

use policy::{Environments, GoldenPaths, Words};

use unicode_normalization::UnicodeNormalization;

use super::text::{Script, is_hangul};
use super::words::{Word, is_particle};

/// Least letters of a word that another may stand for.
const LETTERS: usize = 5;
/// From so many letters on two may be off.
const LONG: usize = 8;

/// Takes every mistyped word for what was meant.
pub(crate) fn correct(words: &mut [Word], environments: &Environments, paths: &GoldenPaths) {
    correct_korean(words, environments, paths);
    let mut doubtful: Vec<Doubt<'_>> = words
        .iter()
        .enumerate()
        .filter(|(_, word)| word.script == Script::Latin && word.form.len() >= 4)
        .filter(|(_, word)| word.form.bytes().all(|b| b.is_ascii_lowercase()))
        .map(|(at, word)| Doubt { at, form: word.form.clone(), meant: None })
        .collect();
    let spoken = paths.lexicon();
    let right =
        spoken.classes.values().chain([&spoken.spelled_right, &spoken.wishes, &spoken.chatter]);
    for known in right.flat_map(english) {
        doubtful.retain(|it| it.form != known);
    }
    for known in vocabulary(environments, paths) {
        if doubtful.is_empty() {
            return;
        }
        let mut right = false;
        for doubt in &mut doubtful {
            if doubt.form.as_bytes().first() == known.as_bytes().first() {
                right |= doubt.form == known || is_inflected(&doubt.form, known);
                doubt.consider(known);
            }
        }
        if right {
            doubtful.retain(|it| it.form != known && !is_inflected(&it.form, known));
        }
    }
    for doubt in doubtful {
        if let (Some((_, meant)), Some(word)) = (doubt.meant, words.get_mut(doubt.at)) {
            word.mean(meant);
        }
    }
}

/// Least syllables of a Korean word that another may stand for: shorter ones are near to many.
const SYLLABLES: usize = 4;
/// Letters of Hangul that may be off.
const JAMO: usize = 2;

/// `홈페지 앞에` is `홈페이지 앞에`: particles and endings follow, so beginnings are compared.
fn correct_korean(words: &mut [Word], environments: &Environments, paths: &GoldenPaths) {
    let mut doubtful: Vec<&mut Word> = words
        .iter_mut()
        .filter(|it| it.script == Script::Hangul && it.form.chars().count() + 1 >= SYLLABLES)
        .collect();
    if doubtful.is_empty() {
        return;
    }
    let services = environments.iter().flat_map(|it| &it.services);
    let known: Vec<&str> = services
        .flat_map(|(_, it)| &it.words.ko)
        .chain(environments.iter().flat_map(|it| &it.aliases.ko))
        .chain(paths.iter().flat_map(|path| path.concepts.values()).flat_map(|it| &it.words.ko))
        .map(String::as_str)
        .filter(|it| it.chars().count() >= SYLLABLES && it.chars().all(is_hangul))
        .collect();
    for word in &mut doubtful {
        if known.iter().any(|it| word.form.contains(it)) {
            continue;
        }
        let meant = known.iter().find_map(|known| {
            (known.chars().next() == word.form.chars().next()).then_some(())?;
            let letters: String = known.nfd().collect();
            let whole = known.chars().count();
            (whole - 1..=whole).find_map(|syllables| {
                let end =
                    word.form.char_indices().nth(syllables).map_or(word.form.len(), |it| it.0);
                let (begin, rest) = word.form.split_at(end);
                let near = (rest.is_empty() || is_particle(rest))
                    && begin.chars().count() == syllables
                    && strsim::osa_distance(&letters, &begin.nfd().collect::<String>()) <= JAMO;
                near.then(|| format!("{known}{rest}"))
            })
        });
        if let Some(meant) = meant {
            word.mean(&meant);
        }
    }
}

/// `attacked` is `attack`, and not a slip of `attacker`.
fn is_inflected(form: &str, known: &str) -> bool {
    const ENDS: [&str; 12] =
        ["s", "es", "d", "ed", "ing", "er", "ers", "ly", "ies", "ied", "ings", "ment"];
    let base = known.strip_suffix(['e', 'y']).unwrap_or(known);
    let rest = |base: &str| form.strip_prefix(base).map(|rest| ENDS.contains(&rest));
    rest(known).or_else(|| rest(base)).unwrap_or(false)
}

/// A word that nobody has declared so far, and the nearest that somebody has.
struct Doubt<'p> {
    at: usize,
    form: String,
    meant: Option<(usize, &'p str)>,
}

impl<'p> Doubt<'p> {
    fn consider(&mut self, known: &'p str) {
        let slips = if self.form.len() >= LONG { 2 } else { 1 };
        if known.len() < LETTERS || known.len().abs_diff(self.form.len()) > slips {
            return;
        }
        let off = strsim::osa_distance(known, &self.form);
        if off <= slips && self.meant.is_none_or(|(nearest, _)| off < nearest) {
            self.meant = Some((off, known));
        }
    }
}

/// Classes of words that do harm: a slip of the pen makes it no smaller.
const HARM: [&str; 3] = ["off_before", "protection", "delete"];

/// Every English word that is declared anywhere but in classes, and those of harm.
fn vocabulary<'p>(
    environments: &'p Environments,
    paths: &'p GoldenPaths,
) -> impl Iterator<Item = &'p str> {
    let spoken = paths.lexicon();
    let concepts = paths.iter().flat_map(|path| path.concepts.values());
    let planned = spoken.planned.iter().flat_map(|path| path.concepts.values());
    let services = environments.iter().flat_map(|it| &it.services);
    concepts
        .chain(planned)
        .flat_map(|concept| english(&concept.words))
        .chain(environments.iter().flat_map(|it| english(&it.aliases)))
        .chain(environments.iter().map(|it| it.name.as_str()))
        .chain(services.flat_map(|(name, it)| english(&it.words).chain([name.as_str()])))
        .chain(english(&spoken.elsewhere))
        .chain(english(&spoken.topics))
        .chain(HARM.iter().filter_map(|class| spoken.classes.get(*class)).flat_map(english))
        .filter(|word| word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase()))
}

fn english(words: &Words) -> impl Iterator<Item = &str> {
    words.en.iter().flat_map(|words| words.split([' ', '-']))
}
