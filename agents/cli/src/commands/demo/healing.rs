//! Somebody else reaches around the swarm, and the swarm puts back what they did.

use std::time::Duration;

use bus_schema::{Drift, FindingResolved, IntentState, StackState};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::commands::demo::meddle::{Deed, Meddler, NAME};
use crate::commands::demo::prove::Proof;
use crate::commands::following::{self, Look};
use crate::output::Output;
use crate::output::diff;
use crate::output::finding::sign;
use crate::output::style::{BAD, FAINT, GOOD, STRONG, paint};
use crate::output::time::{between, span};
use crate::output::timeline::{Clock, Event, Tone};
use crate::swarm::Swarm;
use crate::swarm::feed::{Feed, Follow};

/// What is proven of each.
const PUT_BACK: &str = "put back";
/// How long something may take to be as declared again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What there is to be reached around.
pub(super) struct Scene<'it> {
    pub(super) swarm: &'it Swarm,
    pub(super) meddler: &'it Meddler,
    /// The intents that made it.
    pub(super) edge: &'it IntentState,
    pub(super) worker: &'it IntentState,
}

/// Has three things changed behind the swarm's back, one after another, shows how each is found and
/// put back, and proves it.
pub(super) async fn show(scene: Scene<'_>, output: Output) -> Result<Vec<Proof>, Failure> {
    let Scene { swarm, meddler, edge, worker } = scene;
    let edge = stack_of(swarm, edge).await?;
    let worker = stack_of(swarm, worker).await?;
    let mut feed = swarm.follow(Follow::Everything).await?;
    let mut proofs = Vec::new();
    for nth in 0..3 {
        let began = Timestamp::now();
        let deed = match nth {
            0 => meddler.switch_rule_off(&edge).await?,
            1 => meddler.replace_worker(&worker).await?,
            _ => meddler.delete_record(&edge).await?,
        };
        let did = Event {
            at: Timestamp::now(),
            who: NAME.to_owned(),
            did: deed.did,
            about: deed.resource.local(),
            intent: None,
            stack: None,
            tone: Tone::Bad,
            ends: false,
        };
        let look =
            Look { clock: Clock::Since(began), stacks: false, verbose: false, endings: false };
        if !output.is_json() {
            output.line(did.line(look.clock, false))?;
        }
        let ended = put_back(&mut feed, &deed, look, output).await?;
        let proof = proof(&deed, ended.as_ref());
        if output.is_json() {
            output.json(&proof)?;
        } else {
            output.line(line(&proof, ended.as_ref()))?;
        }
        proofs.push(proof);
    }
    Ok(proofs)
}

async fn stack_of(swarm: &Swarm, intent: &IntentState) -> Result<StackState, Failure> {
    let name = intent.understanding.as_ref().map(|it| &it.stack);
    let name = name.ok_or_else(|| Failure::new("the intent has no stack"))?;
    Ok(swarm.known_stack(name).await?.0)
}

/// Follows until what was done is undone; nothing where that takes too long.
async fn put_back(
    feed: &mut Feed,
    deed: &Deed,
    look: Look,
    output: Output,
) -> Result<Option<FindingResolved>, Failure> {
    let deadline = Instant::now() + PATIENCE;
    while let Ok(moment) = tokio::time::timeout_at(deadline, feed.next()).await {
        let moment = moment?;
        if !output.is_json() {
            following::print(&moment, look, output)?;
        }
        let ended = moment.resolved.into_iter().find(|ended| {
            ended.became.is_none() && ended.finding.resource.as_ref() == Some(&deed.resource)
        });
        if ended.is_some() {
            return Ok(ended);
        }
    }
    Ok(None)
}

fn proof(deed: &Deed, ended: Option<&FindingResolved>) -> Proof {
    let how = deed.resource.local();
    let Some(ended) = ended else {
        let seen = format!("not as declared again within {}", span(PATIENCE));
        return Proof { what: PUT_BACK, how, holds: false, seen, took: PATIENCE };
    };
    let finding = &ended.finding;
    let by = finding.by.as_deref().unwrap_or("somebody");
    let found = span(between(finding.since(), finding.detected_at));
    let took = between(finding.since(), ended.resolved_at);
    let word = if finding.drift == Drift::Missing { "deleted" } else { sign(finding.drift).2 };
    let seen = format!("{word} by {by}, found after {found}, put back after {}", span(took));
    Proof { what: PUT_BACK, how, holds: true, seen, took }
}

/// One deed with how it ended, for people.
fn line(proof: &Proof, ended: Option<&FindingResolved>) -> String {
    let sign = if proof.holds { paint(GOOD, "✓") } else { paint(BAD, "✗") };
    let mut lines = vec![format!("  {sign} {}  {}", paint(STRONG, proof.what), proof.how)];
    let differences = ended.map(|it| it.finding.differences.as_slice()).unwrap_or_default();
    // Of a script its size says as much here.
    let short: Vec<_> = differences
        .iter()
        .filter(|it| {
            [&it.before, &it.after].into_iter().flatten().all(|it| it.to_string().len() < 60)
        })
        .cloned()
        .collect();
    let deleted = ended.is_some_and(|it| it.finding.drift == Drift::Missing);
    lines.extend(diff::drifted(if deleted { &[] } else { &short }));
    lines.push(format!("      {}\n", proof.seen));
    lines.join("\n")
}

/// The times to repair: the middle one and the longest.
pub(super) fn times(proofs: &[Proof], output: Output) -> Result<(), Failure> {
    let mut times: Vec<Duration> =
        proofs.iter().filter(|it| it.what == PUT_BACK && it.holds).map(|it| it.took).collect();
    times.sort_unstable();
    let (Some(middle), Some(longest)) = (times.get(times.len() / 2), times.last()) else {
        return Ok(());
    };
    if output.is_json() {
        let milliseconds = |it: &Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        output.json(&json!({"time_to_repair": {
            "p50_milliseconds": milliseconds(middle), "max_milliseconds": milliseconds(longest),
        }}))?;
        return Ok(());
    }
    output.line(format!(
        "  {}  p50 {}  max {}  {}",
        paint(STRONG, "Time to repair"),
        paint(GOOD, span(*middle)),
        paint(GOOD, span(*longest)),
        paint(FAINT, "from the change, by the cloud's own audit log")
    ))?;
    Ok(())
}
