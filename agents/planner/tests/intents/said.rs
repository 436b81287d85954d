//! Whether the words that a value names are there and say that value: they are read again, alone.

use bus_schema::{Grounded, Request, Source};
use planner::{Library, explain};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

/// Of one value of an understood text.
pub(crate) fn is_said(text: &str, name: &str, grounded: &Grounded, library: &Library) -> bool {
    let Source::Words { start, end, text: words } = &grounded.source else { return true };
    if text.get(*start..*end) != Some(words.as_str()) || words.trim().is_empty() {
        return false;
    }
    let says = |value: &str| seen(words, library).iter().any(|it| it == value);
    match &grounded.value {
        Value::Number(number) => {
            let number = number.to_string();
            let label = format!("rps {number}");
            let amounts = seen(words, library);
            // The first word of what is seen is the amount, then comes its unit.
            amounts.iter().any(|it| it.split(' ').next() == Some(number.as_str()))
                || seen(&label, library).iter().any(|it| it.starts_with(&number))
                    && words == &number
        }
        Value::Array(members) => members.iter().all(|it| it.as_str().is_some_and(says)),
        // The name of a stack, of a policy: as it is written.
        Value::String(value) if name == "stack" || name == "name" => {
            // Full-width letters are their plain selves.
            words.nfkc().collect::<String>().to_lowercase() == value.to_lowercase()
        }
        Value::String(value) if value.contains('.') || value.contains(':') => says(value),
        Value::String(value) if value.starts_with('/') => says(value),
        // A choice or a service, by one of its words; true or false.
        Value::String(_) | Value::Bool(_) => true,
        Value::Null | Value::Object(_) => false,
    }
}

/// The values seen in these words alone.
fn seen(words: &str, library: &Library) -> Vec<String> {
    let request = Request { text: Some(words.to_owned()), ..Request::default() };
    let seen = explain(&request, &library.environments, &library.paths);
    seen.into_iter().flat_map(|it| it.entities).filter_map(|it| it.value).collect()
}
