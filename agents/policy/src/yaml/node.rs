//! A YAML document as a tree whose every node knows its line.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl At {
    fn of(location: serde_saphyr::Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) content: Content,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Null, a truth value, a number or text.
    Scalar(Value),
    List(Vec<Node>),
    /// In the order written; keys are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads one document. Only `true` and `false` are truth values: `on` and `no` are words that
    /// settings of a cloud use.
    pub(crate) fn parse(text: &str) -> Result<Self, (At, String)> {
        let options = serde_saphyr::options! { strict_booleans: true };
        match serde_saphyr::from_str_with_options::<Spanned<Content>>(text, options) {
            Ok(root) => Ok(Self::from(root)),
            Err(error) => {
                let at = error.location().map(At::of).unwrap_or_default();
                Err((at, plain(&error)))
            }
        }
    }

    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Content::Map(fields) => Value::Object(
                fields.iter().map(|(name, node)| (name.clone(), node.to_value())).collect(),
            ),
        }
    }

    /// What it is, in words for a message.
    pub(crate) const fn what(&self) -> &'static str {
        match &self.content {
            Content::Scalar(Value::Null) => "nothing",
            Content::Scalar(Value::Bool(_)) => "true or false",
            Content::Scalar(Value::Number(_)) => "a number",
            Content::Scalar(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }
}

impl From<Spanned<Content>> for Node {
    fn from(spanned: Spanned<Content>) -> Self {
        Self { at: At::of(spanned.referenced), content: spanned.value }
    }
}

/// The parser's message without the excerpt and the place, which the caller writes in our own form.
fn plain(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    // Nor its advice on how to change the parser.
    let said = line.split(" at line ").next().unwrap_or(line);
    said.split(", set ").next().unwrap_or(said).trim_end_matches([',', ' ']).to_owned()
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
                Ok(Content::Scalar(Value::Null))
            }

            fn visit_none<E: de::Error>(self) -> Result<Content, E> {
                self.visit_unit()
            }

            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Content, D::Error> {
                Content::deserialize(inner)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Content, E> {
                Ok(Content::Scalar(value.into()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Content, E> {
                Ok(Content::Scalar(value.into()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Content, E> {
                Ok(Content::Scalar(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Content, E> {
                Ok(Content::Scalar(value.into()))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Content, E> {
                Ok(Content::Scalar(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element::<Spanned<Content>>()? {
                    list.push(Node::from(item));
                }
                Ok(Content::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Content, A::Error> {
                let mut map = Vec::new();
                while let Some(name) = fields.next_key::<String>()? {
                    map.push((name, Node::from(fields.next_value::<Spanned<Content>>()?)));
                }
                Ok(Content::Map(map))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line() {
        let root = Node::parse("a: 1\nb:\n  - x\n  - y: on\n    z: null\n").unwrap();
        let Content::Map(fields) = &root.content else { panic!("{root:?}") };
        assert_eq!(fields[0].1.at, At { line: 1, column: 4 });
        let Content::List(items) = &fields[1].1.content else { panic!("{root:?}") };
        assert_eq!(items[0].at.line, 3);
        assert_eq!(items[1].at.line, 4);
        assert_eq!(
            root.to_value(),
            serde_json::json!({"a": 1, "b": ["x", {"y": "on", "z": null}]})
        );
    }

    #[test]
    fn a_broken_document_names_its_line() {
        let (at, message) = Node::parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(at.line >= 2, "{at:?} {message}");
        let (at, message) = Node::parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(at.line, 3, "{message}");
        assert!(message.contains("duplicate"), "{message}");
    }

    #[test]
    fn a_document_too_deep_is_refused() {
        assert!(Node::parse(&"[".repeat(100_000)).is_err());
        assert!(Node::parse(&format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000))).is_err());
    }
}
