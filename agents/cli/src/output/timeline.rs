//! What happened, one line each: when, who, what.

use anstyle::Style;
use bus_schema::{
    IntentId, IntentPhase, IntentState, Request, ResourceAddress, Run, StackName, StackState,
    StaleReason, Step, StepState,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::output::plan;
use crate::output::style::{AGENT, BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::cut;
use crate::output::time::{between, clock, span};
use crate::output::words;
use crate::swarm::news::{News, Said};

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

/// What a message in the stream says.
pub fn of_news(news: &News) -> Event {
    let (who, did, about, tone) = match &news.said {
        Said::Submitted(it) => {
            let who = it.by.clone().unwrap_or_else(|| "you".to_owned());
            (who, "asked", asked(&it.request), Tone::Plain)
        }
        Said::Refused(it) => {
            ("planner".to_owned(), "refused", it.refusal.reason.clone(), Tone::Bad)
        }
        Said::Planned(it) => {
            let about = format!(
                "{} → {}, {} (plan {})",
                it.plan.from,
                it.plan.to,
                plan::summary(&it.plan),
                it.id.short()
            );
            ("planner".to_owned(), "planned", about, Tone::Plain)
        }
        Said::Applied(it) => {
            let about = format!("{}, now at {}", count(it.changes, "change"), it.generation);
            ("provisioner".to_owned(), "applied", about, Tone::Good)
        }
        Said::Failed(it) => {
            let about = match it.undone {
                0 => it.reason.clone(),
                n => format!("{}; {} undone", it.reason, count(n, "change")),
            };
            ("provisioner".to_owned(), "failed", about, Tone::Bad)
        }
        Said::Stale(it) => ("provisioner".to_owned(), "stale", stale(&it.because), Tone::Warning),
        Said::Superseded(it) => {
            let about = format!("intent {} came later and was applied first", it.by);
            ("provisioner".to_owned(), "superseded", about, Tone::Warning)
        }
        Said::Stuck(it) => ("provisioner".to_owned(), "stuck", it.reason.clone(), Tone::Bad),
        Said::Resumed(it) => {
            let who = it.by.clone().unwrap_or_else(|| "you".to_owned());
            (who, "resumed", format!("the run of plan {}", it.plan.short()), Tone::Plain)
        }
    };
    let stack = news.stack().cloned();
    let ends = matches!(news.said, Said::Refused(_));
    Event { at: news.at, who, did, about, intent: news.intent, stack, tone, ends }
}

/// What a new record of an intent says: only its end, since the messages say the rest.
pub fn of_intent(state: &IntentState, at: Timestamp) -> Option<Event> {
    let (did, tone) = match state.phase {
        // The refusal was announced by its message.
        IntentPhase::Planned | IntentPhase::Refused => return None,
        IntentPhase::Converged => ("converged", Tone::Good),
        IntentPhase::Failed => ("failed", Tone::Bad),
        IntentPhase::Stuck => ("stuck", Tone::Bad),
        IntentPhase::Superseded => ("superseded", Tone::Warning),
        IntentPhase::Withdrawn => ("withdrawn", Tone::Warning),
    };
    Some(Event {
        at,
        who: "planner".to_owned(),
        did,
        about: state.reason.clone().unwrap_or_default(),
        intent: Some(state.intent),
        stack: state.understanding.as_ref().map(|it| it.stack.clone()),
        tone,
        ends: true,
    })
}

/// What one record of a stack says that the one before did not: the run's steps.
pub fn of_stack(before: Option<&StackState>, after: &StackState, at: Timestamp) -> Vec<Event> {
    let Some(run) = &after.run else {
        // The steps that ended with the commit are only in what became of the resources.
        return before.map(|before| committed(before, after, at)).unwrap_or_default();
    };
    let known =
        before.and_then(|before| before.run.as_ref()).filter(|known| known.plan == run.plan);
    let mut events = Vec::new();
    match known {
        None => {
            events.push(event(after, run, at, "began", format!("as {}", run.holder), Tone::Minor));
        }
        Some(known) if known.holder != run.holder => {
            let about = format!("the run of {}, which is gone", known.holder);
            events.push(event(after, run, at, "took over", about, Tone::Warning));
        }
        Some(_) => {}
    }
    for (address, step) in &run.steps {
        let was = known.and_then(|known| known.steps.get(address));
        if was.is_none_or(|was| was.state != step.state) {
            events.push(step_event(after, run, at, address, step));
        }
    }
    if let Some(reason) = &run.failure
        && known.is_none_or(|known| known.failure.is_none())
    {
        let about = format!("{reason}; what was done is undone");
        events.push(event(after, run, at, "rolls back", about, Tone::Bad));
    }
    events
}

fn step_event(
    stack: &StackState,
    run: &Run,
    at: Timestamp,
    address: &ResourceAddress,
    step: &Step,
) -> Event {
    let (did, tone) = match step.state {
        StepState::Started => ("begins", Tone::Minor),
        StepState::Done => (made(step), Tone::Plain),
        StepState::Refused => ("refused", Tone::Bad),
        StepState::Undoing => ("undoes", Tone::Minor),
        StepState::Undone => ("undone", Tone::Warning),
        StepState::Stuck => ("stuck", Tone::Bad),
    };
    let mut about = address.local();
    if let Some(error) = &step.error {
        about.push_str(": ");
        about.push_str(error);
    }
    event(stack, run, at, did, about, tone)
}

const fn made(step: &Step) -> &'static str {
    match (&step.before, &step.after) {
        (None, Some(_)) => "created",
        (Some(_), None) => "deleted",
        (Some(_), Some(_)) | (None, None) => "updated",
    }
}

/// Steps whose end was written together with the new generation.
fn committed(before: &StackState, after: &StackState, at: Timestamp) -> Vec<Event> {
    let Some(run) = &before.run else { return Vec::new() };
    if after.generation == before.generation {
        return Vec::new();
    }
    run.steps
        .iter()
        .filter(|(_, step)| step.state == StepState::Started)
        .map(|(address, _)| {
            let was = before.resources.contains_key(address);
            let is = after.resources.contains_key(address);
            let did = match (was, is) {
                (false, true) => "created",
                (true, false) => "deleted",
                (true, true) | (false, false) => "updated",
            };
            event(after, run, at, did, address.local(), Tone::Plain)
        })
        .collect()
}

fn event(
    stack: &StackState,
    run: &Run,
    at: Timestamp,
    did: &'static str,
    about: String,
    tone: Tone,
) -> Event {
    Event {
        at,
        who: "provisioner".to_owned(),
        did,
        about,
        intent: Some(run.intent),
        stack: Some(stack.stack.clone()),
        tone,
        ends: false,
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

fn stale(because: &StaleReason) -> String {
    match because {
        StaleReason::Generation { current } => {
            format!("the stack is at {current} by now; it is planned again")
        }
        StaleReason::Cloud { observations } => {
            let what = observations
                .first()
                .map(|observation| observation.resource.local())
                .unwrap_or_default();
            let more = match observations.len() {
                0 | 1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            format!("{what}{more} was changed by someone else; it is planned again")
        }
    }
}

/// `1 change`, `2 changes`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn stack(generation: u64, resources: &Value, run: &Value) -> StackState {
        serde_json::from_value(json!({
            "stack": "edge-api", "environment": "prod", "path": "edge-cache",
            "generation": generation, "resources": resources, "run": run,
            "updated_at": "2026-11-22T16:00:00Z",
        }))
        .unwrap()
    }

    fn run(holder: &str, steps: &Value) -> Value {
        json!({
            "plan": "0".repeat(64), "sequence": 3,
            "intent": "018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55",
            "holder": holder, "steps": steps, "started_at": "2026-11-22T16:00:00Z",
        })
    }

    fn resource() -> Value {
        json!({"place": "zone/example.com", "declared": {}})
    }

    fn said(before: Option<&StackState>, after: &StackState) -> Vec<String> {
        of_stack(before, after, Timestamp::UNIX_EPOCH)
            .iter()
            .map(|event| format!("{} {}", event.did, event.about))
            .collect()
    }

    const RECORD: &str = "edge-api/cloudflare.dns_record/api";

    #[test]
    fn each_step_is_told_once() {
        let begun = stack(0, &json!({}), &run("one", &json!({RECORD: {"state": "started"}})));
        let done = stack(
            0,
            &json!({}),
            &run("one", &json!({RECORD: {"state": "done", "after": resource()}})),
        );
        assert_eq!(said(None, &begun), ["began as one", "begins cloudflare.dns_record/api"]);
        assert_eq!(said(Some(&begun), &done), ["created cloudflare.dns_record/api"]);
        assert!(said(Some(&done), &done).is_empty());
    }

    #[test]
    fn a_step_that_ends_with_the_commit_is_told_too() {
        let begun = stack(0, &json!({}), &run("one", &json!({RECORD: {"state": "started"}})));
        let committed = stack(1, &json!({RECORD: resource()}), &Value::Null);
        assert_eq!(said(Some(&begun), &committed), ["created cloudflare.dns_record/api"]);
    }

    #[test]
    fn a_takeover_is_told() {
        let begun = stack(0, &json!({}), &run("one", &json!({RECORD: {"state": "started"}})));
        let taken = stack(0, &json!({}), &run("two", &json!({RECORD: {"state": "started"}})));
        assert_eq!(said(Some(&begun), &taken), ["took over the run of one, which is gone"]);
    }

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
