//! The smallest whole agent: answers every plan with "applied, no changes". Also what the
//! runtime's tests run as a real process.

use std::process::ExitCode;
use std::sync::Arc;

use bus_schema::{PlanApplied, PlanProposed, Received, stream};
use runtime::{Agent, Bus, HandleError, Key, Outbox, Routes, Settings, StartError, Values};

struct Echo;

struct EchoSettings {
    /// The highest number of changes it takes a plan with.
    most_changes: u64,
}

impl Settings for EchoSettings {
    const KEYS: &'static [Key] =
        &[Key::new("MOST_CHANGES", "Largest plan taken, in changes, 0 to 1000").or("1000")];

    fn read(values: &mut Values<'_>) -> Self {
        Self { most_changes: values.number("MOST_CHANGES", 0..=1000) }
    }
}

impl Agent for Echo {
    const NAME: &'static str = "provisioner";
    const ABOUT: &'static str = "Says of every plan that it was applied";
    type Settings = EchoSettings;

    fn routes() -> Routes<Self> {
        Routes::new().on(stream::PROVISIONER_PLANS, Self::plan)
    }

    async fn start(settings: EchoSettings, _: Bus) -> Result<Self, StartError> {
        tracing::info!(settings.most_changes, "echoing");
        Ok(Self)
    }
}

impl Echo {
    async fn plan(
        self: Arc<Self>,
        received: Received<PlanProposed>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let PlanProposed { id, plan } = received.message;
        tracing::info!(stack = %plan.stack, "applied");
        let applied = PlanApplied {
            stack: plan.stack,
            intent: plan.intent,
            plan: id,
            origin: plan.origin,
            generation: plan.to,
            changes: plan.changes.len(),
        };
        outbox.publish(&applied).await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    runtime::run::<Echo>().await
}
