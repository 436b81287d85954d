//! Reads declared fields by a kind's description. Every complaint names the field and what would be
//! right.

use bus_schema::Properties;
use serde_json::Value;

use crate::kind::{Description, InvalidProperties};
use crate::references;

/// The declared fields of one object; a field that is `null` counts as left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    description: &'static Description,
    declared: &'a Properties,
}

impl<'a> Fields<'a> {
    /// The fields, if all that must be there are and none is unknown.
    pub(super) fn new(
        description: &'static Description,
        declared: &'a Properties,
    ) -> Result<Self, InvalidProperties> {
        let fields = Self { description, declared };
        if let Some(unknown) = declared.0.keys().find(|it| description.field(it).is_none()) {
            let known: Vec<_> = description.fields.iter().map(|it| it.name).collect();
            let reason = format!("is not known; there are {}", known.join(", "));
            return Err(fields.invalid(unknown, reason));
        }
        let missing =
            description.fields.iter().find(|it| it.required && fields.get(it.name).is_none());
        missing.map_or(Ok(fields), |field| Err(fields.invalid(field.name, "is missing")))
    }

    /// A complaint about one field.
    pub(super) fn invalid(&self, field: &str, reason: impl Into<String>) -> InvalidProperties {
        InvalidProperties {
            kind: self.description.name,
            field: field.to_owned(),
            reason: reason.into(),
        }
    }

    /// One field as it stands.
    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.declared.get(field).filter(|value| !value.is_null())
    }

    /// Text, where it is declared.
    pub(super) fn optional_text(&self, field: &str) -> Result<Option<&'a str>, InvalidProperties> {
        self.get(field)
            .map(|value| value.as_str().ok_or_else(|| self.invalid(field, "must be text")))
            .transpose()
    }

    /// Text that is not empty.
    pub(super) fn text(&self, field: &str) -> Result<&'a str, InvalidProperties> {
        match self.optional_text(field)?.map(str::trim) {
            None | Some("") => Err(self.invalid(field, "must not be empty")),
            Some(text) => Ok(text),
        }
    }

    /// Text for people; empty where left out.
    pub(super) fn description(&self, longest: usize) -> Result<&'a str, InvalidProperties> {
        let text = self.optional_text("description")?.unwrap_or_default().trim();
        if text.chars().count() > longest {
            return Err(
                self.invalid("description", format!("must have at most {longest} characters"))
            );
        }
        if text.contains("zerodrift:") {
            return Err(
                self.invalid("description", "must not contain `zerodrift:`, the mark of ownership")
            );
        }
        Ok(text)
    }

    /// A yes or no.
    pub(super) fn flag(&self, field: &str, default: bool) -> Result<bool, InvalidProperties> {
        self.get(field).map_or(Ok(default), |value| {
            value.as_bool().ok_or_else(|| self.invalid(field, "must be true or false"))
        })
    }

    /// A whole number within bounds, where it is declared.
    pub(super) fn integer(
        &self,
        field: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, InvalidProperties> {
        let wrong = || {
            let (low, high) = (bounds.start(), bounds.end());
            self.invalid(field, format!("must be a whole number from {low} to {high}"))
        };
        let Some(value) = self.get(field) else { return Ok(None) };
        let number = value.as_i64().filter(|number| bounds.contains(number));
        number.map(Some).ok_or_else(wrong)
    }

    /// One of a few words, in the case they are written here; a reference passes.
    pub(super) fn one_of(
        &self,
        field: &str,
        words: &[&'static str],
    ) -> Result<String, InvalidProperties> {
        let text = self.text(field)?;
        if references::holds_reference(text) {
            return Ok(text.to_owned());
        }
        words
            .iter()
            .find(|word| word.eq_ignore_ascii_case(text))
            .map(|word| (*word).to_owned())
            .ok_or_else(|| self.invalid(field, format!("must be one of {}", words.join(", "))))
    }

    /// A list of texts.
    pub(super) fn texts(&self, field: &str) -> Result<Vec<&'a str>, InvalidProperties> {
        let wrong = || self.invalid(field, "must be a list of texts");
        let Some(value) = self.get(field) else { return Ok(Vec::new()) };
        value.as_array().ok_or_else(wrong)?.iter().map(|it| it.as_str().ok_or_else(wrong)).collect()
    }
}

/// Fields by name.
pub(super) fn properties<const N: usize>(fields: [(&str, Value); N]) -> Properties {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
