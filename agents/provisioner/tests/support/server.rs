//! A real nats-server.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use runtime::{Bus, NatsSettings};

/// Longest a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls until it gives something.
pub(crate) async fn eventually<T, F>(what: &str, look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    wait::until(what, PATIENCE, look).await
}

/// A server with its own folder and port and everything made on it, killed when dropped.
pub(crate) struct Server {
    child: Child,
    _folder: tempfile::TempDir,
    pub(crate) url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(tool("ZERODRIFT_NATS_SERVER", "venv/bin/nats-server")?)
            .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream"])
            .arg("--store_dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nats-server does not start")?;
        let server = Self { child, _folder: folder, url: format!("nats://127.0.0.1:{port}") };
        eventually("nats-server is up", || async {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok())
        })
        .await?;
        runtime::bootstrap(&server.bus().await?, 1).await?;
        Ok(server)
    }

    /// A connection of its own, as another process has.
    pub(crate) async fn bus(&self) -> Result<Bus> {
        Ok(runtime::connect(&NatsSettings::at(&self.url), "provisioner").await?)
    }
}

/// A tool by its variable, else under `.tools` of the workspace, else on the path.
fn tool(variable: &str, path: &str) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        return Ok(PathBuf::from(named));
    }
    for folder in Path::new(env!("CARGO_MANIFEST_DIR")).ancestors() {
        let candidate = folder.join(".tools").join(path);
        if candidate.exists() {
            return Ok(candidate);
        }
    }
    let name = Path::new(path).file_name().unwrap_or_default();
    let found = std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file());
    found.with_context(|| format!("{} is not installed: run `make tools`", name.display()))
}
