//! A real nats-server with the permissions of production, the local Cloudflare, and auditors as
//! processes of their own. Stacks are declared by writing their records, as the provisioner would.

#![allow(
    dead_code,
    unused_imports,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test file uses a part of it; what a test sets up fails by panicking"
)]

mod examples;
mod swarm;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use bus_schema::identity::{Identity, render_authorization};
use bus_schema::{
    DriftFound, Finding, FindingResolved, Generation, IntentId, Message, MessageId, Origin,
    PlanApplied, Resource, ResourceState, Scope, StackName, StackState, Subject, Watch,
};
use cloud::cloudflare::{Cloudflare, Limits};
use cloud::{Cloud, Observed};
use runtime::{Bus, NatsSettings, Store};
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) use examples::{kind, record, resource, resource_with, scope};

pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const ZONE: &str = "example.com";
const OURS: &str = "our-token";
const THEIRS: &str = "their-token";
const READING: &str = "reading-token";
/// Longest a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until it gives something.
pub(crate) async fn eventually<T, F>(what: &str, look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    wait::until(what, PATIENCE, look).await
}

/// Everything around the auditors.
pub(crate) struct World {
    pub(crate) bus: Bus,
    pub(crate) api: String,
    url: String,
    folder: tempfile::TempDir,
    nats: Child,
    sandbox: Child,
}

/// An auditor as a process of its own; killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for a line of its log that has this in it, and gives the line.
    pub(crate) async fn says(&self, text: &str) -> Result<String> {
        let said =
            || async { Ok(self.log().lines().find(|line| line.contains(text)).map(str::to_owned)) };
        eventually(text, said).await.with_context(|| self.log())
    }
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir()?;
        let keys = Identity::ALL.map(|identity| (identity, nkeys::KeyPair::new_user()));
        let public: Vec<_> = keys.iter().map(|(who, pair)| (*who, pair.public_key())).collect();
        let public: Vec<_> = public.iter().map(|(who, key)| (*who, key.as_str())).collect();
        for (identity, pair) in &keys {
            std::fs::write(seed(folder.path(), *identity), pair.seed()?)?;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let store = folder.path().join("jetstream").display().to_string();
        let text = format!(
            "host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: \"{store}\", sync_interval: \
             always }}\n{}",
            render_authorization(&public, None)
        );
        let configuration = folder.path().join("nats.conf");
        std::fs::write(&configuration, text)?;
        let nats = Command::new(tool("venv/bin/nats-server")?)
            .arg("--config")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let url = format!("nats://127.0.0.1:{port}");
        let connect = |identity: Identity| {
            let settings = NatsSettings {
                nkey_file: Some(seed(folder.path(), identity)),
                inbox_prefix: Some(identity.inbox_prefix().to_owned()),
                ..NatsSettings::at(url.clone())
            };
            async move { Ok(runtime::connect(&settings, "test").await.ok()) }
        };
        let bootstrap = eventually("nats-server is up", || connect(Identity::Bootstrap)).await?;
        runtime::bootstrap(&bootstrap, 1).await?;
        let bus = eventually("the operator is let in", || connect(Identity::Operator)).await?;
        let (sandbox, api) = sandbox().await?;
        std::fs::write(folder.path().join("token"), READING)?;
        Ok(Self { bus, api, url, folder, nats, sandbox })
    }

    /// One more auditor: quick by default, with these settings over that.
    pub(crate) fn auditor(&self, name: &str, settings: &[(&str, &str)]) -> Result<Process> {
        let log = self.folder.path().join(format!("{name}.log"));
        let file = std::fs::File::create(&log)?;
        let child = Command::new(env!("CARGO_BIN_EXE_zerodrift-auditor"))
            .env_clear()
            .env("ZERODRIFT_NATS_URL", &self.url)
            .env("ZERODRIFT_NATS_NKEY_FILE", seed(self.folder.path(), Identity::Auditor))
            .env("ZERODRIFT_NATS_INBOX_PREFIX", Identity::Auditor.inbox_prefix())
            .env("ZERODRIFT_LOG_FORMAT", "text")
            .env("ZERODRIFT_CLOUDFLARE_API", format!("{}/client/v4", self.api))
            .env("ZERODRIFT_CLOUDFLARE_TOKEN_FILE", self.folder.path().join("token"))
            .env("ZERODRIFT_CLOUDFLARE_RATE", "100000000")
            .env("ZERODRIFT_CLOUDFLARE_LAG_SECONDS", "0")
            .env("ZERODRIFT_CADENCE_SECONDS", "1")
            .env("ZERODRIFT_HOLD_SECONDS", "2")
            .envs(settings.iter().map(|(name, value)| (format!("ZERODRIFT_{name}"), value)))
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Process { child, log })
    }

    /// A file of the world's folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    fn client(&self, token: &str) -> Result<Cloudflare> {
        let base = format!("{}/client/v4", self.api).parse()?;
        let rate = std::num::NonZeroU32::new(100_000_000).context("a rate")?;
        let limits = Limits { rate, ..Limits::default() };
        Ok(Cloudflare::with_limits(base, &SecretString::from(token), limits)?)
    }

    /// The cloud as the provisioner has it.
    pub(crate) fn ours(&self) -> Result<Cloudflare> {
        self.client(OURS)
    }

    /// The cloud as somebody else has it.
    pub(crate) fn theirs(&self) -> Result<Cloudflare> {
        self.client(THEIRS)
    }

    /// The cloud as the auditor has it.
    pub(crate) fn reading(&self) -> Result<Cloudflare> {
        self.client(READING)
    }

    /// A plain call by somebody else; answers its result.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/client/v4{path}", self.api);
        let request = reqwest::Client::new().request(method.parse()?, url);
        let answer: Value = request.bearer_auth(THEIRS).json(body).send().await?.json().await?;
        anyhow::ensure!(answer["success"] == true, "{method} {path}: {answer}");
        Ok(answer["result"].clone())
    }

    /// How often each call was made: method, path template, count.
    pub(crate) async fn requests(&self) -> Result<Vec<(String, String, u64)>> {
        let url = format!("{}/__sandbox/requests", self.api);
        let counts: Value = reqwest::get(url).await?.json().await?;
        let each = counts["requests"].as_array().context("counts")?;
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let row = |it: &Value| (text(&it["method"]), text(&it["path"]), it["count"].as_u64());
        Ok(each.iter().map(row).map(|(m, p, n)| (m, p, n.unwrap_or_default())).collect())
    }

    /// Counts calls anew.
    pub(crate) async fn forget_requests(&self) -> Result<()> {
        let url = format!("{}/__sandbox/requests", self.api);
        reqwest::Client::new().delete(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// How many calls changed something, and how many read.
    pub(crate) async fn calls(&self) -> Result<(u64, u64)> {
        let requests = self.requests().await?;
        let sum = |reads: bool| {
            requests.iter().filter(|it| (it.0 == "GET") == reads).map(|it| it.2).sum()
        };
        Ok((sum(false), sum(true)))
    }

    pub(crate) fn stacks(&self) -> Store<StackState> {
        self.bus.store()
    }

    /// Makes resources and declares them, as if a plan had been applied.
    pub(crate) async fn declare(&self, stack: &str, resources: &[Resource]) -> Result<StackState> {
        let stack: StackName = stack.parse()?;
        let cloudflare = self.ours()?;
        let mut state = StackState {
            stack: stack.clone(),
            environment: "prod".parse()?,
            path: "edge-cache".parse()?,
            generation: Generation(1),
            intent: Some(IntentId::fresh()),
            order: 1,
            resources: std::collections::BTreeMap::new(),
            run: None,
            last: None,
            failed: Vec::new(),
            paused: None,
            deleted: Vec::new(),
            waiting: Vec::new(),
            heeded: 0,
            ignored: std::collections::BTreeMap::new(),
            updated_at: jiff::Timestamp::now(),
        };
        for resource in resources {
            let made = cloudflare.create(resource).await?;
            state.resources.insert(resource.address.clone(), made_of(resource, &made));
        }
        state.updated_at = jiff::Timestamp::now();
        self.stacks().create(&stack, &state).await?;
        Ok(state)
    }

    /// Says that a plan was applied.
    pub(crate) async fn applied(&self, stack: &StackName) -> Result<()> {
        let (state, _) = self.stacks().get(stack).await?.context("a stack")?;
        let applied = PlanApplied {
            stack: stack.clone(),
            intent: state.intent.context("an intent")?,
            plan: "ab".repeat(32).parse()?,
            generation: state.generation,
            changes: 1,
            origin: Origin::Heal,
        };
        self.send(&applied).await
    }

    /// Publishes as the swarm does.
    pub(crate) async fn send<M: Message>(&self, message: &M) -> Result<()> {
        let id = MessageId::given(uuid::Uuid::new_v4().to_string());
        self.bus.publish(message, &id).await?;
        Ok(())
    }

    /// Every finding of a stack, in order.
    pub(crate) async fn found(&self, stack: &StackName) -> Result<Vec<Finding>> {
        let all = self.messages::<DriftFound>(&Subject::finding_drift(stack)).await?;
        Ok(all.into_iter().map(|it| it.finding).collect())
    }

    /// Every end of a stack's findings, in order.
    pub(crate) async fn resolved(&self, stack: &StackName) -> Result<Vec<FindingResolved>> {
        self.messages(&Subject::finding_resolved(stack)).await
    }

    async fn messages<M: Message>(&self, subject: &Subject) -> Result<Vec<M>> {
        let mut all = Vec::new();
        let mut from = 1;
        while let Some(received) = self.bus.message_from::<M>(subject, from).await? {
            from = received.sequence + 1;
            all.push(received.message);
        }
        Ok(all)
    }

    /// Waits for the `nth` finding of a stack.
    pub(crate) async fn finds(&self, stack: &StackName, nth: usize) -> Result<Finding> {
        let found = || async { Ok(self.found(stack).await?.into_iter().nth(nth - 1)) };
        eventually(&format!("finding {nth}"), found).await
    }

    /// Waits for the `nth` end of a finding of a stack.
    pub(crate) async fn resolves(&self, stack: &StackName, nth: usize) -> Result<FindingResolved> {
        let found = || async { Ok(self.resolved(stack).await?.into_iter().nth(nth - 1)) };
        eventually(&format!("end {nth}"), found).await
    }

    pub(crate) async fn watch(&self, scope: &Scope) -> Result<Option<Watch>> {
        Ok(self.bus.store::<Watch>().get(&scope.token()).await?.map(|(watch, _)| watch))
    }

    /// Waits until a scope was looked at so often.
    pub(crate) async fn looked(&self, scope: &Scope, looks: u64) -> Result<Watch> {
        let looked = || async {
            Ok(self.watch(scope).await?.filter(|it| it.looks >= looks && it.taken.is_none()))
        };
        eventually(&format!("{looks} looks at {scope}"), looked).await
    }

    /// Kills nats-server's process or the sandbox's, to end what waits on them.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.sandbox.kill().await?;
        Ok(self.nats.kill().await?)
    }
}

/// What the provisioner keeps of what it made.
pub(crate) fn made_of(resource: &Resource, made: &Observed) -> ResourceState {
    ResourceState {
        place: resource.place.clone(),
        declared: resource.properties.clone(),
        observed: Some(made.properties.clone()),
        cloud_id: Some(made.id.clone()),
        outputs: made.outputs.clone(),
        depends_on: Vec::new(),
        prior: None,
    }
}

fn seed(folder: &Path, identity: Identity) -> PathBuf {
    folder.join(format!("{identity}.nk"))
}

/// Another binary of the workspace, built beside the test.
fn binary(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let binary = test.ancestors().nth(2).context("a folder")?.join(name);
    anyhow::ensure!(binary.exists(), "{} is not built; run `make build`", binary.display());
    Ok(binary)
}

async fn sandbox() -> Result<(Child, String)> {
    let mut process = Command::new(binary("zerodrift-sandbox")?)
        .args(["--api", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--account", ACCOUNT])
        .args(["--zone", ZONE, "--token", OURS, "--token", THEIRS, "--read-token", READING])
        .args(["--rate-limit", "100000000"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let output = process.stdout.take().context("its output")?;
    let line = BufReader::new(output).lines().next_line().await?.context("where it listens")?;
    let ready: Value = serde_json::from_str(&line)?;
    let api = ready["api"].as_str().context("its address")?.to_owned();
    Ok((process, api))
}

/// An installed tool, under `.tools` of the workspace.
fn tool(path: &str) -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join(".tools").join(path))
        .find(|candidate| candidate.exists())
        .with_context(|| format!("{path} is not installed: run `make tools`"))
}
