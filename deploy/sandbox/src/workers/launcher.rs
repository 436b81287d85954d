//! How workerd is started so that it does not outlive the sandbox, however that ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// util-linux's way to have the kernel end a process with its parent. Setting that up ourselves,
/// between fork and exec, would take unsafe code.
const TIED: [&str; 3] = ["setpriv", "--pdeathsig", "KILL"];

/// A way to start workerd.
#[derive(Debug, Clone)]
pub(super) struct Launcher {
    workerd: PathBuf,
    tied: bool,
}

impl Launcher {
    /// Tied to this process where the system has `setpriv` for it. Elsewhere a sandbox that is
    /// killed outright leaves its workerd behind; one that is told to stop never does.
    pub(super) async fn of(workerd: PathBuf) -> Self {
        let [program, arguments @ ..] = TIED;
        let mut trial = Command::new(program);
        trial.args(arguments).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
        let tied = trial.status().await.is_ok_and(|status| status.success());
        Self { workerd, tied }
    }

    /// The binary.
    pub(super) fn workerd(&self) -> &Path {
        &self.workerd
    }

    /// A command that runs workerd and takes its arguments. Spawn it on a thread that stays: the
    /// kernel takes the end of that thread for the end of the parent.
    pub(super) fn command(&self) -> Command {
        if !self.tied {
            return Command::new(&self.workerd);
        }
        let [program, arguments @ ..] = TIED;
        let mut command = Command::new(program);
        command.args(arguments).arg("--").arg(&self.workerd);
        command
    }
}
