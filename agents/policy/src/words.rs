//! Words people use for a thing, by language.

use crate::yaml::{Node, Reader};

/// A language an intent may be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

/// Words or short phrases people use for one thing, in lower case, as written in the file
/// otherwise. Korean ones stand without particles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: Vec<String>,
    /// Korean.
    pub ko: Vec<String>,
}

impl Words {
    /// Every word of both languages.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.en.iter().chain(&self.ko).map(String::as_str)
    }

    /// Whether the word, whatever its case, is one of these.
    pub fn has(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.iter().any(|own| own == word)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.en.is_empty() && self.ko.is_empty()
    }

    /// The words of one language.
    pub fn of(&self, language: Language) -> &[String] {
        match language {
            Language::English => &self.en,
            Language::Korean => &self.ko,
        }
    }

    /// Reads `{en: […], ko: […]}`; either may be missing.
    pub(crate) fn read(reader: &mut Reader, node: &Node, path: &str) -> Option<Self> {
        let mut fields = reader.map(node, path)?;
        let mut words = Self::default();
        for (language, list) in [("en", &mut words.en), ("ko", &mut words.ko)] {
            let field = fields.path(language);
            if let Some(node) = fields.take(language) {
                let texts = reader.texts(node, &field).unwrap_or_default();
                list.extend(texts.iter().map(|text| text.to_lowercase()));
            }
        }
        fields.end(reader, &["en", "ko"]);
        Some(words)
    }
}
