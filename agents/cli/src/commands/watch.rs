//! `watch`: one intent, or everything, as it happens.

use bus_schema::IntentId;
use clap::Args;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::following::{self, Look};
use crate::exit::Exit;
use crate::output::Output;
use crate::output::style::{FAINT, paint};
use crate::output::timeline::Clock;
use crate::swarm::Swarm;
use crate::swarm::feed::Follow;

/// What to follow.
#[derive(Debug, Args)]
#[command(after_help = "An intent that has ended is told again from its beginning; of the single \
    steps of a run only those of a running one are there.\nCtrl-C ends it.")]
pub struct Watch {
    /// The intent: its id or the beginning or end of it, its stack, or `last`; without it, everything
    #[arg(value_name = "INTENT")]
    intent: Option<String>,
    /// Show every step's beginning too
    #[arg(long, short)]
    verbose: bool,
}

pub(super) async fn run(command: &Watch, common: &Common, output: Output) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let work = async {
        match &command.intent {
            None => everything(&swarm, command.verbose, output).await,
            Some(said) => one(&swarm, said, command.verbose, output).await,
        }
    };
    tokio::select! {
        ended = work => ended,
        // Whoever stops looking has seen what they wanted.
        _ = tokio::signal::ctrl_c() => Ok(Exit::Ok),
    }
}

async fn everything(swarm: &Swarm, verbose: bool, output: Output) -> Result<Exit, Failure> {
    let mut feed = swarm.follow(Follow::Everything).await?;
    output.note(paint(FAINT, format!("Watching {}; Ctrl-C ends it", swarm.url)));
    let look = Look { clock: Clock::Day, stacks: true, verbose, endings: true };
    loop {
        following::print(&feed.next().await?, look, output)?;
    }
}

async fn one(swarm: &Swarm, said: &str, verbose: bool, output: Output) -> Result<Exit, Failure> {
    let (intent, state) = if let Ok(id) = said.parse::<IntentId>() {
        // Just submitted, perhaps: the planner may not have heard of it yet.
        (id, swarm.intent(id).await?)
    } else {
        let state = swarm.intent_meant(said).await?;
        (state.intent, Some(state))
    };
    let start = state.as_ref().map(|state| state.order);
    let mut feed = swarm.follow(Follow::Intent(intent, start)).await?;
    let began = state.as_ref().map_or_else(jiff::Timestamp::now, |state| state.submitted_at);
    let look = Look { clock: Clock::Since(began), stacks: false, verbose, endings: false };
    output.note(paint(FAINT, format!("intent {intent}")));
    let ended = match state.filter(|state| state.phase.is_final()) {
        Some(state) => {
            replay(&mut feed, look, output).await?;
            state
        }
        None => match following::to_the_end(&mut feed, look, None, output).await? {
            Some(state) => state,
            None => return Ok(Exit::TimedOut),
        },
    };
    if output.is_json() {
        output.json(&ended)?;
    } else {
        output.line(format!("\n{}", following::ending(&ended)))?;
    }
    Ok(Exit::of_phase(ended.phase).unwrap_or(Exit::Error))
}

/// What the stream has of an intent that ended: until it says no more for a moment.
async fn replay(
    feed: &mut crate::swarm::feed::Feed,
    look: Look,
    output: Output,
) -> Result<(), Failure> {
    let quiet = std::time::Duration::from_millis(400);
    while let Ok(moment) = tokio::time::timeout(quiet, feed.next()).await {
        following::print(&moment?, look, output)?;
    }
    Ok(())
}
