//! Starting a local swarm, watching over it, and stopping it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus_schema::identity::Identity;
use jiff::Timestamp;
use policy::Environments;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::Failure;
use crate::failure::Explain as _;
use crate::http;
use crate::local::child::{Child, Happening, Spec};
use crate::local::folder::Lock;
use crate::local::identities::{Identities, Kept};
use crate::local::parts::{CloudChoice, Parts, Settings};
use crate::local::ports;
use crate::local::process::{gone, kill, program_of, same_file, terminate};
use crate::local::record::{CloudRecord, HintsRecord, NatsRecord, Phase, ProcessRecord, UpRecord};
use crate::output::Output;
use crate::swarm::connect::connect;

/// How long a part may take until it is ready.
const READY: Duration = Duration::from_secs(20);
/// How often it is asked.
const ASK: Duration = Duration::from_millis(25);

/// A swarm this process looks after.
#[derive(Debug)]
pub(crate) struct LocalSwarm {
    settings: Settings,
    environments: Environments,
    record: UpRecord,
    /// In the order they were started.
    children: Vec<Child>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    tell: mpsc::UnboundedSender<Happening>,
    _lock: Lock,
}

impl LocalSwarm {
    /// Takes the folder; nothing is started yet. What an earlier swarm left behind there is ended
    /// first.
    pub(crate) async fn prepare(
        settings: Settings,
        environments: Environments,
    ) -> Result<Self, Failure> {
        settings.folder.create()?;
        let Some(lock) = settings.folder.lock()? else {
            let pid = settings.folder.read()?.map_or(0, |record| record.pid);
            return Err(Failure::new(format!(
                "a swarm runs already from {} (process {pid})",
                settings.folder.path().display()
            ))
            .advise(
                "`zerodrift status` shows it, `zerodrift down` stops it; another one needs \
                another --state FOLDER and --ports auto",
            ));
        };
        if let Ok(Some(left)) = settings.folder.read() {
            end_leftovers(&left).await;
        }
        settings.folder.forget();
        let ports = settings.ports.settle()?;
        let record = UpRecord {
            pid: std::process::id(),
            phase: Phase::Starting,
            started_at: Timestamp::now(),
            nats: NatsRecord {
                url: format!("nats://{}", ports.nats.address()),
                monitor: format!("http://{}", ports.monitor.address()),
                operator: Identities::file(&settings.folder, Identity::Operator),
            },
            cloud: match settings.cloud {
                CloudChoice::Sandbox(_) => CloudRecord::Sandbox {
                    api: format!("http://{}", ports.api.address()),
                    edge: format!("http://{}", ports.edge.address()),
                },
                CloudChoice::Cloudflare { .. } => CloudRecord::Cloudflare,
            },
            hints: None,
            processes: Vec::new(),
        };
        let (tell, happenings) = mpsc::unbounded_channel();
        let settings = Settings { ports, ..settings };
        let children = Vec::new();
        Ok(Self { settings, environments, record, children, happenings, tell, _lock: lock })
    }

    /// What runs.
    pub(crate) const fn record(&self) -> &UpRecord {
        &self.record
    }

    /// The account of the default environment.
    pub(crate) fn account(&self) -> &str {
        &self.environments.default_environment().cloudflare.account
    }

    /// Starts everything, each part when what it needs is ready.
    pub(crate) async fn start(&mut self, output: Output) -> Result<(), Failure> {
        let identities = Identities::of(&self.settings.folder)?;
        let (token_file, token) = self.token()?;
        let read_token = self.read_token()?;
        let (hints_secret, _) = Identities::secret(&self.settings.folder, Kept::Hints)?;
        let settings = self.settings.clone();
        let parts = Parts {
            settings: &settings,
            ports: settings.ports,
            identities: &identities,
            token: &token_file,
            read_token: read_token.as_ref().map(|(file, _)| file.as_path()),
            hints_secret: &hints_secret,
        };
        self.start_nats(&parts, output).await?;
        if let CloudChoice::Sandbox(origins) = &settings.cloud {
            let progress = output.progress("the local Cloudflare");
            let read_token = read_token.as_ref().map_or("", |(_, token)| token.as_str());
            self.keep(parts.sandbox(&self.environments, &token, read_token, origins)?)?;
            self.ready("sandbox", parts.ports.api.address(), "/__sandbox/health").await?;
            output.note(progress.done(format!("local Cloudflare: {}", zones(&self.environments))));
        }
        self.start_agents(&parts, output).await?;
        if settings.auditors > 0 {
            let url = format!("http://{}", settings.ports.hints.address());
            self.record.hints = Some(HintsRecord { url, secret: hints_secret });
        }
        self.record.phase = Phase::Ready;
        self.settings.folder.write(&self.record)
    }

    async fn start_nats(&mut self, parts: &Parts<'_>, output: Output) -> Result<(), Failure> {
        let progress = output.progress("nats-server");
        let text = parts.identities.server_configuration(parts.ports);
        let configuration = self.settings.folder.write_file("nats-server.conf", text.as_bytes())?;
        self.keep(parts.nats_server(&configuration)?)?;
        self.ready("nats-server", parts.ports.monitor.address(), "/healthz").await?;
        let bus =
            connect(&parts.identities.connection(Identity::Bootstrap, &parts.nats_url())).await?;
        runtime::bootstrap(&bus, 1)
            .await
            .or_fail("the streams and buckets could not be created")?;
        output.note(progress.done(format!("nats-server on {}", parts.ports.nats.address())));
        Ok(())
    }

    async fn start_agents(&mut self, parts: &Parts<'_>, output: Output) -> Result<(), Failure> {
        let progress = output.progress("agents");
        let settings = &self.settings;
        let (planners, provisioners) = (0..settings.planners, 0..settings.provisioners);
        let (auditors, remediators) = (0..settings.auditors, 0..settings.remediators);
        let mut specs: Vec<(Spec, SocketAddr)> = Vec::new();
        for nth in planners {
            let health = ports::any_address()?;
            specs.push((parts.planner(nth, health)?, health));
        }
        for nth in provisioners {
            let health = ports::any_address()?;
            specs.push((parts.provisioner(nth, health)?, health));
        }
        for nth in auditors {
            let health = ports::any_address()?;
            specs.push((parts.auditor(nth, health)?, health));
        }
        for nth in remediators {
            let health = ports::any_address()?;
            specs.push((parts.remediator(nth, health)?, health));
        }
        let mut healths: Vec<(String, SocketAddr)> = Vec::new();
        for (spec, health) in specs {
            healths.push((spec.name.clone(), health));
            self.keep(spec)?;
        }
        for (name, health) in &healths {
            self.ready(name, *health, "/readyz").await?;
        }
        let names: Vec<&str> = healths.iter().map(|(name, _)| name.as_str()).collect();
        output.note(progress.done(format!("agents: {}", names.join(", "))));
        Ok(())
    }

    /// The sandbox's own token, or the file that was named.
    pub(crate) fn token(&self) -> Result<(PathBuf, String), Failure> {
        match &self.settings.cloud {
            CloudChoice::Sandbox(_) => Identities::secret(&self.settings.folder, Kept::Token),
            CloudChoice::Cloudflare { token, .. } => named_token(token),
        }
    }

    /// The same for who only reads. Of a real account there is none unless it was named.
    fn read_token(&self) -> Result<Option<(PathBuf, String)>, Failure> {
        match &self.settings.cloud {
            CloudChoice::Sandbox(_) => {
                Identities::secret(&self.settings.folder, Kept::ReadToken).map(Some)
            }
            CloudChoice::Cloudflare { read_token, .. } => {
                read_token.as_deref().map(named_token).transpose()
            }
        }
    }

    fn keep(&mut self, spec: Spec) -> Result<(), Failure> {
        self.record.processes.push(ProcessRecord {
            name: spec.name.clone(),
            pid: None,
            program: spec.program.clone(),
            log: spec.log.clone(),
            restarts: 0,
        });
        self.settings.folder.write(&self.record)?;
        // The file may have been replaced by a newer build since this process began, hence found
        // anew each time; without it the child would merely outlive our violent death.
        let wrapper = std::env::current_exe().ok().filter(|exe| exe.is_file());
        self.children.push(Child::keep(spec, wrapper, self.tell.clone()));
        Ok(())
    }

    /// Waits until a part answers that it is ready; a part that dies meanwhile ends the start.
    async fn ready(&mut self, name: &str, at: SocketAddr, path: &str) -> Result<(), Failure> {
        let deadline = Instant::now() + READY;
        loop {
            if http::get(at, path, &[]).await.is_ok_and(|answer| answer.status.is_success()) {
                return Ok(());
            }
            while let Ok(happening) = self.happenings.try_recv() {
                self.note(&happening)?;
                if let Happening::Died { name, how, .. } = happening {
                    return Err(self.trouble(&name, format!("{name} ended at its start ({how})")));
                }
            }
            if Instant::now() >= deadline {
                let what = format!("{name} is not ready after {} s", READY.as_secs());
                return Err(self.trouble(name, what));
            }
            tokio::time::sleep(ASK).await;
        }
    }

    /// What happens to a child, when it happens; already in the record.
    pub(crate) async fn happening(&mut self) -> Result<Happening, Failure> {
        let happening = self
            .happenings
            .recv()
            .await
            .ok_or_else(|| Failure::new("nobody looks after the children any more"))?;
        self.note(&happening)?;
        Ok(happening)
    }

    fn note(&mut self, happening: &Happening) -> Result<(), Failure> {
        let (Happening::Started { name, .. } | Happening::Died { name, .. }) = happening;
        if let Some(process) = self.record.processes.iter_mut().find(|it| it.name == *name) {
            match happening {
                Happening::Started { pid, restarts, .. } => {
                    process.pid = *pid;
                    process.restarts = *restarts;
                }
                Happening::Died { .. } => process.pid = None,
            }
        }
        self.settings.folder.write(&self.record)
    }

    /// A failure that shows what the part said last.
    fn trouble(&self, name: &str, what: String) -> Failure {
        let log = self.settings.folder.logs().join(format!("{name}.log"));
        let failure = Failure::new(what).advise(format!("all it said is in {}", log.display()));
        match last_lines(&log, 6) {
            Some(said) => failure.because(said),
            None => failure,
        }
    }

    /// Ends everything, in reverse order.
    pub(crate) async fn stop(mut self, output: Output) {
        if self.children.is_empty() {
            self.settings.folder.forget();
            return;
        }
        let progress = output.progress("stopping");
        self.record.phase = Phase::Stopping;
        // It is forgotten in a moment; that it could not be written changes nothing.
        drop(self.settings.folder.write(&self.record));
        while let Some(child) = self.children.pop() {
            if let Some(process) = self.record.processes.get(self.children.len()) {
                progress.now(&process.name);
            }
            child.stop().await;
        }
        self.settings.folder.forget();
        output.note(progress.done("stopped"));
    }
}

/// A token in a file that a person named.
fn named_token(file: &Path) -> Result<(PathBuf, String), Failure> {
    let token = std::fs::read_to_string(file).or_advise(
        format!("the token file {} cannot be read", file.display()),
        "write your Cloudflare API token into a file only you can read, and name it",
    )?;
    let file = std::path::absolute(file).or_fail("the token file cannot be found")?;
    Ok((file, token.trim().to_owned()))
}

/// Ends what an earlier swarm left behind, where it is certain that it is that.
async fn end_leftovers(left: &UpRecord) {
    let ours: Vec<u32> = left
        .processes
        .iter()
        .filter_map(|process| {
            let pid = process.pid?;
            program_of(pid).is_some_and(|it| same_file(&it, &process.program)).then_some(pid)
        })
        .collect();
    for pid in ours.iter().rev() {
        terminate(*pid);
    }
    for pid in ours {
        if !gone(pid, Duration::from_secs(12)).await {
            kill(pid);
        }
    }
}

fn zones(environments: &Environments) -> String {
    let zones: Vec<&str> =
        environments.iter().flat_map(|it| &it.cloudflare.zones).map(String::as_str).collect();
    format!("zones {}", zones.join(", "))
}

fn last_lines(log: &Path, count: usize) -> Option<String> {
    let text = std::fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(count)..)?;
    (!last.is_empty()).then(|| format!("it said:\n{}", last.join("\n")))
}
