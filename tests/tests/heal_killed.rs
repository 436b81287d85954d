//! Whoever dies between what somebody else does and its repair, wherever in its code: the repair is
//! made, once.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use rustix::process::Signal;
use tests::chaos::{Point, points_of};
use tests::{Deed, Identity, Swarm, Vandal, secs, until};

const INTENT: &str = "Secure edge cache for API with DDoS guardrails";
const STACK: &str = "edge-cache-api";
const HOSTNAME: &str = "api.example.com";
/// Swarms at once; most of their time they wait for a dead process's share to be free.
const LANES: usize = 5;

/// A swarm without an agent of this sort, which each place gets one of.
async fn swarm_but(agent: Identity) -> anyhow::Result<Swarm> {
    let one_but = |other: Identity| usize::from(agent != other);
    let mut swarm = Swarm::builder()
        .with_auditors(one_but(Identity::Auditor))
        .with_remediators(one_but(Identity::Remediator))
        .with_setting(Identity::Auditor, "ZERODRIFT_CLOUDFLARE_RATE", "100000000")
        .with_setting(Identity::Auditor, "ZERODRIFT_CLOUDFLARE_LAG_SECONDS", "0")
        .with_setting(Identity::Provisioner, "ZERODRIFT_CLOUDFLARE_RATE", "100000000")
        .with_setting(Identity::Provisioner, "ZERODRIFT_CLOUDFLARE_LAG_SECONDS", "0")
        .with_setting(Identity::Remediator, "ZERODRIFT_BACKOFF_SECONDS", "1")
        .with_setting(Identity::Remediator, "ZERODRIFT_BACKOFF_LONGEST_SECONDS", "1")
        .with_setting(Identity::Remediator, "ZERODRIFT_REVERSALS", "100")
        .start()
        .await?;
    swarm.cloudflare.set_limit(100_000_000).await?;
    swarm.intend(INTENT).await?.converged().await?;
    if agent == Identity::Provisioner {
        swarm.provisioner.stop(secs(15)).await?;
    }
    Ok(swarm)
}

/// What leads to a place.
fn leading_to(place: &str, nth: usize) -> Deed {
    match place.split("::").next() {
        Some("claim" | "holding") => Deed::Setting,
        _ if place == RESUMING => Deed::Edit,
        _ if place.contains("create") => Deed::Delete,
        _ if place.contains("delete") => Deed::Copy,
        _ if place.contains("update") => Deed::Edit,
        _ => Deed::ALL.into_iter().cycle().nth(nth).unwrap_or(Deed::Edit),
    }
}

/// Come to only by a process that finds a run another has left behind.
const RESUMING: &str = "provisioner::before_resuming";
/// Dying there leaves one.
const LEAVING_BEHIND: &str = "step::after_update";

/// Parts of the names of places that lie on no repair's way (giving up, undoing, joining and leaving a
/// claim, what people ask for), or are come to only where a repair lasts.
const ELSEWHERE: [&str; 11] = [
    "claim::",
    "import::",
    "ignore::",
    "pause::",
    "_dead_letter",
    "_nak",
    "_asking",
    "_undoing",
    "_restoring",
    "_renewal",
    "_delete_elsewhere",
];

fn is_elsewhere(point: &Point) -> bool {
    ELSEWHERE.iter().any(|part| point.name.contains(part))
}

/// Kills the agent at each of these places in turn; answers those that it came to.
async fn killed_at(places: Vec<Point>) -> anyhow::Result<Vec<Point>> {
    let Some(agent) = places.first().map(|point| point.agent) else { return Ok(Vec::new()) };
    let swarm = swarm_but(agent).await?;
    let vandal = Vandal::of(&swarm, STACK, HOSTNAME).await?;
    let (mut killed, mut committed) = (Vec::new(), Vec::new());
    // What is come to in most repairs and not in this one gets another: a message of the last repair
    // that comes again can lead past it.
    let mut turns: VecDeque<(Point, u32)> = places.into_iter().map(|it| (it, 3)).collect();
    while let Some((point, left)) = turns.pop_front() {
        let nth = committed.len();
        let deed = leading_to(point.name, nth);
        committed.push(deed);
        let times = committed.len();
        let armed = |place: &str| [("ZERODRIFT_FAILPOINT", place.to_owned())];
        if point.name == RESUMING {
            let mut first = swarm.start_agent(agent, &armed(LEAVING_BEHIND))?;
            vandal.does(deed, nth).await?;
            until("it leaves a run behind", secs(40), || {
                let over = first.ended().is_some();
                async move { Ok(over.then_some(())) }
            })
            .await?;
        } else {
            vandal.does(deed, nth).await?;
        }
        let mut doomed = swarm.start_agent(agent, &armed(point.name))?;
        // Not every place is on this way.
        until("it dies, or the repair is made", secs(40), || {
            let over = doomed.ended().is_some();
            let healed = vandal.is_healed(&swarm, times);
            async move { Ok((over || healed.await?).then_some(())) }
        })
        .await
        .with_context(|| format!("{point}\n{}", doomed.log()))?;
        if doomed.is_alive() {
            doomed.stop(secs(15)).await?;
        }
        if doomed.ended().and_then(|it| it.signal()) == Some(Signal::KILL.as_raw()) {
            killed.push(point);
        } else if left > 1 && !is_elsewhere(&point) {
            turns.push_front((point, left - 1));
        }
        let mut next = swarm.start_agent(agent, &[])?;
        vandal.healed(&swarm, times).await.with_context(|| format!("{point}\n{}", next.log()))?;
        next.stop(secs(15)).await.with_context(|| point.to_string())?;
    }
    vandal.done_once(&swarm, &committed).await.with_context(|| format!("{agent}"))?;
    Ok(killed)
}

/// Kills the agent at every place in its source; answers at how many, and those it did not come to.
async fn killed_everywhere(agent: Identity) -> anyhow::Result<(usize, Vec<Point>)> {
    let all = points_of(agent)?;
    let share = |lane: usize| all.iter().copied().skip(lane).step_by(LANES).collect::<Vec<Point>>();
    let killed: Vec<Vec<Point>> = stream::iter((0..LANES).map(|lane| killed_at(share(lane))))
        .buffer_unordered(LANES)
        .try_collect()
        .await?;
    let killed = killed.concat();
    let missed: Vec<Point> = all.iter().copied().filter(|it| !killed.contains(it)).collect();
    Ok((killed.len(), missed))
}

/// Kills the agent at every place on the way, and each is come to; answers how many.
async fn all_survived(agent: Identity) -> anyhow::Result<usize> {
    let (killed, missed) = killed_everywhere(agent).await?;
    let unknown: Vec<_> = missed.iter().filter(|point| !is_elsewhere(point)).collect();
    anyhow::ensure!(unknown.is_empty(), "not come to: {unknown:?}");
    Ok(killed)
}

#[tokio::test]
async fn an_auditor_killed_anywhere_leaves_a_repair_that_is_made_once() -> anyhow::Result<()> {
    let places = all_survived(Identity::Auditor).await?;
    println!("killed at {places} places");
    Ok(())
}

#[tokio::test]
async fn a_remediator_killed_anywhere_leaves_a_repair_that_is_made_once() -> anyhow::Result<()> {
    let places = all_survived(Identity::Remediator).await?;
    println!("killed at {places} places");
    Ok(())
}

#[tokio::test]
async fn a_provisioner_killed_anywhere_leaves_a_repair_that_is_made_once() -> anyhow::Result<()> {
    let places = all_survived(Identity::Provisioner).await?;
    println!("killed at {places} places");
    Ok(())
}
