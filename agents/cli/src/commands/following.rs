//! Following the swarm until an intent has ended, or until nobody looks any more.

use std::time::Duration;

use bus_schema::IntentState;
use tokio::time::Instant;

use crate::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::output::style::{ADVICE, BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::time::{between, span};
use crate::output::timeline::{Clock, Tone};
use crate::swarm::feed::{Feed, Moment};

/// How lines are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// What the time is told from.
    pub(super) clock: Clock,
    /// Whether each line names its stack.
    pub(super) stacks: bool,
    /// Whether what is there for completeness is shown too.
    pub(super) verbose: bool,
    /// Whether the line is shown that says how an intent ended; not where [`ending`] follows.
    pub(super) endings: bool,
}

/// Prints what happened in one moment.
pub(super) fn print(moment: &Moment, look: Look, output: Output) -> Result<(), Failure> {
    for event in &moment.events {
        if output.is_json() {
            output.json(event)?;
        } else if (look.verbose || event.tone != Tone::Minor) && (look.endings || !event.ends) {
            output.line(event.line(look.clock, look.stacks))?;
        }
    }
    Ok(())
}

/// Follows one intent to its end, printing on the way; `None` when the time was up before.
pub(super) async fn to_the_end(
    feed: &mut Feed,
    look: Look,
    patience: Option<Duration>,
    output: Output,
) -> Result<Option<IntentState>, Failure> {
    let deadline = patience.map(|patience| Instant::now() + patience);
    loop {
        let moment = match deadline {
            Some(deadline) => match tokio::time::timeout_at(deadline, feed.next()).await {
                Ok(moment) => moment?,
                Err(_) => return Ok(None),
            },
            None => feed.next().await?,
        };
        print(&moment, look, output)?;
        if let Some(state) = moment.intent.filter(|state| state.phase.is_final()) {
            return Ok(Some(state));
        }
    }
}

/// How it ended, for people: what became of it, why, and what to do next.
pub(super) fn ending(state: &IntentState) -> String {
    let exit = Exit::of_phase(state.phase);
    let (sign, style) = match exit {
        Some(Exit::Ok) => ("✓", GOOD),
        Some(Exit::Superseded) | None => ("•", CHANGED),
        Some(_) => ("✗", BAD),
    };
    let took = span(between(state.submitted_at, state.since));
    let phase = serde_json::to_value(state.phase).ok();
    let phase = phase.as_ref().and_then(serde_json::Value::as_str).unwrap_or("planned");
    let mut lines = vec![format!(
        "{} {} {}",
        paint(style, sign),
        paint(style.bold(), phase),
        paint(FAINT, format!("after {took}"))
    )];
    let refused = state.refusal.as_ref();
    // The refusal's own reason is the better sentence: it is in the person's language.
    if let Some(reason) = refused.map(|it| &it.reason).or(state.reason.as_ref()) {
        lines.push(format!("  {reason}"));
    }
    if let Some(refusal) = refused {
        lines.extend(help(refusal));
    } else if let Some(next) = &state.next {
        lines.push(format!("  {} {next}", paint(ADVICE, "→")));
    }
    lines.join("\n")
}

/// What would have worked.
pub(super) fn help(refusal: &bus_schema::Refusal) -> Vec<String> {
    let mut lines = Vec::new();
    if !refusal.missing.is_empty() {
        lines.push(format!("  {}  {}", paint(FAINT, "missing"), refusal.missing.join(", ")));
    }
    if !refusal.nearest.is_empty() {
        let nearest: Vec<&str> = refusal.nearest.iter().map(bus_schema::PathName::as_str).collect();
        lines.push(format!("  {}  {}", paint(FAINT, "nearest"), nearest.join(", ")));
    }
    if let Some(example) = &refusal.example {
        lines.push(format!(
            "  {} {}",
            paint(ADVICE, "→ try"),
            paint(STRONG, format!("“{example}”"))
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_ends_with_what_would_work() {
        let state: IntentState = serde_json::from_value(json!({
            "intent": "018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55", "order": 1,
            "request": {"text": "make it better"}, "phase": "refused",
            "refusal": {
                "code": "no_golden_path", "reason": "No golden path does this.",
                "missing": ["hostname"], "nearest": ["edge-cache", "waf-shield"],
                "example": "Secure edge cache for API",
            },
            "reason": "refused", "submitted_at": "2026-11-22T16:00:00Z",
            "since": "2026-11-22T16:00:00.040Z",
        }))
        .unwrap();
        let plain = anstream::adapter::strip_str(&ending(&state)).to_string();
        assert_eq!(
            plain,
            "✗ refused after 40 ms\n  No golden path does this.\n  missing  hostname\n  \
             nearest  edge-cache, waf-shield\n  → try “Secure edge cache for API”"
        );
    }
}
