//! `up`: a whole swarm on this machine, looked after until it is stopped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::installed;
use crate::exit::Exit;
use crate::failure::Explain as _;
use crate::local::tools::{self, Tools};
use crate::local::{
    CloudChoice, CloudRecord, Folder, Happening, LocalSwarm, Phase, Ports, Settings, UpRecord,
};
use crate::output::Output;
use crate::output::style::{ADVICE, BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::time::span;

/// How long `--detach` waits for the swarm.
const PATIENCE: Duration = Duration::from_secs(90);

/// From one look at the local Cloudflare to the next, in seconds: all that the shipped environments
/// hold is within its calls then.
const LOCAL_CADENCE: u32 = 10;

/// What the swarm is to be.
#[derive(Debug, Clone, Args)]
pub struct Up {
    /// Come back when everything is ready; `zerodrift down` stops it
    #[arg(long)]
    detach: bool,
    /// Which ports to listen on, all on 127.0.0.1
    #[arg(long, value_enum, default_value_t = PortChoice::Usual, value_name = "WHICH")]
    ports: PortChoice,
    /// Port for NATS clients
    #[arg(long, value_name = "N", default_value_t = 4222)]
    nats_port: u16,
    /// Port for NATS monitoring
    #[arg(long, value_name = "N", default_value_t = 8222)]
    monitor_port: u16,
    /// Port for the local Cloudflare's API
    #[arg(long, value_name = "N", default_value_t = 8787)]
    api_port: u16,
    /// Port where the local Cloudflare serves its zones
    #[arg(long, value_name = "N", default_value_t = 8080)]
    edge_port: u16,
    /// Port where hints are taken over HTTP
    #[arg(long, value_name = "N", default_value_t = 8788)]
    hints_port: u16,
    /// Use a real Cloudflare account: a file that holds its API token. Needs --environments
    #[arg(long, value_name = "FILE", requires = "environments", conflicts_with = "origins")]
    cloudflare_token_file: Option<PathBuf>,
    /// A second token of that account, which may only read: what watching is done with
    #[arg(long, value_name = "FILE", requires = "cloudflare_token_file")]
    cloudflare_read_token_file: Option<PathBuf>,
    /// Environments of your own instead of the shipped ones: a folder of YAML files
    #[arg(long, value_name = "FOLDER")]
    environments: Option<PathBuf>,
    /// Golden paths of your own instead of the shipped ones: a folder of YAML files
    #[arg(long, value_name = "FOLDER")]
    golden_paths: Option<PathBuf>,
    /// Send traces, metrics and logs to an OTLP receiver (HTTP), for example `http://127.0.0.1:4318`
    #[arg(long = "otlp", value_name = "URL")]
    otlp: Option<String>,
    /// How many planners
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    planners: u16,
    /// How many provisioners
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    provisioners: u16,
    /// How many auditors, which watch the cloud; 0 watches nothing
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=16))]
    auditors: u16,
    /// How many remediators, which have drift put back; 0 only reports it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=16))]
    remediators: u16,
    /// How often everything is looked at, in seconds [default: 10 on the local Cloudflare, else 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    cadence: Option<u32>,
    /// Serve a host from an origin of your own behind the local edge: `host=address:port`; may be
    /// repeated
    #[arg(long = "origin", value_name = "HOST=ADDRESS")]
    origins: Vec<String>,
    /// What the agents log, for example `debug` or `info,async_nats=debug`
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
    #[command(flatten)]
    tools: Tools,
    /// Started by --detach: leave the terminal.
    #[arg(long, hide = true)]
    background: bool,
}

/// Which ports to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PortChoice {
    /// Those of the port flags
    Usual,
    /// Any that are free
    Auto,
}

impl Up {
    fn settings(&self, folder: Folder) -> Result<Settings, Failure> {
        let real = self.cloudflare_token_file.is_some();
        if real && self.auditors > 0 && self.cloudflare_read_token_file.is_none() {
            return Err(Failure::new("watching needs a token of its own, which may only read")
                .advise(
                    "make one with read rights for what your environments name, and give it with \
                     --cloudflare-read-token-file FILE; or watch nothing, with --auditors 0",
                )
                .exits(Exit::Usage));
        }
        Ok(Settings {
            folder,
            ports: match self.ports {
                PortChoice::Usual => {
                    let Self { nats_port, monitor_port, api_port, edge_port, hints_port, .. } =
                        self;
                    Ports::new(*nats_port, *monitor_port, *api_port, *edge_port, *hints_port)
                }
                PortChoice::Auto => Ports::any(),
            },
            cloud: match &self.cloudflare_token_file {
                Some(file) => CloudChoice::Cloudflare {
                    token: file.clone(),
                    read_token: self.cloudflare_read_token_file.clone(),
                },
                None => CloudChoice::Sandbox(self.origins.clone()),
            },
            environments: self.environments.as_deref().map(absolute),
            golden_paths: self.golden_paths.as_deref().map(absolute),
            otlp: self.otlp.clone(),
            planners: self.planners,
            provisioners: self.provisioners,
            auditors: self.auditors,
            remediators: self.remediators,
            cadence: self.cadence.or((!real).then_some(LOCAL_CADENCE)),
            log: self.log.clone(),
            tools: self.tools.clone(),
        })
    }
}

/// For a child whose current folder may be another one day.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

pub(super) async fn run(command: Up, common: &Common, output: Output) -> Result<Exit, Failure> {
    let folder = Folder::find(common.state.as_deref())?;
    if command.detach {
        return detach(&folder, output).await;
    }
    if command.background {
        // Fails only where this process leads a session already, which is what is wanted.
        rustix::process::setsid().ok();
    }
    let began = Instant::now();
    let (paths, environments) = (command.golden_paths.as_deref(), command.environments.as_deref());
    // Both are loaded, so that a mistake in either is told here and not in a planner's log.
    let environments = installed::library(paths, environments)?.environments;
    // Made known before anything runs, so that a signal during the start stops what was started.
    let mut stop = Stop::listen()?;
    let place = folder.path().display().to_string();
    let mut swarm = LocalSwarm::prepare(command.settings(folder)?, environments).await?;
    output.note(format!("{} in {place}", paint(STRONG, "Starting a swarm")));
    let started = tokio::select! {
        started = swarm.start(output) => started.map(|()| true),
        () = stop.asked() => Ok(false),
    };
    match started {
        Ok(true) => {}
        Ok(false) => {
            swarm.stop(output).await;
            return Ok(Exit::Ok);
        }
        Err(failure) => {
            swarm.stop(output).await;
            return Err(failure);
        }
    }
    greet(swarm.record(), began.elapsed(), output)?;
    loop {
        tokio::select! {
            happening = swarm.happening() => report(&happening?, output),
            () = stop.asked() => break,
        }
    }
    output.note("");
    swarm.stop(output).await;
    Ok(Exit::Ok)
}

/// The requests to stop.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(super) fn listen() -> Result<Self, Failure> {
        let what = "the requests to stop cannot be heard";
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).or_fail(what)?,
            terminate: signal(SignalKind::terminate()).or_fail(what)?,
        })
    }

    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn greet(record: &UpRecord, took: Duration, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.json(record)?);
    }
    output.line(greeting(record, took))?;
    Ok(())
}

/// What a person wants to know when everything is ready.
fn greeting(record: &UpRecord, took: Duration) -> String {
    let mut lines = vec![
        format!("\n{} {}", paint(GOOD, "Ready"), paint(FAINT, format!("after {}", span(took)))),
        format!("  NATS   {}", record.nats.url),
    ];
    match &record.cloud {
        CloudRecord::Sandbox { api, edge } => {
            lines
                .push(format!("  API    {api}/client/v4   {}", paint(FAINT, "a local Cloudflare")));
            lines.push(format!(
                "  Edge   {edge}   {}",
                paint(FAINT, "serves its zones by their Host header")
            ));
        }
        CloudRecord::Cloudflare => {
            lines.push(format!("  Cloud  {}", paint(CHANGED, "your real Cloudflare account")));
        }
    }
    if let Some(hints) = &record.hints {
        lines.push(format!(
            "  Hints  {}/hints   {}",
            hints.url,
            paint(FAINT, format!("signed with {}", hints.secret.display()))
        ));
    }
    lines.push(format!("\n{}", paint(STRONG, "Next, in another terminal")));
    let program = tools::own_name();
    lines.push(format!(
        "  {program} submit --wait \"Secure edge cache for API with DDoS guardrails\""
    ));
    lines.push(format!("  {program} watch"));
    lines.push(paint(FAINT, "Ctrl-C stops everything."));
    lines.join("\n")
}

fn report(happening: &Happening, output: Output) {
    match happening {
        Happening::Died { name, how, again_in } => output.note(format!(
            "  {} {name} ended by itself ({how}); it is started again in {}",
            paint(BAD, "✗"),
            span(*again_in)
        )),
        Happening::Started { name, restarts, .. } if *restarts > 0 => {
            output.note(format!("  {} {name} runs again", paint(GOOD, "✓")));
        }
        Happening::Started { .. } => {}
    }
}

/// Starts the same command in the background and waits until it is ready.
async fn detach(folder: &Folder, output: Output) -> Result<Exit, Failure> {
    if let Some(record) = folder.running()? {
        return Err(Failure::new(format!(
            "a swarm runs already from {} (process {})",
            folder.path().display(),
            record.pid
        ))
        .advise("`zerodrift status` shows it, `zerodrift down` stops it"));
    }
    folder.create()?;
    let began = Instant::now();
    let progress = output.progress("starting a swarm in the background");
    let log = folder.logs().join("up.log");
    let what = "the swarm could not be started in the background";
    let errors = std::fs::File::create(&log).or_fail(what)?;
    let program = std::env::current_exe().or_fail(what)?;
    let arguments = std::env::args_os().skip(1).filter(|it| it != "--detach");
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .arg("--background")
        // Where the folder was found by looking, the child must not find another.
        .env("ZERODRIFT_STATE", folder.path())
        .stdin(Stdio::null())
        .stdout(errors.try_clone().or_fail(what)?)
        .stderr(errors)
        .spawn()
        .or_fail(what)?;
    let deadline = began + PATIENCE;
    loop {
        if let Some(record) = folder.read()?.filter(|it| Some(it.pid) == child.id())
            && record.phase == Phase::Ready
        {
            drop(progress);
            let greeting = greeting(&record, began.elapsed());
            if output.is_json() {
                output.json(&record)?;
            } else {
                output.line(
                    greeting
                        .replace("Ctrl-C stops everything.", "`zerodrift down` stops everything."),
                )?;
            }
            return Ok(Exit::Ok);
        }
        if let Some(status) = child.try_wait().or_fail(what)? {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(Failure::new(what).because(format!("{status}\n{}", said.trim())).advise(
                format!("`zerodrift up` without --detach {}", paint(ADVICE, "shows more")),
            ));
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(what)
                .because(format!("not ready after {} s", PATIENCE.as_secs()))
                .advise(format!("all it said is in {}", log.display()))
                .exits(Exit::TimedOut));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
