//! How long after trouble the intents under way had ended.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::checker::Evidence;

/// The present, in nanoseconds since 1970.
pub(super) fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or_default()
}

/// For every intent that was under way at a trouble: from the last one before its end to that end.
pub(super) fn recoveries(evidence: &Evidence, troubles: &[i128]) -> Vec<Duration> {
    let mut ended: BTreeMap<&str, i128> = BTreeMap::new();
    for entry in &evidence.intents {
        if entry.body.get("phase").is_some_and(|phase| phase != "planned") {
            let id = entry.subject.rsplit('.').next().unwrap_or_default();
            ended.entry(id).or_insert(entry.at);
        }
    }
    let submitted: BTreeMap<u64, i128> =
        evidence.swarm.iter().map(|entry| (entry.sequence, entry.at)).collect();
    let took = evidence.accepted.iter().filter_map(|accepted| {
        let end = *ended.get(accepted.intent.as_str())?;
        let begin = *submitted.get(&accepted.sequence)?;
        let last = troubles.iter().filter(|at| (begin..end).contains(at)).max()?;
        Some(Duration::from_nanos(u64::try_from(end - last).unwrap_or_default()))
    });
    took.collect()
}
