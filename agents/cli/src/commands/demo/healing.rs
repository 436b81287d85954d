//! Somebody else reaches around the swarm, and the swarm puts back what they did.

use std::time::Duration;

use bus_schema::{Drift, FindingResolved, IntentState, Scope, StackState};
use hyper::Method;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::commands::demo::meddle::{Deed, Meddler, NAME};
use crate::commands::demo::prove::Proof;
use crate::commands::following::{self, Look};
use crate::failure::Explain as _;
use crate::http;
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
/// The same where somebody hinted.
const HINTED: &str = "put back after a hint";
/// How long after our own last write to a stack a difference is not said yet: an agent's default
/// for how long reads can lag, and a little.
const LAG: Duration = Duration::from_millis(2_200);
/// How long something may take to be as declared again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What somebody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    SwitchRuleOff,
    ReplaceWorker,
    DeleteRecord,
    /// And the cloud says so.
    RedirectRecord,
}

/// In this order, so that none of the first three is held back by our own last write to its stack.
const ACTS: [Act; 4] =
    [Act::SwitchRuleOff, Act::ReplaceWorker, Act::DeleteRecord, Act::RedirectRecord];

/// What there is to be reached around.
pub(super) struct Scene<'it> {
    pub(super) swarm: &'it Swarm,
    pub(super) meddler: &'it Meddler,
    /// The intents that made it.
    pub(super) edge: &'it IntentState,
    pub(super) worker: &'it IntentState,
}

/// Has things changed behind the swarm's back, one after another, shows how each is found and put
/// back, and proves it.
pub(super) async fn show(scene: Scene<'_>, output: Output) -> Result<Vec<Proof>, Failure> {
    let Scene { swarm, meddler, edge, worker } = scene;
    let edge = stack_of(swarm, edge).await?;
    let worker = stack_of(swarm, worker).await?;
    let mut feed = swarm.follow(Follow::Everything).await?;
    let mut proofs = Vec::new();
    for act in ACTS {
        let hinted = act == Act::RedirectRecord;
        if hinted {
            settled(swarm, &worker).await?;
        }
        let began = Timestamp::now();
        let deed = match act {
            Act::SwitchRuleOff => meddler.switch_rule_off(&edge).await?,
            Act::ReplaceWorker => meddler.replace_worker(&worker).await?,
            Act::DeleteRecord => meddler.delete_record(&edge).await?,
            Act::RedirectRecord => meddler.redirect_record(&worker).await?,
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
        if hinted {
            notify(swarm, &deed, &worker).await?;
            if !output.is_json() {
                let (who, did_it) = ("Cloudflare".to_owned(), "notifies");
                let about = "the swarm by webhook that something changed there".to_owned();
                let told = Event {
                    at: Timestamp::now(),
                    who,
                    did: did_it,
                    about,
                    tone: Tone::Plain,
                    ..did
                };
                output.line(told.line(look.clock, false))?;
            }
        }
        let ended = put_back(&mut feed, &deed, look, output).await?;
        let what = if hinted { HINTED } else { PUT_BACK };
        let proof = proof(what, &deed, ended.as_ref());
        if output.is_json() {
            output.json(&proof)?;
        } else {
            output.line(line(&proof, ended.as_ref()))?;
        }
        proofs.push(proof);
    }
    Ok(proofs)
}

/// Waits until what is seen of a stack is believed at once.
async fn settled(swarm: &Swarm, stack: &StackState) -> Result<(), Failure> {
    let (now, _) = swarm.known_stack(&stack.stack).await?;
    let since = between(now.updated_at, Timestamp::now());
    tokio::time::sleep(LAG.saturating_sub(since)).await;
    Ok(())
}

/// What Cloudflare does where a notification is set up: it says that there is something to look at.
async fn notify(swarm: &Swarm, deed: &Deed, stack: &StackState) -> Result<(), Failure> {
    let what = "the notification was not taken";
    let hints = swarm.local.as_ref().and_then(|local| local.hints.as_ref());
    let hints = hints.ok_or_else(|| Failure::new(what))?;
    let place = stack.resources.get(&deed.resource).map(|it| it.place.clone());
    let place = place.ok_or_else(|| Failure::new(what))?;
    let address = hints.url.trim_start_matches("http://").parse().or_fail(what)?;
    let secret = std::fs::read_to_string(&hints.secret).or_fail(what)?;
    let path = format!("/hints/cloudflare?scope={}", Scope::new(deed.resource.kind.clone(), place));
    let headers = [("cf-webhook-auth", secret.trim()), ("content-type", "application/json")];
    let answer = http::send(address, Method::POST, &path, &headers, "{}".into()).await;
    let answer = answer.or_fail(what)?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(Failure::new(what).because(String::from_utf8_lossy(&answer.body).into_owned()))
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

fn proof(what: &'static str, deed: &Deed, ended: Option<&FindingResolved>) -> Proof {
    let how = deed.resource.local();
    let Some(ended) = ended else {
        let seen = format!("not as declared again within {}", span(PATIENCE));
        return Proof { what, how, holds: false, seen, took: PATIENCE };
    };
    let finding = &ended.finding;
    let by = finding.by.as_deref().unwrap_or("somebody");
    let found = span(between(finding.since(), finding.detected_at));
    let took = between(finding.since(), ended.resolved_at);
    let word = if finding.drift == Drift::Missing { "deleted" } else { sign(finding.drift).2 };
    let seen = format!("{word} by {by}, found after {found}, put back after {}", span(took));
    Proof { what, how, holds: true, seen, took }
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
    let hinted = proofs.iter().find(|it| it.what == HINTED && it.holds).map(|it| it.took);
    if output.is_json() {
        let milliseconds = |it: &Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        output.json(&json!({"time_to_repair": {
            "p50_milliseconds": milliseconds(middle), "max_milliseconds": milliseconds(longest),
            "hinted_milliseconds": hinted.as_ref().map(milliseconds),
        }}))?;
        return Ok(());
    }
    let hinted = hinted.map(|it| format!("  with a hint {}", paint(GOOD, span(it))));
    output.line(format!(
        "  {}  p50 {}  max {}{}  {}",
        paint(STRONG, "Time to repair"),
        paint(GOOD, span(*middle)),
        paint(GOOD, span(*longest)),
        hinted.unwrap_or_default(),
        paint(FAINT, "from the change, by the cloud's own audit log")
    ))?;
    Ok(())
}
