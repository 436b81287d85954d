//! Programs of others that a local swarm runs, and where they are.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::local::process::same_file;

/// Where the programs are; found by themselves where nothing is said.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Programs")]
pub(crate) struct Tools {
    /// The nats-server program [default: the project's .tools folder, else the PATH]
    #[arg(long, env = "ZERODRIFT_NATS_SERVER", value_name = "FILE", hide_env_values = true)]
    pub(crate) nats_server: Option<PathBuf>,
    /// The workerd program, which runs Workers [default: the project's .tools folder, else the PATH]
    #[arg(long, env = "ZERODRIFT_WORKERD", value_name = "FILE", hide_env_values = true)]
    pub(crate) workerd: Option<PathBuf>,
}

impl Tools {
    /// nats-server, where there is one.
    pub(crate) fn nats_server(&self) -> Option<PathBuf> {
        find(self.nats_server.as_deref(), &["venv/bin/nats-server"], "nats-server")
    }

    /// workerd, where there is one. npm's own `workerd` is a script that needs node; the program
    /// itself is preferred.
    pub(crate) fn workerd(&self) -> Option<PathBuf> {
        find(
            self.workerd.as_deref(),
            &[
                "node_modules/@cloudflare/workerd-linux-64/bin/workerd",
                "node_modules/@cloudflare/workerd-linux-arm64/bin/workerd",
                "node_modules/@cloudflare/workerd-darwin-arm64/bin/workerd",
                "node_modules/@cloudflare/workerd-darwin-64/bin/workerd",
            ],
            "workerd",
        )
    }
}

/// A program of the swarm: beside this one, else on the PATH.
pub(crate) fn own_program(name: &str) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|exe| {
        // A test runs from `deps/`, one below its program.
        exe.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|it| it.is_file())
    });
    beside.or_else(|| on_path(name))
}

/// What to type to run this program again from here: its name where that finds it, else its path.
pub(crate) fn own_name() -> String {
    const NAME: &str = "zerodrift";
    let Ok(exe) = std::env::current_exe() else { return NAME.to_owned() };
    if on_path(NAME).is_some_and(|found| same_file(&found, &exe)) {
        return NAME.to_owned();
    }
    let here = std::env::current_dir().ok();
    let near = here.and_then(|here| exe.strip_prefix(here).ok().map(Path::to_owned));
    near.unwrap_or(exe).display().to_string()
}

/// A program anybody may have installed.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|it| it.is_file())
}

fn find(given: Option<&Path>, in_tools: &[&str], name: &str) -> Option<PathBuf> {
    if let Some(path) = given {
        return path.is_file().then(|| path.to_owned());
    }
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let installed =
        starts.iter().flatten().flat_map(|start| start.ancestors()).find_map(|folder| {
            in_tools.iter().map(|tool| folder.join(".tools").join(tool)).find(|it| it.is_file())
        });
    installed.or_else(|| on_path(name))
}
