//! The parts of a local swarm: what each child is told.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus_schema::identity::Identity;
use policy::Environments;

use crate::Failure;
use crate::local::child::Spec;
use crate::local::folder::Folder;
use crate::local::identities::Identities;
use crate::local::ports::Ports;
use crate::local::tools::{Tools, own_program};

/// How long an agent may take to end: its own drain, and a little.
const AGENT_GRACE: Duration = Duration::from_secs(12);
/// How long nats-server and the sandbox may take.
const GRACE: Duration = Duration::from_secs(6);

/// What a swarm on this machine is to be.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where it keeps everything.
    pub(crate) folder: Folder,
    /// Where it listens.
    pub(crate) ports: Ports,
    /// Where resources are made.
    pub(crate) cloud: CloudChoice,
    /// Environments instead of the shipped ones, by folder.
    pub(crate) environments: Option<PathBuf>,
    /// Golden paths instead of the shipped ones, by folder.
    pub(crate) golden_paths: Option<PathBuf>,
    /// Base URL of an OTLP receiver.
    pub(crate) otlp: Option<String>,
    /// How many planners.
    pub(crate) planners: u16,
    /// How many provisioners.
    pub(crate) provisioners: u16,
    /// How many auditors; without one nothing is watched.
    pub(crate) auditors: u16,
    /// How many remediators; without one nothing is put back by itself.
    pub(crate) remediators: u16,
    /// From one look at a scope to the next, in seconds, where that is said.
    pub(crate) cadence: Option<u32>,
    /// What agents log.
    pub(crate) log: String,
    /// The programs of others.
    pub(crate) tools: Tools,
}

/// Where resources are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CloudChoice {
    /// In the local Cloudflare, for these hosts with an origin of the user's own, `host=address`.
    Sandbox(Vec<String>),
    /// In a real account.
    Cloudflare {
        /// File with the token that may change what is declared.
        token: PathBuf,
        /// File with the token that may only read, for those who watch.
        read_token: Option<PathBuf>,
    },
}

/// What all children need to know.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) settings: &'a Settings,
    /// With every number settled.
    pub(super) ports: Ports,
    pub(super) identities: &'a Identities,
    /// The sandbox's token, or the real one.
    pub(super) token: &'a Path,
    /// The one that may only read, where there is one.
    pub(super) read_token: Option<&'a Path>,
    /// What hints are signed with.
    pub(super) hints_secret: &'a Path,
}

impl Parts<'_> {
    /// For NATS clients.
    pub(super) fn nats_url(&self) -> String {
        format!("nats://{}", self.ports.nats.address())
    }

    /// nats-server with its configuration.
    pub(super) fn nats_server(&self, configuration: &Path) -> Result<Spec, Failure> {
        let program = self.settings.tools.nats_server().ok_or_else(|| {
            missing(
                "nats-server",
                "`make tools` installs it into the project's .tools folder, or \
                name it with --nats-server FILE",
            )
        })?;
        Ok(self.spec(
            "nats-server",
            program,
            vec!["--config".into(), configuration.into()],
            Vec::new(),
            GRACE,
        ))
    }

    /// The local Cloudflare with the accounts and zones of the environments.
    pub(super) fn sandbox(
        &self,
        environments: &Environments,
        token: &str,
        read_token: &str,
        origins: &[String],
    ) -> Result<Spec, Failure> {
        let mut arguments: Vec<OsString> = vec![
            "--api".into(),
            self.ports.api.address().to_string().into(),
            "--edge".into(),
            self.ports.edge.address().to_string().into(),
            "--state".into(),
            self.settings.folder.join("sandbox").into(),
            "--token".into(),
            token.into(),
            "--read-token".into(),
            read_token.into(),
        ];
        let mut accounts: Vec<&str> =
            environments.iter().map(|it| it.cloudflare.account.as_str()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        for account in accounts {
            arguments.extend(["--account".into(), account.into()]);
        }
        for zone in environments.iter().flat_map(|it| &it.cloudflare.zones) {
            arguments.extend(["--zone".into(), zone.into()]);
        }
        for origin in origins {
            arguments.extend(["--origin".into(), origin.into()]);
        }
        if let Some(workerd) = self.settings.tools.workerd() {
            arguments.extend(["--workerd".into(), workerd.into()]);
        }
        Ok(self.spec("sandbox", own("zerodrift-sandbox")?, arguments, Vec::new(), GRACE))
    }

    /// One planner.
    pub(super) fn planner(&self, nth: u16, health: SocketAddr) -> Result<Spec, Failure> {
        let mut environment = self.agent_environment(Identity::Planner, health);
        environment.push(("ZERODRIFT_ENVIRONMENTS", folder(self.settings.environments.as_ref())));
        environment.push(("ZERODRIFT_GOLDEN_PATHS", folder(self.settings.golden_paths.as_ref())));
        let name = numbered("planner", nth);
        Ok(self.spec(&name, own("zerodrift-planner")?, Vec::new(), environment, AGENT_GRACE))
    }

    /// One provisioner.
    pub(super) fn provisioner(&self, nth: u16, health: SocketAddr) -> Result<Spec, Failure> {
        let mut environment = self.agent_environment(Identity::Provisioner, health);
        environment.push(("ZERODRIFT_CLOUDFLARE_API", self.cloudflare_api()));
        environment.push(("ZERODRIFT_CLOUDFLARE_TOKEN_FILE", Some(self.token.into())));
        let name = numbered("provisioner", nth);
        Ok(self.spec(&name, own("zerodrift-provisioner")?, Vec::new(), environment, AGENT_GRACE))
    }

    /// One auditor. The first takes hints over HTTP.
    pub(super) fn auditor(&self, nth: u16, health: SocketAddr) -> Result<Spec, Failure> {
        let mut environment = self.agent_environment(Identity::Auditor, health);
        let cadence = self.settings.cadence.map(|seconds| seconds.to_string().into());
        let hints = (nth == 0).then(|| self.ports.hints.address().to_string().into());
        let secret: Option<OsString> = hints.is_some().then(|| self.hints_secret.into());
        environment.extend([
            ("ZERODRIFT_CLOUDFLARE_API", self.cloudflare_api()),
            ("ZERODRIFT_CLOUDFLARE_TOKEN_FILE", self.read_token.map(OsString::from)),
            ("ZERODRIFT_CADENCE_SECONDS", cadence),
            ("ZERODRIFT_HINTS_ADDRESS", hints),
            ("ZERODRIFT_HINTS_SECRET_FILE", secret.clone()),
            ("ZERODRIFT_CLOUDFLARE_WEBHOOK_SECRET_FILE", secret),
        ]);
        let name = numbered("auditor", nth);
        Ok(self.spec(&name, own("zerodrift-auditor")?, Vec::new(), environment, AGENT_GRACE))
    }

    /// One remediator.
    pub(super) fn remediator(&self, nth: u16, health: SocketAddr) -> Result<Spec, Failure> {
        let mut environment = self.agent_environment(Identity::Remediator, health);
        environment.push(("ZERODRIFT_ENVIRONMENTS", folder(self.settings.environments.as_ref())));
        let name = numbered("remediator", nth);
        Ok(self.spec(&name, own("zerodrift-remediator")?, Vec::new(), environment, AGENT_GRACE))
    }

    /// Where the API is, where that is not the real one.
    fn cloudflare_api(&self) -> Option<OsString> {
        match self.settings.cloud {
            CloudChoice::Sandbox(_) => {
                Some(format!("http://{}/client/v4", self.ports.api.address()).into())
            }
            CloudChoice::Cloudflare { .. } => None,
        }
    }

    /// What every agent finds in its environment. What our own user set for themselves is taken
    /// away: the agents of this swarm are told everything here.
    fn agent_environment(
        &self,
        identity: Identity,
        health: SocketAddr,
    ) -> Vec<(&'static str, Option<OsString>)> {
        vec![
            ("ZERODRIFT_CONFIG", None),
            ("ZERODRIFT_NATS_URL", Some(self.nats_url().into())),
            ("ZERODRIFT_NATS_NKEY_FILE", Some(self.identities.seed_file(identity).into())),
            ("ZERODRIFT_NATS_INBOX_PREFIX", Some(identity.inbox_prefix().into())),
            ("ZERODRIFT_NATS_CREDENTIALS", None),
            ("ZERODRIFT_NATS_TLS_CA", None),
            ("ZERODRIFT_NATS_TLS_CERT", None),
            ("ZERODRIFT_NATS_TLS_KEY", None),
            ("ZERODRIFT_HTTP_ADDRESS", Some(health.to_string().into())),
            ("ZERODRIFT_OTLP_ENDPOINT", self.settings.otlp.clone().map(OsString::from)),
            ("ZERODRIFT_LOG", Some(self.settings.log.clone().into())),
            ("ZERODRIFT_LOG_FORMAT", Some("text".into())),
            ("ZERODRIFT_DRAIN_SECONDS", Some("10".into())),
        ]
    }

    fn spec(
        &self,
        name: &str,
        program: PathBuf,
        arguments: Vec<OsString>,
        environment: Vec<(&'static str, Option<OsString>)>,
        grace: Duration,
    ) -> Spec {
        let log = self.settings.folder.logs().join(format!("{name}.log"));
        Spec { name: name.to_owned(), program, arguments, environment, log, grace }
    }
}

fn folder(path: Option<&PathBuf>) -> Option<OsString> {
    path.map(|path| path.clone().into())
}

/// The first of its sort has no number.
fn numbered(name: &str, nth: u16) -> String {
    if nth == 0 { name.to_owned() } else { format!("{name}-{}", nth + 1) }
}

fn own(name: &'static str) -> Result<PathBuf, Failure> {
    own_program(name).ok_or_else(|| {
        missing(
            name,
            "`make build` builds it beside this program; an installation has all of them \
            in one folder",
        )
    })
}

fn missing(name: &str, advice: &str) -> Failure {
    Failure::new(format!("{name} was not found")).advise(advice)
}
