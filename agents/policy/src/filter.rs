//! What a template may do to a value before it stands in its place. Few, and each says its purpose:
//! a path that needs more needs a parameter.

use std::net::IpAddr;

use serde_json::Value;

/// One filter, as in `{{rps|percent:1|at_least:20|times:10}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// A hostname, path, text or list as part of a name: `docs.example.com` → `docs-example-com`.
    /// A list of several becomes its first item and a fingerprint of them all.
    Slug,
    /// A path as a prefix of what is below it: `/` → `/`, `/objects` → `/objects/`.
    Below,
    /// The type of DNS record that points at an address: `A`, `AAAA` or `CNAME`.
    RecordType,
    /// So many hundredths of a number, rounded up.
    Percent(i64),
    /// The number, or this where that is more.
    AtLeast(i64),
    /// The number, or this where that is less.
    AtMost(i64),
    /// The number so many times.
    Times(i64),
}

impl Filter {
    pub(crate) const NAMES: [&'static str; 7] =
        ["slug", "below", "record_type", "percent:N", "at_least:N", "at_most:N", "times:N"];

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, argument.trim().parse::<i64>().ok()),
            None => (text, None),
        };
        match (name, argument) {
            ("slug", None) => Ok(Self::Slug),
            ("below", None) => Ok(Self::Below),
            ("record_type", None) => Ok(Self::RecordType),
            ("percent", Some(n)) => Ok(Self::Percent(n)),
            ("at_least", Some(n)) => Ok(Self::AtLeast(n)),
            ("at_most", Some(n)) => Ok(Self::AtMost(n)),
            ("times", Some(n)) => Ok(Self::Times(n)),
            _ => Err(format!(
                "`{text}` is not a filter; there are {}, where N is a whole number",
                crate::yaml::listed(&Self::NAMES)
            )),
        }
    }

    pub(crate) fn apply(self, value: &Value) -> Result<Value, String> {
        match self {
            Self::Slug => Ok(slug_of(value).into()),
            Self::Below => {
                let path = text(value)?;
                Ok(if path.ends_with('/') { path.to_owned() } else { format!("{path}/") }.into())
            }
            Self::RecordType => Ok(match text(value)?.parse::<IpAddr>() {
                Ok(IpAddr::V4(_)) => "A",
                Ok(IpAddr::V6(_)) => "AAAA",
                Err(_) => "CNAME",
            }
            .into()),
            Self::Percent(n) => {
                // Up, so that a share of something is never nothing.
                let hundredths = number(value)?.saturating_mul(n).saturating_add(99);
                Ok(hundredths.div_euclid(100).into())
            }
            Self::AtLeast(n) => Ok(number(value)?.max(n).into()),
            Self::AtMost(n) => Ok(number(value)?.min(n).into()),
            Self::Times(n) => Ok(number(value)?.saturating_mul(n).into()),
        }
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("takes text, not {value}"))
}

fn number(value: &Value) -> Result<i64, String> {
    value.as_i64().ok_or_else(|| format!("takes a whole number, not {value}"))
}

fn slug_of(value: &Value) -> String {
    match value {
        Value::Array(items) => match items.as_slice() {
            [] => String::new(),
            [only] => slug_of(only),
            [first, ..] => format!("{}-{}", slug_of(first), fingerprint(&value.to_string())),
        },
        Value::String(text) => slug(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            slug(&value.to_string())
        }
    }
}

fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Eight hexadecimal digits that tell texts apart: FNV-1a, 32 bits (draft-eastlake-fnv). Names
/// built from it are stored, so it must never change.
pub(crate) fn fingerprint(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn through(filters: &str, value: &Value) -> Value {
        filters
            .split('|')
            .map(|text| Filter::parse(text).unwrap())
            .fold(value.clone(), |value, filter| filter.apply(&value).unwrap())
    }

    #[test]
    fn each_filter_does_what_it_says() {
        assert_eq!(through("slug", &json!("Docs.example.com")), json!("docs-example-com"));
        assert_eq!(through("slug", &json!(["a.example"])), json!("a-example"));
        assert_eq!(through("below", &json!("/")), json!("/"));
        assert_eq!(through("below", &json!("/objects")), json!("/objects/"));
        assert_eq!(through("record_type", &json!("203.0.113.1")), json!("A"));
        assert_eq!(through("record_type", &json!("2001:db8::1")), json!("AAAA"));
        assert_eq!(through("record_type", &json!("origin.example.com")), json!("CNAME"));
        assert_eq!(through("percent:1|at_least:20|times:10", &json!(10_000)), json!(1_000));
        assert_eq!(through("percent:1|at_least:20|times:10", &json!(50)), json!(200));
        assert_eq!(through("percent:1", &json!(101)), json!(2));
        assert_eq!(through("at_most:7", &json!(9)), json!(7));
    }

    #[test]
    fn lists_with_the_same_first_item_get_different_slugs() {
        let one = through("slug", &json!(["a.example", "b.example"]));
        let other = through("slug", &json!(["a.example", "c.example"]));
        assert_ne!(one, other);
        assert!(one.as_str().unwrap().starts_with("a-example-"));
    }

    #[test]
    fn fingerprints_are_those_of_the_published_function() {
        assert_eq!(fingerprint(""), "811c9dc5");
        assert_eq!(fingerprint("foobar"), "bf9cf968");
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in ["upper", "percent", "slug:3", "times:x"] {
            assert!(Filter::parse(text).unwrap_err().contains("is not a filter"), "{text}");
        }
        assert!(Filter::Times(2).apply(&json!("x")).is_err());
    }
}
