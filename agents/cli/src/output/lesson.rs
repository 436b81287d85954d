//! What is remembered of trouble: how often, how quickly it was put back, who fights.

use bus_schema::Lesson;
use jiff::Timestamp;
use std::time::Duration;

use crate::output::finding::sign;
use crate::output::style::{BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::{Cell, Table, cut};
use crate::output::time::{ago, between, span};

/// A table of one stack's lessons, and below it why a person is asked about some.
pub fn page(lessons: &[&Lesson], now: Timestamp) -> String {
    let mut table =
        Table::new(["RESOURCE", "TROUBLE", "FOUND", "PUT BACK", "MEAN", "LONGEST", "BY", "NOW"])
            .indented(2);
    for lesson in lessons {
        let (text, style) = standing(lesson, now);
        table.row([
            Cell::styled(STRONG, lesson.resource.local()),
            cut(&trouble(lesson), 36).into(),
            lesson.found.to_string().into(),
            lesson.repaired.to_string().into(),
            mean(lesson).map_or_else(|| "–".to_owned(), span).into(),
            longest(lesson).map_or_else(|| "–".to_owned(), span).into(),
            writers(lesson).into(),
            Cell::styled(style, text),
        ]);
    }
    let mut lines = vec![table.render()];
    for lesson in lessons {
        if let Some(reason) = &lesson.escalated {
            let resource = lesson.resource.local();
            lines.push(format!("\n  {} {resource}: {reason}", paint(BAD, "✗")));
        }
    }
    lines.join("\n")
}

fn trouble(lesson: &Lesson) -> String {
    let (_, _, word) = sign(lesson.drift);
    if lesson.fields.is_empty() {
        return word.to_owned();
    }
    format!("{word}: {}", lesson.fields.join(", "))
}

fn mean(lesson: &Lesson) -> Option<Duration> {
    lesson.total_repair_ms.checked_div(lesson.repaired).map(Duration::from_millis)
}

fn longest(lesson: &Lesson) -> Option<Duration> {
    (lesson.repaired > 0).then(|| Duration::from_millis(lesson.longest_repair_ms))
}

/// Who did it how often, most often first.
fn writers(lesson: &Lesson) -> String {
    let mut writers: Vec<(&String, &u64)> = lesson.writers.iter().collect();
    writers.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    let told: Vec<String> = writers.iter().map(|(who, times)| format!("{who} ×{times}")).collect();
    if told.is_empty() { "–".to_owned() } else { cut(&told.join(", "), 36) }
}

fn standing(lesson: &Lesson, now: Timestamp) -> (String, anstyle::Style) {
    if let Some(since) = lesson.damping.open_since {
        return (format!("circuit open, since {}", ago(since, now)), BAD);
    }
    if !lesson.closed {
        return if lesson.escalated.is_some() {
            ("you are asked".to_owned(), CHANGED)
        } else {
            ("open".to_owned(), CHANGED)
        };
    }
    match lesson.damping.not_before.filter(|then| *then > now) {
        Some(then) => (format!("the next waits {}", span(between(now, then))), FAINT),
        None => (format!("over, {}", ago(lesson.updated_at, now)), GOOD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_fights_and_what_came_of_it_is_told() {
        let lesson: Lesson = serde_json::from_value(json!({
            "signature": "a1", "stack": "edge-api",
            "resource": "edge-api/cloudflare.waf_rule/block",
            "scope": "cloudflare.waf_rule.zone.example.com", "drift": "changed",
            "fields": ["action"], "found": 5, "repaired": 4, "total_repair_ms": 4800,
            "longest_repair_ms": 2100, "writers": {"mallory": 4, "kim": 1},
            "damping": {"open_since": "2026-11-22T16:00:00Z"}, "last": "f1",
            "escalated": "it was put back 5 times", "updated_at": "2026-11-22T16:00:00Z",
        }))
        .unwrap();
        let page = page(&[&lesson], "2026-11-22T16:02:00Z".parse().unwrap());
        let plain = anstream::adapter::strip_str(&page).to_string();
        let lines: Vec<&str> = plain.lines().collect();
        assert_eq!(
            lines[1],
            "  cloudflare.waf_rule/block  changed: action  5      4         1.2 s  2.1 s    \
             mallory ×4, kim ×1  circuit open, since 2 m ago"
        );
        assert!(plain.ends_with("✗ cloudflare.waf_rule/block: it was put back 5 times"), "{plain}");
    }
}
