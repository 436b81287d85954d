//! Reads values by key and collects what is wrong with them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{Key, Source};

/// The configuration's values, and the mistakes found in them so far.
#[derive(Debug)]
pub struct Values<'a> {
    source: &'a Source,
    keys: Vec<Key>,
    mistakes: Vec<String>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(source: &'a Source, groups: &[&[Key]]) -> Self {
        let keys = groups.concat();
        let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
        Self { source, mistakes: source.mistakes(&known), keys }
    }

    pub(crate) fn finish(self) -> Vec<String> {
        self.mistakes
    }

    /// A value as it stands, or its default; `None` where there is neither.
    pub fn optional(&mut self, key: &str) -> Option<String> {
        self.raw(key).map(|(value, _)| value)
    }

    /// A value that must be there.
    pub fn text(&mut self, key: &str) -> String {
        self.optional(key).unwrap_or_else(|| {
            self.mistakes.push(format!("ZERODRIFT_{key} is required and not set"));
            String::new()
        })
    }

    /// A path, if there is one.
    pub fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key).map(PathBuf::from)
    }

    /// A value of a type that can be read from text, or its default; `None` where there is
    /// neither, or it does not fit.
    pub fn parsed<T>(&mut self, key: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let (value, place) = self.raw(key)?;
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.mistakes.push(format!("{place}: `{value}` does not fit: {error}"));
                None
            }
        }
    }

    /// A whole number within bounds; the lower bound where it is not one.
    pub fn number(&mut self, key: &str, bounds: RangeInclusive<u64>) -> u64 {
        let Some((value, place)) = self.raw(key) else {
            self.mistakes.push(format!("ZERODRIFT_{key} is required and not set"));
            return *bounds.start();
        };
        match value.parse::<u64>() {
            Ok(number) if bounds.contains(&number) => number,
            _ => {
                self.mistakes.push(format!(
                    "{place}: `{value}` is not a whole number from {} to {}",
                    bounds.start(),
                    bounds.end()
                ));
                *bounds.start()
            }
        }
    }

    /// Whole seconds within bounds.
    pub fn seconds(&mut self, key: &str, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(key, bounds))
    }

    /// Records a mistake that only the agent can see, such as two keys that exclude each other.
    pub fn mistake(&mut self, sentence: impl Into<String>) {
        self.mistakes.push(sentence.into());
    }

    fn raw(&mut self, key: &str) -> Option<(String, String)> {
        let Some(known) = self.keys.iter().find(|known| known.name == key) else {
            // Not listed by --help: a mistake of the program, told to whoever runs it first.
            self.mistakes.push(format!("ZERODRIFT_{key} is read but not declared"));
            return None;
        };
        let default = known.default.filter(|value| !value.is_empty());
        self.source
            .get(key)
            .or_else(|| default.map(|value| (value.to_owned(), format!("the default of {key}"))))
    }
}
