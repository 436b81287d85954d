//! One running workerd. It takes its listening socket as standard input, so that the socket is
//! bound before it starts and nobody else can have the port.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio_util::sync::CancellationToken;

use super::check::fault;
use super::config::Config;
use super::launcher::Launcher;
use crate::edge::Client;

/// How long a new workerd may take to answer; it takes 0.1 s on an idle machine.
const STARTING: Duration = Duration::from_secs(30);
/// How long an old one may take to finish what it does after its last answer (`waitUntil`).
const ENDING: Duration = Duration::from_secs(5);
/// Lines of its errors kept for the reason of a failed start.
const KEPT_LINES: usize = 40;

/// A workerd that answers; dropping it ends it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) address: SocketAddr,
    /// Cancelled when it is gone.
    pub(super) gone: CancellationToken,
    end: CancellationToken,
}

/// Why a workerd does not serve.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("cannot start workerd")]
    Files(#[source] io::Error),
    #[error("workerd refused the scripts: {0}")]
    Refused(String),
    #[error("workerd did not answer in {} s", STARTING.as_secs())]
    Silent,
}

impl Process {
    /// Starts workerd and returns when it answers.
    pub(super) async fn start(
        launcher: &Launcher,
        config: &Config,
        client: &Client,
    ) -> Result<Self, StartError> {
        let folder = super::write(config).await.map_err(StartError::Files)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(StartError::Files)?;
        let address = listener.local_addr().map_err(StartError::Files)?;
        let mut command = launcher.command();
        command.arg("serve").arg(folder.path().join(Config::NAME)).args(["--socket-fd", "http=0"]);
        command.stdin(Stdio::from(OwnedFd::from(listener)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(StartError::Files)?;
        // Our copy of the socket is in the command: without it, a workerd that dies refuses
        // connections at once instead of leaving them in the queue.
        drop(command);
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let reader = child.stderr.take().map(|lines| tokio::spawn(follow(lines, said.clone())));
        if let Some(lines) = child.stdout.take() {
            tokio::spawn(follow(lines, Arc::default()));
        }
        let ready = tokio::select! {
            answered = probe(client, address) => answered,
            _ = child.wait() => false,
            () = tokio::time::sleep(STARTING) => return Err(StartError::Silent),
        };
        if !ready {
            drop(child);
            if let Some(reader) = reader
                && reader.await.is_err()
            {
                tracing::warn!("workerd's messages were lost");
            }
            let said =
                said.lock().unwrap_or_else(PoisonError::into_inner).make_contiguous().join("\n");
            return Err(StartError::Refused(fault(&said).unwrap_or(said)));
        }
        let end = CancellationToken::new();
        let gone = CancellationToken::new();
        tokio::spawn(attend(child, folder, end.clone(), gone.clone()));
        Ok(Self { address, gone, end })
    }

    /// Ends it, whoever still waits for an answer.
    pub(super) fn end(&self) {
        self.end.cancel();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// The router answers a request without a choice itself.
async fn probe(client: &Client, address: SocketAddr) -> bool {
    let Ok(request) = Request::get(format!("http://{address}/")).body(Body::empty()) else {
        return false;
    };
    client.request(request).await.is_ok_and(|response| response.status().is_success())
}

/// Logs what it prints, as a Worker's `console.log`, and keeps the last lines.
async fn follow(from: impl AsyncRead + Unpin, kept: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::info!(target: "sandbox::workerd", "{line}");
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

async fn attend(
    mut child: Child,
    folder: TempDir,
    end: CancellationToken,
    gone: CancellationToken,
) {
    tokio::select! {
        ended = child.wait() => tracing::warn!(?ended, "workerd ended by itself"),
        () = end.cancelled() => {
            let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            if let Some(Err(error)) = pid.map(|pid| kill_process(pid, Signal::TERM)) {
                tracing::warn!(%error, "workerd not told to end");
            }
            if tokio::time::timeout(ENDING, child.wait()).await.is_err()
                && let Err(error) = child.kill().await
            {
                tracing::warn!(%error, "workerd not ended");
            }
        }
    }
    gone.cancel();
    drop(folder);
}
