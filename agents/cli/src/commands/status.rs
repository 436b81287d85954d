//! `status`: what there is. Stacks, what is watched, agents, dead letters.

use bus_schema::{IntentState, StackObservation, StackState};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::local::{CloudRecord, UpRecord};
use crate::output::style::{ADVICE, AGENT, BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::{Cell, Table, cut};
use crate::output::time::ago;
use crate::output::timeline::{asked, count};
use crate::output::{Output, stuck, watched};
use crate::swarm::Swarm;
use crate::swarm::agents::AgentStats;

/// What there is.
#[derive(Debug, Args)]
pub struct Status {
    /// Show each stack's resources too
    #[arg(long, short)]
    resources: bool,
}

pub(super) async fn run(
    command: &Status,
    common: &Common,
    output: Output,
) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let (stacks, intents, agents, dead) =
        tokio::try_join!(swarm.stacks(), swarm.intents(), swarm.agents(), swarm.dead_count())?;
    let (watches, observations) = tokio::try_join!(swarm.watches(), swarm.observations())?;
    if output.is_json() {
        output.json(&json!({
            "nats": swarm.url, "local": swarm.local, "stacks": stacks,
            "intents": {
                "total": intents.len(),
                "open": intents.iter().filter(|it| !it.phase.is_final()).count(),
            },
            "watches": watches,
            "findings": observations.iter().map(|it| it.findings.len()).sum::<usize>(),
            "agents": agents, "dead": dead,
        }))?;
        return Ok(Exit::Ok);
    }
    let now = Timestamp::now();
    output.line(heading(&swarm.url, swarm.local.as_ref(), now))?;
    output.line(format!("\n{}", render_stacks(&stacks, &intents, &observations, now)))?;
    for page in stacks.iter().filter_map(stuck::page) {
        output.line(format!("\n{page}"))?;
    }
    if command.resources {
        output.line(resources(&stacks))?;
    }
    if let Some(page) = watched::page(&watches, now) {
        output.line(format!("\n{page}"))?;
    }
    output.line(format!("\n{}", render_agents(&agents, now)))?;
    output.line(format!("\n{}", open_and_dead(&intents, dead)))?;
    if let Some(promise) = watched::promise(&watches) {
        output.line(promise)?;
    }
    if observations.iter().any(|it| !it.findings.is_empty()) {
        output.note(format!("{} zerodrift drift shows what drifted", paint(ADVICE, "→")));
    }
    Ok(Exit::Ok)
}

fn heading(url: &str, local: Option<&UpRecord>, now: Timestamp) -> String {
    let line = format!("{} at {url}", paint(STRONG, "Swarm"));
    let Some(record) = local else { return line };
    let cloud = match &record.cloud {
        CloudRecord::Sandbox { api, edge } => {
            format!("Local Cloudflare at {api}/client/v4, its edge at {edge}")
        }
        CloudRecord::Cloudflare => "On a real Cloudflare account".to_owned(),
    };
    format!("{line}  {}\n{cloud}", paint(FAINT, format!("started {}", ago(record.started_at, now))))
}

fn render_stacks(
    stacks: &[StackState],
    intents: &[IntentState],
    observations: &[StackObservation],
    now: Timestamp,
) -> String {
    if stacks.is_empty() {
        return format!(
            "No stacks yet. {} zerodrift submit --wait \"Secure edge cache for API with DDoS \
             guardrails\"",
            paint(ADVICE, "→")
        );
    }
    let mut table =
        Table::new(["STACK", "ENV", "GEN", "RESOURCES", "PATH", "STATE", "CHANGED", "LAST INTENT"]);
    for stack in stacks {
        let intent = stack.intent.and_then(|id| intents.iter().find(|it| it.intent == id));
        let seen = observations.iter().find(|it| it.stack == stack.stack);
        let (state, style) = state_of(stack, seen.map_or(0, |it| it.findings.len()));
        table.row([
            Cell::styled(STRONG, stack.stack.as_str()),
            stack.environment.as_str().into(),
            stack.generation.to_string().into(),
            stack.resources.len().to_string().into(),
            stack.path.as_str().into(),
            Cell::styled(style, state),
            Cell::styled(FAINT, ago(stack.updated_at, now)),
            Cell::styled(FAINT, intent.map(|it| cut(&asked(&it.request), 40)).unwrap_or_default()),
        ]);
    }
    table.render()
}

fn state_of(stack: &StackState, findings: usize) -> (String, anstyle::Style) {
    if stack.paused.is_some() && !stack.run.as_ref().is_some_and(|run| run.stuck) {
        let drifted = if findings > 0 { format!(", {findings} drifted") } else { String::new() };
        return (format!("paused{drifted}"), CHANGED);
    }
    match &stack.run {
        Some(run) if run.stuck => ("stuck".to_owned(), BAD),
        Some(run) if run.failure.is_some() => ("rolling back".to_owned(), BAD),
        Some(run) => {
            let done = run.steps.values().filter(|step| step.after.is_some()).count();
            (format!("running, {} done", count(done, "step")), CHANGED)
        }
        None if stack.resources.is_empty() => ("retired".to_owned(), FAINT),
        None if findings > 0 => (format!("{findings} drifted"), CHANGED),
        None => ("steady".to_owned(), GOOD),
    }
}

fn resources(stacks: &[StackState]) -> String {
    let mut lines = Vec::new();
    for stack in stacks.iter().filter(|stack| !stack.resources.is_empty()) {
        lines.push(format!("\n{}", paint(STRONG, &stack.stack)));
        let mut table = Table::new(["", "", ""]).indented(2);
        for (address, resource) in &stack.resources {
            table.row([
                address.local().into(),
                Cell::styled(FAINT, resource.place.to_string()),
                Cell::styled(FAINT, resource.cloud_id.clone().unwrap_or_default()),
            ]);
        }
        lines.push(table.render());
    }
    lines.join("\n")
}

fn render_agents(agents: &[AgentStats], now: Timestamp) -> String {
    if agents.is_empty() {
        return format!(
            "{} {} `zerodrift up` starts them; their logs say why they are gone",
            paint(BAD, "No agent answers."),
            paint(ADVICE, "→")
        );
    }
    let mut table =
        Table::new(["AGENT", "INSTANCE", "VERSION", "STARTED", "HANDLED", "RETRIED", "DEAD"]);
    for agent in agents {
        let figure = |name: &str| {
            Cell::from(agent.figure(name).map_or_else(|| "–".to_owned(), |n| n.to_string()))
        };
        let instance = agent.instance.as_ref().unwrap_or(&agent.id);
        table.row([
            Cell::styled(AGENT, agent.name.clone()),
            instance.clone().into(),
            agent.version.clone().into(),
            Cell::styled(FAINT, agent.started.map(|at| ago(at, now)).unwrap_or_default()),
            figure("handled"),
            figure("retried"),
            figure("dead_lettered"),
        ]);
    }
    table.render()
}

fn open_and_dead(intents: &[IntentState], dead: u64) -> String {
    let open = intents.iter().filter(|it| !it.phase.is_final()).count();
    let open = match open {
        0 => format!("{}, all ended", count(intents.len(), "intent")),
        n => format!(
            "{}, {}",
            count(intents.len(), "intent"),
            paint(CHANGED, format!("{n} under way"))
        ),
    };
    let dead = match dead {
        0 => "no dead letters".to_owned(),
        n => format!(
            "{} {} zerodrift dead list",
            paint(BAD, count(usize::try_from(n).unwrap_or(usize::MAX), "dead letter")),
            paint(ADVICE, "→")
        ),
    };
    format!("{open}; {dead}")
}
