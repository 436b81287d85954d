//! What a resource is to be put back to. Pure.

use std::collections::BTreeSet;

use bus_schema::{Properties, ResourceState};
use cloud::Kind;
pub use cloud::Outputs;

/// What a resource is to be put back to. Where what was there is what its declaration resolved to
/// then, the declaration is resolved again: what it refers to may have been made anew, under another
/// id, by the same undoing.
pub fn restored(
    kind: &dyn Kind,
    before: &ResourceState,
    then: &Outputs,
    now: &Outputs,
    ignored: &BTreeSet<String>,
) -> Option<Properties> {
    let observed = before.observed.as_ref()?;
    let as_declared = then.resolved(kind, &before.declared).is_ok_and(|declared| {
        let declared = cloud::compared(&declared, ignored);
        declared.0.iter().all(|(field, value)| observed.get(field) == Some(value))
    });
    let again = as_declared.then(|| now.resolved(kind, &before.declared).ok()).flatten();
    Some(again.unwrap_or_else(|| observed.clone()))
}
