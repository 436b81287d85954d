//! The local Cloudflare, and somebody else who changes things in it.

use std::path::Path;

use anyhow::{Context, ensure};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::Process;
use crate::tools::{binary, tool};

/// The account the shipped environments name.
pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// The zones the shipped environments name.
const ZONES: [&str; 2] = ["example.com", "staging.example.net"];

/// An HTTP client; the first one settles which cryptography TLS uses, as reqwest demands even for
/// plain HTTP.
fn http() -> reqwest::Client {
    static CRYPTOGRAPHY: std::sync::Once = std::sync::Once::new();
    CRYPTOGRAPHY.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    // A sandbox that never answers must fail a test, not stop it.
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30));
    client.build().unwrap_or_default()
}

/// The local Cloudflare, running.
#[derive(Debug)]
pub struct Sandbox {
    /// The process.
    pub process: Process,
    /// Base URL of the control plane, without `/client/v4`.
    pub api: String,
    /// Base URL of the edge.
    pub edge: String,
}

/// Who calls the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The provisioner's own token.
    Provisioner,
    /// Somebody with a token of their own.
    SomeoneElse,
    /// The auditor, whose token only reads.
    Auditor,
}

impl Actor {
    /// Its API token.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Provisioner => "test-provisioner-token",
            Self::SomeoneElse => "test-someone-elses-token",
            Self::Auditor => "test-auditor-token",
        }
    }
}

impl Sandbox {
    /// Starts one with the shipped environments' account and zones, state in memory.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(folder, &[]).await
    }

    /// The same with more zones.
    pub async fn start_with(folder: &Path, more: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(binary("zerodrift-sandbox")?);
        command.args(["--api", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--account", ACCOUNT]);
        for zone in ZONES.iter().chain(more) {
            command.args(["--zone", zone]);
        }
        for actor in [Actor::Provisioner, Actor::SomeoneElse] {
            command.args(["--token", actor.token()]);
        }
        command.args(["--read-token", Actor::Auditor.token()]);
        command
            .arg("--workerd")
            .arg(tool("node_modules/@cloudflare/workerd-linux-64/bin/workerd")?);
        let (process, line) = Process::start_and_read("sandbox", command, folder).await?;
        let ready: Value =
            serde_json::from_str(&line).context("the sandbox's first line is JSON")?;
        let text = |field: &str| {
            ready.get(field).and_then(Value::as_str).map(str::to_owned).context("its address")
        };
        Ok(Self { process, api: text("api")?, edge: text("edge")? })
    }

    /// Somebody else, with a token of their own.
    pub fn as_someone_else(&self) -> Someone {
        Someone { api: self.api.clone(), actor: Actor::SomeoneElse }
    }

    /// The auditor's token in the hands of somebody who would write.
    pub fn as_auditor(&self) -> Someone {
        Someone { api: self.api.clone(), actor: Actor::Auditor }
    }

    /// A request to a hostname through the edge.
    pub async fn visit(&self, host: &str, path: &str) -> anyhow::Result<Response> {
        let response =
            http().get(format!("{}{path}", self.edge)).header("host", host).send().await?;
        Ok(response)
    }

    /// Everything the sandbox holds.
    pub async fn state(&self) -> anyhow::Result<Value> {
        Ok(reqwest::get(format!("{}/__sandbox/state", self.api))
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// Arranges a fault and answers its id; see `deploy/sandbox/README.md`.
    pub async fn fault(&self, fault: &Value) -> anyhow::Result<String> {
        let url = format!("{}/__sandbox/faults", self.api);
        let made: Value =
            http().post(url).json(fault).send().await?.error_for_status()?.json().await?;
        Ok(made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// The ids of the faults that have not been used up.
    pub async fn faults(&self) -> anyhow::Result<Vec<String>> {
        let url = format!("{}/__sandbox/faults", self.api);
        let left: Vec<Value> = http().get(url).send().await?.error_for_status()?.json().await?;
        Ok(left.iter().filter_map(|it| Some(it.get("id")?.as_str()?.to_owned())).collect())
    }

    /// Sets how many calls a token may make, and in how many seconds.
    pub async fn limit(&self, limit: &Value) -> anyhow::Result<()> {
        let url = format!("{}/__sandbox/limits", self.api);
        http().post(url).json(limit).send().await?.error_for_status()?;
        Ok(())
    }

    /// Takes back every fault that is still to come.
    pub async fn mend(&self) -> anyhow::Result<()> {
        let url = format!("{}/__sandbox/faults", self.api);
        http().delete(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// Grants each token so many calls in five minutes, counted from now.
    pub async fn set_limit(&self, requests: u32) -> anyhow::Result<()> {
        let url = format!("{}/__sandbox/limits", self.api);
        let limit = json!({ "requests": requests, "seconds": 300 });
        http().post(url).json(&limit).send().await?.error_for_status()?;
        Ok(())
    }

    /// How many calls were made of the API so far, by anybody.
    pub async fn calls(&self) -> anyhow::Result<u64> {
        let url = format!("{}/__sandbox/requests", self.api);
        let counts: Value = http().get(url).send().await?.error_for_status()?.json().await?;
        counts.get("total").and_then(Value::as_u64).context("the sandbox counts calls")
    }

    /// The audit log of the account, oldest first: every write, whoever made it.
    pub async fn audit(&self) -> anyhow::Result<Vec<Value>> {
        let path =
            format!("/accounts/{ACCOUNT}/logs/audit?since=2020-01-01&before=2100-01-01&limit=1000");
        let mut entries = self.as_someone_else().list(&path).await?;
        entries.sort_by_key(|entry| entry.get("id").and_then(Value::as_str).map(str::to_owned));
        Ok(entries)
    }

    /// Whether an audit log entry is a write by the provisioner.
    pub fn is_ours(entry: &Value) -> bool {
        entry.pointer("/actor/token_name").and_then(Value::as_str) == Some("token 1")
    }
}

/// A client of the plain v4 API.
#[derive(Debug, Clone)]
pub struct Someone {
    api: String,
    actor: Actor,
}

impl Someone {
    /// One call; answers the envelope whatever it says.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut request = http()
            .request(method, format!("{}/client/v4{path}", self.api))
            .bearer_auth(self.actor.token());
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?.json().await?)
    }

    /// One call that must succeed; answers its result.
    pub async fn must(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut answer = self.call(method.clone(), path, body).await?;
        ensure!(answer.get("success") == Some(&json!(true)), "{method} {path}: {answer}");
        Ok(answer.get_mut("result").map(Value::take).unwrap_or_default())
    }

    /// A listing that must succeed.
    pub async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let answer = self.must(Method::GET, path, None).await?;
        let items = answer.as_array().cloned();
        items.with_context(|| format!("{path} is no list: {answer}"))
    }

    /// The id of a zone.
    pub async fn zone(&self, name: &str) -> anyhow::Result<String> {
        let zones = self.list(&format!("/zones?name={name}")).await?;
        let id = zones.first().and_then(|zone| zone.get("id")).and_then(Value::as_str);
        id.map(str::to_owned).with_context(|| format!("zone {name}"))
    }

    /// The DNS records of a zone with this name.
    pub async fn records(&self, zone: &str, name: &str) -> anyhow::Result<Vec<Value>> {
        let id = self.zone(zone).await?;
        self.list(&format!("/zones/{id}/dns_records?name={name}")).await
    }
}
