//! A real server, the planner under its own identity, and a provisioner played by hand.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use bus_schema::identity::{Identity, render_authorization};
use bus_schema::{
    Action, IntentId, IntentPhase, IntentState, Message, MessageId, PlanApplied, PlanProposed,
    ResourceAddress, ResourceState, StackName, StackState,
};
use planner::{Planner, PlannerSettings};
use runtime::{Agent, Bus, CancellationToken, NatsSettings, RunError, RuntimeSettings};
use tokio::task::JoinHandle;

/// Longest a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until it gives something.
pub(crate) async fn eventually<T, F>(what: &str, look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    wait::until(what, PATIENCE, look).await
}

/// A server that lets in the swarm's identities only, killed when dropped.
pub(crate) struct Swarm {
    child: Child,
    folder: tempfile::TempDir,
    url: String,
    keys: Vec<(Identity, nkeys::KeyPair)>,
    /// The operator's connection.
    pub(crate) bus: Bus,
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Swarm {
    /// With streams, buckets and consumers, and no agent yet.
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let keys: Vec<(Identity, nkeys::KeyPair)> =
            Identity::ALL.map(|identity| (identity, nkeys::KeyPair::new_user())).into();
        let public: Vec<(Identity, String)> =
            keys.iter().map(|(identity, pair)| (*identity, pair.public_key())).collect();
        let public: Vec<(Identity, &str)> =
            public.iter().map(|(identity, key)| (*identity, key.as_str())).collect();
        let store = folder.path().join("jetstream");
        let configuration = format!(
            "host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: \"{}\" }}\n{}",
            store.display(),
            render_authorization(&public, None)
        );
        let file = folder.path().join("nats.conf");
        std::fs::write(&file, configuration)?;
        let child = Command::new(nats_server()?)
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nats-server does not start")?;
        let url = format!("nats://127.0.0.1:{port}");
        eventually("nats-server is up", || async {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok())
        })
        .await?;
        let own = settings(folder.path(), &url, &keys, Identity::Bootstrap)?;
        runtime::bootstrap(&runtime::connect(&own, "test").await?, 1).await?;
        let own = settings(folder.path(), &url, &keys, Identity::Operator)?;
        let bus = runtime::connect(&own, "test").await?;
        Ok(Self { child, folder, url, keys, bus })
    }

    /// Starts the planner in this process, with the rights a planner has.
    pub(crate) fn planner(&self) -> Result<Running> {
        self.agent::<Planner>(PlannerSettings::default())
    }

    /// Starts any agent under the planner's identity.
    pub(crate) fn agent<A: Agent>(&self, own: A::Settings) -> Result<Running> {
        let mut runtime_settings = RuntimeSettings::at("");
        runtime_settings.nats =
            settings(self.folder.path(), &self.url, &self.keys, Identity::Planner)?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(runtime::serve::<A>(runtime_settings, own, stop.clone()));
        Ok(Running { stop, task })
    }

    /// Publishes as any NATS client could: JSON, no headers.
    pub(crate) async fn submit(&self, json: &serde_json::Value) -> Result<u64> {
        let subject = bus_schema::Subject::intent_submit().to_string();
        let payload = serde_json::to_vec(json)?;
        let sent = self.bus.jetstream().publish(subject, payload.into()).await?;
        Ok(sent.await?.sequence)
    }

    /// Publishes a message as another agent does.
    pub(crate) async fn send<M: Message>(&self, message: &M) -> Result<u64> {
        let id = MessageId::given(nkeys::KeyPair::new_user().public_key());
        Ok(self.bus.publish(message, &id).await?)
    }

    /// Where the intent submitted at that sequence stands, once `fits`.
    pub(crate) async fn intent(
        &self,
        sequence: u64,
        fits: impl Fn(&IntentState) -> bool,
    ) -> Result<IntentState> {
        let id = IntentId::of_stream_sequence(sequence);
        eventually("the intent's record", || async {
            let found = self.bus.store::<IntentState>().get(&id).await?;
            Ok(found.map(|(state, _)| state).filter(|state| fits(state)))
        })
        .await
    }

    /// The plan that an intent's record names, once it is another than `but`.
    pub(crate) async fn plan(
        &self,
        intent: u64,
        but: Option<&PlanProposed>,
    ) -> Result<PlanProposed> {
        let state = self
            .intent(intent, |state| {
                state.plan.as_ref().is_some_and(|plan| but.is_none_or(|but| but.id != plan.id))
            })
            .await?;
        let reference = state.plan.context("it was planned")?;
        let stored = self.bus.message_at::<PlanProposed>(reference.sequence).await?;
        let plan = stored.context("the plan is in the stream")?.message;
        assert_eq!((&plan.id, plan.plan.id()), (&reference.id, reference.id.clone()));
        Ok(plan)
    }

    /// Does as the provisioner does once a plan is applied.
    pub(crate) async fn apply(&self, proposed: &PlanProposed) -> Result<StackState> {
        let stacks = self.bus.store::<StackState>();
        let stack = &proposed.plan.stack;
        let before = stacks.get(stack).await?;
        let mut state = match &before {
            Some((state, _)) => state.clone(),
            None => empty(proposed),
        };
        for change in &proposed.plan.changes {
            if change.action == Action::Delete {
                state.resources.remove(&change.resource);
            } else {
                let after = change.after.clone().context("something is wanted")?;
                state.resources.insert(
                    change.resource.clone(),
                    ResourceState {
                        place: change.place.clone(),
                        declared: after.clone(),
                        observed: Some(after),
                        cloud_id: Some("1".to_owned()),
                        outputs: BTreeMap::from([
                            ("id".to_owned(), "1".to_owned()),
                            ("name".to_owned(), "one".to_owned()),
                        ]),
                        depends_on: change.depends_on.clone(),
                        prior: None,
                    },
                );
            }
        }
        state.generation = proposed.plan.to;
        state.path = proposed.plan.path.clone();
        state.environment = proposed.plan.environment.clone();
        state.intent = Some(proposed.plan.intent);
        state.order = proposed.plan.order;
        self.record(&state).await?;
        self.send(&PlanApplied {
            stack: stack.clone(),
            intent: proposed.plan.intent,
            plan: proposed.id.clone(),
            origin: proposed.plan.origin,
            generation: proposed.plan.to,
            changes: proposed.plan.changes.len(),
        })
        .await?;
        Ok(state)
    }

    /// Writes a stack's record, whatever it was.
    pub(crate) async fn record(&self, state: &StackState) -> Result<()> {
        let stacks = self.bus.store::<StackState>();
        match stacks.get(&state.stack).await? {
            Some((_, revision)) => stacks.update(&state.stack, state, revision).await?,
            None => stacks.create(&state.stack, state).await?,
        };
        Ok(())
    }

    /// The stack's record.
    pub(crate) async fn stack(&self, name: &StackName) -> Result<StackState> {
        Ok(self.bus.store::<StackState>().get(name).await?.context("a record")?.0)
    }
}

/// Before its first plan.
fn empty(proposed: &PlanProposed) -> StackState {
    StackState {
        stack: proposed.plan.stack.clone(),
        environment: proposed.plan.environment.clone(),
        path: proposed.plan.path.clone(),
        generation: proposed.plan.from,
        intent: None,
        order: 0,
        resources: BTreeMap::<ResourceAddress, ResourceState>::new(),
        run: None,
        last: None,
        failed: Vec::new(),
        deleted: Vec::new(),
        paused: None,
        waiting: Vec::new(),
        heeded: 0,
        ignored: BTreeMap::new(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Whether an intent has ended.
pub(crate) fn ended(state: &IntentState) -> bool {
    state.phase != IntentPhase::Planned
}

/// An agent at work in this process.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
}

impl Running {
    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stopped(self) -> Result<()> {
        self.stop.cancel();
        Ok(tokio::time::timeout(PATIENCE, self.task).await.context("it does not end")???)
    }
}

fn settings(
    folder: &Path,
    url: &str,
    keys: &[(Identity, nkeys::KeyPair)],
    identity: Identity,
) -> Result<NatsSettings> {
    let (_, pair) = keys.iter().find(|(who, _)| *who == identity).context("a key for each")?;
    let file = folder.join(format!("{identity}.nk"));
    std::fs::write(&file, pair.seed()?)?;
    Ok(NatsSettings {
        nkey_file: Some(file),
        inbox_prefix: Some(identity.inbox_prefix().to_owned()),
        ..NatsSettings::at(url)
    })
}

/// By its variable, else under `.tools` of the workspace, else on the path.
fn nats_server() -> Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where tools are is told to tests this way")]
    if let Ok(named) = std::env::var("ZERODRIFT_NATS_SERVER") {
        return Ok(PathBuf::from(named));
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join(".tools/venv/bin/nats-server"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("nats-server"));
    own.chain(on_path)
        .find(|candidate| candidate.is_file())
        .context("nats-server is not installed: run `make tools`")
}
