//! The other agents beside the auditor, as processes of their own: what is found is put back.

use std::process::Stdio;

use anyhow::{Context, Result};
use bus_schema::identity::Identity;
use bus_schema::{Resource, StackObservation, StackState};
use cloud::{Cloud, Observed, differences, locate};
use tokio::process::Command;

use super::{OURS, Process, World, binary, kind, scope, seed};

impl World {
    /// A provisioner, with these settings over what is usual.
    pub(crate) fn provisioner(&self, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
        let token = self.file("write-token", OURS)?;
        let api = format!("{}/client/v4", self.api);
        let usual = [
            ("CLOUDFLARE_API", api.as_str()),
            ("CLOUDFLARE_TOKEN_FILE", &token),
            ("CLOUDFLARE_RATE", "100000000"),
            ("CLOUDFLARE_LAG_SECONDS", "0"),
            ("SESSION_SECONDS", "3"),
        ];
        self.agent(Identity::Provisioner, name, &[&usual, settings].concat())
    }

    /// A remediator, with these settings over what is usual: it repairs the same again and again.
    pub(crate) fn remediator(&self, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
        let usual =
            [("BACKOFF_SECONDS", "1"), ("BACKOFF_LONGEST_SECONDS", "1"), ("REVERSALS", "100")];
        self.agent(Identity::Remediator, name, &[&usual, settings].concat())
    }

    fn agent(&self, identity: Identity, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
        let log = self.folder.path().join(format!("{name}.log"));
        let file = std::fs::File::create(&log)?;
        let child = Command::new(binary(&format!("zerodrift-{identity}"))?)
            .env_clear()
            .env("ZERODRIFT_NATS_URL", &self.url)
            .env("ZERODRIFT_NATS_NKEY_FILE", seed(self.folder.path(), identity))
            .env("ZERODRIFT_NATS_INBOX_PREFIX", identity.inbox_prefix())
            .env("ZERODRIFT_LOG_FORMAT", "text")
            .envs(settings.iter().map(|(name, value)| (format!("ZERODRIFT_{name}"), value)))
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Process { child, log })
    }

    /// The object of a stack's resource, where it is there as it is declared.
    pub(crate) async fn as_declared(
        &self,
        state: &StackState,
        wanted: &Resource,
    ) -> Result<Option<Observed>> {
        let of = kind(wanted.address.kind.local());
        let scope = scope(of);
        let recorded = state.resources.get(&wanted.address).context("a resource of the stack")?;
        let listing = self.ours()?.list(&scope.kind, &scope.place).await?;
        let sought = cloud::Sought {
            kind: of,
            address: &wanted.address,
            shapes: [Some(&wanted.properties), None],
            id: recorded.cloud_id.as_deref(),
            deleted: &state.deleted,
        };
        let (ours, _) = locate(&listing, sought);
        let same = |object: &Observed| {
            differences(of, &wanted.properties, &object.properties, |_, _| None).is_empty()
        };
        Ok(ours.filter(same))
    }

    /// What is open of a stack.
    pub(crate) async fn open(&self, state: &StackState) -> Result<usize> {
        let observation = self.bus.store::<StackObservation>().get(&state.stack).await?;
        Ok(observation.map_or(0, |(it, _)| it.findings.len()))
    }
}
