//! What becomes of an intent once it is known what became of its plan. Pure.

use bus_schema::{IntentId, IntentPhase, IntentState, Outcome, PlanApplied, RunStuck, StaleReason};
use policy::Language;

/// How often an intent is planned again because the cloud was not as the plan said. Somebody who
/// changes the same things all the time would otherwise keep the swarm busy for ever.
pub(crate) const MOST_REPLANS: u32 = 5;

/// Deliveries of an outcome that wait for the intent's record to name its plan: it is written just
/// after the plan is published, and after a crash in between when the intent is delivered again.
/// Together with the runtime's growing delays, some minutes.
const PATIENT_DELIVERIES: u64 = 12;

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
    if state.phase.is_final() {
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
        Outcome::Stale(stale) => match &stale.because {
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
