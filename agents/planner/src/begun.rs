//! The first thing done about an intent: it is seen whether somebody has begun with it, and where
//! nobody has, it is claimed.

use bus_schema::{IntentPhase, IntentState};
use runtime::{HandleError, Revision, Store, StoreError};

/// An intent that is being handled.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) state: IntentState,
    /// The revision of its record, where it has one.
    pub(crate) claimed: Option<Revision>,
    /// Whether somebody else had begun with it.
    pub(crate) before: bool,
}

/// Begins with an intent; `None` where it was handled already. One that is to be planned is claimed:
/// a second copy of it, delivered at the same time, would else be planned as another, later one.
pub(crate) async fn begin(
    intents: &Store<IntentState>,
    state: IntentState,
    claim: bool,
) -> Result<Option<Begun>, HandleError> {
    if claim {
        match intents.create(&state.intent, &state).await {
            Ok(revision) => {
                return Ok(Some(Begun { state, claimed: Some(revision), before: false }));
            }
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match intents.get(&state.intent).await? {
        None => Ok(Some(Begun { state, claimed: None, before: false })),
        // Somebody has begun with it and got no further. Going on in the place that the first copy of
        // the intent has in the stream leads to the very plan he came to.
        Some((known, revision)) if is_claim(&known) => {
            Ok(Some(Begun { state: known, claimed: Some(revision), before: true }))
        }
        Some((known, _)) if known.order == state.order => {
            tracing::debug!(intent = %state.intent, "handled already");
            Ok(None)
        }
        Some((known, _)) => {
            tracing::warn!(intent = %state.intent, first = known.order, "its id was used before");
            Ok(None)
        }
    }
}

/// Whether a record says no more than that somebody has begun with the intent.
const fn is_claim(state: &IntentState) -> bool {
    matches!(state.phase, IntentPhase::Planned) && state.plan.is_none()
}
