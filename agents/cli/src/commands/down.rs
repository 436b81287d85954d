//! `down`: stops the swarm that runs from a state folder.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::local::{Folder, terminate};
use crate::output::Output;

/// How long everything together may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stops the swarm; its state stays.
#[derive(Debug, Args)]
#[command(after_help = "The state folder stays: `zerodrift up` goes on where it was. \
    Delete the folder to begin anew.")]
pub struct Down {}

pub(super) async fn run(_command: &Down, common: &Common, output: Output) -> Result<Exit, Failure> {
    let folder = Folder::find(common.state.as_deref())?;
    let Some(record) = folder.running()? else {
        if output.is_json() {
            output.json(&json!({"stopped": false, "reason": "nothing runs"}))?;
        } else {
            output.line("Nothing runs here.")?;
        }
        return Ok(Exit::Ok);
    };
    let progress = output.progress("stopping the swarm");
    terminate(record.pid);
    // Its hold on the folder is the sign, not its process: where nobody collects the dead, as in
    // some containers, an ended process stays in the table.
    let deadline = Instant::now() + PATIENCE;
    while folder.running()?.is_some() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if folder.running()?.is_some() {
        return Err(Failure::new(format!("process {} does not end", record.pid))
            .advise(format!("its logs are in {}", folder.logs().display()))
            .exits(Exit::TimedOut));
    }
    if output.is_json() {
        output.json(&json!({"stopped": true, "pid": record.pid}))?;
    } else {
        output.line(progress.done("the swarm is stopped"))?;
    }
    Ok(Exit::Ok)
}
