//! However the sandbox ends, its workerd ends too.

mod edge_support;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use axum::http::Request;
use edge_support::{ACCOUNT, workerd};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

const TOKEN: &str = "a-token";
const SCRIPT: &str = "export default { fetch() { return new Response('here') } }";

/// The real program with one Worker in service, and its workerd's process id.
async fn start() -> anyhow::Result<(Child, u32)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_zerodrift-sandbox"))
        .args(["--account", ACCOUNT, "--zone", "example.com", "--token", TOKEN, "--workerd"])
        .arg(workerd()?)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let out = child.stdout.take().ok_or_else(|| anyhow::anyhow!("no stdout"))?;
    let line = BufReader::new(out).lines().next_line().await?.unwrap_or_default();
    let ready: serde_json::Value = serde_json::from_str(&line)?;
    let api = ready.get("api").and_then(|api| api.as_str()).unwrap_or_default();
    let boundary = "part";
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\
         Content-Type: application/json\r\n\r\n{{\"main_module\":\"w.js\"}}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"w.js\"; filename=\"w.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\n{SCRIPT}\r\n--{boundary}--\r\n"
    );
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http::<axum::body::Body>();
    let url = format!("{api}/client/v4/accounts/{ACCOUNT}/workers/scripts/w");
    let upload = Request::put(url)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", format!("multipart/form-data; boundary={boundary}"))
        .body(body.into())?;
    let uploaded = client.request(upload).await?;
    anyhow::ensure!(uploaded.status().is_success(), "{}", uploaded.status());
    let parent = child.id().unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(pid) = workerd_of(parent) {
            return Ok((child, pid));
        }
        anyhow::ensure!(Instant::now() < deadline, "no workerd was started");
        tokio::task::yield_now().await;
    }
}

/// The child of that process that serves Workers.
fn workerd_of(parent: u32) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?;
    processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(|pid| {
        let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let (stat, line) = (read("stat"), read("cmdline"));
        let (stat, line) = (String::from_utf8_lossy(&stat), String::from_utf8_lossy(&line));
        let of = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        // Until it is workerd itself it may not be tied to its parent yet.
        let is_itself = !line.starts_with("setpriv");
        of == Some(parent.to_string().as_str()) && is_itself && line.contains("--socket-fd")
    })
}

async fn is_gone(pid: u32) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let alive = |pid| {
        // A zombie nobody has waited for yet is gone too.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        status.is_ok_and(|status| !status.contains("State:\tZ"))
    };
    while Path::new("/proc").exists() && alive(pid) {
        anyhow::ensure!(Instant::now() < deadline, "workerd {pid} is still there");
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_sandbox_told_to_stop_takes_workerd_with_it() -> anyhow::Result<()> {
    let (mut child, workerd) = start().await?;
    let pid =
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| anyhow::anyhow!("it ended"))?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    let status = tokio::time::timeout(Duration::from_secs(10), child.wait()).await??;
    assert!(status.success(), "{status}");
    is_gone(workerd).await
}

#[tokio::test]
async fn a_killed_sandbox_leaves_no_workerd() -> anyhow::Result<()> {
    let (mut child, workerd) = start().await?;
    child.kill().await?;
    is_gone(workerd).await
}
