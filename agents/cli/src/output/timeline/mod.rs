//! What happened, one line each: when, who, what.

mod news;
mod records;

use anstyle::Style;
use bus_schema::{IntentId, Request, StackName};
use jiff::Timestamp;
use serde::Serialize;

use crate::output::style::{AGENT, BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::cut;
use crate::output::time::{between, clock, span};
use crate::output::words;

pub use news::of_news;
pub use records::{of_intent, of_stack};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When the server stored it.
    pub at: Timestamp,
    /// Who did it: an agent, or the person who asked.
    pub who: String,
    /// What was done, one word.
    pub did: &'static str,
    /// To what, and how it went.
    pub about: String,
    /// The intent it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// The stack it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackName>,
    /// How it is to be taken.
    pub tone: Tone,
    /// Whether it says how an intent ended.
    #[serde(skip)]
    pub ends: bool,
}

/// How an event is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// For completeness; people see it only when they ask for everything.
    Minor,
    /// As it goes.
    Plain,
    /// Reached what was wanted.
    Good,
    /// Worth a look.
    Warning,
    /// Did not work.
    Bad,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Minor => FAINT,
            Self::Plain => Style::new(),
            Self::Good => GOOD,
            Self::Warning => CHANGED,
            Self::Bad => BAD,
        }
    }
}

/// What the time of a line is told from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The time of day.
    Day,
    /// Since some moment.
    Since(Timestamp),
}

impl Event {
    /// The event as one line; with `stacks` where several stacks are followed at once.
    pub fn line(&self, from: Clock, stacks: bool) -> String {
        let time = match from {
            Clock::Day => clock(self.at),
            Clock::Since(began) => format!("{:>8}", span(between(began, self.at))),
        };
        let stack = match &self.stack {
            Some(stack) if stacks => format!("{} ", paint(STRONG, stack)),
            _ => String::new(),
        };
        format!(
            "  {}  {}  {}  {stack}{}",
            paint(FAINT, time),
            paint(AGENT, format!("{:<11}", cut(&self.who, 11))),
            paint(self.tone.style(), format!("{:<10}", self.did)),
            self.about
        )
    }
}

/// What was asked, on one line.
pub fn asked(request: &Request) -> String {
    if let Some(text) = &request.text {
        return format!("“{}”", cut(text, 72));
    }
    let path = request.path.as_ref().map_or("nothing", |path| path.as_str());
    let parameters =
        request.parameters.iter().map(|(name, value)| format!("{name}={}", words::value(value)));
    std::iter::once(path.to_owned()).chain(parameters).collect::<Vec<_>>().join(" ")
}

/// `1 change`, `2 changes`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_line_up() {
        let event = Event {
            at: "2026-11-22T16:00:00.040Z".parse().unwrap(),
            who: "planner".to_owned(),
            did: "planned",
            about: "g0 → g1".to_owned(),
            intent: None,
            stack: Some("edge-api".parse().unwrap()),
            tone: Tone::Plain,
            ends: false,
        };
        let began = Clock::Since("2026-11-22T16:00:00Z".parse().unwrap());
        let plain = anstream::adapter::strip_str(&event.line(began, true)).to_string();
        assert_eq!(plain, "     40 ms  planner      planned     edge-api g0 → g1");
    }
}
