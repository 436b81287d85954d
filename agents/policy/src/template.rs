//! Values with placeholders for parameters, `{{name|filter}}`, and for files, `{{file:path}}`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::filter::Filter;
use crate::render::RenderError;
use crate::yaml::{Content, Node};

/// The files a template may take in, by name.
pub(crate) type Attachments<'a> = BTreeMap<&'a str, &'a str>;

/// A value with placeholders. A text that is one placeholder alone keeps the type of what it stands
/// for; within a longer text the value is written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Template {
    Literal(Value),
    Alone(Placeholder),
    Text(Vec<Piece>),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Literal(String),
    Placeholder(Placeholder),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placeholder {
    pub(crate) parameter: String,
    pub(crate) filters: Vec<Filter>,
}

impl Template {
    /// The text before its first placeholder.
    pub(crate) fn beginning(&self) -> &str {
        match self {
            Self::Text(pieces) => match pieces.first() {
                Some(Piece::Literal(text)) => text,
                Some(Piece::Placeholder(_)) | None => "",
            },
            Self::Literal(_) | Self::Alone(_) | Self::List(_) | Self::Map(_) => "",
        }
    }

    /// Reads one value; `wrong` hears of what is not right, with the node it is in.
    pub(crate) fn read(
        node: &Node,
        attachments: &Attachments<'_>,
        wrong: &mut dyn FnMut(&Node, String),
    ) -> Self {
        match &node.content {
            Content::Scalar(Value::String(text)) => match Self::parse(text, attachments) {
                Ok(template) => template,
                Err(message) => {
                    wrong(node, message);
                    Self::Literal(Value::Null)
                }
            },
            Content::Scalar(value) => Self::Literal(value.clone()),
            Content::List(items) => {
                Self::List(items.iter().map(|item| Self::read(item, attachments, wrong)).collect())
            }
            Content::Map(fields) => Self::Map(
                fields
                    .iter()
                    .map(|(name, node)| (name.clone(), Self::read(node, attachments, wrong)))
                    .collect(),
            ),
        }
    }

    /// Reads one text.
    pub(crate) fn parse(text: &str, attachments: &Attachments<'_>) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, behind) =
                after.split_once("}}").ok_or("a placeholder `{{` has no closing `}}`")?;
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::parse(inside.trim(), attachments)?);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(match (pieces.pop(), pieces.is_empty()) {
            (None, _) => Self::Literal(Value::String(String::new())),
            (Some(Piece::Placeholder(alone)), true) => Self::Alone(alone),
            (Some(Piece::Literal(alone)), true) => Self::Literal(alone.into()),
            (Some(last), false) => {
                pieces.push(last);
                Self::Text(pieces)
            }
        })
    }

    /// Every parameter it names.
    pub(crate) fn parameters(&self) -> Vec<&str> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Alone(placeholder) => vec![placeholder.parameter.as_str()],
            Self::Text(pieces) => pieces.iter().filter_map(Piece::parameter).collect(),
            Self::List(items) => items.iter().flat_map(Self::parameters).collect(),
            Self::Map(fields) => fields.values().flat_map(Self::parameters).collect(),
        }
    }

    /// Every literal text in it, for checks of what does not depend on a parameter.
    pub(crate) fn literals(&self) -> Vec<&str> {
        match self {
            Self::Literal(Value::String(text)) => vec![text.as_str()],
            Self::Literal(_) | Self::Alone(_) => Vec::new(),
            Self::Text(pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Literal(text) => Some(text.as_str()),
                    Piece::Placeholder(_) => None,
                })
                .collect(),
            Self::List(items) => items.iter().flat_map(Self::literals).collect(),
            Self::Map(fields) => fields.values().flat_map(Self::literals).collect(),
        }
    }

    /// The value with every placeholder filled. A parameter without a value is null where it stands
    /// alone and an error within a text.
    pub(crate) fn render<'v>(
        &self,
        value_of: &dyn Fn(&str) -> Option<&'v Value>,
    ) -> Result<Value, RenderError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Alone(placeholder) => match value_of(&placeholder.parameter) {
                None | Some(Value::Null) => Ok(Value::Null),
                Some(value) => placeholder.fill(value),
            },
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Placeholder(placeholder) => {
                            text.push_str(&placeholder.written(value_of)?);
                        }
                    }
                }
                Ok(text.into())
            }
            Self::List(items) => items.iter().map(|item| item.render(value_of)).collect(),
            Self::Map(fields) => fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), field.render(value_of)?)))
                .collect(),
        }
    }
}

impl Piece {
    fn parse(inside: &str, attachments: &Attachments<'_>) -> Result<Self, String> {
        if let Some(file) = inside.strip_prefix("file:") {
            let text = attachments
                .get(file.trim())
                .ok_or_else(|| format!("there is no file `{}` beside the path", file.trim()))?;
            if text.contains("${") {
                return Err(format!(
                    "file `{}` contains `${{`, which would be taken for a reference to a resource",
                    file.trim()
                ));
            }
            return Ok(Self::Literal((*text).to_owned()));
        }
        let mut parts = inside.split('|').map(str::trim);
        let parameter = parts.next().unwrap_or_default();
        if !is_parameter_name(parameter) {
            return Err(format!("`{{{{{inside}}}}}` is not a placeholder: {{{{name|filter}}}}"));
        }
        let filters = parts.map(Filter::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::Placeholder(Placeholder { parameter: parameter.to_owned(), filters }))
    }

    fn parameter(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Placeholder(placeholder) => Some(&placeholder.parameter),
        }
    }
}

impl Placeholder {
    fn fill(&self, value: &Value) -> Result<Value, RenderError> {
        let mut value = value.clone();
        for filter in &self.filters {
            value = filter.apply(&value).map_err(|reason| RenderError::Filter {
                parameter: self.parameter.clone(),
                reason,
            })?;
        }
        Ok(value)
    }

    fn written<'v>(
        &self,
        value_of: &dyn Fn(&str) -> Option<&'v Value>,
    ) -> Result<String, RenderError> {
        let absent = || RenderError::Absent { parameter: self.parameter.clone() };
        match self.fill(value_of(&self.parameter).ok_or_else(absent)?)? {
            Value::Null => Err(absent()),
            Value::String(text) => Ok(text),
            value @ (Value::Bool(_) | Value::Number(_)) => Ok(value.to_string()),
            Value::Array(_) | Value::Object(_) => Err(RenderError::Filter {
                parameter: self.parameter.clone(),
                reason: "a list cannot stand within a text".to_owned(),
            }),
        }
    }
}

/// `[a-z][a-z0-9_]*`, up to 40 bytes.
pub(crate) fn is_parameter_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(text: &str) -> Result<Value, RenderError> {
        let values = json!({"rps": 100, "hostname": "a.example.com", "on": true, "list": ["x"]});
        Template::parse(text, &Attachments::from([("a.js", "{{not a placeholder}}")]))
            .unwrap()
            .render(&|name| values.get(name))
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type() {
        assert_eq!(render("{{rps}}").unwrap(), json!(100));
        assert_eq!(render("{{ on }}").unwrap(), json!(true));
        assert_eq!(render("{{list}}").unwrap(), json!(["x"]));
        assert_eq!(render("{{nobody}}").unwrap(), json!(null));
        assert_eq!(
            render("{{rps}}/s for {{hostname|slug}}").unwrap(),
            json!("100/s for a-example-com")
        );
    }

    #[test]
    fn references_and_files_pass_untouched() {
        let text = "$${cloudflare.gateway_list/domains.id}";
        assert_eq!(render(text).unwrap(), json!(text));
        assert_eq!(render("{{file:a.js}}").unwrap(), json!("{{not a placeholder}}"));
        assert_eq!(render("").unwrap(), json!(""));
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        assert!(matches!(render("x{{nobody}}"), Err(RenderError::Absent { .. })));
        assert!(matches!(render("x{{list}}"), Err(RenderError::Filter { .. })));
        assert!(matches!(render("{{hostname|times:2}}"), Err(RenderError::Filter { .. })));
    }

    #[test]
    fn what_is_no_placeholder_is_refused() {
        let files = Attachments::from([("x.js", "`${y}`")]);
        for text in ["{{a", "{{}}", "{{A}}", "{{a|upper}}", "{{file:none.js}}", "{{file:x.js}}"] {
            assert!(Template::parse(text, &files).is_err(), "{text}");
        }
    }
}
