//! Makes a stack of what nobody owns; looks, and writes nothing but the stack's record.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus_schema::{
    ImportAnswered, ImportAsked, Imported, KindName, NotImported, PathName, Place, StackState,
    codec,
};
use cloud::{Catalogue, Kind, ScopeLevel};

use crate::applier::{Applier, LARGEST_PLAN, pause};
use crate::imports::{self, Found};
use crate::preflight::Scope;
use crate::records;
use crate::saga::Held;
use crate::turn::TurnError;

/// Most of what was not taken that is named in an answer.
const MOST_LEFT: usize = 200;

impl Applier {
    /// Makes a stack of what nobody owns, and answers what came of it. `sequence`: of the request in
    /// the stream. A request handled again is answered the same.
    ///
    /// # Errors
    /// When it has to be handled again.
    pub async fn import(
        &self,
        asked: &ImportAsked,
        sequence: u64,
    ) -> Result<ImportAnswered, TurnError> {
        let mut answer = ImportAnswered {
            stack: asked.stack.clone(),
            asked: sequence,
            dry_run: asked.dry_run,
            refused: None,
            taken: Vec::new(),
            left: Vec::new(),
            left_out: 0,
        };
        let refused = |mut answer: ImportAnswered, why: String| {
            tracing::info!(stack = %asked.stack, why, "not imported");
            answer.refused = Some(why);
            Ok(answer)
        };
        let (scopes, unfit) = match scopes(asked, self.saga.catalogue) {
            Ok(sorted) => sorted,
            Err(why) => return refused(answer, why),
        };
        let held = self.read(&asked.stack).await?;
        let done = held.as_ref().is_some_and(|held| is_from(&held.state, sequence));
        if let Some(why) = held.as_ref().filter(|_| !done).and_then(|held| in_use(&held.state)) {
            return refused(answer, why);
        }
        let (survey, unowned) = match self.look(&scopes).await {
            Ok(found) => found,
            Err(source) => match pause(&source) {
                Some(after) => return Err(TurnError::Survey { source, after }),
                None => return refused(answer, runtime::chain(&source)),
            },
        };
        let found: Vec<Found<'_>> = unowned
            .into_iter()
            .filter_map(|(scope, unowned)| {
                let listing = survey.0.get(&scope)?.as_slice();
                Some(Found { scope, listing, unowned })
            })
            .collect();
        let stacks = self.saga.records.stacks().await?;
        let sorted = imports::sort(asked, &found, &stacks, self.saga.catalogue);
        let left = unfit.into_iter().chain(sorted.left);
        let (named, more): (Vec<_>, Vec<_>) =
            left.enumerate().partition(|(nth, _)| *nth < MOST_LEFT);
        answer.left = named.into_iter().map(|(_, left)| left).collect();
        answer.left_out = more.len() as u64;
        if let Some(held) = held.as_ref().filter(|_| done) {
            answer.taken = as_recorded(&held.state);
            let ids: Vec<&str> = answer.taken.iter().map(|it| it.cloud_id.as_str()).collect();
            answer.left.retain(|it| it.cloud_id.as_deref().is_none_or(|id| !ids.contains(&id)));
            return Ok(answer);
        }
        answer.taken = sorted.taken;
        if !sorted.unknown.is_empty() {
            answer.taken.clear();
            let why = format!("{} has nothing called {}", asked.place, sorted.unknown.join(", "));
            return refused(answer, why);
        }
        if answer.taken.is_empty() {
            let why = format!("there is nothing in {} that could be taken", asked.place);
            return refused(answer, why);
        }
        let (before, revision) = match held {
            Some(Held { state, revision }) => (Some(state), revision),
            None => (None, None),
        };
        let state = imports::state(asked, sequence, before, sorted.resources, runtime::now());
        if codec::encode(&state).map_or(usize::MAX, |bytes| bytes.len()) > LARGEST_PLAN {
            let count = std::mem::take(&mut answer.taken).len();
            let why = format!("{count} objects are too much for one stack: name some, or a kind");
            return refused(answer, why);
        }
        if !asked.dry_run {
            runtime::failpoint!("import::before_write");
            records::write(&*self.saga.records, &state, revision).await?;
            runtime::failpoint!("import::after_write");
            tracing::info!(stack = %asked.stack, taken = answer.taken.len(), by = asked.by, "imported");
        }
        Ok(answer)
    }

    /// What is there, and what of it no kind owns.
    async fn look(
        &self,
        scopes: &[Scope],
    ) -> Result<
        (crate::preflight::Survey, Vec<(Scope, BTreeMap<String, Vec<String>>)>),
        Arc<cloud::Error>,
    > {
        let survey = self.saga.clouds.survey(scopes.to_vec(), self.saga.parallelism).await?;
        let mut unowned = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let Some(cloud) = self.saga.clouds.of(&scope.0) else { continue };
            let of_scope = cloud.unowned(&scope.0, &scope.1).await.map_err(Arc::new)?;
            unowned.push((scope.clone(), of_scope));
        }
        Ok((survey, unowned))
    }
}

/// The scopes to be looked at, and the kinds that cannot be taken.
fn scopes(
    asked: &ImportAsked,
    catalogue: Catalogue,
) -> Result<(Vec<Scope>, Vec<NotImported>), String> {
    let there = |kind: &&'static dyn Kind| {
        matches!(
            (kind.describe().scope, &asked.place),
            (ScopeLevel::Account, Place::Account(_)) | (ScopeLevel::Zone, Place::Zone(_))
        )
    };
    let kinds: Vec<&'static dyn Kind> = catalogue.0.iter().copied().filter(there).collect();
    let names = || kinds.iter().map(|kind| kind.describe().name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) =
        asked.kinds.iter().find(|it| !kinds.iter().any(|kind| kind.describe().name == it.as_str()))
    {
        return Err(format!("there is no {unknown} in {}; there are {}", asked.place, names()));
    }
    let (mut scopes, mut unfit) = (Vec::new(), Vec::new());
    for kind in kinds {
        let Ok(name) = kind.describe().name.parse::<KindName>() else { continue };
        if !asked.kinds.is_empty() && !asked.kinds.contains(&name) {
            continue;
        }
        match kind.importable() {
            Ok(()) => scopes.push((name, asked.place.clone())),
            Err(why) => unfit.push(NotImported {
                kind: name,
                object: None,
                cloud_id: None,
                reason: why.to_owned(),
            }),
        }
    }
    Ok((scopes, unfit))
}

/// Whether a stack's record is what this very request made.
fn is_from(state: &StackState, sequence: u64) -> bool {
    state.path == PathName::imported() && state.order == sequence
}

/// Why a stack's name cannot be used; nothing where it holds nothing any more.
fn in_use(state: &StackState) -> Option<String> {
    let stack = &state.stack;
    if !state.resources.is_empty() || state.run.is_some() {
        return Some(format!("there is a stack {stack} already; give this one another name"));
    }
    let waits = state.paused.is_some() || !state.waiting.is_empty();
    waits.then(|| format!("stack {stack} is to be left alone; give this one another name"))
}

fn as_recorded(state: &StackState) -> Vec<Imported> {
    let taken = state.resources.iter().filter_map(|(at, it)| {
        let object = it.observed.as_ref().unwrap_or(&it.declared);
        let called = imports::called_by(object).unwrap_or_else(|| at.name.as_str());
        let cloud_id = it.cloud_id.clone()?;
        Some(Imported { resource: at.clone(), object: called.to_owned(), cloud_id })
    });
    taken.collect()
}
