//! What a change does to an object's fields, as a readable difference.

use anstyle::Style;
use bus_schema::{Action, Change, Difference, Properties};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr as _;

use crate::output::style::{BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::{Cell, Table, cut};

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

/// How the two sides of a difference look.
#[derive(Debug, Clone, Copy)]
struct Sides {
    old: Style,
    new: Style,
    /// Before the old side where it has lines of its own, and before the new one.
    marks: (&'static str, &'static str),
}

/// From what is to what will be.
const CHANGE: Sides = Sides { old: BAD, new: GOOD, marks: ("- ", "+ ") };
/// From what is declared to what is there instead.
const DRIFT: Sides = Sides { old: GOOD, new: BAD, marks: ("declared  ", "observed  ") };

/// Fields that are not as declared, each as declared and as it is. `after` is declared and `before`
/// observed, as in a finding; a text of several lines is compared line by line.
pub fn drifted(differences: &[Difference]) -> Vec<String> {
    let width = differences.iter().map(|it| it.field.chars().count()).max().unwrap_or(0);
    let absent = paint(FAINT, "nothing");
    let mut lines = Vec::new();
    for difference in differences {
        let name = format!("{:width$}", difference.field);
        match (&difference.after, &difference.before) {
            (Some(declared), Some(observed)) => {
                lines.extend(changed(&name, declared, observed, DRIFT));
            }
            (Some(declared), None) => {
                let declared = paint(GOOD, cut(&shown(declared), WIDE));
                lines.push(format!("      {name}  {declared} {} {absent}", paint(FAINT, "→")));
            }
            (None, Some(observed)) => {
                let observed = paint(BAD, cut(&shown(observed), WIDE));
                lines.push(format!("      {name}  {absent} {} {observed}", paint(FAINT, "→")));
            }
            (None, None) => {}
        }
    }
    lines
}

/// What is changed, one line each, without how.
pub fn outline(changes: &[Change]) -> String {
    let mut table = Table::new(["", "", ""]).indented(2);
    for change in changes {
        let (sign, style) = sign(change.action);
        table.row([
            Cell::styled(style, sign),
            change.resource.local().into(),
            Cell::styled(FAINT, change.place.to_string()),
        ]);
    }
    table.render()
}

const fn sign(action: Action) -> (&'static str, Style) {
    match action {
        Action::Create => ("+", GOOD),
        Action::Update => ("~", CHANGED),
        Action::Replace => ("±", CHANGED),
        Action::Delete => ("-", BAD),
    }
}

/// A change with its sign, its address and its fields.
pub fn change(change: &Change, detail: Detail) -> String {
    let (sign, style) = sign(change.action);
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
    let nothing = Properties::default();
    let before = change.before.as_ref().unwrap_or(&nothing);
    let after = change.after.as_ref().unwrap_or(&nothing);
    let differences = before.differences(after);
    let name_width = differences.iter().map(|d| d.field.chars().count()).max().unwrap_or(0);
    for difference in &differences {
        let name = format!("{:name_width$}", difference.field);
        match (&difference.before, &difference.after) {
            (Some(before), Some(after)) => {
                lines.extend(changed(&name, before, after, CHANGE));
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

fn one_sided(style: Style, name: &str, value: &Value, detail: Detail) -> Vec<String> {
    match value.as_str().filter(|text| text.contains('\n')) {
        Some(text) if detail != Detail::Full => {
            let size = format!("{} lines, {} bytes", text.lines().count(), text.len());
            vec![format!(
                "      {name}  {} {}",
                paint(style, size),
                paint(FAINT, "(--full shows it)")
            )]
        }
        Some(text) => std::iter::once(format!("      {}", name.trim_end()))
            .chain(text.lines().map(|line| format!("        {}", paint(style, line))))
            .collect(),
        None => beside(name, style, "", &wrapped(&shown(value))),
    }
}

fn changed(name: &str, before: &Value, after: &Value, sides: Sides) -> Vec<String> {
    if let (Some(old), Some(new)) = (before.as_str(), after.as_str())
        && (old.contains('\n') || new.contains('\n'))
    {
        return line_by_line(name, old, new, sides);
    }
    let (old, new) = (shown(before), shown(after));
    if old.width() + new.width() > WIDE {
        let blank = " ".repeat(name.width());
        let mut lines = beside(name, sides.old, sides.marks.0, &wrapped(&old));
        lines.extend(beside(&blank, sides.new, sides.marks.1, &wrapped(&new)));
        return lines;
    }
    let (old, new) = (paint(sides.old, old), paint(sides.new, new));
    vec![format!("      {name}  {old} {} {new}", paint(FAINT, "→"))]
}

fn line_by_line(name: &str, old: &str, new: &str, sides: Sides) -> Vec<String> {
    let mut lines = vec![format!("      {}", name.trim_end())];
    let difference = TextDiff::from_lines(old, new);
    for hunk in difference.unified_diff().context_radius(2).iter_hunks() {
        lines.push(format!("        {}", paint(FAINT, hunk.header())));
        for change in hunk.iter_changes() {
            let text = change.value().trim_end_matches('\n');
            lines.push(match change.tag() {
                ChangeTag::Delete => format!("        {}", paint(sides.old, format!("- {text}"))),
                ChangeTag::Insert => format!("        {}", paint(sides.new, format!("+ {text}"))),
                ChangeTag::Equal => format!("          {text}"),
            });
        }
    }
    lines
}

/// A value of several lines beside its name.
fn beside(name: &str, style: Style, mark: &str, value: &[String]) -> Vec<String> {
    let blank = " ".repeat(name.width());
    value
        .iter()
        .enumerate()
        .map(|(nth, line)| {
            // Under the first line's mark there is nothing.
            let indent = " ".repeat(mark.width());
            let (name, mark) = if nth == 0 { (name, mark) } else { (&*blank, &*indent) };
            format!("      {name}  {}", paint(style, format!("{mark}{line}")))
        })
        .collect()
}

/// A value as text. Text is shown with quotes, so that `"443"` and `443` differ; but not where it
/// has quotes itself, as an expression, which is hard enough to read without another layer.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('"') => text.clone(),
        Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_) => value.to_string(),
    }
}

/// Lines no wider than [`WIDE`], broken between words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= WIDE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
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
            object: None,
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
    fn a_long_expression_is_wrapped_not_cut() {
        let expression =
            format!("http.host eq \"api.example.com\" and {}", "not ssl or ".repeat(9));
        let change = sample(Action::Create, Value::Null, json!({"expression": expression}));
        let text = plain(&change);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0].starts_with("      expression  http.host eq \"api.example.com\" and not ssl")
        );
        assert!(lines[1].starts_with("                  "), "{lines:?}");
    }

    #[test]
    fn an_outline_has_a_line_for_each_change() {
        let change = sample(Action::Delete, json!({"content": "203.0.113.10"}), Value::Null);
        let text = anstream::adapter::strip_str(&outline(&[change])).to_string();
        assert_eq!(text, "  -  cloudflare.dns_record/api  zone/example.com");
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
