//! The agent: takes plans, publishes what became of them.

use std::sync::Arc;

use bus_schema::{
    IgnoreRequested, ImportAsked, Outcome, PauseRequested, PlanProposed, Received, ResumeRequested,
    stream,
};
use runtime::{Agent, Bus, BusError, HandleError, Outbox, Published, Routes, StartError};

use crate::applier::Applier;
use crate::clouds::Clouds;
use crate::pauses::Workplaces;
use crate::records::Kept;
use crate::saga::Saga;
use crate::sessions::OpenSession;
use crate::settings::ProvisionerSettings;
use crate::turn::{Arrival, TurnError};

/// Applies plans to the clouds; the only agent that changes one.
#[derive(Debug)]
pub struct Provisioner {
    applier: Applier,
    workplaces: Workplaces,
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
        let _at_work = self.workplaces.at(&received.message.plan.stack).await;
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
        let _at_work = self.workplaces.at(&received.message.stack).await;
        if let Some(outcome) = self.applier.resumed(&received.message).await? {
            say(&outcome);
            runtime::failpoint!("provisioner::before_outcome");
            publish(&outbox, &outcome).await?;
            runtime::failpoint!("provisioner::after_outcome");
        }
        Ok(())
    }
}

impl Provisioner {
    /// A stack is to be left alone, or no longer: then the plans that came meanwhile have their turn.
    async fn pause(
        self: Arc<Self>,
        received: Received<PauseRequested>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let asked = &received.message;
        self.applier.heed(asked, received.sequence, received.published_at).await?;
        if asked.paused {
            return Ok(());
        }
        let _at_work = self.workplaces.at(&asked.stack).await;
        while let Some(sequence) = self.applier.first_waiting(&asked.stack).await? {
            let proposed = self.applier.plan(sequence).await?;
            let arrival = Arrival { proposed: &proposed, sequence, at: runtime::now() };
            let outcomes = match self.applier.turn(arrival).await {
                Ok(outcomes) => outcomes,
                Err(error @ TurnError::Invalid(_)) => {
                    tracing::error!(
                        sequence,
                        error = runtime::chain(&error),
                        "a plan that waited is none"
                    );
                    Vec::new()
                }
                Err(error) => return Err(error.into()),
            };
            for outcome in outcomes {
                say(&outcome);
                runtime::failpoint!("provisioner::before_outcome");
                publish(&outbox, &outcome).await?;
                runtime::failpoint!("provisioner::after_outcome");
            }
            self.applier.waited(&asked.stack, sequence).await?;
        }
        Ok(())
    }
}

impl Provisioner {
    /// Fields of a resource are somebody else's, or no longer.
    async fn ignore(
        self: Arc<Self>,
        received: Received<IgnoreRequested>,
        _: Outbox,
    ) -> Result<(), HandleError> {
        let asked = &received.message;
        self.applier.ignore(asked, received.sequence, received.published_at).await?;
        Ok(())
    }

    /// What nobody owns is to be a stack.
    async fn import(
        self: Arc<Self>,
        received: Received<ImportAsked>,
        outbox: Outbox,
    ) -> Result<(), HandleError> {
        let asked = &received.message;
        let _at_work = self.workplaces.at(&asked.stack).await;
        let answer = self.applier.import(asked, received.sequence).await?;
        runtime::failpoint!("import::before_answer");
        outbox.publish(&answer).await?;
        runtime::failpoint!("import::after_answer");
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
            .on(stream::PROVISIONER_PAUSES, Self::pause)
            .on(stream::PROVISIONER_IGNORES, Self::ignore)
            .on(stream::PROVISIONER_IMPORTS, Self::import)
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
        Ok(Self { applier, workplaces: Workplaces::default(), session })
    }

    async fn stop(&self) {
        self.session.close().await;
    }
}

async fn publish(outbox: &Outbox, outcome: &Outcome) -> Result<Published, BusError> {
    // Handled again, a message may lead to fewer outcomes, or to others: each is known by its plan.
    let plan = outcome.plan().as_str();
    match outcome {
        Outcome::Applied(it) => outbox.publish_as(it, plan).await,
        Outcome::Failed(it) => outbox.publish_as(it, plan).await,
        Outcome::Stale(it) => outbox.publish_as(it, plan).await,
        Outcome::Superseded(it) => outbox.publish_as(it, plan).await,
        Outcome::Stuck(it) => outbox.publish_as(it, plan).await,
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
