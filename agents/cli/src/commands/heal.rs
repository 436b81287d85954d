//! `heal`: has something put back as declared, now.

use bus_schema::RemedyKind;
use clap::Args;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::deciding::{self, Which};
use crate::exit::Exit;
use crate::output::Output;

/// Which finding.
#[derive(Debug, Args)]
#[command(
    after_help = "For what the swarm does not put back by itself: where the environment only \
    proposes, where a rule leaves it to people, or where it came back too often and the circuit is \
    open. It closes the circuit.\n\n\
    Example:\n  zerodrift drift\n  zerodrift heal 4f2a"
)]
pub struct Heal {
    #[command(flatten)]
    which: Which,
}

pub(super) async fn run(command: Heal, common: &Common, output: Output) -> Result<Exit, Failure> {
    deciding::run(command.which, RemedyKind::Revert, common, output).await
}
