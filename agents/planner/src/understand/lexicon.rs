//! Every declared word, ready to be looked for: those of the golden paths, of the paths that are
//! yet to come, and of what is spoken of besides.

use std::collections::BTreeMap;

use policy::{Concept, Environments, GoldenPath, GoldenPaths, Planned, Sort};

use super::words::{Term, Word};

/// A concept's words.
#[derive(Debug)]
pub(crate) struct Concern<'p> {
    pub(crate) name: &'p str,
    pub(crate) weight: i64,
    pub(crate) required: bool,
    pub(crate) denied: bool,
    pub(crate) sort: Option<Sort>,
    pub(crate) terms: Vec<Term>,
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
    pub(crate) paths: Vec<Entry<'p, GoldenPath>>,
    pub(crate) planned: Vec<Entry<'p, Planned>>,
    pub(crate) elsewhere: Vec<Term>,
    pub(crate) topics: Vec<Term>,
    pub(crate) wishes: Vec<Term>,
    pub(crate) environments: Vec<Term>,
    pub(crate) chatter: Vec<Term>,
    /// What may be done, by name.
    pub(crate) acts: Vec<(&'p str, Vec<Term>)>,
    /// The words that ask for something to be removed.
    pub(crate) removal: Vec<Term>,
    /// English words that a mistyped one may stand for.
    vocabulary: Vec<&'p str>,
}

impl<'p> Lexicon<'p> {
    pub(crate) fn of(environments: &'p Environments, paths: &'p GoldenPaths) -> Self {
        let spoken = paths.lexicon();
        let terms = |words: &policy::Words| words.iter().map(Term::of).collect::<Vec<_>>();
        let vocabulary: Vec<&str> = paths
            .iter()
            .flat_map(|path| path.concepts.values())
            .chain(spoken.planned.iter().flat_map(|path| path.concepts.values()))
            .flat_map(|concept| concept.words.en.iter())
            .chain(environments.iter().flat_map(|environment| {
                std::iter::once(&environment.aliases.en)
                    .chain(environment.services.values().map(|service| &service.words.en))
                    .flatten()
            }))
            .chain(environments.iter().flat_map(|it| it.services.keys()))
            .chain(&spoken.elsewhere.en)
            .chain(&spoken.topics.en)
            .flat_map(|words| words.split([' ', '-']))
            .chain(environments.iter().map(|it| it.name.as_str()))
            .filter(|word| word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase()))
            .collect();
        Self {
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
                .flat_map(|concept| concept.words.iter())
                .map(Term::of)
                .collect(),
            vocabulary,
        }
    }

    /// Forgets what does not stand in these words: the rest of the way looks for little.
    pub(crate) fn narrow(&mut self, words: &[Word]) {
        let keep = |terms: &mut Vec<Term>| terms.retain(|term| term.find(words, 0).is_some());
        for entry in &mut self.paths {
            entry.concerns.iter_mut().for_each(|concern| keep(&mut concern.terms));
        }
        for entry in &mut self.planned {
            entry.concerns.iter_mut().for_each(|concern| keep(&mut concern.terms));
        }
        let others = [&mut self.elsewhere, &mut self.topics, &mut self.wishes];
        others.into_iter().for_each(keep);
        let others = [&mut self.environments, &mut self.chatter, &mut self.removal];
        others.into_iter().for_each(keep);
    }

    /// The declared word that a mistyped one stands for, if it is only one.
    pub(crate) fn meant(&self, word: &str) -> Option<&'p str> {
        if word.len() < 4
            || !word.bytes().all(|b| b.is_ascii_lowercase())
            || REAL.binary_search(&word).is_ok()
            || self.vocabulary.contains(&word)
        {
            return None;
        }
        let mut near = self.vocabulary.iter().copied().filter(|known| {
            let slips = if word.len() >= 8 { 2 } else { 1 };
            known.len() + slips > word.len()
                && known.len() < word.len() + slips + 1
                && known.len() >= 5
                && known.as_bytes().first() == word.as_bytes().first()
                && strsim::osa_distance(known, word) <= slips
        });
        near.next()
    }
}

fn concerns(concepts: &BTreeMap<String, Concept>) -> Vec<Concern<'_>> {
    concepts
        .iter()
        .map(|(name, concept)| Concern {
            name,
            weight: concept.weight,
            required: concept.required,
            denied: concept.denied,
            sort: concept.sort,
            terms: concept.words.iter().map(Term::of).collect(),
        })
        .collect()
}

/// English words one slip away from a declared one, in order.
const REAL: [&str; 267] = [
    "able", "abuse", "access", "adopt", "allot", "alloy", "alone", "also", "apply", "back", "bank",
    "base", "basic", "black", "block", "blood", "board", "brick", "build", "case", "cash", "catch",
    "chance", "choice", "city", "clerk", "clock", "close", "cloth", "come", "cost", "count",
    "cover", "crash", "date", "days", "deal", "device", "done", "door", "each", "east", "even",
    "every", "fact", "faster", "feed", "feeder", "file", "find", "fire", "five", "floor", "flow",
    "food", "form", "four", "free", "from", "fronts", "full", "game", "give", "goes", "good",
    "grant", "have", "header", "hear", "heavy", "help", "here", "hits", "hold", "home", "hope",
    "host", "hour", "house", "idea", "image", "into", "issue", "item", "joint", "just", "keep",
    "kind", "know", "land", "large", "last", "late", "later", "leads", "like", "line", "link",
    "list", "live", "load", "long", "look", "lower", "made", "mail", "main", "make", "many",
    "mark", "mean", "means", "meet", "mind", "more", "most", "move", "moved", "much", "must",
    "name", "near", "need", "never", "news", "next", "nice", "node", "note", "once", "only",
    "open", "orders", "over", "page", "paid", "paint", "part", "pass", "past", "path", "plan",
    "play", "pods", "pointer", "pool", "port", "post", "posts", "power", "print", "prod",
    "project", "protest", "push", "rate", "reach", "read", "ready", "real", "remote", "report",
    "review", "right", "role", "rout", "rule", "said", "sale", "same", "save", "scan", "scare",
    "scope", "score", "seat", "seem", "self", "send", "sent", "series", "serve", "serves", "setup",
    "sever", "shall", "share", "shift", "show", "side", "sign", "site", "size", "skip", "slack",
    "slow", "soft", "some", "soon", "sort", "space", "spot", "staff", "stage", "star", "start",
    "state", "stay", "step", "stick", "still", "stock", "stop", "stuff", "such", "sure", "take",
    "talk", "task", "team", "tell", "test", "text", "than", "that", "them", "then", "they", "this",
    "those", "thus", "time", "tool", "track", "trade", "true", "turn", "type", "used", "user",
    "uses", "very", "view", "vote", "wait", "walk", "wall", "want", "ways", "week", "well", "went",
    "were", "west", "what", "when", "white", "wide", "will", "wish", "with", "wood", "word",
    "work", "worked", "year", "your",
];
