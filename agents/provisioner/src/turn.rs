//! A plan as it arrives for its turn, and why a turn came to no outcome.

use std::sync::Arc;
use std::time::Duration;

use bus_schema::{InstanceId, PlanProposed, StackName};
use runtime::{BusError, Retry, Retryable, StoreError};

use crate::check::InvalidPlan;
use crate::ignores::NotIgnorable;
use crate::records::WriteError;
use crate::saga::SagaError;

/// A turn did not come to an outcome.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The message is no plan.
    #[error("this is not a plan that can be applied")]
    Invalid(#[from] InvalidPlan),
    /// Another process is at work on the stack.
    #[error("stack {stack} is being worked on by {holder}")]
    Held {
        /// The stack.
        stack: StackName,
        /// The process.
        holder: InstanceId,
        /// When to look again.
        again: Duration,
    },
    /// The records cannot be read.
    #[error("the stack's record cannot be used")]
    Records(#[from] StoreError),
    /// The record cannot be written.
    #[error("the stack's record cannot be written")]
    Write(#[from] WriteError),
    /// The run has to be taken up again.
    #[error("the plan is not applied yet")]
    Saga(#[from] SagaError),
    /// The cloud cannot be listed now.
    #[error("the cloud cannot be looked at")]
    Survey {
        /// Why.
        source: Arc<cloud::Error>,
        /// When to try again.
        after: Duration,
    },
    /// The plan of a run that was left behind cannot be read.
    #[error("the plan of the run left behind cannot be read from message {sequence}")]
    PlanLost {
        /// Where it should be.
        sequence: u64,
        /// Why, where reading it failed.
        source: Option<BusError>,
    },
    /// A person said that the stack is to be left alone.
    #[error("stack {stack} is to be left alone")]
    Paused {
        /// The stack.
        stack: StackName,
    },
    /// What was said of fields cannot be heeded.
    #[error("these fields cannot be ignored")]
    NotIgnorable(#[from] NotIgnorable),
    /// The stack changed hands over and over.
    #[error("stack {stack} is not at rest")]
    Restless {
        /// The stack.
        stack: StackName,
    },
}

impl Retryable for TurnError {
    fn retry(&self) -> Retry {
        match self {
            Self::Invalid(_) | Self::NotIgnorable(_) => Retry::Never,
            Self::Held { again, .. } => Retry::After(*again),
            Self::Records(source) => source.retry(),
            Self::Write(source) => source.retry(),
            Self::Saga(source) => source.retry(),
            Self::Survey { after, .. } => Retry::After(*after),
            Self::PlanLost { .. } => Retry::After(Duration::from_secs(5)),
            Self::Paused { .. } | Self::Restless { .. } => Retry::After(Duration::from_secs(1)),
        }
    }
}

/// A plan as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'it> {
    /// The plan.
    pub proposed: &'it PlanProposed,
    /// Its sequence in the stream.
    pub sequence: u64,
    /// When it was stored there.
    pub at: jiff::Timestamp,
}
