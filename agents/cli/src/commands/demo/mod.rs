//! `demo`: from nothing to proven in a minute. A swarm in a folder of its own, two intents, what
//! anybody on the internet would see of them, and what becomes of changes by somebody else.

mod healing;
mod meddle;
mod prove;

use std::time::Duration;

use bus_schema::{IntentPhase, IntentState, Request};
use clap::Args;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::demo::healing::Scene;
use crate::commands::demo::prove::{Proof, Prover};
use crate::commands::up::Stop;
use crate::commands::{following, installed, submit};
use crate::exit::Exit;
use crate::failure::Explain as _;
use crate::local::tools::{self, Tools};
use crate::local::{CloudChoice, Folder, LocalSwarm, Ports, Settings};
use crate::output::diff::Detail;
use crate::output::style::{BAD, FAINT, GOOD, STRONG, paint};
use crate::output::time::span;
use crate::output::timeline::Clock;
use crate::output::{Output, plan};
use crate::swarm::Swarm;
use crate::swarm::connect::{as_operator, connect};
use crate::swarm::feed::Follow;

/// A cached, guarded edge in front of an API.
const EDGE: &str = "Secure edge cache for API with DDoS guardrails";
/// Code at the edge.
const WORKER: &str = "Deploy a worker with a redirect map at go.example.com";
/// How often everything is looked at, in seconds.
const CADENCE: u32 = 2;
/// How long an intent may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// Shows everything.
#[derive(Debug, Args)]
#[command(
    after_help = "It needs no account and no network, uses free ports and a temporary folder, \
    and leaves nothing behind.\nThe exit code is 1 where anything it shows did not happen."
)]
pub struct Demo {
    #[command(flatten)]
    tools: Tools,
}

pub(super) async fn run(command: Demo, _common: &Common, output: Output) -> Result<Exit, Failure> {
    let began = Instant::now();
    let place = tempfile::Builder::new()
        .prefix("zerodrift-demo-")
        .tempdir()
        .or_fail("no temporary folder could be made")?;
    let settings = Settings {
        folder: Folder::at(place.path())?,
        ports: Ports::any(),
        cloud: CloudChoice::Sandbox(Vec::new()),
        environments: None,
        golden_paths: None,
        otlp: None,
        planners: 1,
        provisioners: 1,
        auditors: 1,
        remediators: 1,
        cadence: Some(CADENCE),
        log: "info".to_owned(),
        tools: command.tools,
    };
    title(output, "Zerodrift", "words in, running infrastructure out")?;
    output.note(paint(FAINT, "A whole swarm on this machine, with a local Cloudflare."));
    if settings.tools.workerd().is_none() {
        return Err(Failure::new("workerd was not found, which runs Workers at the local edge")
            .advise("`make tools` installs it, or name it with --workerd FILE"));
    }
    let mut stop = Stop::listen()?;
    let mut swarm =
        LocalSwarm::prepare(settings, installed::library(None, None)?.environments).await?;
    let shown = tokio::select! {
        shown = show(&mut swarm, output) => shown,
        () = stop.asked() => Err(Failure::new("interrupted")),
    };
    output.note("");
    let shown = shown.inspect_err(|_| keep_logs(place.path(), output));
    swarm.stop(output).await;
    let proofs = shown?;
    let failed = proofs.iter().filter(|proof| !proof.holds).count();
    if failed > 0 {
        return Err(Failure::new(format!("{failed} of {} did not happen", proofs.len()))
            .advise("`zerodrift doctor` says what may be missing on this machine"));
    }
    close(output, proofs.len(), began.elapsed())?;
    Ok(Exit::Ok)
}

async fn show(local: &mut LocalSwarm, output: Output) -> Result<Vec<Proof>, Failure> {
    local.start(output).await?;
    let record = local.record().clone();
    let swarm = Swarm {
        bus: connect(&as_operator(&record)).await?,
        url: record.nats.url.clone(),
        local: Some(record),
    };
    title(output, "1", "a person asks for an edge")?;
    let edge = intend(&swarm, EDGE, output).await?;
    title(output, "2", "another asks for code at it")?;
    let worker = intend(&swarm, WORKER, output).await?;
    title(output, "3", "what anybody on the internet sees")?;
    let prover = Prover::of(&swarm, local, &worker)?;
    let mut proofs = Vec::new();
    // In this order: after the burst this machine is shut out for a while.
    proofs.push(tell(prover.worker_answers().await, output)?);
    proofs.push(tell(prover.edge_caches().await, output)?);
    proofs.push(tell(prover.waf_blocks().await, output)?);
    proofs.push(tell(prover.burst_is_stopped().await, output)?);
    title(output, "4", "the same again changes nothing")?;
    proofs.push(tell(asked_again(&swarm).await?, output)?);
    title(output, "5", "somebody else reaches around it, with a token of their own")?;
    let meddler = prover.meddler().await?;
    let scene = Scene { swarm: &swarm, meddler: &meddler, edge: &edge, worker: &worker };
    proofs.extend(healing::show(scene, output).await?);
    proofs.push(tell(prover.as_before().await, output)?);
    output.note("");
    healing::times(&proofs, output)?;
    Ok(proofs)
}

/// Submits, shows the plan when there is one, and follows it to converged.
async fn intend(swarm: &Swarm, text: &str, output: Output) -> Result<IntentState, Failure> {
    let request = Request { text: Some(text.to_owned()), ..Request::default() };
    let intent = bus_schema::IntentId::fresh();
    let mut feed = swarm.follow(Follow::Intent(intent, None)).await?;
    let look = following::Look {
        clock: Clock::Since(Timestamp::now()),
        stacks: false,
        verbose: false,
        endings: true,
    };
    output.note(paint(FAINT, format!("$ zerodrift submit --wait \"{text}\"")));
    submit::publish_as(swarm, intent, request, None).await?;
    let deadline = Instant::now() + PATIENCE;
    // What happens before the plan is shown waits until it has been.
    let mut waiting = Vec::new();
    let mut planned = false;
    loop {
        let late = |_| {
            Failure::new(format!("the intent has not ended within {} s", PATIENCE.as_secs()))
                .exits(Exit::TimedOut)
        };
        let moment = tokio::time::timeout_at(deadline, feed.next()).await.map_err(late)??;
        let state = moment.intent.clone();
        waiting.push(moment);
        let Some(state) = state else {
            if planned {
                flush(&mut waiting, look, output)?;
            }
            continue;
        };
        if !planned && let Some(found) = swarm.plan(&state).await? {
            planned = true;
            if !output.is_json() {
                output
                    .line(format!("\n{}\n", plan::page(&found, Some(&state), Detail::Outline)))?;
            }
        }
        flush(&mut waiting, look, output)?;
        if state.phase == IntentPhase::Converged {
            return Ok(state);
        }
        if let Some(exit) = Exit::of_phase(state.phase) {
            output.note(format!("\n{}", following::ending(&state)));
            return Err(Failure::new("the intent did not converge").exits(exit));
        }
    }
}

fn flush(
    waiting: &mut Vec<crate::swarm::feed::Moment>,
    look: following::Look,
    output: Output,
) -> Result<(), Failure> {
    for moment in waiting.drain(..) {
        following::print(&moment, look, output)?;
    }
    Ok(())
}

/// The first intent once more: the plan must be empty.
async fn asked_again(swarm: &Swarm) -> Result<Proof, Failure> {
    let began = Instant::now();
    let request = Request { text: Some(EDGE.to_owned()), ..Request::default() };
    let ended =
        submit::follow(swarm, request, None, false, Some(PATIENCE), Output::silent()).await?;
    let plan = match &ended {
        Some(state) if state.phase == IntentPhase::Converged => swarm.plan(state).await?,
        Some(_) | None => None,
    };
    let seen = plan.as_ref().map_or_else(|| "it did not converge".to_owned(), plan::summary);
    Ok(Proof {
        what: "no change",
        how: format!("“{EDGE}”"),
        holds: plan.is_some_and(|plan| plan.is_empty()),
        seen,
        took: began.elapsed(),
    })
}

fn tell(proof: Proof, output: Output) -> Result<Proof, Failure> {
    if output.is_json() {
        output.json(&proof)?;
    } else {
        output.line(proof.line())?;
    }
    Ok(proof)
}

fn title(output: Output, name: &str, text: &str) -> Result<(), Failure> {
    if !output.is_json() {
        output.line(format!("\n{}  {}", paint(GOOD.bold(), name), paint(STRONG, text)))?;
    }
    Ok(())
}

/// What was worth a warning in every log, before the folder goes.
fn keep_logs(folder: &std::path::Path, output: Output) {
    for name in ["planner", "provisioner", "auditor", "remediator", "sandbox", "nats-server"] {
        let log = std::fs::read_to_string(folder.join(format!("logs/{name}.log")));
        let log = log.unwrap_or_default();
        let grave =
            |line: &&str| ["WARN", "ERROR", "[ERR]", "[FTL]"].iter().any(|it| line.contains(it));
        let lines: Vec<&str> = log.lines().filter(grave).collect();
        if let Some(last) = lines.get(lines.len().saturating_sub(4)..)
            && !last.is_empty()
        {
            output.note(format!("{} {name}\n{}", paint(BAD, "the last of"), last.join("\n")));
        }
    }
}

fn close(output: Output, proofs: usize, took: Duration) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(());
    }
    let next = [
        ("up", "a swarm that stays; then, in another terminal:"),
        (
            "understand \"prod를 초당 1만 요청까지 WAF와 함께 확장해줘\"",
            "what would be made of your words",
        ),
        ("submit --wait \"Scale prod to 10k RPS with WAF\"", "and make it so"),
        ("plan show", "every change, every value with its source"),
        ("watch", "everything, as it happens"),
        ("drift", "what somebody else changed, and what is being done about it"),
    ];
    output.line(format!(
        "\n{} {}\n\n{}",
        paint(GOOD.bold(), format!("All {proofs} happened")),
        paint(FAINT, format!("in {}, and nothing is left behind", span(took))),
        paint(STRONG, "Try next")
    ))?;
    let program = tools::own_name();
    for (command, what) in next {
        output.line(format!("  {program} {command}\n      {}", paint(FAINT, what)))?;
    }
    Ok(())
}
