//! A whole swarm, each process its own.

use std::path::Path;

use anyhow::Context;
use async_nats::jetstream;
use futures::StreamExt;
use tempfile::TempDir;
use tokio::process::Command;

use crate::cloud::{Actor, Sandbox};
use crate::disk::SmallDisk;
use crate::nats::{Identity, NatsServer, Sync};
use crate::otlp::Receiver;
use crate::process::Process;
use crate::tools::binary;
use wait::{secs, until};

/// A swarm on loopback: nats-server, the local Cloudflare, planner, provisioner.
#[derive(Debug)]
pub struct Swarm {
    /// The bus.
    pub nats: NatsServer,
    /// The cloud.
    pub cloudflare: Sandbox,
    /// The planner.
    pub planner: Process,
    /// The provisioner.
    pub provisioner: Process,
    /// The auditors, where any were asked for.
    pub auditors: Vec<Process>,
    /// The remediators, where any were asked for.
    pub remediators: Vec<Process>,
    /// The receiver of telemetry, where one was asked for.
    pub telemetry: Option<Receiver>,
    /// A connection that may do everything.
    pub operator: async_nats::Client,
    folder: TempDir,
    settings: Vec<(Identity, &'static str, String)>,
}

/// A swarm about to be started.
#[derive(Debug, Default)]
pub struct SwarmBuilder {
    auditors: usize,
    remediators: usize,
    disk: Option<usize>,
    telemetry: bool,
    sync: Sync,
    settings: Vec<(Identity, &'static str, String)>,
}

impl SwarmBuilder {
    /// With a real OpenTelemetry receiver.
    #[must_use]
    pub const fn with_telemetry(mut self) -> Self {
        self.telemetry = true;
        self
    }

    /// With so many auditors: at work once a second unless they are told otherwise.
    #[must_use]
    pub const fn with_auditors(mut self, auditors: usize) -> Self {
        self.auditors = auditors;
        self
    }

    /// With so many remediators.
    #[must_use]
    pub const fn with_remediators(mut self, remediators: usize) -> Self {
        self.remediators = remediators;
        self
    }

    /// With another habit of nats-server's of writing through to the disk.
    #[must_use]
    pub const fn with_sync(mut self, sync: Sync) -> Self {
        self.sync = sync;
        self
    }

    /// With the server's store on a disk of this size, in mebibytes.
    #[must_use]
    pub const fn on_small_disk(mut self, mebibytes: usize) -> Self {
        self.disk = Some(mebibytes);
        self
    }

    /// With a setting of one agent's, by the name of its environment variable.
    #[must_use]
    pub fn with_setting(
        mut self,
        agent: Identity,
        name: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.settings.push((agent, name, value.into()));
        self
    }

    /// Starts everything and waits until it is ready.
    pub async fn start(self) -> anyhow::Result<Swarm> {
        let folder = tempfile::Builder::new().prefix("zerodrift-test-").tempdir()?;
        let path = folder.path();
        let disk = match self.disk {
            Some(mebibytes) => Some(SmallDisk::mount(path, mebibytes).await?),
            None => None,
        };
        let nats = NatsServer::start_with(path, self.sync, disk).await?;
        let telemetry = if self.telemetry { Some(Receiver::start(path).await?) } else { None };
        let cloudflare = Sandbox::start(path).await?;
        bootstrap(&nats, path).await?;
        let operator = nats.connect(Identity::Operator).await?;
        std::fs::write(path.join("cloudflare.token"), Actor::Provisioner.token())?;
        std::fs::write(path.join("cloudflare-read.token"), Actor::Auditor.token())?;
        let start = AgentStart {
            nats: &nats,
            cloudflare: &cloudflare,
            telemetry: telemetry.as_ref(),
            folder: path,
            settings: &self.settings,
        };
        let planner = start.agent(Identity::Planner, &[])?;
        let provisioner = start.agent(Identity::Provisioner, &[])?;
        let several = |identity, count| -> anyhow::Result<Vec<Process>> {
            (0..count).map(|_| start.agent(identity, &[])).collect()
        };
        let auditors = several(Identity::Auditor, self.auditors)?;
        let remediators = several(Identity::Remediator, self.remediators)?;
        let mut swarm = Swarm {
            nats,
            cloudflare,
            planner,
            provisioner,
            auditors,
            remediators,
            telemetry,
            operator,
            folder,
            settings: self.settings,
        };
        swarm.ready().await?;
        Ok(swarm)
    }
}

impl Swarm {
    /// Starts a swarm with all defaults.
    pub async fn start() -> anyhow::Result<Self> {
        SwarmBuilder::default().start().await
    }

    /// A swarm with something special.
    pub fn builder() -> SwarmBuilder {
        SwarmBuilder::default()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts one more process of an agent, with settings of its own on top of the swarm's.
    pub fn start_agent(
        &self,
        agent: Identity,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Process> {
        let start = AgentStart {
            nats: &self.nats,
            cloudflare: &self.cloudflare,
            telemetry: self.telemetry.as_ref(),
            folder: self.folder.path(),
            settings: &self.settings,
        };
        start.agent(agent, settings)
    }

    /// Starts the provisioner again, after it was killed.
    pub fn restart_provisioner(&mut self) -> anyhow::Result<()> {
        self.provisioner = self.start_agent(Identity::Provisioner, &[])?;
        Ok(())
    }

    /// Waits until an agent of each sort answers as a micro service.
    async fn ready(&mut self) -> anyhow::Result<()> {
        let mut names = vec!["planner", "provisioner"];
        names.extend((!self.auditors.is_empty()).then_some("auditor"));
        names.extend((!self.remediators.is_empty()).then_some("remediator"));
        for name in names {
            let client = self.operator.clone();
            let what = format!("{name} answers");
            let answered = until(&what, secs(15), || {
                let client = client.clone();
                async move { Ok(client.request(format!("$SRV.PING.{name}"), "".into()).await.ok()) }
            });
            if let Err(error) = answered.await {
                let processes = [&mut self.planner, &mut self.provisioner].into_iter();
                let failures: Vec<String> = processes
                    .chain(&mut self.auditors)
                    .chain(&mut self.remediators)
                    .map(Process::failure)
                    .collect();
                return Err(error.context(failures.join("\n")));
            }
        }
        Ok(())
    }

    /// What the agents logged, for a failing test's message.
    pub fn logs(&self) -> String {
        let tail = |process: &Process| {
            let log = process.log();
            let lines: Vec<&str> = log.lines().collect();
            lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
        };
        // The processes of one agent share a log.
        let others = [("auditor", &self.auditors), ("remediator", &self.remediators)];
        let others = others.map(|(name, processes)| {
            processes.first().map_or_else(String::new, |it| format!("\n--- {name}\n{}", tail(it)))
        });
        format!(
            "--- planner\n{}\n--- provisioner\n{}{}",
            tail(&self.planner),
            tail(&self.provisioner),
            others.concat()
        )
    }

    /// Every message of a stream so far, with its subject and headers.
    pub async fn messages(&self, stream: &str) -> anyhow::Result<Vec<jetstream::Message>> {
        let stream = jetstream::new(self.operator.clone()).get_stream(stream).await?;
        let pending = stream.cached_info().state.messages;
        let consumer =
            stream.create_consumer(jetstream::consumer::pull::OrderedConfig::default()).await?;
        let mut messages = consumer.messages().await?;
        let mut all = Vec::new();
        while (all.len() as u64) < pending {
            all.push(messages.next().await.context("the stream has more")??);
        }
        Ok(all)
    }
}

/// Streams, buckets and consumers, by the command people use.
async fn bootstrap(nats: &NatsServer, folder: &Path) -> anyhow::Result<()> {
    let output = Command::new(binary("zerodrift")?)
        .args(["bootstrap", "--nats", &nats.url, "--nkey"])
        .arg(nats.seed_file(Identity::Bootstrap))
        .args(["--inbox-prefix", Identity::Bootstrap.inbox_prefix()])
        .current_dir(folder)
        .output()
        .await?;
    anyhow::ensure!(
        output.status.success(),
        "bootstrap: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// What an agent is started with; configured by its environment alone.
struct AgentStart<'swarm> {
    nats: &'swarm NatsServer,
    cloudflare: &'swarm Sandbox,
    telemetry: Option<&'swarm Receiver>,
    folder: &'swarm Path,
    settings: &'swarm [(Identity, &'static str, String)],
}

impl AgentStart<'_> {
    fn agent(&self, identity: Identity, more: &[(&str, String)]) -> anyhow::Result<Process> {
        let endpoint = self.telemetry.map(|it| it.endpoint.as_str()).unwrap_or_default();
        let mut command = Command::new(binary(&format!("zerodrift-{identity}"))?);
        command
            .env("ZERODRIFT_NATS_URL", &self.nats.url)
            .env("ZERODRIFT_NATS_NKEY_FILE", self.nats.seed_file(identity))
            .env("ZERODRIFT_NATS_INBOX_PREFIX", identity.inbox_prefix())
            .env("ZERODRIFT_OTLP_ENDPOINT", endpoint)
            .env("ZERODRIFT_LOG_FORMAT", "text");
        if identity == Identity::Provisioner {
            command
                .env("ZERODRIFT_CLOUDFLARE_API", format!("{}/client/v4", self.cloudflare.api))
                .env("ZERODRIFT_CLOUDFLARE_TOKEN_FILE", self.folder.join("cloudflare.token"))
                .env("ZERODRIFT_SESSION_SECONDS", "3");
        }
        if identity == Identity::Auditor {
            command
                .env("ZERODRIFT_CLOUDFLARE_API", format!("{}/client/v4", self.cloudflare.api))
                .env("ZERODRIFT_CLOUDFLARE_TOKEN_FILE", self.folder.join("cloudflare-read.token"))
                .env("ZERODRIFT_CADENCE_SECONDS", "1")
                .env("ZERODRIFT_HOLD_SECONDS", "2");
        }
        let own = self.settings.iter().filter(|(agent, ..)| *agent == identity);
        command
            .envs(own.map(|(_, name, value)| (name, value)))
            .envs(more.iter().map(|(name, value)| (name, value)));
        Process::start(identity.name(), command, self.folder)
    }
}
