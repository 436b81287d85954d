//! Intents: each accepted one is kept and ends exactly once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bus::Entry;
use super::evidence::Evidence;

const FINAL: [&str; 6] = ["converged", "refused", "failed", "stuck", "superseded", "withdrawn"];

/// Acknowledged submissions that are not in the stream as they were sent.
pub(super) fn lost(evidence: &Evidence) -> Vec<String> {
    let by_sequence: BTreeMap<u64, &Entry> =
        evidence.swarm.iter().map(|entry| (entry.sequence, entry)).collect();
    let kept = |sequence: u64, payload: &[u8]| {
        by_sequence
            .get(&sequence)
            .is_some_and(|entry| entry.subject == "swarm.intent.submit" && entry.payload == payload)
    };
    evidence
        .accepted
        .iter()
        .filter(|accepted| !kept(accepted.sequence, &accepted.payload))
        .map(|accepted| format!("{} at sequence {}", accepted.intent, accepted.sequence))
        .collect()
}

/// Accepted intents that have not ended, ended twice, or ended otherwise than the stream says.
pub(super) fn without_one_end(evidence: &Evidence) -> Vec<String> {
    let submitted = evidence
        .swarm
        .iter()
        .filter(|entry| entry.subject == "swarm.intent.submit")
        .map(|entry| entry.text("/id").to_owned())
        .filter(|id| !id.is_empty());
    let accepted = evidence.accepted.iter().map(|accepted| accepted.intent.clone());
    let ids: BTreeSet<String> = submitted.chain(accepted).collect();
    ids.iter().filter_map(|id| wrong(evidence, id).map(|why| format!("{id}: {why}"))).collect()
}

fn wrong(evidence: &Evidence, id: &str) -> Option<String> {
    let suffix = format!(".intent.{id}");
    let revisions: Vec<&Entry> =
        evidence.intents.iter().filter(|entry| entry.subject.ends_with(&suffix)).collect();
    let Some(last) = revisions.last() else { return Some("no record of it".to_owned()) };
    let phase = last.text("/phase");
    if !FINAL.contains(&phase) {
        return Some(format!("still {phase}: {}", last.body));
    }
    let mut ends: Vec<&str> = revisions
        .iter()
        .map(|entry| entry.text("/phase"))
        .skip_while(|phase| !FINAL.contains(phase))
        .collect();
    ends.dedup();
    // A person who has mended what was stuck has the run undone after all.
    if ends.first() == Some(&"stuck") && ends.len() > 1 {
        ends.remove(0);
    }
    if ends.len() != 1 {
        return Some(format!("ended {} times: {}", ends.len(), ends.join(", then ")));
    }
    disagreement(evidence, id, phase, &last.body)
}

/// What the stream says otherwise than the record.
fn disagreement(evidence: &Evidence, id: &str, phase: &str, record: &Value) -> Option<String> {
    let plan = record.pointer("/plan/id").and_then(Value::as_str).unwrap_or_default();
    let said: BTreeSet<(&str, &str)> = evidence
        .outcomes()
        .filter(|(_, entry)| entry.text("/intent") == id)
        .map(|(word, entry)| (word, entry.text("/plan")))
        .collect();
    let of_plan = |word: &str| said.contains(&(word, plan));
    let applied = said.iter().any(|(word, _)| *word == "applied");
    match phase {
        "converged" if !of_plan("applied") => Some("converged, and no plan was applied".to_owned()),
        "converged" if of_plan("failed") => Some("its plan was both applied and failed".to_owned()),
        "failed" if !of_plan("failed") && !of_plan("stale") => {
            Some("failed, and no plan failed".to_owned())
        }
        "stuck" if !of_plan("stuck") => Some("stuck, and no plan was stuck".to_owned()),
        "refused" if !announced(evidence, id) => {
            Some("refused, and the refusal was not announced".to_owned())
        }
        "failed" | "refused" | "superseded" if applied => {
            Some(format!("{phase}, and yet a plan of it was applied: {said:?}"))
        }
        _ => None,
    }
}

fn announced(evidence: &Evidence, id: &str) -> bool {
    let subject = format!("swarm.intent.refused.{id}");
    evidence.swarm.iter().any(|entry| entry.subject == subject)
}
