//! One run: a swarm, work, trouble, quiet, and what the checker says.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::HeaderMap;
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::draw::Draw;
use super::points::Point;
use super::recovery::recoveries;
use super::report::Tally;
use super::submit::Submitter;
use super::trouble::{Trouble, Troublemaker, kept_logs};
use super::work::{self, Lane};
use super::world::World;
use crate::checker::{self, Accepted, Evidence, Rule, Violation};
use crate::nats::Identity;
use wait::until;

/// Longest that work may take under trouble.
const WORK: Duration = Duration::from_secs(90);
/// Longest that what is left may take after it.
const REST: Duration = Duration::from_secs(90);
/// Farthest that a jumping clock jumps, in seconds: beyond what a run, a session or a window lasts.
const CLOCK: u32 = 7_200;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The seed of work and trouble.
    pub seed: u64,
    /// The sort of trouble.
    pub trouble: Trouble,
    /// Most intents for one stack; those of a crowd are always fifty in all.
    pub work: u64,
    /// Places to be killed at, in this order.
    pub places: Vec<Point>,
    /// Faults of the cloud that are wanted most; empty: all of them alike.
    pub sorts: Vec<&'static str>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// The sort of its trouble.
    pub trouble: Trouble,
    /// How long it took.
    pub took: Duration,
    /// Intents accepted.
    pub intents: u64,
    /// Writes that reached the cloud.
    pub writes: u64,
    /// Messages stored in `SWARM`.
    pub messages: u64,
    /// Faults by sort.
    pub faults: BTreeMap<String, u64>,
    /// Kills by place.
    pub kills: BTreeMap<Point, u64>,
    /// Places that were asked for and not come to.
    pub missed: Vec<Point>,
    /// From trouble to the end of each intent under way.
    pub recoveries: Vec<Duration>,
    /// What must not be.
    pub violations: Vec<Violation>,
}

/// Runs one scenario.
///
/// # Errors
/// When the swarm cannot be started or read, which says nothing about it.
pub async fn run(scenario: Scenario) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let mut draw = Draw::new(scenario.seed);
    let lanes = match scenario.trouble {
        Trouble::Crowd => work::crowd(&mut draw, 10, 5),
        Trouble::None
        | Trouble::Kill
        | Trouble::Bus
        | Trouble::Cloud
        | Trouble::Repeat
        | Trouble::Clock
        | Trouble::All => work::mixed(&mut draw, 6, scenario.work),
    };
    let stacks: Vec<String> = lanes.iter().map(|lane| lane.stack.clone()).collect();
    let clock = if scenario.trouble == Trouble::Clock { CLOCK } else { 0 };
    let mut world = World::start(clock).await?;
    let submitter = Submitter::new(world.operator.clone());
    let mut tally = Tally::default();
    let mut maker = Troublemaker {
        trouble: scenario.trouble,
        draw: draw.split(),
        places: scenario.places,
        sorts: scenario.sorts,
        missed: Vec::new(),
        kills: if scenario.trouble == Trouble::Crowd { 1 + draw.below(3) } else { 12 },
        tally: &mut tally,
    };
    let provisioners = if scenario.trouble.has(Trouble::Crowd) || draw.percent(30) { 2 } else { 1 };
    for identity in
        [Identity::Planner].into_iter().chain([Identity::Provisioner].repeat(provisioners))
    {
        let armed = maker.next_place(identity, false);
        world.add(identity, armed)?;
    }

    let accepted = tokio::select! {
        accepted = work(&submitter, lanes) => accepted?,
        trouble = maker.make(&mut world, &submitter) => {
            return Err(trouble.err().unwrap_or_else(|| anyhow::anyhow!("trouble ended")));
        }
    };
    if scenario.trouble.has(Trouble::Repeat) {
        maker.repeat(&world, 150).await?;
    }
    let mut missed = std::mem::take(&mut maker.missed);
    let left = world.cloud.faults().await?;
    tally.hit(&left);
    world.cloud.mend().await?;

    let (wrong, unreached) = rest(&mut world, &mut tally).await?;
    missed.extend(unreached);
    mend(&world, &submitter, &stacks).await?;
    let quiet = submitter.quiet(REST).await;
    let (_, at_end) = world.stop_agents().await?;

    let evidence = Evidence::collect(&world.operator, &world.cloud, accepted).await?;
    let mut violations = checker::check(&evidence);
    let ended = tally.ended_by_itself.iter().chain(&wrong).chain(&at_end);
    violations.extend(ended.map(|detail| Violation { rule: Rule::OneEnd, detail: detail.clone() }));
    if !quiet {
        let detail = "messages are still waiting".to_owned();
        violations.push(Violation { rule: Rule::OneEnd, detail });
    }
    if !violations.is_empty() {
        keep(&scenario.seed.to_string(), &world, &evidence, &violations)?;
    }
    Ok(Outcome {
        seed: scenario.seed,
        trouble: scenario.trouble,
        took: began.elapsed(),
        intents: evidence.accepted.len() as u64,
        writes: evidence.cloud.get("audit").and_then(Value::as_array).map_or(0, Vec::len) as u64,
        messages: evidence.swarm.len() as u64,
        recoveries: recoveries(&evidence, &tally.troubles),
        faults: tally.faults,
        kills: tally.kills,
        missed,
        violations,
    })
}

/// Every lane's intents, and their ends.
async fn work(submitter: &Submitter, lanes: Vec<Lane>) -> anyhow::Result<Vec<Accepted>> {
    let lanes = lanes.into_iter().map(|lane| submitter.lane(lane));
    let accepted: Vec<Accepted> = try_join_all(lanes).await?.into_iter().flatten().collect();
    wait(submitter, &accepted, WORK).await?;
    Ok(accepted)
}

async fn wait(submitter: &Submitter, accepted: &[Accepted], limit: Duration) -> anyhow::Result<()> {
    let ends = accepted.iter().map(|it| submitter.ended(&it.intent, limit));
    try_join_all(ends).await?;
    Ok(())
}

/// Has every agent end in order and start again with nothing to die of. Some places are on the way
/// to the end only.
async fn rest(world: &mut World, tally: &mut Tally) -> anyhow::Result<(Vec<String>, Vec<Point>)> {
    let identities: Vec<Identity> = world.agents.iter().map(|agent| agent.identity).collect();
    let armed: Vec<Point> = world.agents.iter().filter_map(|agent| agent.armed).collect();
    let (died, wrong) = world.stop_agents().await?;
    for point in &died {
        tally.killed(*point);
    }
    let unreached = armed.into_iter().filter(|point| !died.contains(point)).collect();
    for identity in identities {
        world.add(identity, None)?;
    }
    world.ready().await?;
    Ok((wrong, unreached))
}

/// Once the cloud is well, a person has every stuck run put back.
async fn mend(world: &World, submitter: &Submitter, stacks: &[String]) -> anyhow::Result<()> {
    for stack in stacks {
        let Some(run) = stuck_run(world, stack).await? else { continue };
        let subject = format!("swarm.stack.resume.{stack}");
        let asked = serde_json::to_vec(&json!({ "stack": stack, "plan": run }))?;
        submitter.publish(&subject, HeaderMap::new(), asked).await?;
        let mended = until("the stuck run is put back", REST, || async {
            Ok(stuck_run(world, stack).await?.is_none().then_some(()))
        });
        // Where it is not, the checker finds what is left.
        drop(mended.await);
    }
    Ok(())
}

/// The plan of a stack's run, where there is one that is stuck.
async fn stuck_run(world: &World, stack: &str) -> anyhow::Result<Option<String>> {
    let records = checker::read_stream(&world.operator, "KV_stacks").await?;
    let subject = format!("$KV.stacks.stack.{stack}");
    let newest = records.iter().rev().find(|entry| entry.subject == subject);
    let run = newest.and_then(|entry| entry.body.get("run"));
    let halted = run.filter(|run| run.get("stuck") == Some(&json!(true)));
    Ok(halted.and_then(|run| Some(run.get("plan")?.as_str()?.to_owned())))
}

/// Keeps what is needed to look into a violation.
fn keep(
    seed: &str,
    world: &World,
    evidence: &Evidence,
    violations: &[Violation],
) -> anyhow::Result<()> {
    let folder = kept_logs().join(seed);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("agents.log"), world.logs())?;
    let found: Vec<String> = violations.iter().map(ToString::to_string).collect();
    std::fs::write(folder.join("violations.txt"), found.join("\n"))?;
    let shown = |entries: &[checker::Entry]| {
        let lines: Vec<String> = entries
            .iter()
            .map(|entry| format!("{} {} {}", entry.sequence, entry.subject, entry.body))
            .collect();
        lines.join("\n")
    };
    std::fs::write(folder.join("swarm.txt"), shown(&evidence.swarm))?;
    std::fs::write(folder.join("intents.txt"), shown(&evidence.intents))?;
    std::fs::write(folder.join("stacks.txt"), shown(&evidence.stacks))?;
    std::fs::write(folder.join("cloud.json"), serde_json::to_vec_pretty(&evidence.cloud)?)?;
    Ok(())
}
