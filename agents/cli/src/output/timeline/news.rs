//! What the stream's messages say.

use bus_schema::{
    Escalated, FindingResolved, IgnoreRequested, ImportAnswered, Origin, PauseRequested,
    PlanProposed, RemedyAsked, RemedyKind, StaleReason,
};

use super::{Event, Tone, asked, count};
use crate::output::time::{between, span};
use crate::output::{finding, plan};
use crate::swarm::news::{News, Said};

/// What a message in the stream says.
pub fn of_news(news: &News) -> Event {
    let (who, did, about, tone) = told(&news.said);
    let stack = news.stack.clone();
    let ends = matches!(news.said, Said::Refused(_));
    Event { at: news.at, who, did, about, intent: news.intent, stack, tone, ends }
}

/// Who did what, about what, and how it is to be taken.
type Told = (String, &'static str, String, Tone);

fn told(said: &Said) -> Told {
    let agent = |name: &str| name.to_owned();
    match said {
        Said::Submitted(it) => (person(it.by.as_ref()), "asked", asked(&it.request), Tone::Plain),
        Said::Refused(it) => (agent("planner"), "refused", it.refusal.reason.clone(), Tone::Bad),
        Said::Planned(it) => planned(it),
        Said::Applied(it) => {
            let about = format!("{}, now at {}", count(it.changes, "change"), it.generation);
            (agent("provisioner"), "applied", about, Tone::Good)
        }
        Said::Failed(it) => {
            let about = match it.undone {
                0 => it.reason.clone(),
                n => format!("{}; {} undone", it.reason, count(n, "change")),
            };
            (agent("provisioner"), "failed", about, Tone::Bad)
        }
        Said::Stale(it) => (agent("provisioner"), "stale", stale(&it.because), Tone::Warning),
        Said::Superseded(it) => {
            let about = format!("intent {} came later and was applied first", it.by);
            (agent("provisioner"), "superseded", about, Tone::Warning)
        }
        Said::Stuck(it) => (agent("provisioner"), "stuck", it.reason.clone(), Tone::Bad),
        Said::Resumed(it) => {
            let about = format!("the run of plan {}", it.plan.short());
            (person(it.by.as_ref()), "resumed", about, Tone::Plain)
        }
        Said::Found(it) => (agent("auditor"), "found", finding::line(&it.finding), Tone::Warning),
        Said::Resolved(it) => resolved(it),
        Said::Escalated(it) => escalated(it),
        Said::Decided(it) => decided(it),
        Said::Paused(it) => paused(it),
        Said::Ignored(it) => ignored(it),
        Said::Import(it) => {
            let about = format!("what nobody owns in {}", it.place);
            (person(it.by.as_ref()), "imports", about, Tone::Plain)
        }
        Said::Imported(it) => imported(it),
        Said::Hinted(it) => {
            (person(it.by.as_ref()), "hinted", format!("at {}", it.scope), Tone::Minor)
        }
    }
}

/// Who asked; whoever does not say is the one who reads it.
fn person(by: Option<&String>) -> String {
    by.cloned().unwrap_or_else(|| "you".to_owned())
}

fn planned(it: &PlanProposed) -> Told {
    let plan = &it.plan;
    let summary = format!("{} → {}, {}", plan.from, plan.to, plan::summary(plan));
    let (who, did) = match plan.origin {
        Origin::Intent => ("planner", "planned"),
        Origin::Heal => ("remediator", "puts back"),
        Origin::Adopt => ("remediator", "adopts"),
    };
    let about = match plan.changes.as_slice() {
        // Of a repair the one resource says more than how many there are.
        [change] if plan.origin == Origin::Heal => {
            format!("{}, {} → {}", change.resource.local(), plan.from, plan.to)
        }
        _ => summary,
    };
    (who.to_owned(), did, format!("{about} (plan {})", it.id.short()), Tone::Plain)
}

fn resolved(it: &FindingResolved) -> Told {
    let called = finding::called(&it.finding);
    let (about, tone) = if let Some(next) = &it.became {
        (format!("{called} went on as finding {next}"), Tone::Minor)
    } else {
        let took = span(between(it.finding.since(), it.resolved_at));
        let since = if it.finding.changed_at.is_some() { "the change" } else { "it was found" };
        (format!("{called} is as declared again, {took} after {since}"), Tone::Good)
    };
    ("auditor".to_owned(), "resolved", about, tone)
}

fn escalated(it: &Escalated) -> Told {
    let about = format!("{}: {}", finding::called(&it.finding), it.reason);
    ("remediator".to_owned(), "asks you", about, Tone::Bad)
}

fn decided(it: &RemedyAsked) -> Told {
    let id: String = it.finding.as_str().chars().take(6).collect();
    let about = match it.remedy {
        RemedyKind::Revert => format!("finding {id} is to be put back"),
        RemedyKind::Adopt => format!("finding {id} is to be declared as it is"),
        RemedyKind::Leave => format!("finding {id} is to be left as it is"),
    };
    (person(it.by.as_ref()), "decided", about, Tone::Plain)
}

fn paused(it: &PauseRequested) -> Told {
    let (did, about) = if it.paused {
        ("paused", it.reason.clone().unwrap_or_else(|| "nothing is to be changed".to_owned()))
    } else {
        ("resumed", "it is to be left alone no longer".to_owned())
    };
    (person(it.by.as_ref()), did, about, Tone::Warning)
}

fn ignored(it: &IgnoreRequested) -> Told {
    let about = format!("{} of {}", it.fields.join(", "), it.resource.local());
    let did = if it.ignored { "ignores" } else { "minds" };
    (person(it.by.as_ref()), did, about, Tone::Warning)
}

fn imported(it: &ImportAnswered) -> Told {
    let taken = count(it.taken.len(), "object");
    let (did, about, tone) = match (&it.refused, it.dry_run) {
        (Some(reason), _) => ("refused", reason.clone(), Tone::Bad),
        (None, true) => ("imported", format!("nothing yet: {taken} would be taken"), Tone::Plain),
        (None, false) => ("imported", taken, Tone::Good),
    };
    ("provisioner".to_owned(), did, about, tone)
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

#[cfg(test)]
mod tests {
    use super::*;
    use bus_schema::{Message, codec};
    use serde_json::{Value, json};

    fn line(message: &impl Message) -> String {
        let payload = codec::encode(message).unwrap();
        let at = "2026-11-22T16:00:00Z".parse().unwrap();
        let subject = message.subject();
        let news = News::read(9, at, subject.as_str(), None, &payload).unwrap();
        let event = of_news(&news);
        assert_eq!(event.stack.as_ref().map(bus_schema::StackName::as_str), Some("edge-api"));
        format!("{} {} {}", event.who, event.did, event.about)
    }

    fn finding() -> Value {
        json!({
            "id": "4f2a000000000001", "signature": "a1", "drift": "changed",
            "scope": "cloudflare.waf_rule.zone.example.com",
            "resource": "edge-api/cloudflare.waf_rule/block", "object": "block", "by": "mallory",
            "differences": [{"field": "action", "before": "log", "after": "block"}],
            "changed_at": "2026-11-22T16:00:00Z", "detected_at": "2026-11-22T16:00:01Z",
        })
    }

    fn of<M: Message>(message: Value) -> String {
        line(&serde_json::from_value::<M>(message).unwrap())
    }

    #[test]
    fn a_finding_is_told_from_its_detection_to_its_end() {
        let stack = "edge-api";
        assert_eq!(
            of::<bus_schema::DriftFound>(json!({"stack": stack, "finding": finding()})),
            "auditor found cloudflare.waf_rule/block was changed by mallory: action \"block\" → \"log\""
        );
        assert_eq!(
            of::<FindingResolved>(json!({
                "stack": stack, "finding": finding(), "generation": 2,
                "resolved_at": "2026-11-22T16:00:01.400Z",
            })),
            "auditor resolved cloudflare.waf_rule/block is as declared again, 1.4 s after the change"
        );
        assert_eq!(
            of::<Escalated>(json!({
                "stack": stack, "finding": finding(), "reason": "it came back", "next": "…",
            })),
            "remediator asks you cloudflare.waf_rule/block: it came back"
        );
    }

    #[test]
    fn what_people_say_of_a_stack_is_told() {
        assert_eq!(
            of::<PauseRequested>(json!({"stack": "edge-api", "paused": true, "by": "kim"})),
            "kim paused nothing is to be changed"
        );
        let decided =
            json!({"stack": "edge-api", "finding": "4f2a000000000001", "remedy": "adopt"});
        assert_eq!(
            of::<RemedyAsked>(decided),
            "you decided finding 4f2a00 is to be declared as it is"
        );
    }
}
