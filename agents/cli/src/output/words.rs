//! An intent's text with the words marked that values came from, and values with their sources.

use std::collections::BTreeMap;

use bus_schema::{Grounded, Source};
use serde_json::Value;

use crate::output::style::{FAINT, STRONG, WORDS, paint};
use crate::output::table::{Cell, Table, cut};

/// The text with every span marked that a value was taken from. Spans that do not lie on the text's
/// characters are left alone: the text is shown as it is, whatever the planner claims.
pub fn marked(text: &str, parameters: &BTreeMap<String, Grounded>) -> String {
    let mut spans: Vec<(usize, usize)> = parameters
        .values()
        .filter_map(|grounded| match &grounded.source {
            Source::Words { start, end, .. } => Some((*start, *end)),
            Source::Environment { .. } | Source::Default { .. } | Source::Given => None,
        })
        .filter(|(start, end)| text.get(*start..*end).is_some_and(|words| !words.is_empty()))
        .collect();
    spans.sort_unstable();
    let mut out = String::new();
    let mut shown = 0;
    for (start, end) in spans {
        // Two values may share words, or overlap in them: what is shown already is not repeated.
        let start = start.max(shown);
        if let (Some(plain), Some(words)) = (text.get(shown..start), text.get(start..end)) {
            if words.is_empty() {
                continue;
            }
            out.push_str(plain);
            out.push_str(&paint(WORDS, words));
            shown = end;
        }
    }
    out.push_str(text.get(shown..).unwrap_or_default());
    out
}

/// Where a value came from, for people.
pub fn source(source: &Source) -> String {
    match source {
        Source::Words { text, .. } => format!("your words “{}”", cut(text, 40)),
        Source::Environment { environment, key } => format!("environment {environment}: {key}"),
        Source::Default { path, .. } => format!("default of {path}"),
        Source::Given => "given by you".to_owned(),
    }
}

/// A value on one line: text without its quotes.
pub fn value(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text, 60),
        Value::Array(items) => {
            cut(&items.iter().map(self::value).collect::<Vec<_>>().join(", "), 60)
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            cut(&other.to_string(), 60)
        }
    }
}

/// Parameter, value and source, one a row.
pub fn parameters(parameters: &BTreeMap<String, Grounded>) -> String {
    let mut table = Table::new(["", "", ""]).indented(2);
    for (name, grounded) in parameters {
        let from = match grounded.source {
            Source::Words { .. } | Source::Given => Cell::from(source(&grounded.source)),
            Source::Environment { .. } | Source::Default { .. } => {
                Cell::styled(FAINT, source(&grounded.source))
            }
        };
        table.row([name.as_str().into(), Cell::styled(STRONG, value(&grounded.value)), from]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_words(start: usize, end: usize) -> Grounded {
        Grounded { value: Value::Null, source: Source::Words { start, end, text: String::new() } }
    }

    fn shown(text: &str, spans: &[(usize, usize)]) -> String {
        let parameters = spans
            .iter()
            .enumerate()
            .map(|(i, (start, end))| (i.to_string(), from_words(*start, *end)))
            .collect();
        let opening = WORDS.render().to_string();
        let closing = WORDS.render_reset().to_string();
        marked(text, &parameters).replace(&opening, "[").replace(&closing, "]")
    }

    #[test]
    fn words_are_marked_where_they_stand() {
        assert_eq!(
            shown("Scale prod to 10k RPS", &[(14, 21), (6, 10)]),
            "Scale [prod] to [10k RPS]"
        );
        assert_eq!(shown("운영 API 앞에", &[(0, 6)]), "[운영] API 앞에");
    }

    #[test]
    fn shared_and_overlapping_words_are_marked_once() {
        assert_eq!(shown("edge cache", &[(0, 4), (0, 4)]), "[edge] cache");
        assert_eq!(shown("edge cache", &[(0, 6), (5, 10)]), "[edge c][ache]");
    }

    #[test]
    fn a_span_that_is_not_of_the_text_is_ignored() {
        assert_eq!(shown("운영", &[(1, 3)]), "운영");
        assert_eq!(shown("edge", &[(2, 40), (3, 2)]), "edge");
    }
}
