//! What the stream already says of an intent: looked up where a handler died, or was overtaken by a
//! later message, so that what was published counts and not what would be made of it now.

use bus_schema::{
    IntentState, Message, Origin, Outcome, PlanApplied, PlanId, PlanProposed, PlanReference,
    Received, StackName, Subject,
};
use runtime::{Bus, BusError, HandleError};

/// Where in the stream a plan of an earlier handling of the same message would be.
#[derive(Debug)]
pub(crate) struct Earlier {
    /// After this sequence.
    pub(crate) after: u64,
    /// Another than this one.
    pub(crate) but: Option<PlanId>,
}

/// The plan that an earlier handling published before it died. It counts whatever has become of
/// the stack since: it may be applied by now.
pub(crate) async fn published(
    bus: &Bus,
    state: &IntentState,
    stack: &StackName,
    earlier: Earlier,
) -> Result<Option<PlanReference>, HandleError> {
    let subject = Subject::plan_proposed(stack);
    let mut from = earlier.after + 1;
    loop {
        let found = match bus.message_from::<PlanProposed>(&subject, from).await {
            Ok(found) => found,
            Err(BusError::NotThis { sequence, .. }) => {
                from = sequence + 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let Some(Received { message, sequence, .. }) = found else { return Ok(None) };
        let (id, to) = (message.id, message.plan.to);
        if message.plan.intent == state.intent && earlier.but.as_ref() != Some(&id) {
            return Ok(Some(PlanReference { id, to, sequence }));
        }
        from = sequence + 1;
    }
}

/// The outcome that counts: a copy of a plan delivered late is called overtaken or stale, also
/// where the plan was applied before, and that may be heard of first.
pub(crate) async fn foremost(
    bus: &Bus,
    state: &IntentState,
    outcome: Outcome,
) -> Result<Outcome, HandleError> {
    let stack = match &outcome {
        Outcome::Stale(it) => &it.stack,
        Outcome::Superseded(it) => &it.stack,
        Outcome::Applied(_) | Outcome::Failed(_) | Outcome::Stuck(_) => return Ok(outcome),
    };
    let Some(plan) = state.plan.as_ref().filter(|plan| plan.id == *outcome.plan()) else {
        return Ok(outcome);
    };
    let sought = PlanApplied {
        stack: stack.clone(),
        intent: state.intent,
        plan: plan.id.clone(),
        origin: Origin::Intent,
        generation: plan.to,
        changes: 0,
    };
    let subject = sought.subject();
    let mut from = plan.sequence + 1;
    loop {
        match bus.message_from::<PlanApplied>(&subject, from).await {
            Ok(Some(found)) if found.message.plan == plan.id => {
                return Ok(Outcome::Applied(found.message));
            }
            Ok(Some(Received { sequence, .. })) | Err(BusError::NotThis { sequence, .. }) => {
                from = sequence + 1;
            }
            Ok(None) => return Ok(outcome),
            Err(error) => return Err(error.into()),
        }
    }
}
