//! The command line as a person uses it.

use std::process::Output;

use anyhow::Context;
use serde_json::Value;
use tokio::process::Command;

use crate::nats::Identity;
use crate::swarm::Swarm;
use crate::tools::binary;

/// What the command line answered.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Said {
    /// The JSON object of each line of the output.
    pub fn json(&self) -> anyhow::Result<Vec<Value>> {
        let lines = self.out.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().with_context(|| format!("not JSON: {self:?}"))
    }
}

impl Swarm {
    /// Runs `zerodrift` with these arguments as the operator.
    pub async fn zerodrift(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        let Output { status, stdout, stderr } = Command::new(binary("zerodrift")?)
            .args(["--nats", &self.nats.url, "--nkey"])
            .arg(self.nats.seed_file(Identity::Operator))
            .args(["--inbox-prefix", Identity::Operator.inbox_prefix()])
            .args(arguments)
            .current_dir(self.folder())
            .kill_on_drop(true)
            .output()
            .await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said { code: status.code(), out: text(&stdout), err: text(&stderr) })
    }
}
