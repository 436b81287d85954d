//! What of a listing may be believed. Pure.
//!
//! A listing is one moment of the cloud, and so is what is declared; they belong together only for a
//! stack that nobody worked on between the two, and whose last write the cloud's reads have caught up
//! with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bus_schema::{Scope, StackName, StackState};
use cloud::{Catalogue, Drifted, Observed};
use jiff::Timestamp;
use runtime::{Entry, Snapshot};

use crate::schedule::after;

/// What a look says.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Stacks with something not as declared.
    pub drifted: BTreeMap<StackName, Vec<Drifted>>,
    /// Stacks of which nothing is said this time.
    pub held: BTreeSet<StackName>,
    /// What nobody owns.
    pub unmanaged: Vec<Observed>,
    /// When to look again at what could not be believed yet.
    pub again_at: Option<Timestamp>,
}

/// Judges a listing that was made after `before` was read and before `after` was; `at` is when it was
/// begun.
pub fn judge(
    scope: &Scope,
    listing: &[Observed],
    before: &Snapshot<StackState>,
    after_it: &Snapshot<StackState>,
    catalogue: Catalogue,
    at: Timestamp,
    lag: Duration,
) -> Judgement {
    let states: Vec<&StackState> = after_it.values().map(|entry| &entry.record).collect();
    let seen = cloud::look(scope, listing, &states, catalogue);
    let mut judgement = Judgement { unmanaged: seen.unmanaged, ..Judgement::default() };
    let again = |judgement: &mut Judgement, at: Timestamp| {
        judgement.again_at = Some(judgement.again_at.map_or(at, |sooner| sooner.min(at)));
    };
    for (key, entry) in after_it.iter() {
        let stack = &entry.record.stack;
        if entry.record.run.is_some() {
            // What it makes of the cloud is looked at when it is applied.
            judgement.held.insert(stack.clone());
        } else if changed(before.get(key), entry) {
            judgement.held.insert(stack.clone());
            if concerns(&entry.record, scope) {
                again(&mut judgement, at);
            }
        }
    }
    for (stack, drifted) in seen.drifted {
        if judgement.held.contains(&stack) {
            continue;
        }
        let written = after_it.get(stack.as_str()).map(|entry| entry.record.updated_at);
        let believable = written.map_or(at, |written| {
            // Two clocks: what was written cannot be later than now.
            after(written.min(at), lag)
        });
        let newer = |it: &Drifted| it.modified_at().zip(written).is_some_and(|(it, at)| it > at);
        if at < believable && !drifted.iter().all(newer) {
            judgement.held.insert(stack);
            again(&mut judgement, believable);
        } else {
            judgement.drifted.insert(stack, drifted);
        }
    }
    judgement
}

fn changed(before: Option<&Arc<Entry<StackState>>>, after: &Entry<StackState>) -> bool {
    before.is_none_or(|before| before.revision != after.revision)
}

fn concerns(state: &StackState, scope: &Scope) -> bool {
    state.resources.iter().any(|(at, it)| at.kind == scope.kind && it.place == scope.place)
}
