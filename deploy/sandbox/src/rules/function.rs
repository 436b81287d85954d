//! The functions there are: name, arguments, result.

use percent_encoding::percent_decode_str;

use super::ast::Type;
use super::field::Datum;

/// A function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Lower,
    Upper,
    UrlDecode,
    StartsWith,
    EndsWith,
    Len,
    Any,
    All,
    Concat,
}

impl Function {
    /// By name, which is case-sensitive.
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "lower" => Self::Lower,
            "upper" => Self::Upper,
            "url_decode" => Self::UrlDecode,
            "starts_with" => Self::StartsWith,
            "ends_with" => Self::EndsWith,
            "len" => Self::Len,
            "any" => Self::Any,
            "all" => Self::All,
            "concat" => Self::Concat,
            _ => return None,
        })
    }

    /// The type of the result for these arguments, or what it takes instead. Those spread by `[*]`
    /// are given as their elements' type.
    pub(super) fn result(self, arguments: &[Type]) -> Result<Type, &'static str> {
        use Type::{Bool, Bools, Int, Ints, Text, Texts};
        match (self, arguments) {
            (Self::Lower | Self::Upper | Self::UrlDecode, [Text]) => Ok(Text),
            (Self::StartsWith | Self::EndsWith, [Text, Text])
            | (Self::Any | Self::All, [Bools]) => Ok(Bool),
            (Self::Len, [Text | Texts | Ints]) => Ok(Int),
            (Self::Concat, [_, _, ..]) if arguments.iter().all(|kind| *kind == Text) => Ok(Text),
            (Self::Lower | Self::Upper | Self::UrlDecode, _) => Err("takes one string"),
            (Self::StartsWith | Self::EndsWith, _) => Err("takes two strings"),
            (Self::Len, _) => Err("takes one string or array"),
            (Self::Any | Self::All, _) => {
                Err("takes one test of an array's elements, as x[*] eq 1")
            }
            (Self::Concat, _) => Err("takes two or more strings"),
        }
    }

    /// Calls it. Anything of a missing value is missing.
    pub(super) fn call(self, arguments: &[Datum]) -> Datum {
        match (self, arguments) {
            (Self::Lower, [Datum::Text(text)]) => Datum::Text(text.to_ascii_lowercase()),
            (Self::Upper, [Datum::Text(text)]) => Datum::Text(text.to_ascii_uppercase()),
            (Self::UrlDecode, [Datum::Text(text)]) => {
                let spaced = text.replace('+', " ");
                Datum::Text(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
            }
            (Self::StartsWith, [Datum::Text(text), Datum::Text(start)]) => {
                Datum::Bool(text.starts_with(start.as_str()))
            }
            (Self::EndsWith, [Datum::Text(text), Datum::Text(end)]) => {
                Datum::Bool(text.ends_with(end.as_str()))
            }
            (Self::Len, [Datum::Text(text)]) => length(text.len()),
            (Self::Len, [Datum::Array(items)]) => length(items.len()),
            (Self::Any, [Datum::Array(items)]) => Datum::Bool(items.contains(&Datum::Bool(true))),
            (Self::All, [Datum::Array(items)]) => Datum::Bool(!items.contains(&Datum::Bool(false))),
            (Self::Concat, parts) => parts
                .iter()
                .map(|part| if let Datum::Text(text) = part { Some(text.as_str()) } else { None })
                .collect::<Option<String>>()
                .map_or(Datum::Missing, Datum::Text),
            _ => Datum::Missing,
        }
    }
}

fn length(length: usize) -> Datum {
    Datum::Int(i64::try_from(length).unwrap_or(i64::MAX))
}
