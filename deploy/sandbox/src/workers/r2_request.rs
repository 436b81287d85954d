//! The requests of workerd's R2 bindings as they arrive: JSON whose 64-bit numbers are strings.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::store::R2Object;

/// One request.
#[derive(Debug, Deserialize)]
#[serde(tag = "method", rename_all = "camelCase")]
pub(super) enum Request {
    Head {
        object: String,
    },
    #[serde(rename_all = "camelCase")]
    Get {
        object: String,
        range: Option<Range>,
        range_header: Option<String>,
        only_if: Option<Condition>,
    },
    #[serde(rename_all = "camelCase")]
    Put {
        object: String,
        #[serde(default)]
        custom_fields: Vec<Record>,
        http_fields: Option<BTreeMap<String, String>>,
        only_if: Option<Condition>,
        sha256: Option<String>,
        storage_class: Option<String>,
        #[serde(flatten)]
        other: BTreeMap<String, Value>,
    },
    #[serde(rename_all = "camelCase")]
    List {
        limit: Option<usize>,
        prefix: Option<String>,
        cursor: Option<String>,
        delimiter: Option<String>,
        start_after: Option<String>,
        /// 0 for HTTP metadata, 1 for custom.
        #[serde(default)]
        include: Vec<u16>,
    },
    Delete {
        object: Option<String>,
        #[serde(default)]
        objects: Vec<String>,
    },
    #[serde(other)]
    Other,
}

/// A pair of custom metadata.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) k: String,
    pub(super) v: String,
}

/// Which bytes of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Range {
    #[serde(deserialize_with = "number")]
    offset: Option<u64>,
    #[serde(deserialize_with = "number")]
    length: Option<u64>,
    #[serde(deserialize_with = "number")]
    suffix: Option<u64>,
}

impl Range {
    /// One range of an HTTP `Range` header; several are not honoured, as the standard allows.
    pub(super) fn from_header(header: &str) -> Option<Self> {
        let (from, to) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
        if from.is_empty() {
            return Some(Self { suffix: to.parse().ok(), ..Self::default() });
        }
        let offset: u64 = from.parse().ok()?;
        let length = match to {
            "" => None,
            to => Some(to.parse::<u64>().ok()?.checked_sub(offset)?.saturating_add(1)),
        };
        Some(Self { offset: Some(offset), length, suffix: None })
    }

    /// Offset and length within an object of that size; none where nothing of it is there.
    pub(super) fn within(&self, size: usize) -> Option<(usize, usize)> {
        let bounded = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(suffix) = self.suffix {
            let length = bounded(suffix).min(size);
            return (length > 0).then_some((size - length, length));
        }
        let offset = bounded(self.offset.unwrap_or(0));
        let left = size.checked_sub(offset).filter(|left| *left > 0 || size == 0)?;
        Some((offset, self.length.map_or(left, bounded).min(left)))
    }
}

/// What must hold of the object that is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    etag_matches: Option<Vec<Etag>>,
    etag_does_not_match: Option<Vec<Etag>>,
    #[serde(deserialize_with = "number")]
    uploaded_before: Option<u64>,
    #[serde(deserialize_with = "number")]
    uploaded_after: Option<u64>,
    seconds_granularity: bool,
}

#[derive(Debug, Deserialize)]
struct Etag {
    #[serde(default)]
    value: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Etag {
    fn is(&self, object: &R2Object) -> bool {
        self.kind == "wildcard" || self.value == object.etag
    }
}

impl Condition {
    /// Whether it holds; nothing uploaded is neither before nor after anything. As in HTTP, a
    /// condition on the etag that holds goes before one on the time.
    pub(super) fn holds(&self, object: Option<&R2Object>) -> bool {
        let any = |etags: &[Etag]| object.is_some_and(|o| etags.iter().any(|etag| etag.is(o)));
        // Dates of HTTP have whole seconds; what they are compared with must not have more.
        let unit = if self.seconds_granularity { 1000 } else { 1 };
        let uploaded = object.and_then(|o| u64::try_from(o.uploaded.as_millisecond()).ok());
        let uploaded = uploaded.map(|at| at / unit);
        let matches = self.etag_matches.as_deref().map(any);
        let differs = self.etag_does_not_match.as_deref().map(|etags| !any(etags));
        let before = self.uploaded_before.is_none_or(|limit| {
            let within =
                |at| if self.seconds_granularity { at <= limit / unit } else { at < limit };
            uploaded.is_some_and(within)
        });
        let after =
            self.uploaded_after.is_none_or(|limit| uploaded.is_some_and(|at| at > limit / unit));
        matches.unwrap_or(true)
            && differs.unwrap_or(true)
            && (before || matches == Some(true))
            && (after || differs == Some(true))
    }
}

/// A number written as a number or as text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
        None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_object() {
        let range = |json: &str| serde_json::from_str::<Range>(json).expect("a range");
        assert_eq!(range(r#"{"offset":"2","length":"3"}"#).within(10), Some((2, 3)));
        assert_eq!(range(r#"{"offset":"8","length":"9"}"#).within(10), Some((8, 2)));
        assert_eq!(range(r#"{"length":"4"}"#).within(10), Some((0, 4)));
        assert_eq!(range(r#"{"suffix":"4"}"#).within(10), Some((6, 4)));
        assert_eq!(range(r#"{"suffix":"40"}"#).within(10), Some((0, 10)));
        assert_eq!(range(r#"{"offset":"10"}"#).within(10), None);
        assert_eq!(range(r#"{"offset":"18446744073709551614"}"#).within(10), None);
        assert_eq!(range("{}").within(0), Some((0, 0)));
    }

    #[test]
    fn range_headers_are_read() {
        let within = |header: &str| Range::from_header(header)?.within(10);
        assert_eq!(within("bytes=2-4"), Some((2, 3)));
        assert_eq!(within("bytes=2-"), Some((2, 8)));
        assert_eq!(within("bytes=-3"), Some((7, 3)));
        assert_eq!(within("bytes=4-2"), None);
        assert_eq!(within("lines=1-2"), None);
    }
}
