//! Plans of one stack take effect in the order of their intents, one generation after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Evidence;

/// Plans that were applied after a plan of a later intent, or to an earlier generation.
pub(super) fn out_of_order(evidence: &Evidence) -> Vec<String> {
    let plans: BTreeMap<&str, u64> =
        evidence.plans().map(|entry| (entry.text("/id"), entry.number("/plan/order"))).collect();
    let mut seen = BTreeSet::new();
    let mut newest: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut found = Vec::new();
    for (word, entry) in evidence.outcomes() {
        let plan = entry.text("/plan");
        // Said again when a plan is delivered again.
        if word != "applied" || !seen.insert(plan) {
            continue;
        }
        let stack = entry.text("/stack");
        let Some(order) = plans.get(plan).copied() else {
            found.push(format!("{stack}: {plan} was applied and never proposed"));
            continue;
        };
        let generation = entry.number("/generation");
        let (last_order, last_generation) = newest.get(stack).copied().unwrap_or_default();
        if order < last_order || generation < last_generation {
            found.push(format!(
                "{stack}: intent {order} to g{generation} after intent {last_order} to \
                 g{last_generation}"
            ));
        }
        newest.insert(stack, (order.max(last_order), generation.max(last_generation)));
    }
    found
}
