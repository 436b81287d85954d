//! `completions`: a script for the user's shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::Failure;
use crate::arguments::Arguments;
use crate::exit::Exit;

/// Which shell.
#[derive(Debug, Args)]
#[command(after_help = "Try it:\n  \
    bash:  source <(zerodrift completions bash)\n  \
    zsh:   zerodrift completions zsh > \"${fpath[1]}/_zerodrift\"\n  \
    fish:  zerodrift completions fish | source")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

pub(super) fn run(command: &Completions) -> Result<Exit, Failure> {
    // Made in memory first: clap_complete panics where the reader goes away.
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), "zerodrift", &mut script);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
    Ok(Exit::Ok)
}
