//! What the resources of a stack may refer to of each other. Pure.

use std::collections::BTreeMap;

use crate::Kind;
use crate::references::{self, Unresolved};
use bus_schema::{Properties, ResourceState, StackState, StepState};

/// The outputs of every resource of a stack, by local address.
#[derive(Debug, Clone, Default)]
pub struct Outputs(BTreeMap<String, BTreeMap<String, String>>);

impl Outputs {
    /// As recorded when the stack's last plan had been applied.
    pub fn of(state: Option<&StackState>) -> Self {
        let mut outputs = Self::default();
        for (address, resource) in state.into_iter().flat_map(|state| &state.resources) {
            outputs.put(address.local(), Some(resource));
        }
        outputs
    }

    /// As they are now, in the middle of the stack's run.
    pub fn now(state: &StackState) -> Self {
        let mut outputs = Self::of(Some(state));
        for (address, step) in state.run.iter().flat_map(|run| &run.steps) {
            match step.state {
                StepState::Done => outputs.put(address.local(), step.after.as_ref()),
                StepState::Undone => outputs.put(address.local(), step.before.as_ref()),
                StepState::Started | StepState::Refused | StepState::Undoing | StepState::Stuck => {
                }
            }
        }
        outputs
    }

    fn put(&mut self, local: String, resource: Option<&ResourceState>) {
        match resource {
            Some(resource) => self.0.insert(local, resource.outputs.clone()),
            None => self.0.remove(&local),
        };
    }

    /// The properties with every reference resolved, normalised again: a reference's value can sort
    /// or fold otherwise than the reference did.
    ///
    /// # Errors
    /// When a reference names what has no such output yet.
    pub fn resolved(
        &self,
        kind: &dyn Kind,
        properties: &Properties,
    ) -> Result<Properties, Unresolved> {
        let resolved = references::resolve(properties, |local, output| {
            self.0.get(local).and_then(|outputs| outputs.get(output)).cloned()
        })?;
        Ok(kind.normalise(&resolved).unwrap_or(resolved))
    }

    /// The same where a reference that cannot be resolved yet may stay as it is.
    pub fn resolved_or_same(&self, kind: &dyn Kind, properties: &Properties) -> Properties {
        self.resolved(kind, properties).unwrap_or_else(|_| properties.clone())
    }
}
