//! Keeps one workerd running whose scripts are the store's, and hands requests to it.
//!
//! When a script changes, a new workerd is started beside the old; once it answers, new requests go
//! to it, and the old one ends after its last answer. No request is lost in between. A script that
//! workerd refuses is left out, with the reason, instead of taking the others down.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Uri};
use axum::response::Response;
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::backplane::{self, Outbound};
use super::check;
use super::code::Code;
use super::config::{Backplane, CF, CHOICE, Config, FAILURE, choice};
use super::launcher::Launcher;
use super::process::Process;
use crate::edge::Client;
use crate::store::{Script, Store};

/// Uploads that come together are taken together.
const TOGETHER: Duration = Duration::from_millis(5);
/// How long a request waits for a script that is being deployed.
const DEPLOYING: Duration = Duration::from_secs(10);
/// Between two tries to start what ends by itself.
const AGAIN: Duration = Duration::from_millis(200);

/// Why a Worker did not answer. The causes are part of the text: it is shown to people as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no workerd.
    #[error("workerd is not installed, so that Workers cannot run here; `make tools` gets it")]
    NoWorkerd,
    /// No such script, or not yet.
    #[error("no Worker of that name is deployed")]
    Unknown,
    /// workerd does not take the script.
    #[error("workerd does not take the Worker: {0}")]
    Refused(String),
    /// The Worker threw.
    #[error("the Worker threw an exception: {0}")]
    Threw(String),
    /// No answer came.
    #[error("the Worker did not answer: {0}")]
    Silent(String),
}

/// One configuration being served. Requests hold it until their answer's last byte.
#[derive(Debug, Default)]
struct Generation {
    /// The store's version it was made from.
    version: Option<u64>,
    digest: [u8; 32],
    process: Option<Arc<Process>>,
    /// What became of each script, by account and name.
    scripts: BTreeMap<String, Result<(), String>>,
}

/// The running Workers; clones share them.
#[derive(Debug, Clone)]
pub struct Runtime {
    current: watch::Receiver<Arc<Generation>>,
    store: Store,
    client: Client,
    workerd: Option<PathBuf>,
    stop: CancellationToken,
    stopped: CancellationToken,
}

impl Runtime {
    /// Starts with the scripts the store has. Without workerd nothing runs, and requests say so.
    pub async fn start(
        store: Store,
        workerd: Option<PathBuf>,
        client: Client,
        outbound: Outbound,
    ) -> io::Result<Self> {
        let (sender, current) = watch::channel(Arc::new(Generation::default()));
        let (stop, stopped) = (CancellationToken::new(), CancellationToken::new());
        let backplane = backplane::listen(store.clone(), outbound, stop.clone()).await?;
        let runtime = Self {
            current,
            store: store.clone(),
            client: client.clone(),
            workerd: workerd.clone(),
            stop: stop.clone(),
            stopped: stopped.clone(),
        };
        match workerd {
            Some(workerd) => {
                let launcher = Launcher::of(workerd).await;
                let keeper = Keeper { store, launcher, client, backplane, current: sender };
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = keeper.keep() => {}
                    }
                    let last = keeper.current.send_replace(Arc::default());
                    if let Some(process) = &last.process {
                        process.end();
                        process.gone.cancelled().await;
                    }
                    stopped.cancel();
                });
            }
            None => stopped.cancel(),
        }
        Ok(runtime)
    }

    /// Sends a request to a script of an account. The URL's host is the request's `Host` header.
    pub async fn fetch(
        &self,
        account: &str,
        script: &str,
        cf: &str,
        mut request: Request<Body>,
    ) -> Result<Response, Failure> {
        let choice = choice(account, script);
        let generation = self.generation(&choice).await?;
        let Some(process) = &generation.process else { return Err(Failure::Unknown) };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri: Result<Uri, _> = format!("http://{}{path}", process.address).parse();
        let silent = |error: &dyn std::error::Error| Failure::Silent(describe(error));
        *request.uri_mut() = uri.map_err(|error| silent(&error))?;
        for (name, value) in [(CHOICE, choice.as_str()), (CF, cf)] {
            let value = HeaderValue::from_str(value).map_err(|error| silent(&error))?;
            request.headers_mut().insert(name, value);
        }
        let response = self.client.request(request).await.map_err(|error| silent(&error))?;
        let (mut parts, body) = response.into_parts();
        let body = Body::new(body);
        if parts.headers.remove(FAILURE).is_some() {
            let text = axum::body::to_bytes(body, 64 << 10).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            return Err(Failure::Threw(text));
        }
        // The old workerd must not end before the last byte of what it answers.
        let held = body.into_data_stream().map(move |chunk| {
            let _ = &generation;
            chunk
        });
        Ok(Response::from_parts(parts, Body::from_stream(held)))
    }

    /// The generation that has the script, waited for while it is being deployed.
    async fn generation(&self, choice: &str) -> Result<Arc<Generation>, Failure> {
        if self.workerd.is_none() {
            return Err(Failure::NoWorkerd);
        }
        let wanted = *self.store.changed().borrow();
        let mut current = self.current.clone();
        let settled = current.wait_for(|generation| {
            matches!(generation.scripts.get(choice), Some(Ok(())))
                || generation.version.is_some_and(|version| version >= wanted)
        });
        let generation = match tokio::time::timeout(DEPLOYING, settled).await {
            Ok(Ok(generation)) => generation.clone(),
            Ok(Err(_)) | Err(_) => return Err(Failure::Unknown),
        };
        match generation.scripts.get(choice) {
            Some(Ok(())) => Ok(generation),
            Some(Err(reason)) => Err(Failure::Refused(reason.clone())),
            None => Err(Failure::Unknown),
        }
    }

    /// Ends workerd and returns when it is gone.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.stopped.cancelled().await;
    }
}

/// What follows the store.
struct Keeper {
    store: Store,
    launcher: Launcher,
    client: Client,
    backplane: Backplane,
    current: watch::Sender<Arc<Generation>>,
}

impl Keeper {
    async fn keep(&self) {
        let mut changed = self.store.changed();
        loop {
            let version = *changed.borrow_and_update();
            self.deploy(version).await;
            let gone = self.current.borrow().process.as_ref().map(|process| process.gone.clone());
            let died = async {
                match gone {
                    Some(gone) => gone.cancelled_owned().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = changed.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(TOGETHER).await;
                }
                () = died => {
                    self.current.send_replace(Arc::default());
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Brings the store's scripts into service.
    async fn deploy(&self, version: u64) {
        let scripts = self.store.scripts();
        let names: Vec<String> =
            scripts.iter().map(|(account, script)| choice(account, &script.name)).collect();
        let every = |verdict: &Result<(), String>| {
            names.iter().map(|name| (name.clone(), verdict.clone())).collect()
        };
        let mut generation = Generation { version: Some(version), ..Generation::default() };
        match self.serve(&scripts).await {
            Ok((digest, process)) => {
                (generation.digest, generation.process) = (digest, process);
                generation.scripts = every(&Ok(()));
            }
            Err(reason) => {
                tracing::warn!(%reason, "the Workers do not start together; trying each alone");
                let (sound, verdicts) = sound(self.launcher.workerd(), scripts).await;
                match self.serve(&sound).await {
                    Ok((digest, process)) => {
                        (generation.digest, generation.process) = (digest, process);
                        generation.scripts = verdicts;
                    }
                    Err(reason) => {
                        tracing::error!(%reason, "the Workers could not be deployed");
                        generation.scripts = every(&Err(reason));
                    }
                }
            }
        }
        self.current.send_replace(Arc::new(generation));
    }

    /// A process that serves these scripts: the present one where nothing of them changed, none
    /// where there are none.
    async fn serve(&self, scripts: &[(String, Script)]) -> Result<Served, String> {
        let config = Config::serving(scripts, &self.backplane)?;
        let digest = config.digest();
        let current = self.current.borrow().clone();
        if scripts.is_empty() {
            return Ok((digest, None));
        }
        if let Some(process) = &current.process
            && current.digest == digest
            && !process.gone.is_cancelled()
        {
            return Ok((digest, Some(process.clone())));
        }
        match Process::start(&self.launcher, &config, &self.client).await {
            Ok(process) => Ok((digest, Some(Arc::new(process)))),
            Err(error) => Err(describe(&error)),
        }
    }
}

/// A configuration's digest and what serves it.
type Served = ([u8; 32], Option<Arc<Process>>);

fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Those that workerd takes alone, and what became of each.
async fn sound(
    workerd: &Path,
    scripts: Vec<(String, Script)>,
) -> (Vec<(String, Script)>, BTreeMap<String, Result<(), String>>) {
    let mut sound = Vec::new();
    let mut verdicts = BTreeMap::new();
    for (account, script) in scripts {
        let verdict = check(Some(workerd), &Code::from(&script)).await;
        let name = choice(&account, &script.name);
        if verdict.is_ok() {
            sound.push((account, script));
        }
        verdicts.insert(name, verdict);
    }
    (sound, verdicts)
}
