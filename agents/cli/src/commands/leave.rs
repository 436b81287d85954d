//! `leave`: leaves something as it is, this time.

use bus_schema::RemedyKind;
use clap::Args;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::deciding::{self, Which};
use crate::exit::Exit;
use crate::output::Output;

/// Which finding.
#[derive(Debug, Args)]
#[command(after_help = "The finding stays open and nothing is done about it. It is about this \
    occurrence alone: when the object changes once more, that is found and dealt with as ever.\n\n\
    Example:\n  zerodrift drift\n  zerodrift leave 4f2a")]
pub struct Leave {
    #[command(flatten)]
    which: Which,
}

pub(super) async fn run(command: Leave, common: &Common, output: Output) -> Result<Exit, Failure> {
    deciding::run(command.which, RemedyKind::Leave, common, output).await
}
