//! A real server, and an agent whose handlers a test writes.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bus_schema::identity::{Identity, render_authorization};
use bus_schema::{
    Generation, IntentId, IntentSubmitted, Message, Origin, Plan, PlanApplied, PlanProposed,
    Received, stream,
};
use futures::future::BoxFuture;
use runtime::{
    Agent, Bus, CancellationToken, HandleError, NatsSettings, Outbox, Routes, RunError,
    RuntimeSettings, Settings, StartError, Values,
};
use tokio::task::JoinHandle;

/// Longest a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until it gives something.
pub async fn eventually<T, F>(what: &str, look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    wait::until(what, PATIENCE, look).await
}

/// A real nats-server with its own folder and port, killed when dropped.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    /// Open to everyone, with everything made.
    pub async fn start() -> Result<Self> {
        let server = Self::start_with("").await?;
        runtime::bootstrap(&server.bus().await?, 1).await?;
        Ok(server)
    }

    /// With more configuration, nothing made.
    pub async fn start_with(configuration: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let store = folder.path().join("jetstream").display().to_string();
        let text = format!(
            "host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: \"{store}\", sync_interval: \
             always }}\n{configuration}"
        );
        std::fs::write(folder.path().join("nats.conf"), text)?;
        let child = launch(folder.path())?;
        let server = Self { child, folder, port };
        server.up().await?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub async fn bus(&self) -> Result<Bus> {
        Ok(runtime::connect(&NatsSettings::at(self.url()), "test").await?)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    pub async fn restart(&mut self) -> Result<()> {
        self.child = launch(self.folder.path())?;
        self.up().await
    }

    async fn up(&self) -> Result<()> {
        eventually("nats-server is up", || async {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok())
        })
        .await
        .with_context(|| self.log())?;
        Ok(())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn launch(folder: &Path) -> Result<Child> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
    let program = tool("ZERODRIFT_NATS_SERVER", "venv/bin/nats-server")?;
    Command::new(program)
        .arg("--config")
        .arg(folder.join("nats.conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("nats-server does not start")
}

/// A tool by its variable, else under `.tools` of the workspace, else on the path.
pub fn tool(variable: &str, path: &str) -> Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where tools are is told to tests this way")]
    if let Ok(named) = std::env::var(variable) {
        return Ok(PathBuf::from(named));
    }
    for folder in Path::new(env!("CARGO_MANIFEST_DIR")).ancestors() {
        let candidate = folder.join(".tools").join(path);
        if candidate.exists() {
            return Ok(candidate);
        }
    }
    let name = Path::new(path).file_name().unwrap_or_default();
    let found = std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file());
    found.with_context(|| format!("{} is not installed: run `make tools`", name.display()))
}

type Handler<M> =
    Arc<dyn Fn(Received<M>, Outbox) -> BoxFuture<'static, Result<(), HandleError>> + Send + Sync>;

/// What the test's agent does.
#[derive(Clone)]
pub struct Script {
    pub plan: Handler<PlanProposed>,
    pub intent: Handler<IntentSubmitted>,
    pub applied: Handler<PlanApplied>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            plan: Arc::new(|_, _| Box::pin(async { Ok(()) })),
            intent: Arc::new(|_, _| Box::pin(async { Ok(()) })),
            applied: Arc::new(|_, _| Box::pin(async { Ok(()) })),
        }
    }
}

impl Script {
    pub fn plan<F>(
        handler: impl Fn(Received<PlanProposed>, Outbox) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), HandleError>> + Send + 'static,
    {
        let plan: Handler<PlanProposed> = Arc::new(move |m, outbox| Box::pin(handler(m, outbox)));
        Self { plan, ..Self::default() }
    }

    pub fn intent<F>(
        handler: impl Fn(Received<IntentSubmitted>, Outbox) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), HandleError>> + Send + 'static,
    {
        let intent: Handler<IntentSubmitted> =
            Arc::new(move |m, outbox| Box::pin(handler(m, outbox)));
        Self { intent, ..Self::default() }
    }
}

impl Settings for Script {
    const KEYS: &'static [runtime::Key] = &[];
    fn read(_: &mut Values<'_>) -> Self {
        Self::default()
    }
}

/// Handles plans by its script.
pub struct Provisioner(Script);

impl Agent for Provisioner {
    const NAME: &'static str = "provisioner";
    const ABOUT: &'static str = "A test's provisioner";
    type Settings = Script;

    fn routes() -> Routes<Self> {
        Routes::new().on(stream::PROVISIONER_PLANS, |agent: Arc<Self>, received, outbox| {
            (agent.0.plan)(received, outbox)
        })
    }

    async fn start(settings: Script, _: Bus) -> Result<Self, StartError> {
        Ok(Self(settings))
    }
}

/// Handles intents and outcomes by its script.
pub struct Planner(Script);

impl Agent for Planner {
    const NAME: &'static str = "planner";
    const ABOUT: &'static str = "A test's planner";
    type Settings = Script;

    fn routes() -> Routes<Self> {
        Routes::new()
            .on(stream::PLANNER_INTENTS, |agent: Arc<Self>, received, outbox| {
                (agent.0.intent)(received, outbox)
            })
            .on(stream::PLANNER_OUTCOMES, |agent: Arc<Self>, received, outbox| {
                (agent.0.applied)(received, outbox)
            })
    }

    async fn start(settings: Script, _: Bus) -> Result<Self, StartError> {
        Ok(Self(settings))
    }
}

/// An agent at work in this process.
pub struct Running {
    pub stop: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
}

impl Running {
    pub fn start<A: Agent>(settings: RuntimeSettings, own: A::Settings) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(runtime::serve::<A>(settings, own, stop.clone()));
        Self { stop, task }
    }

    pub async fn stopped(self) -> Result<Result<(), RunError>> {
        self.stop.cancel();
        self.ended().await
    }

    /// Without asking it to.
    pub async fn ended(self) -> Result<Result<(), RunError>> {
        Ok(tokio::time::timeout(PATIENCE, self.task).await.context("the agent does not end")??)
    }
}

/// A plan for a stack; `order` tells one from another.
pub fn plan(stack: &str, order: u64) -> Result<PlanProposed> {
    Ok(PlanProposed::new(Plan {
        intent: IntentId::of_stream_sequence(order),
        order,
        stack: stack.parse()?,
        environment: "prod".parse()?,
        path: "edge-cache".parse()?,
        origin: Origin::Intent,
        from: Generation(0),
        to: Generation(1),
        parameters: std::collections::BTreeMap::default(),
        changes: Vec::new(),
        unchanged: Vec::new(),
        excluded: Vec::new(),
        remedy: None,
    }))
}

/// The outcome of a plan.
pub fn applied(plan: &PlanProposed) -> PlanApplied {
    PlanApplied {
        stack: plan.plan.stack.clone(),
        intent: plan.plan.intent,
        plan: plan.id.clone(),
        origin: plan.plan.origin,
        generation: plan.plan.to,
        changes: 0,
    }
}

/// Publishes as any NATS client could, without an id.
pub async fn publish(
    bus: &Bus,
    subject: &str,
    headers: &[(&'static str, &str)],
    payload: impl Into<Vec<u8>>,
) -> Result<u64> {
    let mut map = async_nats::HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, *value);
    }
    let sent = bus
        .jetstream()
        .publish_with_headers(subject.to_owned(), map, payload.into().into())
        .await?;
    Ok(sent.await?.sequence)
}

/// Publishes a message as the swarm does.
pub async fn send<M: Message>(bus: &Bus, message: &M) -> Result<u64> {
    let id = bus_schema::MessageId::given(uuid::Uuid::new_v4().to_string());
    Ok(bus.publish(message, &id).await?)
}

/// The stored message at a sequence of a stream, if it is there.
pub async fn stored(
    bus: &Bus,
    stream: &str,
    sequence: u64,
) -> Result<Option<async_nats::jetstream::message::StreamMessage>> {
    let stream = bus.jetstream().get_stream_no_info(stream).await?;
    Ok(stream.direct_get(sequence).await.ok())
}

/// Waits for the first dead letter.
pub async fn dead(bus: &Bus) -> Result<async_nats::jetstream::message::StreamMessage> {
    eventually("a dead letter", || stored(bus, stream::DEAD.name, 1)).await
}

/// How many messages a consumer has neither delivered nor seen acknowledged.
pub async fn unanswered(bus: &Bus, consumer: &stream::Consumer) -> Result<u64> {
    let pull: async_nats::jetstream::consumer::PullConsumer =
        bus.jetstream().get_consumer_from_stream(consumer.name, stream::SWARM.name).await?;
    let info = pull.cached_info();
    Ok(info.num_pending + u64::try_from(info.num_ack_pending)?)
}

/// Waits until a consumer has nothing left.
pub async fn settled(bus: &Bus, consumer: &stream::Consumer) -> Result<()> {
    eventually("everything is answered for", || async {
        Ok((unanswered(bus, consumer).await? == 0).then_some(()))
    })
    .await
}

/// Key pairs of every identity, and the server configuration that lets them in.
pub struct Keys(Vec<(Identity, nkeys::KeyPair)>);

impl Keys {
    pub fn new() -> Self {
        Self(Identity::ALL.map(|identity| (identity, nkeys::KeyPair::new_user())).into())
    }

    pub fn authorization(&self) -> String {
        let public: Vec<(Identity, String)> =
            self.0.iter().map(|(identity, pair)| (*identity, pair.public_key())).collect();
        let keys: Vec<(Identity, &str)> =
            public.iter().map(|(identity, key)| (*identity, key.as_str())).collect();
        render_authorization(&keys, None)
    }

    /// Settings of one identity, its seed in a file.
    pub fn settings(&self, server: &Server, identity: Identity) -> Result<NatsSettings> {
        let (_, pair) =
            self.0.iter().find(|(who, _)| *who == identity).context("every identity has a key")?;
        let file = server.path().join(format!("{identity}.nk"));
        std::fs::write(&file, pair.seed()?)?;
        Ok(NatsSettings {
            nkey_file: Some(file),
            inbox_prefix: Some(identity.inbox_prefix().to_owned()),
            ..NatsSettings::at(server.url())
        })
    }
}

/// The example agent as a process of its own.
pub fn echo() -> tokio::process::Command {
    // Beside the tests' own folder, where cargo builds examples before tests.
    let program = std::env::current_exe()
        .ok()
        .and_then(|it| Some(it.parent()?.parent()?.join("examples/echo")))
        .unwrap_or_default();
    let mut command = tokio::process::Command::new(program);
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// SIGTERM.
pub fn terminate(child: &tokio::process::Child) -> Result<()> {
    let id = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    rustix::process::kill_process(id.context("it runs")?, rustix::process::Signal::TERM)?;
    Ok(())
}
