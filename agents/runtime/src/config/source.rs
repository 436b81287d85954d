//! Where values come from: the only place that reads the environment and the file.

use std::collections::BTreeMap;
use std::path::Path;

/// Prefix of every environment variable.
const PREFIX: &str = "ZERODRIFT_";

/// All values there are, not interpreted yet.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// By key name.
    environment: BTreeMap<String, String>,
    /// By key name; from lower case.
    file: BTreeMap<String, String>,
    file_name: String,
    mistakes: Vec<String>,
}

impl Source {
    /// The process's environment and a file.
    pub(crate) fn of_process(file: Option<&Path>) -> Self {
        let mut source = Self::default();
        for (name, value) in std::env::vars_os() {
            let (Some(name), value) = (name.to_str(), value.to_str()) else { continue };
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            match value {
                Some(value) => source.take(key, value),
                None => source.mistakes.push(format!("{name} is not UTF-8")),
            }
        }
        if let Some(path) = file {
            source.file_name = path.display().to_string();
            match std::fs::read_to_string(path) {
                Ok(text) => source.parse(&text),
                Err(error) => {
                    source.mistakes.push(format!("{}: cannot be read: {error}", source.file_name));
                }
            }
        }
        source
    }

    /// Given text.
    pub(crate) fn of_text(environment: &[(&str, &str)], file: Option<&str>) -> Self {
        let mut source = Self { file_name: "the file".to_owned(), ..Self::default() };
        for (name, value) in environment {
            source.take(name.strip_prefix(PREFIX).unwrap_or(name), value);
        }
        if let Some(text) = file {
            source.parse(text);
        }
        source
    }

    /// An empty variable is an unset one: shells and compose files cannot easily unset.
    fn take(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.environment.insert(key.to_owned(), value.to_owned());
        }
    }

    fn parse(&mut self, text: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                // Its own rendering spans lines; a mistake is one sentence.
                let line = error.span().map_or(1, |span| {
                    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
                });
                self.mistakes.push(format!("{}:{line}: {}", self.file_name, error.message()));
                return;
            }
        };
        for (name, value) in table {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                    self.mistakes.push(format!(
                        "{}: `{name}` must be a string, a number, or true or false",
                        self.file_name
                    ));
                    continue;
                }
            };
            self.file.insert(name, value);
        }
    }

    /// A key's value and, for messages, where it stands.
    pub(crate) fn get(&self, key: &str) -> Option<(String, String)> {
        if let Some(value) = self.environment.get(key) {
            return Some((value.clone(), format!("{PREFIX}{key}")));
        }
        let name = key.to_ascii_lowercase();
        let value = self.file.get(&name)?;
        Some((value.clone(), format!("{}: `{name}`", self.file_name)))
    }

    /// Mistakes in the file itself, and names in it that are no key. Variables that are no key
    /// belong to another program of the project.
    pub(crate) fn mistakes(&self, known: &[&str]) -> Vec<String> {
        let unknown = self
            .file
            .keys()
            .filter(|name| !known.iter().any(|key| key.to_ascii_lowercase() == **name))
            .map(|name| {
                format!("{}: `{name}` is no key; --help lists all there are", self.file_name)
            });
        self.mistakes.iter().cloned().chain(unknown).collect()
    }
}
