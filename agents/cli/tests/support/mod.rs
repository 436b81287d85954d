//! A swarm on this machine, run as a person runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// A state folder with the command line run against it; whatever runs there is stopped at the end.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let program = Path::new(env!("CARGO_BIN_EXE_zerodrift"));
        for name in ["planner", "provisioner", "auditor", "remediator", "sandbox"] {
            let path = program.with_file_name(format!("zerodrift-{name}"));
            assert!(path.is_file(), "{} is not built: run `make build`", path.display());
        }
        Ok(Self { folder: tempfile::tempdir()? })
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zerodrift"));
        command
            .args(arguments)
            .env("ZERODRIFT_STATE", self.state())
            .env_remove("ZERODRIFT_NATS_URL")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    /// What it says as JSON, one value a line.
    pub(crate) fn json(&self, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let output = self.run(arguments)?;
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    /// Starts the swarm, with these flags on top.
    pub(crate) fn up(&self, flags: &[&str]) -> anyhow::Result<Value> {
        let usual = ["up", "--detach", "--ports", "auto", "--json"];
        let output = self.run(&[&usual, flags].concat())?;
        assert!(
            output.status.success(),
            "the swarm did not start; is nats-server there? `make tools` installs it\n{}",
            text(&output)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Its state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A test that failed half-way leaves nothing running.
        drop(self.command(&["down"]).output());
    }
}

pub(crate) fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

pub(crate) fn until(
    what: &str,
    mut happened: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happened()? {
        anyhow::ensure!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}
