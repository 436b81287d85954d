//! `adopt`: declares something as it is.

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
    after_help = "What somebody changed by hand becomes what is declared, as a new generation of \
    the stack; what somebody deleted is declared no longer. The next intent for the stack declares \
    what its golden path says again.\n\n\
    Example:\n  zerodrift drift\n  zerodrift adopt 4f2a"
)]
pub struct Adopt {
    #[command(flatten)]
    which: Which,
}

pub(super) async fn run(command: Adopt, common: &Common, output: Output) -> Result<Exit, Failure> {
    deciding::run(command.which, RemedyKind::Adopt, common, output).await
}
