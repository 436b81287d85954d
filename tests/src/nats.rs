//! A real nats-server with the identities and permissions it has in production.

use std::path::{Path, PathBuf};

use anyhow::Context;
pub use bus_schema::identity::Identity;
use bus_schema::identity::render_authorization;
use nkeys::KeyPair;
use tokio::process::Command;

use crate::disk::SmallDisk;
use crate::otlp::free_port;
use crate::process::Process;
use crate::tools::tool;
use wait::{secs, until};

/// When the server writes what it has acknowledged through to the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sync {
    /// Before it acknowledges, as in every configuration shipped.
    #[default]
    Always,
    /// Every two minutes, as it does by itself.
    Sometimes,
}

/// A running nats-server.
#[derive(Debug)]
pub struct NatsServer {
    /// The process.
    pub process: Process,
    /// Where clients connect.
    pub url: String,
    folder: PathBuf,
    /// What its store is on, where that is a disk of its own.
    disk: Option<SmallDisk>,
}

impl NatsServer {
    /// Starts one with its store, its configuration and everyone's seed in the folder.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(folder, Sync::Always, None).await
    }

    /// The same with another habit of writing through to the disk, or another disk.
    pub async fn start_with(
        folder: &Path,
        sync: Sync,
        disk: Option<SmallDisk>,
    ) -> anyhow::Result<Self> {
        let sync = match sync {
            Sync::Always => ", sync_interval: always",
            Sync::Sometimes => "",
        };
        let port = free_port()?;
        let mut keys = Vec::new();
        for identity in Identity::ALL {
            let pair = KeyPair::new_user();
            std::fs::write(seed_file(folder, identity), pair.seed()?)?;
            keys.push((identity, pair.public_key()));
        }
        let keys: Vec<(Identity, &str)> =
            keys.iter().map(|(identity, key)| (*identity, key.as_str())).collect();
        let config = format!(
            "listen: \"127.0.0.1:{port}\"\nmax_payload: 8MB\n\
             jetstream {{ store_dir: \"{}\"{sync} }}\n{}",
            disk.as_ref().map_or(folder, SmallDisk::path).join("jetstream").display(),
            render_authorization(&keys, Some(Identity::Submitter))
        );
        std::fs::write(folder.join("nats.conf"), config)?;
        let mut server = Self {
            process: Self::spawn(folder, disk.as_ref())?,
            url: format!("nats://127.0.0.1:{port}"),
            folder: folder.to_owned(),
            disk,
        };
        server.ready().await?;
        Ok(server)
    }

    fn spawn(folder: &Path, disk: Option<&SmallDisk>) -> anyhow::Result<Process> {
        let program = tool("venv/bin/nats-server")?;
        let mut command =
            disk.map_or_else(|| Command::new(&program), |disk| disk.command(&program));
        command.arg("--config").arg(folder.join("nats.conf"));
        Process::start("nats-server", command, folder)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let answer = until("nats-server takes connections", secs(10), || async {
            Ok(self.connect(Identity::Operator).await.ok())
        })
        .await;
        answer.map(drop).with_context(|| self.process.failure())
    }

    /// Starts it again on the same store and port, after it was killed.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = Self::spawn(&self.folder, self.disk.as_ref())?;
        self.ready().await
    }

    /// The disk of its own.
    pub fn disk(&self) -> anyhow::Result<&SmallDisk> {
        self.disk.as_ref().context("this server has no disk of its own")
    }

    /// The file with an identity's seed.
    pub fn seed_file(&self, identity: Identity) -> PathBuf {
        seed_file(&self.folder, identity)
    }

    /// A connection as an identity.
    pub async fn connect(&self, identity: Identity) -> anyhow::Result<async_nats::Client> {
        let seed = std::fs::read_to_string(self.seed_file(identity))?;
        let options = async_nats::ConnectOptions::with_nkey(seed)
            .custom_inbox_prefix(identity.inbox_prefix());
        Ok(options.connect(&self.url).await?)
    }

    /// A connection of somebody without a key, as the `nats` command line makes.
    pub async fn connect_without_key(&self) -> anyhow::Result<async_nats::Client> {
        Ok(async_nats::connect(&self.url).await?)
    }
}

fn seed_file(folder: &Path, identity: Identity) -> PathBuf {
    folder.join(format!("{identity}.nk"))
}
