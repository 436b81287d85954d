//! Fields of a resource that are somebody else's.
//!
//! That they are stands in the stack's record, beside what is declared: the write takes the record's
//! revision from whoever is at work on the stack, who sees it before the next call to a cloud.

use bus_schema::{IgnoreRequested, Ignored, ResourceAddress, StackName, StackState};
use cloud::Catalogue;

use crate::applier::Applier;
use crate::turn::TurnError;

/// A request that cannot be heeded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotIgnorable {
    /// There is no such stack.
    #[error("there is no stack {stack}; `zerodrift status` lists those there are")]
    NoStack {
        /// Which one.
        stack: StackName,
    },
    /// The stack has no such resource.
    #[error("stack {stack} has no {resource}; it has {known}")]
    NoResource {
        /// The stack.
        stack: StackName,
        /// Which one.
        resource: Box<ResourceAddress>,
        /// What it has.
        known: String,
    },
    /// The kind has no such field.
    #[error("{resource} has no field `{field}`; it has {known}")]
    NoField {
        /// The resource.
        resource: Box<ResourceAddress>,
        /// Which one.
        field: String,
        /// What it has.
        known: String,
    },
    /// No field is named.
    #[error("no field of {resource} is named")]
    Nothing {
        /// The resource.
        resource: Box<ResourceAddress>,
    },
}

impl Applier {
    /// Records that fields are somebody else's, or no longer. `sequence`, of the request in the stream,
    /// and `at`, when it was stored there: a request that comes late does not undo a later one.
    ///
    /// # Errors
    /// When there are no such fields, or the record cannot be read or written.
    pub async fn ignore(
        &self,
        asked: &IgnoreRequested,
        sequence: u64,
        at: jiff::Timestamp,
    ) -> Result<(), TurnError> {
        let mut refused = None;
        let known = self
            .rewrite(&asked.stack, |state| {
                match heed(state, asked, sequence, at, self.saga.catalogue) {
                    Ok(changed) => changed,
                    Err(why) => {
                        refused = Some(why);
                        false
                    }
                }
            })
            .await?;
        match (known, refused) {
            (None, _) => Err(NotIgnorable::NoStack { stack: asked.stack.clone() }.into()),
            (Some(_), Some(why)) => Err(why.into()),
            (Some(_), None) => {
                tracing::info!(resource = %asked.resource, fields = ?asked.fields, ignored = asked.ignored, by = asked.by, reason = asked.reason, "heeded");
                Ok(())
            }
        }
    }
}

/// Writes into a stack's state what is said of fields; answers whether that changes anything. Pure.
///
/// # Errors
/// When there are no such fields; the state is unchanged then.
pub fn heed(
    state: &mut StackState,
    asked: &IgnoreRequested,
    sequence: u64,
    at: jiff::Timestamp,
    catalogue: Catalogue,
) -> Result<bool, NotIgnorable> {
    let resource = || Box::new(asked.resource.clone());
    let kind = catalogue.get(&asked.resource.kind);
    let kind = kind.filter(|_| state.resources.contains_key(&asked.resource));
    let Some(kind) = kind else {
        let known = list(state.resources.keys().map(ResourceAddress::local));
        return Err(NotIgnorable::NoResource {
            stack: state.stack.clone(),
            resource: resource(),
            known,
        });
    };
    if asked.fields.is_empty() {
        return Err(NotIgnorable::Nothing { resource: resource() });
    }
    let description = kind.describe();
    if let Some(field) = asked.fields.iter().find(|field| description.field(field).is_none()) {
        let known = list(description.fields.iter().map(|it| it.name.to_owned()));
        return Err(NotIgnorable::NoField { resource: resource(), field: field.clone(), known });
    }
    let said = state.ignored.entry(asked.resource.clone()).or_default();
    let mut changed = false;
    for field in &asked.fields {
        if said.get(field).is_some_and(|before| before.heeded >= sequence) {
            continue;
        }
        let ignored = Ignored {
            lifted: !asked.ignored,
            heeded: sequence,
            since: at,
            reason: asked.reason.clone(),
            by: asked.by.clone(),
        };
        said.insert(field.clone(), ignored);
        changed = true;
    }
    Ok(changed)
}

/// Forgets what was said of resources that are gone.
pub(crate) fn forget(state: &mut StackState) {
    let resources = &state.resources;
    state.ignored.retain(|resource, _| resources.contains_key(resource));
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
