//! Kinds of words that mean something where they stand together, whichever words they are.
//!
//! `keep answer` is any word for keeping and any word for an answer in one sentence: "hold on to
//! the pages", "응답을 저장해". Which words those are is declared once, in `classes` of
//! `lexicon.yaml`; so that a path says what it is about, and not each way to say it.

use crate::Sort;

/// Kinds of words that must stand in one sentence, close to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// One word of each, none of them twice. The first is the one that can be denied.
    pub slots: Vec<Vec<WordClass>>,
    /// Classes of which no word stands between the first and the last.
    pub without: Vec<WordClass>,
    /// Whether they stand in this order.
    pub ordered: bool,
    /// Whether no comma may stand between them.
    pub one_clause: bool,
    /// How many words there may be from the first to the last.
    pub reach: usize,
}

/// A kind of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordClass {
    /// Those declared under this name in `classes` of the lexicon.
    Named(String),
    /// A thing of this sort, without any word.
    Thing(Sort),
}

/// Words between the first and the last, where nothing else is declared.
const REACH: usize = 9;

impl Together {
    /// Reads `keep|serve answer`, `leave > rule /4`: a slot may be one of several classes, `>`
    /// between two means in this order, `=` in one part of the sentence, `/4` says how far they may be apart, `!proxy` that no such
    /// word is in between, `<host>` is a thing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut together = Self {
            slots: Vec::new(),
            without: Vec::new(),
            ordered: false,
            one_clause: false,
            reach: REACH,
        };
        for part in text.split_whitespace() {
            if part == ">" {
                together.ordered = true;
            } else if part == "=" {
                together.one_clause = true;
            } else if let Some(reach) = part.strip_prefix('/') {
                together.reach =
                    reach.parse().map_err(|_| format!("`{part}` is not `/` and a number"))?;
            } else if let Some(class) = part.strip_prefix('!') {
                together.without.push(WordClass::parse(class)?);
            } else {
                let classes = part.split('|').map(WordClass::parse);
                together.slots.push(classes.collect::<Result<_, _>>()?);
            }
        }
        if together.slots.is_empty() { Err("names no class".to_owned()) } else { Ok(together) }
    }

    /// The names of the classes it needs.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().flatten().chain(&self.without).filter_map(|class| match class {
            WordClass::Named(name) => Some(name.as_str()),
            WordClass::Thing(_) => None,
        })
    }
}

impl WordClass {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(sort) = text.strip_prefix('<').and_then(|it| it.strip_suffix('>')) else {
            return Ok(Self::Named(text.to_owned()));
        };
        Sort::named(sort)
            .map(Self::Thing)
            .ok_or_else(|| format!("`{sort}` is not a sort of things"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_reach_and_alternatives_are_read() {
        let it = Together::parse("leave|forget > <host> /4").expect("well-formed");
        assert!(it.ordered);
        assert_eq!(it.reach, 4);
        assert_eq!(it.slots.len(), 2);
        assert_eq!(it.classes().collect::<Vec<_>>(), ["leave", "forget"]);
        assert_eq!(it.slots[1], [WordClass::Thing(Sort::Host)]);
        assert!(Together::parse("").is_err());
        assert!(Together::parse("a /x").is_err());
        assert!(Together::parse("<nothing>").is_err());
    }
}
