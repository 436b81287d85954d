//! What is remembered of trouble. Pure.

use std::collections::BTreeMap;

use bus_schema::{Damping, Finding, FindingResolved, Lesson, ResourceAddress, StackName};
use jiff::Timestamp;

/// The lesson once an occurrence is counted; the same where it was counted before.
pub fn count(
    known: Option<Lesson>,
    stack: &StackName,
    resource: &ResourceAddress,
    finding: &Finding,
    now: Timestamp,
) -> Lesson {
    let mut lesson = known.unwrap_or_else(|| Lesson {
        signature: finding.signature.clone(),
        stack: stack.clone(),
        resource: resource.clone(),
        scope: finding.scope.clone(),
        drift: finding.drift,
        fields: Vec::new(),
        found: 0,
        repaired: 0,
        last_repair_ms: 0,
        total_repair_ms: 0,
        longest_repair_ms: 0,
        writers: BTreeMap::new(),
        damping: Damping::default(),
        repair: None,
        last: finding.id.clone(),
        closed: false,
        escalated: None,
        decision: None,
        updated_at: now,
    });
    if lesson.found > 0 && lesson.last == finding.id {
        return lesson;
    }
    lesson.found += 1;
    lesson.last = finding.id.clone();
    lesson.closed = false;
    lesson.repair = None;
    lesson.escalated = None;
    lesson.decision = None;
    lesson.fields = finding.differences.iter().map(|it| it.field.clone()).collect();
    if let Some(writer) = &finding.by {
        *lesson.writers.entry(writer.clone()).or_default() += 1;
    }
    lesson.updated_at = now;
    lesson
}

/// The lesson once an occurrence is over. It counts as repaired where a repair of it was under way
/// and it did not go on as another; answers the milliseconds that took.
pub fn close(
    mut lesson: Lesson,
    resolved: &FindingResolved,
    now: Timestamp,
) -> (Lesson, Option<u64>) {
    let finding = &resolved.finding;
    if lesson.last != finding.id || lesson.closed {
        return (lesson, None);
    }
    let ours = lesson.repair.as_ref().is_some_and(|repair| repair.finding == finding.id);
    let took = (ours && resolved.became.is_none()).then(|| {
        let took = resolved.resolved_at.duration_since(finding.since()).as_millis();
        u64::try_from(took).unwrap_or(0)
    });
    if let Some(took) = took {
        lesson.repaired += 1;
        lesson.last_repair_ms = took;
        lesson.total_repair_ms = lesson.total_repair_ms.saturating_add(took);
        lesson.longest_repair_ms = lesson.longest_repair_ms.max(took);
    }
    lesson.closed = true;
    lesson.repair = None;
    lesson.escalated = None;
    lesson.decision = None;
    lesson.updated_at = now;
    (lesson, took)
}

/// The other writer that did it most often, where the cloud tells.
pub fn writer(lesson: &Lesson) -> Option<&str> {
    let most = lesson.writers.iter().max_by_key(|(_, times)| **times);
    most.map(|(writer, _)| writer.as_str())
}

/// Why no more repairs are made, for a person: who takes them back, or how they fail.
pub fn why_stopped(lesson: &Lesson, until: Timestamp) -> String {
    let times = lesson.damping.repairs.len();
    let failed = lesson.repair.as_ref().and_then(|repair| repair.ended.as_deref());
    let what = match (failed, writer(lesson)) {
        (Some(why), _) => {
            format!("{times} repairs of it were tried, the last of which failed: {why}")
        }
        (None, Some(writer)) => {
            let did = lesson.writers.get(writer).copied().unwrap_or_default();
            format!(
                "it was put back {times} times, and changed again by {writer}, who did it {did} times"
            )
        }
        (None, None) => format!("it was put back {times} times, and changed again by somebody"),
    };
    format!("{what}; no more repairs are made of it until a person says so, or until {until:.0}")
}
