//! A person decides about a finding: asks, and waits for what comes of it.

use std::time::Duration;

use bus_schema::{Drift, Finding, RemedyKind};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::output::finding::{called, doing};
use crate::output::style::{ADVICE, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::time::span;
use crate::swarm::Swarm;
use crate::swarm::findings::Meant;

/// Between two looks at what comes of it.
const LOOK: Duration = Duration::from_millis(100);

/// Which finding, and on whose word.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The finding: its id in `zerodrift drift`, or the beginning of it
    #[arg(value_name = "FINDING")]
    finding: String,
    /// Who decides, for the record
    #[arg(long, env = "USER", value_name = "NAME", hide_env_values = true)]
    by: Option<String>,
    /// How long to wait for what comes of it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// What came of a decision.
enum Came {
    /// It is noted, and there is nothing more to it.
    Noted,
    /// The finding is over; it went on as another where the object is not as declared still.
    Over(Option<Box<Finding>>),
    /// It is done once the stack is resumed.
    Waits,
    /// It comes too late for a repair that was planned before and waits for the stack.
    Overtaken,
}

/// Has it dealt with as decided.
pub(super) async fn run(
    which: Which,
    remedy: RemedyKind,
    common: &Common,
    output: Output,
) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let meant = swarm.finding_meant(&which.finding).await?;
    let finding = &meant.finding;
    if remedy == RemedyKind::Adopt && finding.drift == Drift::Surplus {
        return Err(Failure::new(format!(
            "{} is there once too often, and what is one too many cannot be declared",
            called(finding)
        ))
        .advise(format!(
            "`zerodrift heal {0}` deletes it, `zerodrift leave {0}` leaves it",
            which.finding
        )));
    }
    let planned = is_planned(&swarm, finding).await?;
    let began = Instant::now();
    swarm.decide(&meant, remedy, which.by).await?;
    let progress = output.progress(match remedy {
        RemedyKind::Revert => format!("having {} put back", called(finding)),
        RemedyKind::Adopt => format!("having {} declared as it is", called(finding)),
        RemedyKind::Leave => format!("leaving {}", called(finding)),
    });
    let deadline = began + Duration::from_secs(which.timeout);
    let came = loop {
        if let Some(came) = came(&swarm, &meant, remedy, planned).await? {
            break came;
        }
        if Instant::now() >= deadline {
            return Err(late(&swarm, &meant, which.timeout).await?);
        }
        tokio::time::sleep(LOOK).await;
    };
    drop(progress);
    tell(&meant, remedy, &came, began.elapsed(), output)
}

/// Whether a repair of it is planned already.
async fn is_planned(swarm: &Swarm, finding: &Finding) -> Result<bool, Failure> {
    let repair = swarm.lesson(finding).await?.and_then(|lesson| lesson.repair);
    Ok(repair.is_some_and(|it| it.finding == finding.id && it.ended.is_none()))
}

/// What has come of it so far; `planned`: a repair was before it was decided.
async fn came(
    swarm: &Swarm,
    meant: &Meant,
    remedy: RemedyKind,
    planned: bool,
) -> Result<Option<Came>, Failure> {
    let Meant { stack, finding } = meant;
    let open = swarm.observation(stack).await?.map(|it| it.findings).unwrap_or_default();
    if !open.values().any(|it| it.id == finding.id) {
        let next = open.into_values().find(|it| it.resource == finding.resource);
        return Ok(Some(Came::Over(next.map(Box::new))));
    }
    let lesson = swarm.lesson(finding).await?;
    let Some(lesson) = lesson.filter(|it| it.last == finding.id) else { return Ok(None) };
    if lesson.decision.is_none_or(|it| it.remedy != remedy) {
        return Ok(None);
    }
    let paused = swarm.stack(stack).await?.is_some_and(|(state, _)| state.paused.is_some());
    Ok(match (remedy, paused) {
        (RemedyKind::Leave | RemedyKind::Adopt, true) if planned => Some(Came::Overtaken),
        (RemedyKind::Leave, _) => Some(Came::Noted),
        (RemedyKind::Revert | RemedyKind::Adopt, true) => Some(Came::Waits),
        (RemedyKind::Revert | RemedyKind::Adopt, false) => None,
    })
}

/// Why nothing has come of it so far.
async fn late(swarm: &Swarm, meant: &Meant, seconds: u64) -> Result<Failure, Failure> {
    let lesson = swarm.lesson(&meant.finding).await?;
    let stack = swarm.stack(&meant.stack).await?.map(|(state, _)| state);
    let doing = doing(&meant.finding, lesson.as_ref(), stack.as_ref(), Timestamp::now());
    let what = format!("{} is still not as declared after {seconds} s", called(&meant.finding));
    Ok(Failure::new(what)
        .because(doing.says)
        .advise(
            "it goes on without us: `zerodrift drift` shows where it stands, `zerodrift status` \
             whether all agents are there",
        )
        .exits(Exit::TimedOut))
}

fn tell(
    meant: &Meant,
    remedy: RemedyKind,
    came: &Came,
    took: Duration,
    output: Output,
) -> Result<Exit, Failure> {
    let Meant { stack, finding } = meant;
    if output.is_json() {
        let (came, next) = match came {
            Came::Noted => ("noted", None),
            Came::Over(next) => ("over", next.as_ref().map(|it| &it.id)),
            Came::Waits => ("waits", None),
            Came::Overtaken => ("overtaken", None),
        };
        output.json(&json!({
            "stack": stack, "finding": finding.id, "remedy": remedy, "came": came,
            "went_on_as": next,
        }))?;
        return Ok(Exit::Ok);
    }
    let name = paint(STRONG, called(finding));
    let took = paint(FAINT, span(took));
    match came {
        Came::Noted => {
            output.line(format!("{} {name} is left as it is this time", paint(GOOD, "✓")))?;
            output.note(format!(
                "{} when it changes again that is another finding; to leave a field for good, \
                 see `zerodrift ignore --help`",
                paint(ADVICE, "→")
            ));
        }
        Came::Over(None) => output.line(match remedy {
            RemedyKind::Adopt => {
                format!("{} {name} is declared as it is  {took}", paint(GOOD, "✓"))
            }
            RemedyKind::Revert | RemedyKind::Leave => {
                format!("{} {name} is as declared again  {took}", paint(GOOD, "✓"))
            }
        })?,
        Came::Over(Some(next)) => {
            output.line(format!(
                "{} {name} was changed once more: that is finding {} now",
                paint(CHANGED, "•"),
                next.id
            ))?;
        }
        Came::Overtaken => output.line(format!(
            "{} noted, but it was to be put back before you decided: that plan waits for {stack}, \
             and is applied first once you say `zerodrift resume {stack}`",
            paint(CHANGED, "•")
        ))?,
        Came::Waits => output.line(format!(
            "{} noted; {stack} is paused, so it is done once you say `zerodrift resume {stack}`",
            paint(CHANGED, "•")
        ))?,
    }
    Ok(Exit::Ok)
}
