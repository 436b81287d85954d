//! The program itself: the line that says it is ready, and a clean stop.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::ACCOUNT;

#[tokio::test]
async fn it_says_where_it_listens_and_stops_when_told() -> anyhow::Result<()> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_zerodrift-sandbox"))
        .args(["--account", ACCOUNT, "--zone", "example.com", "--token", "t"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let out = child.stdout.take().context("no stdout")?;
    let line =
        tokio::time::timeout(Duration::from_secs(20), BufReader::new(out).lines().next_line())
            .await??
            .context("ended without a line")?;
    let ready: Value = serde_json::from_str(&line)?;
    for part in ["api", "edge"] {
        let address = ready[part].as_str().and_then(|url| url.strip_prefix("http://"));
        tokio::net::TcpStream::connect(address.context("no address")?).await?;
    }
    let pid = i32::try_from(child.id().context("ended already")?)?;
    let pid = rustix::process::Pid::from_raw(pid).context("no pid")?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    let status = tokio::time::timeout(Duration::from_secs(10), child.wait()).await??;
    assert!(status.success(), "{status}");
    Ok(())
}

#[tokio::test]
async fn a_command_line_without_an_account_is_refused() -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_zerodrift-sandbox"))
        .args(["--token", "t"])
        .output()
        .await?;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--account"));
    Ok(())
}
