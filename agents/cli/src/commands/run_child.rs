//! `run-child`: becomes another program, which ends when the process that looks after it dies.
//!
//! A child cannot ask for that before it is itself (that takes code between fork and exec), so this
//! program is started first, asks, and turns into the other.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use clap::Args;

use crate::Failure;
use crate::exit::Exit;

/// Which program, for whom.
#[derive(Debug, Args)]
pub struct RunChild {
    /// The process to end with
    #[arg(long)]
    parent: i32,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

/// Becomes the program; comes back only where that is impossible.
pub(super) fn run(command: &RunChild) -> Result<Exit, Failure> {
    #[cfg(target_os = "linux")]
    end_with(command.parent)?;
    let Some((program, arguments)) = command.program.split_first() else {
        return Ok(Exit::Usage);
    };
    let error = std::process::Command::new(program).args(arguments).exec();
    Err(Failure::new(format!("{} could not be started", program.display())).because(error))
}

#[cfg(target_os = "linux")]
fn end_with(parent: i32) -> Result<(), Failure> {
    use crate::failure::Explain as _;
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    set_parent_process_death_signal(Some(Signal::TERM))
        .or_fail("the system does not tell of a parent's death")?;
    // It may have died before the system was asked.
    if getppid().is_some_and(|pid| pid.as_raw_nonzero().get() == parent) {
        Ok(())
    } else {
        Err(Failure::new("the process that wanted this child is gone"))
    }
}
