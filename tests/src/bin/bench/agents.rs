//! What an agent's process costs: its start and its memory.

use std::time::Duration;

use anyhow::Context;
use tests::{Identity, Process, Swarm, secs};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use wait::until_every;

use crate::measure::{Measured, time};

/// Every agent.
pub(crate) const AGENTS: [Identity; 4] =
    [Identity::Planner, Identity::Provisioner, Identity::Auditor, Identity::Remediator];

/// Starts one more process of an agent over and over. Says how long each took from its spawn until
/// it said it is ready, and what memory it had then.
pub(crate) async fn start(swarm: &Swarm, agent: Identity, times: usize) -> anyhow::Result<String> {
    let (began, mut each, mut resident) = (Instant::now(), Vec::new(), 0);
    for _ in 0..times {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let address = ("ZERODRIFT_HTTP_ADDRESS", format!("127.0.0.1:{port}"));
        let spawned = Instant::now();
        let mut process = swarm.start_agent(agent, &[address])?;
        let often = Duration::from_millis(1);
        let asked = until_every(often, "it is ready", secs(10), || async {
            Ok(ready(port).await.then_some(()))
        });
        asked.await.with_context(|| process.failure())?;
        each.push(spawned.elapsed());
        resident = resident.max(kilobytes(&process, "VmRSS:")?);
        process.stop(secs(15)).await?;
    }
    let most = each.iter().max().copied().map(time).unwrap_or_default();
    Ok(format!(
        "  {:<12} spawn -> ready p50 {}, most {most}; resident {} (n={times})",
        agent.name(),
        Measured::since(began, each).percentile(50),
        megabytes(resident)
    ))
}

/// What memory the agents have now that every swarm has, and had at most.
pub(crate) fn memory(swarm: &Swarm) -> anyhow::Result<String> {
    let planner = memory_of("planner", std::slice::from_ref(&swarm.planner))?;
    let provisioner = memory_of("provisioner", std::slice::from_ref(&swarm.provisioner))?;
    Ok(format!("{planner}; {provisioner}"))
}

/// The same of the processes of one agent, the largest of each.
pub(crate) fn memory_of(name: &str, processes: &[Process]) -> anyhow::Result<String> {
    let largest = |field| -> anyhow::Result<String> {
        let each = processes.iter().map(|process| kilobytes(process, field));
        let each = each.collect::<anyhow::Result<Vec<u64>>>()?;
        Ok(megabytes(each.into_iter().max().unwrap_or_default()))
    };
    Ok(format!("{name} resident {}, at most {}", largest("VmRSS:")?, largest("VmHWM:")?))
}

/// Whether `/readyz` says so.
async fn ready(port: u16) -> bool {
    let asking = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    asking.await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Microseconds a process (or `self`) has had of the processors, in steps of ten thousand.
pub(crate) fn processor_time(pid: &str) -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in parentheses, which may have spaces. Of what follows, the 12th
    // and 13th are user and system time in hundredths of a second: proc_pid_stat(5).
    let (_, fields) = stat.rsplit_once(") ").context("no process name")?;
    let times = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks = times.sum::<Result<u64, _>>()?;
    Ok(ticks * 10_000)
}

/// A figure of `/proc/<pid>/status`, in KiB.
fn kilobytes(process: &Process, field: &str) -> anyhow::Result<u64> {
    let pid = process.pid().context("the agent has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).with_context(|| format!("no {field} of {pid}"))
}

fn megabytes(kilobytes: u64) -> String {
    format!("{}.{} MB", kilobytes * 1_024 / 1_000_000, kilobytes * 1_024 / 100_000 % 10)
}
