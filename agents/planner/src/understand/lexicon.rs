//! Every declared word that may stand in one text, ready to be looked for: those of the golden
//! paths, of the paths that are yet to come, and of what is spoken of besides.

use std::collections::BTreeMap;

use policy::{Concept, GoldenPath, GoldenPaths, Guards, Planned, Sort, Together, Words};

use super::keys::Keys;
use super::words::{Term, Word};

/// A concept's words.
#[derive(Debug)]
pub(crate) struct Concern<'p> {
    pub(crate) name: &'p str,
    pub(crate) weight: i64,
    pub(crate) required: bool,
    pub(crate) denied: bool,
    pub(crate) sort: Option<Sort>,
    pub(crate) terms: Terms<'p>,
}

/// Declared words and kinds of words that mean one thing.
#[derive(Debug, Default)]
pub(crate) struct Terms<'p> {
    pub(crate) single: Vec<Term>,
    pub(crate) together: &'p [Together],
}

/// What an intent for one thing speaks of.
#[derive(Debug)]
pub(crate) struct Entry<'p, T> {
    pub(crate) of: &'p T,
    pub(crate) concerns: Vec<Concern<'p>>,
}

/// Every declared word.
#[derive(Debug)]
pub(crate) struct Lexicon<'p> {
    /// Kinds of words, by name.
    pub(crate) classes: BTreeMap<&'p str, Vec<Term>>,
    pub(crate) guards: &'p Guards,
    pub(crate) paths: Vec<Entry<'p, GoldenPath>>,
    pub(crate) planned: Vec<Entry<'p, Planned>>,
    pub(crate) elsewhere: Terms<'p>,
    pub(crate) topics: Terms<'p>,
    pub(crate) wishes: Terms<'p>,
    pub(crate) environments: Terms<'p>,
    pub(crate) chatter: Terms<'p>,
    /// What may be done, by name.
    pub(crate) acts: Vec<(&'p str, Terms<'p>)>,
    /// The words that ask for something to be removed.
    pub(crate) removal: Vec<Term>,
}

impl<'p> Lexicon<'p> {
    /// All that may stand in these words.
    pub(crate) fn of(paths: &'p GoldenPaths, words: &[Word], keys: &Keys) -> Self {
        let spoken = paths.lexicon();
        let terms = |declared: &'p Words| Terms::of(declared, words, keys);
        let concerns = |concepts: &'p BTreeMap<String, Concept>| concerns(concepts, words, keys);
        Self {
            classes: spoken
                .classes
                .iter()
                .map(|(name, class)| (name.as_str(), standing(class, words, keys)))
                .filter(|(_, terms)| !terms.is_empty())
                .collect(),
            guards: &spoken.guards,
            paths: paths
                .iter()
                .map(|path| Entry { of: path, concerns: concerns(&path.concepts) })
                .collect(),
            planned: spoken
                .planned
                .iter()
                .map(|planned| Entry { of: planned, concerns: concerns(&planned.concepts) })
                .collect(),
            elsewhere: terms(&spoken.elsewhere),
            topics: terms(&spoken.topics),
            wishes: terms(&spoken.wishes),
            environments: terms(&spoken.environments),
            chatter: terms(&spoken.chatter),
            acts: spoken.acts.iter().map(|(name, words)| (name.as_str(), terms(words))).collect(),
            removal: paths
                .iter()
                .filter(|path| path.is_removal())
                .flat_map(|path| path.concepts.values())
                .filter(|concept| concept.required)
                .flat_map(|concept| standing(&concept.words, words, keys))
                .collect(),
        }
    }
}

impl<'p> Terms<'p> {
    fn of(declared: &'p Words, words: &[Word], keys: &Keys) -> Self {
        Self { single: standing(declared, words, keys), together: &declared.together }
    }
}

/// The declared words that stand in the text.
fn standing(declared: &Words, words: &[Word], keys: &Keys) -> Vec<Term> {
    declared
        .iter()
        .filter(|word| keys.may_hold(word))
        .map(Term::of)
        .filter(|term| term.find(words, 0).is_some())
        .collect()
}

fn concerns<'p>(
    concepts: &'p BTreeMap<String, Concept>,
    words: &[Word],
    keys: &Keys,
) -> Vec<Concern<'p>> {
    concepts
        .iter()
        .map(|(name, concept)| Concern {
            name,
            weight: concept.weight,
            required: concept.required,
            denied: concept.denied,
            sort: concept.sort,
            terms: Terms::of(&concept.words, words, keys),
        })
        .collect()
}
