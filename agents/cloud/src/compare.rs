//! The one comparison of a declaration with what is there. Pure.

use bus_schema::{Difference, Properties};

use crate::kind::Kind;
use crate::references;

/// Every declared field that is not so, `before` being what was observed and `after` what is
/// declared. The same question for the plan, the preflight and the watcher.
///
/// References are resolved by `outputs` (given the resource as `<kind>/<name>` and the output's
/// name); a field whose reference is not known differs. A field the normalised declaration leaves
/// out is left to the cloud and not compared.
#[must_use]
pub fn differences(
    kind: &dyn Kind,
    declared: &Properties,
    observed: &Properties,
    outputs: impl FnMut(&str, &str) -> Option<String>,
) -> Vec<Difference> {
    let resolved = references::resolve_known(declared, outputs);
    // Normalised again, for what came in through a reference is as the cloud wrote it.
    let wanted = kind.normalise(&resolved).unwrap_or(resolved);
    wanted
        .0
        .iter()
        .filter(|(field, value)| observed.get(field) != Some(value))
        .map(|(field, _)| Difference {
            field: field.clone(),
            before: observed.get(field).cloned(),
            after: declared.get(field).or_else(|| wanted.get(field)).cloned(),
        })
        .collect()
}
