//! The command line: starts a whole swarm on one machine, submits intents, and shows what becomes of
//! them.
//!
//! One file of `commands/` is one command. What they share stands beside it: `swarm` reads and
//! writes the bus, `local` runs a swarm as child processes, `output` is all that is printed.
//! Nothing here decides anything about infrastructure; that is the agents' work.

pub mod arguments;
mod commands;
pub mod exit;
mod failure;
mod http;
mod local;
pub mod output;
mod swarm;

use std::process::ExitCode;

use clap::Parser as _;

pub use failure::Failure;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::output::Output;

/// Reads the command line, does what it says, and answers how the process ends.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no mistakes; clap prints those to the standard output.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            // Where even that cannot be printed nobody is left to tell.
            drop(error.print());
            return code.into();
        }
    };
    let output = Output::new(arguments.common.json, arguments.common.color);
    // One thread: a child's parent-death signal is tied to the thread that started the child, and
    // the main thread is the one that lives as long as the process.
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("the async runtime could not be started").because(error))
        .and_then(|runtime| runtime.block_on(commands::run(arguments, output)));
    match outcome {
        Ok(exit) => exit.into(),
        // Whoever reads our output has seen enough, as `head` does.
        Err(failure) if failure.is_broken_pipe() => Exit::Ok.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}
