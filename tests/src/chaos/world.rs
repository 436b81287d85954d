//! A swarm whose processes come and go.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;

use super::points::Point;
use crate::cloud::{Actor, Sandbox};
use crate::nats::{Identity, NatsServer};
use crate::process::Process;
use crate::tools::{binary, root};
use wait::{secs, until};

/// How long an agent may take to end when asked.
const DRAIN: Duration = Duration::from_secs(15);

/// A zone beside the shipped ones.
pub(super) const ZONE: &str = "example.org";
/// The folder of the environments, in the world's own.
const ENVIRONMENTS: &str = "environments";

/// An agent's process, which may be armed to die somewhere.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) identity: Identity,
    pub(super) process: Process,
    pub(super) armed: Option<Point>,
    pub(super) since: Instant,
    /// Whether it was asked to end.
    pub(super) leaving: bool,
}

/// A swarm on loopback.
#[derive(Debug)]
pub(super) struct World {
    pub(super) nats: NatsServer,
    pub(super) cloud: Sandbox,
    pub(super) agents: Vec<Agent>,
    pub(super) operator: async_nats::Client,
    /// Farthest that the agents' clocks jump, in seconds.
    clock: u32,
    folder: TempDir,
}

impl World {
    /// Starts everything but the agents.
    pub(super) async fn start(clock: u32) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("zerodrift-chaos-").tempdir()?;
        let path = folder.path();
        let nats = NatsServer::start(path).await?;
        let cloud = Sandbox::start_with(path, &[ZONE]).await?;
        environments(path)?;
        cloud.limit(&json!({ "requests": 100_000_000, "seconds": 300 })).await?;
        std::fs::write(path.join("cloudflare.token"), Actor::Provisioner.token())?;
        bootstrap(&nats, path).await?;
        let operator = nats.connect(Identity::Operator).await?;
        Ok(Self { nats, cloud, agents: Vec::new(), operator, clock, folder })
    }

    /// Starts one more agent, armed to die at the `nth` coming to a place.
    pub(super) fn add(
        &mut self,
        identity: Identity,
        armed: Option<(Point, u64)>,
    ) -> anyhow::Result<()> {
        let process = self.spawn(identity, armed)?;
        let (armed, since) = (armed.map(|(point, _)| point), Instant::now());
        self.agents.push(Agent { identity, process, armed, since, leaving: false });
        Ok(())
    }

    /// Starts an agent's process again.
    pub(super) fn restart(&mut self, at: usize, armed: Option<(Point, u64)>) -> anyhow::Result<()> {
        let identity = self.agents.get(at).context("there is such an agent")?.identity;
        let process = self.spawn(identity, armed)?;
        if let Some(agent) = self.agents.get_mut(at) {
            agent.process = process;
            agent.armed = armed.map(|(point, _)| point);
            agent.since = Instant::now();
            agent.leaving = false;
        }
        Ok(())
    }

    fn spawn(&self, identity: Identity, armed: Option<(Point, u64)>) -> anyhow::Result<Process> {
        let path = self.folder.path();
        let mut command = Command::new(binary(&format!("zerodrift-{identity}"))?);
        command
            .env("ZERODRIFT_NATS_URL", &self.nats.url)
            .env("ZERODRIFT_NATS_NKEY_FILE", self.nats.seed_file(identity))
            .env("ZERODRIFT_NATS_INBOX_PREFIX", identity.inbox_prefix())
            .env("ZERODRIFT_LOG_FORMAT", "text")
            .env("ZERODRIFT_DRAIN_SECONDS", "5");
        if identity == Identity::Planner {
            command.env("ZERODRIFT_ENVIRONMENTS", path.join(ENVIRONMENTS));
        }
        if identity == Identity::Provisioner {
            command
                .env("ZERODRIFT_CLOUDFLARE_API", format!("{}/client/v4", self.cloud.api))
                .env("ZERODRIFT_CLOUDFLARE_TOKEN_FILE", path.join("cloudflare.token"))
                .env("ZERODRIFT_CLOUDFLARE_RATE", "10000000")
                .env("ZERODRIFT_CLOUDFLARE_TIMEOUT_SECONDS", "2")
                .env("ZERODRIFT_SESSION_SECONDS", "3");
        }
        if let Some((point, nth)) = armed {
            command.env("ZERODRIFT_FAILPOINT", format!("{}:{nth}", point.name));
        }
        if self.clock > 0 {
            command.env("ZERODRIFT_CLOCK_JUMP_SECONDS", self.clock.to_string());
        }
        Process::start(identity.name(), command, path)
    }

    /// Waits until every agent answers: one that has not begun yet ends on SIGTERM without ado.
    pub(super) async fn ready(&self) -> anyhow::Result<()> {
        for agent in &self.agents {
            let subject = format!("$SRV.PING.{}", agent.identity);
            until(&format!("{} answers", agent.identity), secs(20), || {
                let answer = self.operator.request(subject.clone(), "".into());
                async { Ok(answer.await.ok()) }
            })
            .await?;
        }
        Ok(())
    }

    /// Asks every agent to end; answers those that died where they were armed to, and what is wrong
    /// with the way others ended.
    pub(super) async fn stop_agents(&mut self) -> anyhow::Result<(Vec<Point>, Vec<String>)> {
        let (mut died, mut wrong) = (Vec::new(), Vec::new());
        for mut agent in self.agents.drain(..) {
            let code =
                if agent.process.is_alive() { agent.process.stop(DRAIN).await } else { Ok(None) };
            match (code, agent.armed) {
                (Ok(Some(0)), _) => {}
                (Ok(None), Some(point)) => died.push(point),
                (other, _) => wrong.push(format!("{} ended with {other:?}", agent.identity)),
            }
        }
        Ok((died, wrong))
    }

    /// The end of every log, for whoever looks into a violation.
    pub(super) fn logs(&self) -> String {
        let mut text = String::new();
        for name in ["planner", "provisioner"] {
            let log = self.folder.path().join(format!("{name}.log"));
            let log = std::fs::read_to_string(log).unwrap_or_default();
            text.extend(["--- ", name, "\n", log.as_str(), "\n"]);
        }
        text
    }
}

/// The shipped environments, one of them with a second zone: what moves from one to the other is
/// made in the one and deleted in the other.
fn environments(folder: &Path) -> anyhow::Result<()> {
    let own = folder.join(ENVIRONMENTS);
    std::fs::create_dir(&own)?;
    for name in ["prod.yaml", "staging.yaml"] {
        let shipped = root().join("deploy/environments").join(name);
        let text = std::fs::read_to_string(&shipped).context("the shipped environments")?;
        let more = text.replace("zones: [example.com]", &format!("zones: [example.com, {ZONE}]"));
        std::fs::write(own.join(name), more)?;
    }
    Ok(())
}

async fn bootstrap(nats: &NatsServer, folder: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(binary("zerodrift")?);
    command
        .args(["bootstrap", "--nats", &nats.url, "--nkey"])
        .arg(nats.seed_file(Identity::Bootstrap))
        .args(["--inbox-prefix", Identity::Bootstrap.inbox_prefix()])
        .current_dir(folder);
    until("streams and buckets are made", secs(20), || {
        let output = command.output();
        async { Ok(output.await?.status.success().then_some(())) }
    })
    .await?;
    ensure!(folder.exists(), "the folder went away");
    Ok(())
}
