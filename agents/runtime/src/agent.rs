//! What makes a struct an agent.

use std::error::Error;
use std::future::Future;

use crate::config::Settings;
use crate::{Bus, Routes};

/// An agent: what it is called, what it is told, what it handles. Everything else (configuration,
/// connection, delivery, drain, telemetry, health) is the runtime's, see [`crate::run`].
pub trait Agent: Send + Sync + Sized + 'static {
    /// Its name, `[a-z-]`: of the NATS micro service, in telemetry and in the instance id.
    const NAME: &'static str;
    /// One sentence for `--help` and `nats micro ls`.
    const ABOUT: &'static str;
    /// The configuration keys of its own.
    type Settings: Settings;

    /// Its handlers. One handler at a time runs for a stack within this process; between replicas
    /// a record's revision orders writes.
    fn routes() -> Routes<Self>;

    /// Makes the agent ready; called once the bus is there with all consumers.
    fn start(
        settings: Self::Settings,
        bus: Bus,
    ) -> impl Future<Output = Result<Self, StartError>> + Send;

    /// Called after the last handler has ended.
    fn stop(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// An agent cannot start with what it was given; trying again would not help.
#[derive(Debug, thiserror::Error)]
#[error("{attempt}")]
pub struct StartError {
    attempt: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StartError {
    /// What could not be done, without a cause.
    pub fn new(attempt: impl Into<String>) -> Self {
        Self { attempt: attempt.into(), source: None }
    }

    /// What could not be done, and why.
    pub fn caused(
        attempt: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { attempt: attempt.into(), source: Some(source.into()) }
    }
}
