//! A swarm on this machine, as a person has it: up, asked, looked at, hurt, and down again.

mod support;

use std::process::Command;

use serde_json::Value;

use support::{Machine, text, until};

/// What runs, as it stands written down.
fn written(machine: &Machine) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(machine.state().join("up.json"))?)?)
}

fn pid(record: &Value, name: &str) -> Option<u32> {
    let process = record["processes"].as_array()?.iter().find(|it| it["name"] == name)?;
    process["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
}

/// Every child, running.
fn pids(record: &Value) -> Vec<u32> {
    let names = ["nats-server", "sandbox", "planner", "provisioner", "auditor", "remediator"];
    let pids: Vec<u32> = names.iter().filter_map(|name| pid(record, name)).collect();
    assert_eq!(pids.len(), names.len(), "{record}");
    pids
}

fn signal(name: &str, pid: u64) -> anyhow::Result<()> {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status()?;
    anyhow::ensure!(sent.success(), "kill {name} {pid}: {sent}");
    Ok(())
}

/// As any plain NATS client on this machine does: without a key, without headers.
fn publish_plainly(url: &str, payload: &'static [u8]) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = async_nats::connect(url).await?;
        let headers = async_nats::HeaderMap::new();
        client.publish_with_headers("swarm.intent.submit", headers, payload.into()).await?;
        client.flush().await?;
        Ok(())
    })
}

/// A process that is there and not merely waiting to be collected.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z" && state != "X")
}

#[test]
fn a_swarm_goes_up_does_its_work_and_goes_down() -> anyhow::Result<()> {
    let machine = Machine::new()?;
    let record = machine.up(&[])?;
    assert_eq!(record["phase"], "ready");

    let again = machine.run(&["up", "--ports", "auto"])?;
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again).contains("runs already"), "{}", text(&again));

    let wait = ["submit", "--wait", "--json", "Point docs.example.com to 203.0.113.20"];
    let told = machine.json(&wait)?;
    assert!(told.iter().any(|event| event["did"] == "created"), "{told:?}");
    assert!(told.last().is_some_and(|ended| ended["phase"] == "converged"), "{told:?}");

    let plan = machine.run(&["plan", "show", "last"])?;
    assert!(text(&plan).contains("your words “203.0.113.20”"), "{}", text(&plan));

    let status = machine.json(&["status", "--json"])?.remove(0);
    assert_eq!(status["stacks"].as_array().map(Vec::len), Some(1), "{status}");
    assert_eq!(status["agents"].as_array().map(Vec::len), Some(4), "{status}");
    assert_eq!(status["dead"], 0);

    let refused = machine.run(&["submit", "--wait", "hello"])?;
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));

    let pids = pids(&written(&machine)?);
    assert!(machine.run(&["down"])?.status.success());
    assert!(pids.iter().all(|pid| !is_running(*pid)));
    let gone = machine.run(&["status"])?;
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone).contains("zerodrift up"));
    Ok(())
}

#[test]
fn a_child_that_is_killed_comes_back_and_what_was_made_stays() -> anyhow::Result<()> {
    let machine = Machine::new()?;
    let record = machine.up(&[])?;
    let wait = ["submit", "--wait", "Point docs.example.com to 203.0.113.20"];
    assert!(machine.run(&wait)?.status.success());

    let killed = pid(&record, "provisioner");
    signal("-KILL", killed.map_or(0, u64::from))?;
    until("the provisioner runs again", || {
        let now = pid(&written(&machine)?, "provisioner");
        Ok(now.is_some() && now != killed)
    })?;
    let after = machine.run(&["submit", "--wait", "Point www2.example.com to 203.0.113.21"])?;
    assert!(after.status.success(), "{}", text(&after));

    assert!(machine.run(&["down"])?.status.success());
    machine.up(&[])?;
    let status = machine.json(&["status", "--json"])?.remove(0);
    assert_eq!(status["stacks"].as_array().map(Vec::len), Some(2), "{status}");
    Ok(())
}

#[test]
fn nothing_outlives_a_swarm_that_is_killed() -> anyhow::Result<()> {
    let machine = Machine::new()?;
    let record = machine.up(&[])?;
    let pids = pids(&record);
    signal("-KILL", record["pid"].as_u64().unwrap())?;
    if cfg!(target_os = "linux") {
        until("the children are gone", || Ok(pids.iter().all(|pid| !is_running(*pid))))?;
    }
    // What it left written down is no obstacle.
    assert_eq!(machine.up(&[])?["phase"], "ready");
    Ok(())
}

#[test]
fn a_message_nobody_understands_is_shown_and_given_back() -> anyhow::Result<()> {
    let machine = Machine::new()?;
    let record = machine.up(&[])?;
    publish_plainly(record["nats"]["url"].as_str().unwrap(), b"{\"text\": 3}")?;
    let list = || machine.json(&["dead", "list", "--json"]);
    until("it is among the dead", || Ok(list()?.len() == 1))?;
    let letter = list()?.remove(0);
    assert!(letter["reason"].as_str().unwrap().contains("expected a string"), "{letter}");
    assert_eq!(letter["subject"], "swarm.intent.submit");
    assert_eq!(letter["message"]["text"], 3);

    let sequence = letter["sequence"].to_string();
    assert_eq!(machine.json(&["dead", "replay", "--json", &sequence])?.len(), 1);
    until("it is among the dead again, as another", || {
        Ok(list()?.first().is_some_and(|it| it["sequence"] != letter["sequence"]))
    })?;
    let gone = machine.run(&["dead", "show", &sequence])?;
    assert_eq!(gone.status.code(), Some(1));
    Ok(())
}

#[test]
fn everything_is_shown_from_nothing_and_nothing_is_left() -> anyhow::Result<()> {
    let machine = Machine::new()?;
    let proofs = machine.json(&["demo", "--json"])?;
    let held: Vec<&Value> = proofs.iter().filter(|it| it["holds"] == true).collect();
    assert_eq!(held.len(), 10, "{proofs:?}");
    Ok(())
}
