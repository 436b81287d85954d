//! The agent: takes plans, publishes what became of them.

use std::sync::Arc;

use bus_schema::{Outcome, PlanProposed, Received, ResumeRequested, stream};
use runtime::{Agent, Bus, BusError, HandleError, Outbox, Published, Routes, StartError};

use crate::applier::Applier;
use crate::clouds::Clouds;
use crate::records::Kept;
use crate::saga::Saga;
use crate::sessions::OpenSession;
use crate::settings::ProvisionerSettings;
use crate::turn::Arrival;

/// Applies plans to the clouds; the only agent that changes one.
#[derive(Debug)]
pub struct Provisioner {
    applier: Applier,
    session: OpenSession,
}

impl Provisioner {
    /// A plan is proposed.
    async fn plan(
        self: Arc<Self>,
        received: Received<PlanProposed>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let arrival = Arrival {
            proposed: &received.message,
            sequence: received.sequence,
            at: received.published_at,
        };
        for outcome in self.applier.turn(arrival).await? {
            say(&outcome);
            runtime::failpoint!("provisioner::before_outcome");
            publish(&outbox, &outcome).await?;
            runtime::failpoint!("provisioner::after_outcome");
        }
        Ok(())
    }

    /// A person has mended what kept a stuck run from being undone.
    async fn resume(
        self: Arc<Self>,
        received: Received<ResumeRequested>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        if let Some(outcome) = self.applier.resumed(&received.message).await? {
            say(&outcome);
            runtime::failpoint!("provisioner::before_outcome");
            publish(&outbox, &outcome).await?;
            runtime::failpoint!("provisioner::after_outcome");
        }
        Ok(())
    }
}

impl Agent for Provisioner {
    const NAME: &'static str = "provisioner";
    const ABOUT: &'static str = "Applies plans to the clouds, and undoes what it cannot finish.";
    type Settings = ProvisionerSettings;

    fn routes() -> Routes<Self> {
        Routes::new()
            .on(stream::PROVISIONER_PLANS, Self::plan)
            .on(stream::PROVISIONER_RESUMES, Self::resume)
    }

    async fn start(settings: ProvisionerSettings, bus: Bus) -> Result<Self, StartError> {
        let api = settings
            .cloudflare_api
            .ok_or_else(|| StartError::new("read the address of the Cloudflare API"))?;
        let cloudflare = cloud::cloudflare::Cloudflare::with_limits(
            api,
            &settings.cloudflare_token,
            settings.cloudflare_limits,
        )
        .map_err(|error| StartError::caused("make a client for Cloudflare", error))?;
        let session = OpenSession::open(&bus, settings.session)
            .await
            .map_err(|error| StartError::caused("open this process's session", error))?;
        let saga = Saga {
            records: Arc::new(Kept::on(&bus)),
            clouds: Clouds::new(vec![Arc::new(cloudflare)]),
            catalogue: cloud::cloudflare::catalogue(),
            parallelism: settings.parallelism,
            patience: settings.patience,
            lag: settings.lag,
        };
        let turn = (settings.session / 6).max(std::time::Duration::from_millis(500));
        let applier = Applier { me: bus.instance().clone(), saga, turn };
        Ok(Self { applier, session })
    }

    async fn stop(&self) {
        self.session.close().await;
    }
}

async fn publish(outbox: &Outbox, outcome: &Outcome) -> Result<Published, BusError> {
    match outcome {
        Outcome::Applied(it) => outbox.publish(it).await,
        Outcome::Failed(it) => outbox.publish(it).await,
        Outcome::Stale(it) => outbox.publish(it).await,
        Outcome::Superseded(it) => outbox.publish(it).await,
        Outcome::Stuck(it) => outbox.publish(it).await,
    }
}

fn say(outcome: &Outcome) {
    match outcome {
        Outcome::Applied(it) => {
            tracing::info!(stack = %it.stack, intent = %it.intent, generation = it.generation.0, changes = it.changes, "applied");
        }
        Outcome::Failed(it) => {
            tracing::warn!(stack = %it.stack, intent = %it.intent, reason = it.reason, undone = it.undone, "failed and rolled back");
        }
        Outcome::Stale(it) => {
            tracing::info!(stack = %it.stack, intent = %it.intent, because = ?it.because, "stale");
        }
        Outcome::Superseded(it) => {
            tracing::info!(stack = %it.stack, intent = %it.intent, by = %it.by, "superseded");
        }
        Outcome::Stuck(it) => {
            tracing::error!(stack = %it.stack, intent = %it.intent, reason = it.reason, resources = ?it.resources, "STUCK: a person is needed");
        }
    }
}
