//! `plan show`: what a plan changes, and where each of its values came from.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::following;
use crate::exit::Exit;
use crate::output::diff::Detail;
use crate::output::{Output, plan};
use crate::swarm::Swarm;

/// Look at plans.
#[derive(Debug, Subcommand)]
pub enum Plan {
    /// The changes as a readable difference, with where each value came from
    Show(Show),
}

/// Which plan.
#[derive(Debug, Args)]
pub struct Show {
    /// An intent (its id or the beginning or end of it), a stack (its newest plan), or `last`
    #[arg(value_name = "INTENT|STACK", default_value = "last")]
    which: String,
    /// Show long texts whole, and what is already as declared
    #[arg(long)]
    full: bool,
}

pub(super) async fn run(command: &Plan, common: &Common, output: Output) -> Result<Exit, Failure> {
    let Plan::Show(show) = command;
    let swarm = Swarm::reach(common).await?;
    let state = swarm.intent_meant(&show.which).await?;
    let Some(found) = swarm.plan(&state).await? else {
        let failure = Failure::new(format!("there is no plan for intent {}", state.intent));
        if output.is_json() {
            return Err(failure);
        }
        output.line(following::ending(&state))?;
        return Err(failure.advise("it ended before one was made"));
    };
    if output.is_json() {
        output.json(&json!({"id": found.id(), "plan": found, "intent": state}))?;
    } else {
        let detail = if show.full { Detail::Full } else { Detail::Brief };
        output.line(plan::page(&found, Some(&state), detail))?;
    }
    Ok(Exit::Ok)
}
