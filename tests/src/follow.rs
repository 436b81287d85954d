//! What came of an intent.

use bus_schema::{IntentState, PlanProposed, StackName};

/// A converged intent with the plan that was applied.
#[derive(Debug)]
pub struct Followed {
    /// The planner's record of it.
    pub state: IntentState,
    /// Its last plan.
    pub plan: PlanProposed,
}

impl Followed {
    /// The stack it made.
    pub fn stack(&self) -> &StackName {
        &self.plan.plan.stack
    }

    /// How many changes its plan had.
    pub fn changes(&self) -> usize {
        self.plan.plan.changes.len()
    }
}
