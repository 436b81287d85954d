//! A real server, the remediator under its own identity; the auditor and the provisioner are played
//! by hand.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use bus_schema::identity::{Identity, render_authorization};
use bus_schema::{
    Difference, Drift, DriftFound, Escalated, Finding, FindingId, FindingResolved, Generation,
    IntentId, Lesson, Message, MessageId, PlanApplied, PlanProposed, Properties, Received,
    ResourceAddress, ResourceState, Scope, Signature, StackName, StackObservation, StackState,
};
use remediator::{Remediator, RemediatorSettings};
use runtime::{Bus, CancellationToken, NatsSettings, RunError, RuntimeSettings};
use serde_json::json;
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

    /// Starts a remediator in this process, with the rights a remediator has.
    pub(crate) fn remediator(&self, own: RemediatorSettings) -> Result<Running> {
        let mut runtime_settings = RuntimeSettings::at("");
        runtime_settings.nats =
            settings(self.folder.path(), &self.url, &self.keys, Identity::Remediator)?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(runtime::serve::<Remediator>(runtime_settings, own, stop.clone()));
        Ok(Running { stop, task })
    }

    /// Publishes a message as another agent does.
    pub(crate) async fn send<M: Message>(&self, message: &M) -> Result<u64> {
        let id = MessageId::given(nkeys::KeyPair::new_user().public_key());
        Ok(self.bus.publish(message, &id).await?)
    }

    /// The plans of a stack in the stream, in order.
    pub(crate) async fn plans(&self, stack: &StackName) -> Result<Vec<Received<PlanProposed>>> {
        let subject = bus_schema::Subject::plan_proposed(stack);
        let (mut plans, mut from) = (Vec::new(), 1);
        while let Some(found) = self.bus.message_from::<PlanProposed>(&subject, from).await? {
            from = found.sequence + 1;
            plans.push(found);
        }
        Ok(plans)
    }

    /// What people were asked about a stack.
    pub(crate) async fn asked(&self, stack: &StackName) -> Result<Vec<Escalated>> {
        let subject = bus_schema::Subject::remedy_escalated(stack);
        let (mut asked, mut from) = (Vec::new(), 1);
        while let Some(found) = self.bus.message_from::<Escalated>(&subject, from).await? {
            from = found.sequence + 1;
            asked.push(found.message);
        }
        Ok(asked)
    }

    /// What is remembered of a finding's sort, once `fits`.
    pub(crate) async fn lesson(
        &self,
        signature: &Signature,
        fits: impl Fn(&Lesson) -> bool,
    ) -> Result<Lesson> {
        eventually("the lesson", || async {
            let found = self.bus.store::<Lesson>().get(signature).await?;
            Ok(found.map(|(lesson, _)| lesson).filter(|lesson| fits(lesson)))
        })
        .await
    }

    /// The nth plan of a stack, counted from 1.
    pub(crate) async fn plan(
        &self,
        stack: &StackName,
        nth: usize,
    ) -> Result<Received<PlanProposed>> {
        eventually("a plan", || async { Ok(self.plans(stack).await?.into_iter().nth(nth - 1)) })
            .await
    }

    /// Says that findings were made, as the auditor does: recorded first, then announced.
    pub(crate) async fn found(&self, findings: &[(Finding, Option<Properties>)]) -> Result<()> {
        let Some((first, _)) = findings.first() else { return Ok(()) };
        let stack = first.resource.clone().context("of a stack")?.stack;
        let observations = self.bus.store::<StackObservation>();
        let known = observations.get(&stack).await?;
        let mut observation =
            known.as_ref().map_or_else(|| unseen(&stack), |(known, _)| known.clone());
        observation.generation = first.generation;
        observation.updated_at = jiff::Timestamp::now();
        for (finding, properties) in findings {
            let resource = finding.resource.clone().context("of a stack")?;
            observation.drifted.insert(resource, properties.clone());
            observation.findings.insert(finding.signature.clone(), finding.clone());
        }
        match known {
            Some((_, over)) => observations.update(&stack, &observation, over).await?,
            None => observations.create(&stack, &observation).await?,
        };
        for (finding, _) in findings {
            let said = DriftFound { stack: stack.clone(), finding: finding.clone() };
            let id = MessageId::given(finding.id.as_str());
            self.bus.publish(&said, &id).await?;
        }
        Ok(())
    }

    /// Says that a finding is over, as the auditor does.
    pub(crate) async fn resolved(&self, finding: &Finding, generation: Generation) -> Result<()> {
        let resource = finding.resource.clone().context("of a stack")?;
        let stack = resource.stack.clone();
        let observations = self.bus.store::<StackObservation>();
        let (mut observation, over) = observations.get(&stack).await?.context("it was seen")?;
        observation.drifted.remove(&resource);
        observation.findings.remove(&finding.signature);
        observation.generation = generation;
        observations.update(&stack, &observation, over).await?;
        let said = FindingResolved {
            stack,
            finding: finding.clone(),
            generation,
            resolved_at: jiff::Timestamp::now(),
            became: None,
        };
        self.bus.publish(&said, &MessageId::given(format!("{}-over", finding.id))).await?;
        Ok(())
    }

    /// Says that a plan was applied, as the provisioner does, and that the auditor has seen it.
    pub(crate) async fn healed(&self, plan: &PlanProposed, findings: &[&Finding]) -> Result<()> {
        let (mut state, _) =
            self.bus.store::<StackState>().get(&plan.plan.stack).await?.context("a record")?;
        state.generation = plan.plan.to;
        self.record(&state).await?;
        self.send(&PlanApplied {
            stack: plan.plan.stack.clone(),
            intent: plan.plan.intent,
            plan: plan.id.clone(),
            origin: plan.plan.origin,
            generation: plan.plan.to,
            changes: plan.plan.changes.len(),
        })
        .await?;
        for finding in findings {
            self.resolved(finding, plan.plan.to).await?;
        }
        Ok(())
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
}

fn unseen(stack: &StackName) -> StackObservation {
    StackObservation {
        stack: stack.clone(),
        generation: Generation(0),
        drifted: BTreeMap::new(),
        findings: BTreeMap::new(),
        unsaid: Vec::new(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// A stack of two records and a KV namespace, applied.
pub(crate) fn stack() -> Result<StackState> {
    let record = |name: &str| {
        json!({"name": format!("{name}.example.com"), "type": "A", "content": "203.0.113.10",
               "ttl": 300, "proxied": false})
    };
    let resource = |declared: serde_json::Value, place: &str, id: &str| {
        anyhow::Ok(ResourceState {
            place: place.parse()?,
            declared: serde_json::from_value(declared.clone())?,
            observed: Some(serde_json::from_value(declared)?),
            cloud_id: Some(id.to_owned()),
            outputs: BTreeMap::from([("id".to_owned(), id.to_owned())]),
            depends_on: Vec::new(),
            prior: None,
        })
    };
    let account = "account/0123456789abcdef0123456789abcdef";
    Ok(StackState {
        stack: "edge".parse()?,
        environment: "prod".parse()?,
        path: "edge-cache".parse()?,
        generation: Generation(1),
        intent: Some(IntentId::of_stream_sequence(7)),
        order: 7,
        resources: BTreeMap::from([
            (address("dns_record/api"), resource(record("api"), "zone/example.com", "1")?),
            (address("dns_record/www"), resource(record("www"), "zone/example.com", "2")?),
            (address("kv_namespace/cache"), resource(json!({}), account, "3")?),
        ]),
        run: None,
        last: None,
        failed: Vec::new(),
        paused: None,
        deleted: Vec::new(),
        waiting: Vec::new(),
        heeded: 0,
        ignored: BTreeMap::new(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    })
}

pub(crate) fn address(local: &str) -> ResourceAddress {
    format!("edge/cloudflare.{local}").parse().unwrap()
}

/// That these fields of a record were changed by somebody, and what it is like then.
pub(crate) fn changed(
    state: &StackState,
    local: &str,
    fields: &[(&str, serde_json::Value)],
) -> (Finding, Option<Properties>) {
    let declared = state.resources[&address(local)].declared.clone();
    let mut observed = declared.clone();
    let mut differences = Vec::new();
    for (field, value) in fields {
        observed.0.insert((*field).to_owned(), value.clone());
        differences.push(Difference {
            field: (*field).to_owned(),
            before: Some(value.clone()),
            after: declared.get(field).cloned(),
        });
    }
    (finding(state, local, Drift::Changed, differences), Some(observed))
}

/// That an object is gone.
pub(crate) fn missing(state: &StackState, local: &str) -> (Finding, Option<Properties>) {
    (finding(state, local, Drift::Missing, Vec::new()), None)
}

fn finding(state: &StackState, local: &str, drift: Drift, differences: Vec<Difference>) -> Finding {
    let address = address(local);
    let scope = Scope::new(address.kind.clone(), state.resources[&address].place.clone());
    let signature = Signature::of(&scope, &address.to_string(), drift, &differences);
    let now = jiff::Timestamp::now();
    Finding {
        id: FindingId::of(&signature, now),
        signature,
        drift,
        scope,
        object: address.to_string(),
        resource: Some(address),
        cloud_id: None,
        differences,
        generation: state.generation,
        intent: state.intent,
        changed_at: Some(now - jiff::SignedDuration::from_millis(500)),
        by: Some("mallory@example.com".to_owned()),
        detected_at: now,
    }
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
