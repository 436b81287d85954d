//! What is not as declared: how it is instead, who did it, and what is being done about it.

use anstyle::Style;
use bus_schema::{
    Difference, Drift, Finding, Lesson, Properties, RemedyKind, StackObservation, StackState,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::output::diff;
use crate::output::style::{BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::time::{ago, between, span};
use crate::output::timeline::count;

/// What is being done about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doing {
    /// In one word.
    pub state: State,
    /// In a sentence.
    pub says: String,
}

/// What is being done about a finding, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing yet.
    Found,
    /// A repair is under way.
    Repairing,
    /// A repair is made later.
    Waiting,
    /// Nothing while the stack is to be left alone.
    Paused,
    /// A person is asked.
    Asked,
    /// It came back too often: a person is asked, and nothing is done until then.
    Stopped,
    /// It stays as it is.
    Left,
}

impl State {
    const fn style(self) -> Style {
        match self {
            Self::Found | Self::Waiting | Self::Paused | Self::Asked => CHANGED,
            Self::Repairing => GOOD,
            Self::Stopped => BAD,
            Self::Left => FAINT,
        }
    }
}

/// What is being done about a finding, from what is remembered of its like and how its stack stands.
pub fn doing(
    finding: &Finding,
    lesson: Option<&Lesson>,
    stack: Option<&StackState>,
    now: Timestamp,
) -> Doing {
    let of = |state, says: String| Doing { state, says };
    let paused = stack.and_then(|stack| stack.paused.as_ref());
    let Some(lesson) = lesson.filter(|it| it.last == finding.id && !it.closed) else {
        return match paused {
            Some(_) => of(State::Paused, "left alone: the stack is paused".to_owned()),
            None => of(State::Found, "nothing is done about it yet".to_owned()),
        };
    };
    let decided = lesson.decision.as_ref();
    if let Some(decision) = decided.filter(|it| it.remedy == RemedyKind::Leave) {
        let by = decision.by.as_deref().map(|by| format!(", as {by} decided")).unwrap_or_default();
        return of(State::Left, format!("left as it is this time{by}"));
    }
    if let Some(reason) = lesson.escalated.as_ref().filter(|_| decided.is_none()) {
        return match lesson.damping.open_since {
            Some(_) => of(State::Stopped, format!("stopped: {reason}")),
            None => of(State::Asked, format!("you are asked: {reason}")),
        };
    }
    let adopting = decided.is_some_and(|it| it.remedy == RemedyKind::Adopt);
    let being = if adopting { "being declared as it is" } else { "being put back" };
    let repair = lesson.repair.as_ref().filter(|repair| repair.finding == finding.id);
    if paused.is_some() {
        return of(State::Paused, format!("{being} as soon as the stack is resumed"));
    }
    let later = lesson.damping.not_before.filter(|then| *then > now);
    match (repair, later) {
        (Some(repair), _) if repair.ended.is_none() => {
            let since = span(between(repair.since, now));
            of(State::Repairing, format!("{being}, attempt {}, for {since}", repair.attempt))
        }
        (Some(repair), later) => {
            let why = repair.ended.as_deref().unwrap_or_default();
            let next = later.map(|then| format!("; again in {}", span(between(now, then))));
            let next = next.unwrap_or_default();
            of(State::Waiting, format!("attempt {} came to nothing: {why}{next}", repair.attempt))
        }
        (None, Some(then)) => {
            let times = count(lesson.damping.repairs.len(), "time");
            let wait = span(between(now, then));
            of(State::Waiting, format!("{being} in {wait}: it was put back {times} lately"))
        }
        (None, None) => of(State::Left, "only reported, as the environment's rules say".to_owned()),
    }
}

/// In what way it is not as declared, as a sign and in words.
pub const fn sign(drift: Drift) -> (&'static str, Style, &'static str) {
    match drift {
        Drift::Changed => ("~", CHANGED, "changed"),
        Drift::Missing => ("-", BAD, "missing"),
        Drift::Surplus => ("+", CHANGED, "one too many"),
        Drift::Unmanaged => ("?", FAINT, "owned by nobody"),
    }
}

/// The resource, else the object nobody owns.
pub fn called(finding: &Finding) -> String {
    match &finding.resource {
        Some(resource) => resource.local(),
        None => format!("{} {}", finding.scope.kind, finding.object),
    }
}

/// The finding as a page: what, where, field by field, who and when, what is done.
pub fn page(
    finding: &Finding,
    id: &str,
    differences: &[Difference],
    doing: &Doing,
    now: Timestamp,
) -> String {
    let (sign, style, word) = sign(finding.drift);
    let mut lines = vec![format!(
        "  {} {}  {}  {}",
        paint(style, sign),
        paint(STRONG, called(finding)),
        paint(FAINT, &finding.scope.place),
        paint(style, word),
    )];
    if finding.drift == Drift::Changed {
        lines.extend(diff::drifted(differences));
    }
    lines.push(format!("      {}", paint(FAINT, history(finding, now))));
    lines.push(format!("      {}  {}", paint(STRONG, id), paint(doing.state.style(), &doing.says)));
    lines.join("\n")
}

/// Who did it and when, where the cloud says, and since when it is known.
fn history(finding: &Finding, now: Timestamp) -> String {
    let by = match (&finding.by, finding.drift) {
        (Some(by), _) => format!("by {by}"),
        (None, _) => "by somebody".to_owned(),
    };
    let when = finding.changed_at.map(|at| format!(", {}", ago(at, now))).unwrap_or_default();
    format!("{by}{when}; found {}", ago(finding.detected_at, now))
}

/// One line: what happened to what, by whom.
pub fn line(finding: &Finding) -> String {
    let called = called(finding);
    let by = finding.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    match finding.drift {
        Drift::Changed => {
            format!("{called} was changed{by}: {}", fields(&finding.differences))
        }
        Drift::Missing => format!("{called} was deleted{by}"),
        Drift::Surplus => format!("{called} is there once too often, made{by}"),
        Drift::Unmanaged => format!("{called} belongs to nobody"),
    }
}

/// The fields that differ; of one alone, how, where that is short.
fn fields(differences: &[Difference]) -> String {
    const SHORT: usize = 40;
    if let [Difference { field, before: Some(observed), after: Some(declared) }] = differences {
        let (declared, observed) = (declared.to_string(), observed.to_string());
        if declared.len() + observed.len() <= SHORT {
            return format!("{field} {declared} → {observed}");
        }
    }
    let fields: Vec<&str> = differences.iter().map(|it| it.field.as_str()).collect();
    fields.join(", ")
}

/// A finding's differences with long texts whole, where they are recorded whole.
pub fn whole(
    finding: &Finding,
    stack: Option<&StackState>,
    observation: &StackObservation,
) -> Vec<Difference> {
    let resource = finding.resource.as_ref();
    let declared = resource.and_then(|it| stack?.resources.get(it)).map(|it| &it.declared);
    let observed = resource.and_then(|it| observation.drifted.get(it)?.as_ref());
    let text = |properties: Option<&Properties>, field: &str| {
        // One with a reference in it is not as it would be written.
        properties?
            .text(field)
            .filter(|text| text.contains('\n') && !text.contains("${"))
            .map(Into::into)
    };
    let mut differences = finding.differences.clone();
    for difference in &mut differences {
        let both = text(declared, &difference.field).zip(text(observed, &difference.field));
        if let Some((declared, observed)) = both {
            difference.after = Some(declared);
            difference.before = Some(observed);
        }
    }
    differences
}

/// How many characters of ids tell them apart; never so few that the next one is likely to begin
/// the same.
pub fn telling<'it>(ids: impl IntoIterator<Item = &'it str>) -> usize {
    const LEAST: usize = 4;
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let shared = |pair: &[&str]| match pair {
        [one, other] => one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count(),
        _ => 0,
    };
    ids.windows(2).map(|pair| shared(pair) + 1).max().unwrap_or(LEAST).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(drift: &str, differences: &Value) -> Finding {
        serde_json::from_value(json!({
            "id": "4f2a000000000001", "signature": "a1", "drift": drift,
            "scope": "cloudflare.waf_rule.zone.example.com",
            "resource": "edge-api/cloudflare.waf_rule/block", "object": "block",
            "differences": differences, "by": "mallory",
            "changed_at": "2026-11-22T16:00:00Z", "detected_at": "2026-11-22T16:00:08Z",
        }))
        .unwrap()
    }

    fn lesson(more: &Value) -> Lesson {
        let mut lesson = json!({
            "signature": "a1", "stack": "edge-api",
            "resource": "edge-api/cloudflare.waf_rule/block",
            "scope": "cloudflare.waf_rule.zone.example.com", "drift": "changed",
            "found": 1, "repaired": 0, "damping": {}, "last": "4f2a000000000001",
            "updated_at": "2026-11-22T16:00:08Z",
        });
        for (name, value) in more.as_object().unwrap() {
            lesson[name] = value.clone();
        }
        serde_json::from_value(lesson).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T16:00:10Z".parse().unwrap()
    }

    fn done(more: &Value) -> Doing {
        doing(&found("changed", &json!([])), Some(&lesson(more)), None, now())
    }

    #[test]
    fn a_change_is_told_from_declared_to_observed() {
        let differences = json!([{"field": "action", "before": "log", "after": "block"}]);
        let finding = found("changed", &differences);
        let doing = Doing { state: State::Repairing, says: "being put back".to_owned() };
        let page = page(&finding, "4f2a", &finding.differences, &doing, now());
        assert_eq!(
            anstream::adapter::strip_str(&page).to_string(),
            "  ~ cloudflare.waf_rule/block  zone/example.com  changed\n\
             \x20     action  \"block\" → \"log\"\n\
             \x20     by mallory, 10 s ago; found just now\n\
             \x20     4f2a  being put back"
        );
    }

    #[test]
    fn what_is_done_is_told_from_the_lesson() {
        let repair = json!({
            "finding": "4f2a000000000001", "plan": "0".repeat(64), "attempt": 2, "after": 1,
            "since": "2026-11-22T16:00:09Z",
        });
        assert_eq!(done(&json!({"repair": repair})).says, "being put back, attempt 2, for 1.0 s");
        let waits = json!({"damping": {
            "repairs": ["2026-11-22T16:00:00Z"], "not_before": "2026-11-22T16:00:14Z",
        }});
        assert_eq!(done(&waits).says, "being put back in 4.0 s: it was put back 1 time lately");
        let stopped = json!({
            "damping": {"open_since": "2026-11-22T16:00:09Z"}, "escalated": "mallory did it 5 times",
        });
        assert_eq!(done(&stopped).state, State::Stopped);
        assert_eq!(done(&json!({"escalated": "reserved"})).state, State::Asked);
        assert_eq!(done(&json!({"decision": {"remedy": "leave", "by": "kim"}})).state, State::Left);
        assert_eq!(done(&json!({"last": "another"})).state, State::Found);
    }

    #[test]
    fn a_decision_goes_before_what_was_asked() {
        let decided = done(&json!({
            "escalated": "reserved", "decision": {"remedy": "adopt"},
            "repair": {
                "finding": "4f2a000000000001", "plan": "0".repeat(64), "attempt": 1, "after": 1,
                "since": "2026-11-22T16:00:10Z",
            },
        }));
        assert_eq!(decided.says, "being declared as it is, attempt 1, for 0 ms");
    }

    #[test]
    fn ids_are_as_long_as_they_need_to_be() {
        assert_eq!(telling(["4f2a0000", "91bc0000"]), 4);
        assert_eq!(telling(["4f2a0100", "4f2a0200"]), 6);
        assert_eq!(telling([]), 4);
    }
}
