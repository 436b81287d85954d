//! What becomes of an intent once it is known what became of its plan. Pure.

use bus_schema::{IntentId, IntentPhase, IntentState, Outcome, PlanApplied, RunStuck, StaleReason};
use policy::Language;

/// How often an intent is planned again because the cloud was not as the plan said. Somebody who
/// changes the same things all the time would otherwise keep the swarm busy for ever.
pub(crate) const MOST_REPLANS: u32 = 5;

/// Deliveries of an outcome that wait for the intent's record to name its plan: it is written just
/// after the plan is published, and after a crash in between when the intent is delivered again.
/// Together with the runtime's growing delays, some minutes.
const PATIENT_DELIVERIES: u64 = 16;

/// What to do about an outcome.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    /// Nothing, for this reason.
    Ignore(&'static str),
    /// Look again later: the record of the intent does not name this plan yet.
    Wait,
    /// The intent ends.
    End(Ending),
    /// It is planned again; this many times because of the cloud, this one included.
    Replan { replans: u32 },
}

/// How an intent ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) phase: IntentPhase,
    pub(crate) reason: String,
    pub(crate) next: Option<String>,
}

pub(crate) fn after(
    state: Option<&IntentState>,
    outcome: &Outcome,
    delivery: u64,
    language: Language,
) -> Next {
    let patient = delivery < PATIENT_DELIVERIES;
    let Some(state) = state else {
        return if patient { Next::Wait } else { Next::Ignore("no such intent") };
    };
    // A person can have the run of a stuck intent put back after all, which ends it anew, once.
    let put_back = state.phase == IntentPhase::Stuck && matches!(outcome, Outcome::Failed(_));
    if state.phase.is_final() && !put_back {
        return Next::Ignore("the intent has ended already");
    }
    if state.plan.as_ref().is_none_or(|plan| plan.id != *outcome.plan()) {
        return if patient { Next::Wait } else { Next::Ignore("not the intent's current plan") };
    }
    match outcome {
        Outcome::Applied(applied) => Next::End(converged(applied, language)),
        Outcome::Failed(failed) => Next::End(Ending {
            phase: IntentPhase::Failed,
            reason: with_undone(&failed.reason, failed.undone, language),
            next: Some(failed.next.clone()),
        }),
        Outcome::Stuck(stuck) => Next::End(stuck_in(stuck)),
        Outcome::Superseded(superseded) => Next::End(superseded_by(Some(superseded.by), language)),
        Outcome::Stale(refused) => match &refused.because {
            StaleReason::Generation { .. } => Next::Replan { replans: state.replans },
            StaleReason::Cloud { .. } if state.replans < MOST_REPLANS => {
                Next::Replan { replans: state.replans + 1 }
            }
            StaleReason::Cloud { observations } => {
                let changing: Vec<String> =
                    observations.iter().map(|it| it.resource.to_string()).collect();
                Next::End(restless(&changing.join(", "), language))
            }
        },
    }
}

/// The cloud is as asked.
fn converged(applied: &PlanApplied, language: Language) -> Ending {
    let PlanApplied { stack, generation, changes, .. } = applied;
    let reason = match (language, changes) {
        (Language::English, 0) => format!("already as declared; {stack} is at {generation}"),
        (Language::English, 1) => format!("1 change applied; {stack} is at {generation}"),
        (Language::English, many) => format!("{many} changes applied; {stack} is at {generation}"),
        (Language::Korean, 0) => format!("이미 선언된 그대로입니다. {stack}: {generation}"),
        (Language::Korean, many) => format!("변경 {many}건을 적용했습니다. {stack}: {generation}"),
    };
    Ending { phase: IntentPhase::Converged, reason, next: None }
}

fn with_undone(reason: &str, undone: usize, language: Language) -> String {
    let reason = reason.trim_end_matches('.');
    match (language, undone) {
        (Language::English, 0) => format!("{reason}; nothing was changed"),
        (Language::English, 1) => format!("{reason}; the one change made was undone"),
        (Language::English, many) => format!("{reason}; the {many} changes made were undone"),
        (Language::Korean, 0) => format!("{reason}; 변경된 것은 없습니다"),
        (Language::Korean, many) => format!("{reason}; 적용했던 변경 {many}건을 되돌렸습니다"),
    }
}

fn stuck_in(stuck: &RunStuck) -> Ending {
    let resources: Vec<String> = stuck
        .resources
        .iter()
        .map(|resource| format!("{}: {}", resource.resource, resource.reason))
        .collect();
    Ending {
        phase: IntentPhase::Stuck,
        reason: format!("{}; not undone: {}", stuck.reason, resources.join("; ")),
        next: Some(stuck.next.clone()),
    }
}

/// A later intent took its place.
pub(crate) fn superseded_by(by: Option<IntentId>, language: Language) -> Ending {
    let by = by.map_or_else(String::new, |by| format!(" {by}"));
    let (reason, next) = match language {
        Language::English => (
            format!("a later intent{by} for the same stack was applied first"),
            "submit it again if it is still what you want",
        ),
        Language::Korean => (
            format!("같은 스택에 대한 나중 요청{by}이(가) 먼저 적용되었습니다"),
            "여전히 필요하면 다시 요청해 주세요",
        ),
    };
    Ending { phase: IntentPhase::Superseded, reason, next: Some(next.to_owned()) }
}

/// Somebody else changes the same things all the time.
fn restless(changing: &str, language: Language) -> Ending {
    let (reason, next) = match language {
        Language::English => (
            format!(
                "planned {} times, and each time the cloud had changed before it could be applied: {changing}; nothing was changed",
                MOST_REPLANS + 1
            ),
            format!("find out who else changes {changing}, then submit it again"),
        ),
        Language::Korean => (
            format!(
                "{}번 계획했지만 매번 적용 전에 클라우드가 바뀌었습니다: {changing}. 변경된 것은 없습니다",
                MOST_REPLANS + 1
            ),
            format!("{changing}을(를) 누가 바꾸는지 확인한 뒤 다시 요청해 주세요"),
        ),
    };
    Ending { phase: IntentPhase::Failed, reason, next: Some(next) }
}

#[cfg(test)]
mod tests {
    use bus_schema::{
        Generation, Observation, Origin, PlanFailed, PlanId, PlanReference, PlanStale,
        PlanSuperseded, Request, StuckResource,
    };

    use super::*;

    fn id(digit: char) -> PlanId {
        PlanId::new(digit.to_string().repeat(64)).unwrap()
    }

    fn planned(replans: u32) -> IntentState {
        IntentState {
            intent: IntentId::of_stream_sequence(7),
            order: 7,
            request: Request::default(),
            by: None,
            phase: IntentPhase::Planned,
            understanding: None,
            plan: Some(PlanReference { id: id('a'), to: Generation(3), sequence: 8 }),
            replans,
            reason: None,
            next: None,
            refusal: None,
            submitted_at: jiff::Timestamp::UNIX_EPOCH,
            since: jiff::Timestamp::UNIX_EPOCH,
            traceparent: None,
        }
    }

    fn applied(plan: PlanId, changes: usize) -> Outcome {
        Outcome::Applied(PlanApplied {
            stack: "edge-cache-api".parse().unwrap(),
            intent: IntentId::of_stream_sequence(7),
            plan,
            origin: Origin::Intent,
            generation: Generation(3),
            changes,
        })
    }

    fn stale(because: StaleReason) -> Outcome {
        Outcome::Stale(PlanStale {
            stack: "edge-cache-api".parse().unwrap(),
            intent: IntentId::of_stream_sequence(7),
            plan: id('a'),
            origin: Origin::Intent,
            because,
        })
    }

    fn changed_cloud() -> Outcome {
        stale(StaleReason::Cloud {
            observations: vec![Observation {
                resource: "edge-cache-api/cloudflare.dns_record/site".parse().unwrap(),
                properties: None,
            }],
        })
    }

    fn next(state: &IntentState, outcome: &Outcome) -> Next {
        after(Some(state), outcome, 1, Language::English)
    }

    fn ending(next: Next) -> Ending {
        match next {
            Next::End(ending) => ending,
            other @ (Next::Ignore(_) | Next::Wait | Next::Replan { .. }) => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_applied_plan_ends_in_convergence_and_says_how_much_was_done() {
        let end = ending(next(&planned(0), &applied(id('a'), 7)));
        assert_eq!(end.phase, IntentPhase::Converged);
        assert_eq!(end.reason, "7 changes applied; edge-cache-api is at g3");
        let end = ending(next(&planned(0), &applied(id('a'), 0)));
        assert_eq!(end.reason, "already as declared; edge-cache-api is at g3");
    }

    #[test]
    fn an_outcome_waits_for_the_record_that_names_its_plan_but_not_for_ever() {
        let other = applied(id('b'), 1);
        assert_eq!(next(&planned(0), &other), Next::Wait);
        assert_eq!(after(None, &other, 1, Language::English), Next::Wait);
        let late = PATIENT_DELIVERIES;
        assert!(matches!(
            after(Some(&planned(0)), &other, late, Language::English),
            Next::Ignore(_)
        ));
        assert!(matches!(after(None, &other, late, Language::English), Next::Ignore(_)));
    }

    #[test]
    fn an_intent_ends_once() {
        let ended = IntentState { phase: IntentPhase::Failed, ..planned(0) };
        assert!(matches!(next(&ended, &applied(id('a'), 1)), Next::Ignore(_)));
    }

    #[test]
    fn a_stuck_intent_fails_once_it_is_put_back_after_all() {
        let stuck = IntentState { phase: IntentPhase::Stuck, ..planned(0) };
        let put_back = |plan| {
            Outcome::Failed(PlanFailed {
                stack: "edge-cache-api".parse().unwrap(),
                intent: IntentId::of_stream_sequence(7),
                plan,
                origin: Origin::Intent,
                resource: None,
                reason: "the zone is locked".to_owned(),
                next: "submit it again".to_owned(),
                undone: 1,
            })
        };
        let end = ending(next(&stuck, &put_back(id('a'))));
        assert_eq!(end.phase, IntentPhase::Failed);
        let late = after(Some(&stuck), &put_back(id('b')), PATIENT_DELIVERIES, Language::English);
        assert!(matches!(late, Next::Ignore(_)), "another plan's: {late:?}");
        assert!(matches!(next(&stuck, &applied(id('a'), 1)), Next::Ignore(_)));
        let failed = IntentState { phase: IntentPhase::Failed, ..planned(0) };
        assert!(matches!(next(&failed, &put_back(id('a'))), Next::Ignore(_)), "said again");
    }

    #[test]
    fn another_generation_is_planned_again_however_often() {
        let moved_on = stale(StaleReason::Generation { current: Generation(4) });
        assert_eq!(next(&planned(0), &moved_on), Next::Replan { replans: 0 });
        assert_eq!(next(&planned(50), &moved_on), Next::Replan { replans: 50 });
    }

    #[test]
    fn a_cloud_that_keeps_changing_ends_in_failure_that_names_what_changes() {
        for replans in 0..MOST_REPLANS {
            assert_eq!(
                next(&planned(replans), &changed_cloud()),
                Next::Replan { replans: replans + 1 }
            );
        }
        let end = ending(next(&planned(MOST_REPLANS), &changed_cloud()));
        assert_eq!(end.phase, IntentPhase::Failed);
        assert!(end.reason.contains("edge-cache-api/cloudflare.dns_record/site"), "{end:?}");
    }

    #[test]
    fn failures_say_what_was_undone_and_what_to_do() {
        let failed = Outcome::Failed(PlanFailed {
            stack: "edge-cache-api".parse().unwrap(),
            intent: IntentId::of_stream_sequence(7),
            plan: id('a'),
            origin: Origin::Intent,
            resource: None,
            reason: "the record exists and is not ours.".to_owned(),
            next: "rename it".to_owned(),
            undone: 2,
        });
        let end = ending(next(&planned(0), &failed));
        assert_eq!(end.phase, IntentPhase::Failed);
        assert_eq!(end.reason, "the record exists and is not ours; the 2 changes made were undone");
        assert_eq!(end.next.as_deref(), Some("rename it"));

        let stuck = Outcome::Stuck(RunStuck {
            stack: "edge-cache-api".parse().unwrap(),
            intent: IntentId::of_stream_sequence(7),
            plan: id('a'),
            origin: Origin::Intent,
            reason: "the zone is locked".to_owned(),
            resources: vec![StuckResource {
                resource: "edge-cache-api/cloudflare.dns_record/site".parse().unwrap(),
                cloud_id: None,
                wanted: None,
                reason: "403".to_owned(),
            }],
            next: "remove it by hand".to_owned(),
        });
        let end = ending(next(&planned(0), &stuck));
        assert_eq!(end.phase, IntentPhase::Stuck);
        assert!(end.reason.ends_with("not undone: edge-cache-api/cloudflare.dns_record/site: 403"));
    }

    #[test]
    fn a_later_intent_is_named() {
        let by = IntentId::of_stream_sequence(9);
        let superseded = Outcome::Superseded(PlanSuperseded {
            stack: "edge-cache-api".parse().unwrap(),
            intent: IntentId::of_stream_sequence(7),
            plan: id('a'),
            origin: Origin::Intent,
            by,
        });
        let end = ending(next(&planned(0), &superseded));
        assert_eq!(end.phase, IntentPhase::Superseded);
        assert!(end.reason.contains(&by.to_string()));
    }

    #[test]
    fn who_asks_in_korean_is_answered_in_korean() {
        let next = after(Some(&planned(0)), &applied(id('a'), 7), 1, Language::Korean);
        assert_eq!(ending(next).reason, "변경 7건을 적용했습니다. edge-cache-api: g3");
    }
}
