//! The agent: watches, and looks sooner where it is told to.

use std::sync::Arc;

use bus_schema::{Hint, PlanApplied, Received, stream};
use cloud::cloudflare::Cloudflare;
use runtime::{Agent, Bus, CancellationToken, HandleError, Outbox, Routes, StartError};

use crate::intake;
use crate::promise::Grant;
use crate::schedule::Wish;
use crate::settings::AuditorSettings;
use crate::watching::{Terms, Watching, scopes, scopes_of};

/// Compares what is running with what is declared.
#[derive(Debug)]
pub struct Auditor {
    watching: Arc<Watching>,
    stop: CancellationToken,
}

impl Auditor {
    /// Somebody says that something changed.
    async fn hint(self: Arc<Self>, received: Received<Hint>, _: Outbox) -> Result<(), HandleError> {
        let scope = &received.message.scope;
        let stacks = self.watching.stacks.now().await?;
        if !scopes(&stacks).contains(scope) {
            tracing::debug!(%scope, "a hint about what nobody declares anything in");
            return Ok(());
        }
        self.watching.wish(scope, Wish::Hint, received.published_at).await?;
        Ok(())
    }

    /// A plan was applied: is it so?
    async fn applied(
        self: Arc<Self>,
        received: Received<PlanApplied>,
        _: Outbox,
    ) -> Result<(), HandleError> {
        let stack = received.message.stack.as_str();
        let (stacks, observations) =
            (self.watching.stacks.now().await?, self.watching.observations.now().await?);
        let declared = stacks.get(stack).map(|entry| scopes_of(&entry.record)).unwrap_or_default();
        let open: Vec<_> = observations
            .get(stack)
            .into_iter()
            .flat_map(|entry| entry.record.findings.values().map(|it| it.scope.clone()))
            .collect();
        let watched = scopes(&stacks);
        for scope in open.iter().filter(|scope| watched.contains(scope)) {
            self.watching.wish(scope, Wish::Repair, received.published_at).await?;
        }
        for scope in declared.iter().filter(|scope| !open.contains(scope)) {
            self.watching.wish(scope, Wish::Applied, received.published_at).await?;
        }
        Ok(())
    }
}

impl Agent for Auditor {
    const NAME: &'static str = "auditor";
    const ABOUT: &'static str = "Compares what is running with what is declared; reads only.";
    type Settings = AuditorSettings;

    fn routes() -> Routes<Self> {
        Routes::new()
            .on(stream::AUDITOR_HINTS, Self::hint)
            .on(stream::AUDITOR_APPLIED, Self::applied)
    }

    async fn start(settings: AuditorSettings, bus: Bus) -> Result<Self, StartError> {
        let api = settings
            .cloudflare_api
            .ok_or_else(|| StartError::new("read the address of the Cloudflare API"))?;
        let limits = settings.cloudflare_limits;
        let cloudflare = Cloudflare::with_limits(api, &settings.cloudflare_token, limits)
            .map_err(|error| StartError::caused("make a client for Cloudflare", error))?;
        let terms = Terms {
            catalogue: cloud::cloudflare::catalogue(),
            cadences: settings.cadences,
            grant: Grant::of(limits.rate.get()),
            promise: settings.promise,
            lag: settings.lag,
            hold: settings.hold,
            parallelism: settings.parallelism,
        };
        let watching = Arc::new(Watching::new(bus, Arc::new(cloudflare), terms));
        let stop = CancellationToken::new();
        if let Some(given) = settings.intake {
            let address = given.address;
            intake::serve(given, Arc::clone(&watching), stop.clone())
                .await
                .map_err(|error| StartError::caused(format!("listen on {address}"), error))?;
        }
        watching.begin();
        Ok(Self { watching, stop })
    }

    async fn stop(&self) {
        self.stop.cancel();
        self.watching.end().await;
    }
}
