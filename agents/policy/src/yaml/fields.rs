//! Reading typed values out of a document, collecting what is wrong instead of stopping at it.

use super::node::{At, Content, Node};
use crate::problem::Problem;
use serde_json::Value;

/// Reads one file and remembers everything wrong with it.
#[derive(Debug)]
pub(crate) struct Reader {
    file: String,
    problems: Vec<Problem>,
    /// Classes of words that may be named.
    classes: Vec<String>,
}

/// The fields of one mapping. A field is taken at most once; what is left at the end is unknown.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    at: At,
    path: String,
    left: Vec<(&'a str, &'a Node)>,
}

impl Reader {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new(), classes: Vec::new() }
    }

    /// Lets these classes of words be named.
    pub(crate) fn with_classes<'c>(&mut self, classes: impl Iterator<Item = &'c String>) {
        self.classes = classes.cloned().collect();
    }

    pub(crate) fn knows_class(&self, name: &str) -> bool {
        self.classes.iter().any(|it| it == name)
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes something wrong at a place.
    pub(crate) fn wrong(&mut self, at: At, field: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            file: self.file.clone(),
            line: at.line,
            column: at.column,
            field: field.to_owned(),
            message: message.into(),
        });
    }

    fn wanted<T>(&mut self, node: &Node, field: &str, what: &str) -> Option<T> {
        self.wrong(node.at, field, format!("should be {what}, not {}", node.what()));
        None
    }

    /// The document's root mapping.
    pub(crate) fn root(&mut self, text: &str) -> Option<Node> {
        match Node::parse(text) {
            Ok(node) => Some(node),
            Err((at, message)) => {
                self.wrong(at, "", message);
                None
            }
        }
    }

    pub(crate) fn map<'a>(&mut self, node: &'a Node, path: &str) -> Option<Fields<'a>> {
        match &node.content {
            Content::Map(fields) => Some(Fields {
                at: node.at,
                path: path.to_owned(),
                left: fields.iter().map(|(name, node)| (name.as_str(), node)).collect(),
            }),
            Content::Scalar(_) | Content::List(_) => self.wanted(node, path, "a mapping"),
        }
    }

    pub(crate) fn list<'a>(&mut self, node: &'a Node, path: &str) -> Option<&'a [Node]> {
        match &node.content {
            Content::List(items) => Some(items),
            Content::Scalar(_) | Content::Map(_) => self.wanted(node, path, "a list"),
        }
    }

    pub(crate) fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        match &node.content {
            Content::Scalar(Value::String(text)) if text.trim().is_empty() => {
                self.wrong(node.at, path, "is empty");
                None
            }
            Content::Scalar(Value::String(text)) => Some(text.trim().to_owned()),
            Content::Scalar(_) | Content::List(_) | Content::Map(_) => {
                self.wanted(node, path, "text")
            }
        }
    }

    pub(crate) fn texts(&mut self, node: &Node, path: &str) -> Option<Vec<String>> {
        let items = self.list(node, path)?;
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            texts.extend(self.text(item, &format!("{path}[{i}]")));
        }
        Some(texts)
    }

    pub(crate) fn integer(&mut self, node: &Node, path: &str) -> Option<i64> {
        match &node.content {
            Content::Scalar(Value::Number(number)) if number.is_i64() => number.as_i64(),
            Content::Scalar(_) | Content::List(_) | Content::Map(_) => {
                self.wanted(node, path, "a whole number")
            }
        }
    }

    pub(crate) fn boolean(&mut self, node: &Node, path: &str) -> Option<bool> {
        match &node.content {
            Content::Scalar(Value::Bool(value)) => Some(*value),
            Content::Scalar(_) | Content::List(_) | Content::Map(_) => {
                self.wanted(node, path, "true or false")
            }
        }
    }

    /// Text that is one of our names.
    pub(crate) fn name<T>(&mut self, node: &Node, path: &str) -> Option<T>
    where
        T: std::str::FromStr<Err = bus_schema::InvalidName>,
    {
        match self.text(node, path)?.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.wrong(node.at, path, error.to_string());
                None
            }
        }
    }
}

impl<'a> Fields<'a> {
    pub(crate) const fn at(&self) -> At {
        self.at
    }

    /// The full name of one of its fields.
    pub(crate) fn path(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// A field that may be missing.
    pub(crate) fn take(&mut self, field: &str) -> Option<&'a Node> {
        let index = self.left.iter().position(|(name, _)| *name == field)?;
        Some(self.left.remove(index).1)
    }

    /// A field that must be there.
    pub(crate) fn need(&mut self, reader: &mut Reader, field: &str) -> Option<&'a Node> {
        let found = self.take(field);
        if found.is_none() {
            reader.wrong(self.at, &self.path(field), "is missing");
        }
        found
    }

    /// Every field that is left, whatever its name.
    pub(crate) fn rest(&mut self) -> Vec<(&'a str, &'a Node)> {
        std::mem::take(&mut self.left)
    }

    /// Says which of the fields that are left nobody knows.
    pub(crate) fn end(self, reader: &mut Reader, known: &[&str]) {
        for (name, node) in &self.left {
            let at = At { line: node.at.line, column: node.at.column };
            reader.wrong(
                at,
                &self.path(name),
                format!("is not a field here; there are {}", listed(known)),
            );
        }
    }
}

/// `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}
