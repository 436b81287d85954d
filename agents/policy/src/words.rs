//! Words people use for a thing, by language.

use crate::Together;
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
    /// Kinds of words that mean it where they stand together.
    pub together: Vec<Together>,
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
    pub fn is_empty(&self) -> bool {
        self.en.is_empty() && self.ko.is_empty() && self.together.is_empty()
    }

    /// The words of one language.
    pub fn of(&self, language: Language) -> &[String] {
        match language {
            Language::English => &self.en,
            Language::Korean => &self.ko,
        }
    }

    /// Reads `{en: […], ko: […], together: […]}`; any may be missing.
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
        let field = fields.path("together");
        if let Some(node) = fields.take("together") {
            words.together = read_together(reader, node, &field);
        }
        fields.end(reader, &["en", "ko", "together"]);
        Some(words)
    }
}

/// A list of classes that stand together; each must be declared.
pub(crate) fn read_together(reader: &mut Reader, node: &Node, path: &str) -> Vec<Together> {
    let mut all = Vec::new();
    for text in reader.texts(node, path).unwrap_or_default() {
        match Together::parse(&text) {
            Ok(together) => {
                if let Some(unknown) = together.classes().find(|it| !reader.knows_class(it)) {
                    let message = format!("there is no class `{unknown}` in the lexicon");
                    reader.wrong(node.at, path, message);
                }
                all.push(together);
            }
            Err(message) => reader.wrong(node.at, path, format!("`{text}` {message}")),
        }
    }
    all
}
