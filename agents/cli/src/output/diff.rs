//! What a change does to an object's fields, as a readable difference.

use bus_schema::{Action, Change, Properties};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::output::style::{BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::cut;

/// Longest value shown on one line, in columns.
const WIDE: usize = 88;

/// How much of a change is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What is changed, not how.
    Outline,
    /// Long texts, as a Worker's script, as their size; differences of them in full.
    Brief,
    /// Everything.
    Full,
}

/// A change with its sign, its address and its fields.
pub fn change(change: &Change, detail: Detail) -> String {
    let (sign, style) = match change.action {
        Action::Create => ("+", GOOD),
        Action::Update => ("~", CHANGED),
        Action::Replace => ("±", CHANGED),
        Action::Delete => ("-", BAD),
    };
    let mut lines = vec![format!(
        "  {} {}  {}{}",
        paint(style, sign),
        paint(STRONG, change.resource.local()),
        paint(FAINT, &change.place),
        if change.action == Action::Replace {
            paint(FAINT, "  deleted and made anew: the cloud cannot change it in place")
        } else {
            String::new()
        }
    )];
    if detail == Detail::Outline {
        return lines.concat();
    }
    let nothing = Properties::default();
    let before = change.before.as_ref().unwrap_or(&nothing);
    let after = change.after.as_ref().unwrap_or(&nothing);
    let differences = before.differences(after);
    let name_width = differences.iter().map(|d| d.field.chars().count()).max().unwrap_or(0);
    for difference in &differences {
        let name = format!("{:name_width$}", difference.field);
        match (&difference.before, &difference.after) {
            (Some(before), Some(after)) => {
                lines.extend(changed(&name, before, after));
            }
            (None, Some(value)) => lines.extend(one_sided(GOOD, &name, value, detail)),
            // Of what goes away the address says enough.
            (Some(value), None) if change.action != Action::Delete || detail == Detail::Full => {
                lines.extend(one_sided(BAD, &name, value, detail));
            }
            (Some(_) | None, None) => {}
        }
    }
    lines.join("\n")
}

fn one_sided(style: anstyle::Style, name: &str, value: &Value, detail: Detail) -> Vec<String> {
    match value.as_str().filter(|text| text.contains('\n')) {
        Some(text) if detail == Detail::Brief => {
            let size = format!("{} lines, {} bytes", text.lines().count(), text.len());
            vec![format!(
                "      {name}  {} {}",
                paint(style, size),
                paint(FAINT, "(--full shows it)")
            )]
        }
        Some(text) => std::iter::once(format!("      {name}"))
            .chain(text.lines().map(|line| format!("        {}", paint(style, line))))
            .collect(),
        None => vec![format!("      {name}  {}", paint(style, shown(value, detail)))],
    }
}

fn changed(name: &str, before: &Value, after: &Value) -> Vec<String> {
    if let (Some(old), Some(new)) = (before.as_str(), after.as_str())
        && (old.contains('\n') || new.contains('\n'))
    {
        let mut lines = vec![format!("      {name}")];
        let difference = TextDiff::from_lines(old, new);
        for hunk in difference.unified_diff().context_radius(2).iter_hunks() {
            lines.push(format!("        {}", paint(FAINT, hunk.header())));
            for change in hunk.iter_changes() {
                let text = change.value().trim_end_matches('\n');
                lines.push(match change.tag() {
                    ChangeTag::Delete => format!("        {}", paint(BAD, format!("- {text}"))),
                    ChangeTag::Insert => format!("        {}", paint(GOOD, format!("+ {text}"))),
                    ChangeTag::Equal => format!("          {text}"),
                });
            }
        }
        return lines;
    }
    let (old, new) = (shown(before, Detail::Brief), shown(after, Detail::Brief));
    if old.chars().count() + new.chars().count() > WIDE {
        return vec![
            format!("      {name}  {}", paint(BAD, format!("- {old}"))),
            format!(
                "      {}  {}",
                " ".repeat(name.chars().count()),
                paint(GOOD, format!("+ {new}"))
            ),
        ];
    }
    vec![format!("      {name}  {} {} {}", paint(BAD, old), paint(FAINT, "→"), paint(GOOD, new))]
}

/// Text is shown with quotes, so that `"443"` and `443` differ.
fn shown(value: &Value, detail: Detail) -> String {
    let text = value.to_string();
    if detail == Detail::Full { text } else { cut(&text, WIDE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample(action: Action, before: Value, after: Value) -> Change {
        let properties =
            |value: Value| serde_json::from_value::<Option<Properties>>(value).unwrap();
        Change {
            resource: "edge-api/cloudflare.dns_record/api".parse().unwrap(),
            place: "zone/example.com".parse().unwrap(),
            action,
            before: properties(before),
            after: properties(after),
            depends_on: Vec::new(),
            waits_for: Vec::new(),
        }
    }

    fn plain(change: &Change) -> String {
        anstream::adapter::strip_str(&super::change(change, Detail::Brief)).to_string()
    }

    #[test]
    fn a_create_lists_what_will_be() {
        let change = sample(
            Action::Create,
            Value::Null,
            json!({"content": "203.0.113.10", "ttl": 1, "proxied": true}),
        );
        assert_eq!(
            plain(&change),
            "  + cloudflare.dns_record/api  zone/example.com\n\
             \x20     content  \"203.0.113.10\"\n\
             \x20     proxied  true\n\
             \x20     ttl      1"
        );
    }

    #[test]
    fn an_update_shows_only_what_differs() {
        let change = sample(
            Action::Update,
            json!({"content": "203.0.113.10", "ttl": 1}),
            json!({"content": "203.0.113.20", "ttl": 1}),
        );
        assert_eq!(
            plain(&change),
            "  ~ cloudflare.dns_record/api  zone/example.com\n\
             \x20     content  \"203.0.113.10\" → \"203.0.113.20\""
        );
    }

    #[test]
    fn a_script_is_compared_line_by_line() {
        let change = sample(
            Action::Update,
            json!({"content": "a\nb\nc\n"}),
            json!({"content": "a\nB\nc\n"}),
        );
        assert_eq!(
            plain(&change),
            "  ~ cloudflare.dns_record/api  zone/example.com\n\
             \x20     content\n\
             \x20       @@ -1,3 +1,3 @@\n\
             \x20         a\n\
             \x20       - b\n\
             \x20       + B\n\
             \x20         c"
        );
    }

    #[test]
    fn a_delete_needs_no_fields() {
        let change = sample(Action::Delete, json!({"content": "203.0.113.10"}), Value::Null);
        assert_eq!(plain(&change), "  - cloudflare.dns_record/api  zone/example.com");
    }
}
