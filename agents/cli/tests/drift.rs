//! What somebody else changes, as a person at the command line sees it and decides about it.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::Context as _;
use serde_json::{Value, json};

use support::{Machine, text, until};

const STACK: &str = "dns-docs-example-com";

/// Somebody else with a token, over plain HTTP.
struct Someone {
    api: String,
    token: String,
}

impl Someone {
    fn of(machine: &Machine, record: &Value) -> anyhow::Result<Self> {
        let api = record.pointer("/cloud/api").and_then(Value::as_str).context("an API")?;
        let api = api.trim_start_matches("http://").to_owned();
        let token = std::fs::read_to_string(machine.state().join("cloudflare.token"))?;
        Ok(Self { api, token: token.trim().to_owned() })
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.api)?;
        write!(
            stream,
            "{method} /client/v4{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n\
             {body}",
            self.api,
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("an answer")?;
        let answer: Value = serde_json::from_str(body)?;
        anyhow::ensure!(answer.get("success") == Some(&true.into()), "{method} {path}: {answer}");
        Ok(answer.get("result").cloned().unwrap_or_default())
    }

    fn zone(&self) -> anyhow::Result<String> {
        let zones = self.call("GET", "/zones?name=example.com", &Value::Null)?;
        Ok(zones.pointer("/0/id").and_then(Value::as_str).context("a zone")?.to_owned())
    }

    fn record(&self) -> anyhow::Result<Value> {
        let path = format!("/zones/{}/dns_records?name=docs.example.com", self.zone()?);
        self.call("GET", &path, &Value::Null)?.get(0).cloned().context("a record")
    }

    fn edit(&self, content: &str) -> anyhow::Result<()> {
        let id = self.record()?.get("id").and_then(Value::as_str).context("an id")?.to_owned();
        let path = format!("/zones/{}/dns_records/{id}", self.zone()?);
        self.call("PATCH", &path, &json!({"content": content}))?;
        Ok(())
    }
}

/// The stack's open finding, once it is open and this is being done about it.
fn finding(machine: &Machine, doing: &str) -> anyhow::Result<String> {
    let mut id = None;
    until(&format!("a finding that is {doing}"), || {
        let open = machine.json(&["drift", STACK, "--json"])?;
        let found = open.iter().find(|it| it.pointer("/doing/state").is_some_and(|it| it == doing));
        id = found.and_then(|it| it.pointer("/finding/id")?.as_str()).map(str::to_owned);
        Ok(id.is_some())
    })?;
    id.context("a finding")
}

fn is_as_declared(machine: &Machine) -> anyhow::Result<bool> {
    Ok(machine.json(&["drift", STACK, "--json"])?.is_empty())
}

#[test]
fn a_paused_stack_is_left_alone_and_put_back_when_it_is_resumed() -> anyhow::Result<()> {
    let machine = Machine::new()?;
    let someone = Someone::of(&machine, &machine.up(&["--cadence", "1"])?)?;
    let wait = ["submit", "--wait", "Point docs.example.com to 203.0.113.20"];
    assert!(machine.run(&wait)?.status.success());
    assert!(text(&machine.run(&["drift"])?).contains("Everything is as declared"));

    let paused = machine.json(&["pause", STACK, "--reason", "an incident", "--json"])?.remove(0);
    assert_eq!(paused["paused"]["reason"], "an incident");
    someone.edit("198.51.100.9")?;
    finding(&machine, "paused")?;
    let page = text(&machine.run(&["drift"])?);
    for said in [
        "paused",
        "an incident",
        "content  \"203.0.113.20\" → \"198.51.100.9\"",
        "as soon as the stack is resumed",
        "zerodrift heal",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    assert_eq!(someone.record()?["content"], "198.51.100.9");
    let status = text(&machine.run(&["status"])?);
    assert!(status.contains("paused, 1 drifted") && status.contains("SEEN WITHIN"), "{status}");

    let resumed = machine.run(&["resume", STACK])?;
    assert!(text(&resumed).contains("paused no longer"), "{}", text(&resumed));
    until("it is put back", || is_as_declared(&machine))?;
    assert_eq!(someone.record()?["content"], "203.0.113.20");
    until("it is remembered", || {
        let lessons = machine.json(&["lessons", STACK, "--json"])?;
        Ok(lessons.len() == 1 && lessons[0]["repaired"] == 1)
    })?;
    let again = machine.run(&["resume", STACK])?;
    assert!(text(&again).contains("neither paused nor stuck"), "{}", text(&again));
    Ok(())
}

#[test]
fn a_person_decides_where_repairs_are_only_proposed() -> anyhow::Result<()> {
    let machine = Machine::new()?;
    let environments = tempfile::tempdir()?;
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/environments/prod.yaml");
    let prod = std::fs::read_to_string(shipped)?.replace("mode: heal", "mode: propose");
    std::fs::write(environments.path().join("prod.yaml"), prod)?;
    let folder = environments.path().to_str().context("a path")?;
    let up = machine.up(&["--cadence", "1", "--environments", folder])?;
    let someone = Someone::of(&machine, &up)?;
    let wait = ["submit", "--wait", "Point docs.example.com to 203.0.113.20"];
    assert!(machine.run(&wait)?.status.success());

    someone.edit("198.51.100.1")?;
    let id = finding(&machine, "asked")?;
    let unknown = machine.run(&["adopt", "nothing"])?;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown).contains("zerodrift drift"), "{}", text(&unknown));
    let adopted = machine.run(&["adopt", &id[..5]])?;
    assert!(text(&adopted).contains("is declared as it is"), "{}", text(&adopted));
    assert_eq!(someone.record()?["content"], "198.51.100.1");
    assert!(is_as_declared(&machine)?);

    someone.edit("198.51.100.2")?;
    let id = finding(&machine, "asked")?;
    let left = machine.run(&["leave", &id])?;
    assert!(text(&left).contains("is left as it is"), "{}", text(&left));
    assert_eq!(finding(&machine, "left")?, id);
    let healed = machine.run(&["heal", &id])?;
    assert!(text(&healed).contains("is as declared again"), "{}", text(&healed));
    assert_eq!(someone.record()?["content"], "198.51.100.1", "as adopted");
    let over = machine.run(&["leave", &id])?;
    assert_eq!(over.status.code(), Some(1));
    assert!(text(&over).contains("is over"), "{}", text(&over));
    Ok(())
}
