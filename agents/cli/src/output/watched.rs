//! What is watched, how often, and how soon a change there is seen at the latest.

use bus_schema::Watch;
use jiff::Timestamp;

use crate::output::style::{BAD, FAINT, STRONG, paint};
use crate::output::table::{Cell, Table, cut};
use crate::output::time::{ago, seconds};

/// A table of every scope; nothing where none is watched.
pub fn page(watches: &[Watch], now: Timestamp) -> Option<String> {
    if watches.is_empty() {
        return None;
    }
    let mut table =
        Table::new(["WATCHED", "PLACE", "EVERY", "SEEN WITHIN", "LAST LOOK", "CALLS", "UNMANAGED"]);
    for watch in watches {
        let known = watch.latency_seconds > 0;
        let told = |text: String| if known { text } else { "–".to_owned() };
        table.row([
            watch.scope.kind.as_str().into(),
            Cell::styled(FAINT, place(watch)),
            told(seconds(watch.cadence_seconds)).into(),
            Cell::styled(STRONG, told(seconds(watch.latency_seconds))),
            last(watch, now),
            told(watch.calls.to_string()).into(),
            match watch.unmanaged.len() as u64 + watch.unmanaged_left_out {
                0 => Cell::styled(FAINT, "–"),
                n => n.to_string().into(),
            },
        ]);
    }
    Some(table.render())
}

fn place(watch: &Watch) -> String {
    cut(&watch.scope.place.to_string(), 24)
}

fn last(watch: &Watch, now: Timestamp) -> Cell {
    match (&watch.trouble, watch.looked_at) {
        (Some(trouble), _) => Cell::styled(BAD, cut(trouble, 40)),
        (None, Some(at)) => Cell::styled(FAINT, ago(at, now)),
        (None, None) => Cell::styled(FAINT, "not yet"),
    }
}

/// The longest that a change anywhere can stay unseen, in a sentence.
pub fn promise(watches: &[Watch]) -> Option<String> {
    let longest = watches.iter().map(|watch| watch.latency_seconds).max().filter(|it| *it > 0)?;
    Some(format!(
        "A change by somebody else is seen within {} at the latest, sooner with a hint.",
        paint(STRONG, seconds(longest))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_promise_is_the_slowest_scopes() {
        let watch = |latency: u64| -> Watch {
            serde_json::from_value(json!({
                "scope": "cloudflare.dns_record.zone.example.com",
                "due_at": "2026-11-22T16:00:00Z", "cadence_seconds": 10,
                "latency_seconds": latency, "looked_at": "2026-11-22T16:00:00Z", "calls": 1,
            }))
            .unwrap()
        };
        let watches = [watch(11), watch(31)];
        let page = page(&watches, "2026-11-22T16:00:03Z".parse().unwrap()).unwrap();
        let plain = anstream::adapter::strip_str(&page).to_string();
        assert_eq!(
            plain.lines().nth(1),
            Some(
                "cloudflare.dns_record  zone/example.com  10 s   11 s         just now   1      –"
            )
        );
        assert!(promise(&watches).unwrap().contains("31 s"));
        assert_eq!(promise(&[]), None);
    }
}
