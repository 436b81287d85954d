//! The whole life of an agent: configuration, connection, consumers, work, drain.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer as Pull, pull};
use bus_schema::InstanceId;
use bus_schema::stream::{Consumer, SWARM};
use clap::error::ErrorKind;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{self, RuntimeSettings, Settings};
use crate::delivery::{self, Counts, Shared, Stop, Turns};
use crate::health::{self, Health};
use crate::retry::chain;
use crate::routes::Family;
use crate::{Agent, Bus, StartError, connect, service, telemetry};

/// Exit code for a configuration that cannot be used.
const BAD_CONFIGURATION: u8 = 2;
/// Longest pause between attempts to start.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the last words to the server may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// What of the time to drain is left for telemetry, at most.
const FLUSH: Duration = Duration::from_secs(2);

/// Why an agent stopped without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address for liveness and readiness is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The settings for NATS cannot be used.
    #[error("cannot use the settings for NATS")]
    Connect(#[source] crate::ConnectError),
    /// The agent itself could not start.
    #[error("{agent} cannot start")]
    Start {
        /// Its name.
        agent: &'static str,
        /// Why.
        source: StartError,
    },
    /// NATS did not take the registration as a micro service.
    #[error("cannot register with NATS as a service")]
    Register(#[source] async_nats::Error),
    /// This identity may not do what an agent has to.
    #[error("NATS denied what this agent cannot do without: {violation}")]
    Denied {
        /// The server's words.
        violation: String,
    },
}

/// The whole life of a binary. Its exit code is 0 after an orderly stop, 2 where the command line
/// or the configuration cannot be used, else 1.
pub async fn run<A: Agent>() -> ExitCode {
    // On the heap, so that a main need not hold an agent's largest future on its stack.
    Box::pin(from_arguments::<A>()).await
}

async fn from_arguments<A: Agent>() -> ExitCode {
    let file = match arguments::<A>() {
        Ok(file) => file,
        Err(code) => return code,
    };
    let (settings, own) = match config::load::<A::Settings>(file.as_deref()) {
        Ok(read) => read,
        Err(mistakes) => {
            complain(&format!("{}: {mistakes}", A::NAME));
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let started = connect::instance(A::NAME).map_err(|error| chain(&error)).and_then(|instance| {
        let telemetry = telemetry::start(&settings, A::NAME, &instance);
        telemetry.map(|telemetry| (instance, telemetry)).map_err(|error| chain(&error))
    });
    let (instance, telemetry) = match started {
        Ok(started) => started,
        Err(error) => {
            complain(&format!("{}: {error}", A::NAME));
            return ExitCode::FAILURE;
        }
    };
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone());
    let flush = settings.flush_time();
    let ended = live::<A>(instance, settings, own, stop).await;
    let code = match &ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(error), "stopped");
            ExitCode::FAILURE
        }
    };
    telemetry.flush(flush).await;
    code
}

/// The same from connection to drain, in a process that has set up everything else: for tests, and
/// for several agents in one process.
///
/// # Errors
/// When the agent cannot start, or has to stop without being asked to.
pub async fn serve<A: Agent>(
    settings: RuntimeSettings,
    own: A::Settings,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let instance = connect::instance(A::NAME).map_err(RunError::Connect)?;
    live::<A>(instance, settings, own, stop).await
}

async fn live<A: Agent>(
    instance: InstanceId,
    settings: RuntimeSettings,
    own: A::Settings,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let health = Health::starting();
    let served = CancellationToken::new();
    let _ends_with_us = served.clone().drop_guard();
    let address = settings.http_address;
    health::serve(address, health.clone(), served)
        .await
        .map_err(|source| RunError::Listen { address, source })?;
    let Some(bus) = reach(&settings, &instance, &health, &stop).await? else { return Ok(()) };
    let families: Vec<Family<A>> = A::routes().into_families().collect();
    let consumers: Vec<Consumer> = families.iter().map(|family| family.consumer).collect();
    let mut pulls = Vec::with_capacity(families.len());
    for family in families {
        match confirmed(&bus, &family.consumer, &health, &stop).await? {
            Some(pull) => pulls.push((family, pull)),
            None => return Ok(()),
        }
    }
    let starting = stop.run_until_cancelled(A::start(own, bus.clone())).await;
    let agent = match starting {
        None => return Ok(()),
        Some(started) => {
            Arc::new(started.map_err(|source| RunError::Start { agent: A::NAME, source })?)
        }
    };
    let shared = Arc::new(Shared {
        agent,
        bus,
        turns: Turns::default(),
        slots: Arc::new(Semaphore::new(settings.concurrency)),
        counts: Arc::new(Counts::default()),
        health,
        stop: Stop::default(),
        tasks: TaskTracker::new(),
    });
    let service = service::register(
        &shared.bus,
        A::NAME,
        A::ABOUT,
        consumers,
        Arc::clone(&shared.counts),
        &shared.tasks,
        shared.stop.taking.clone(),
    )
    .await
    .map_err(RunError::Register)?;
    for (family, pull) in pulls {
        let deliver = delivery::deliver(Arc::clone(&shared), family, pull, settings.concurrency);
        shared.tasks.spawn(deliver);
    }
    shared.tasks.spawn(watch_connection(Arc::clone(&shared)));
    shared.health.started();
    tracing::info!(agent = A::NAME, instance = %shared.bus.instance(), "at work");
    let ended = until_stopped(&shared.bus, &stop).await;
    let last = settings.flush_time() + FAREWELL.min(settings.drain / 4);
    drain(&shared, settings.drain.saturating_sub(last)).await;
    let farewell = async {
        if let Err(error) = service.stop().await {
            tracing::debug!(%error, "service not stopped");
        }
        // Without a connection it would wait for one.
        shared.bus.client().flush().await
    };
    if !matches!(tokio::time::timeout(FAREWELL, farewell).await, Ok(Ok(()))) {
        tracing::debug!("last words may not have been sent");
    }
    ended
}

/// Not ready while there is no connection.
async fn watch_connection<A: Agent>(shared: Arc<Shared<A>>) {
    let mut up = shared.bus.up();
    loop {
        if *up.borrow_and_update() {
            shared.health.well("nats");
        } else {
            shared.health.trouble("nats", "disconnected".to_owned());
        }
        match shared.stop.taking.run_until_cancelled(up.changed()).await {
            Some(Ok(())) => {}
            Some(Err(_)) | None => return,
        }
    }
}

impl RuntimeSettings {
    /// What of the time to drain is telemetry's.
    fn flush_time(&self) -> Duration {
        FLUSH.min(self.drain / 4)
    }
}

/// Connects; tries again until the server is there. `None` when stopped before.
async fn reach(
    settings: &RuntimeSettings,
    instance: &InstanceId,
    health: &Health,
    stop: &CancellationToken,
) -> Result<Option<Bus>, RunError> {
    let mut pause = Pause::new();
    loop {
        match stop.run_until_cancelled(connect::connect_as(&settings.nats, instance.clone())).await
        {
            None => return Ok(None),
            Some(Ok(bus)) => {
                health.well("nats");
                return Ok(Some(bus));
            }
            Some(Err(error)) if error.may_pass() => health.trouble("nats", chain(&error)),
            Some(Err(error)) => return Err(RunError::Connect(error)),
        }
        pause.take(stop).await;
    }
}

/// Has the server confirm that a consumer is there; tries again until it is. `None` when stopped
/// before.
async fn confirmed(
    bus: &Bus,
    consumer: &Consumer,
    health: &Health,
    stop: &CancellationToken,
) -> Result<Option<Pull<pull::Config>>, RunError> {
    let mut pause = Pause::new();
    let denied = bus.denied();
    loop {
        let asking = bus.jetstream().get_consumer_from_stream(consumer.name, SWARM.name);
        match stop.run_until_cancelled(asking).await {
            None => return Ok(None),
            Some(Ok(pull)) => {
                health.well(consumer.name);
                return Ok(Some(pull));
            }
            Some(Err(error)) => {
                if let Some(violation) = denied.borrow().clone() {
                    return Err(RunError::Denied { violation });
                }
                let reason =
                    format!("{}; run `zerodrift bootstrap` if it is missing", chain(&error));
                health.trouble(consumer.name, reason);
            }
        }
        pause.take(stop).await;
    }
}

/// A pause that grows.
struct Pause(Duration);

impl Pause {
    const fn new() -> Self {
        Self(Duration::from_millis(200))
    }

    async fn take(&mut self, stop: &CancellationToken) {
        stop.run_until_cancelled(tokio::time::sleep(self.0)).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

/// Waits for the request to stop, or for what makes going on pointless.
async fn until_stopped(bus: &Bus, stop: &CancellationToken) -> Result<(), RunError> {
    let mut denied = bus.denied();
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        violation = denied.wait_for(Option::is_some) => {
            let violation = violation.map(|it| it.clone()).ok().flatten().unwrap_or_default();
            Err(RunError::Denied { violation })
        }
    }
}

/// Takes no more, lets handlers finish until the time is up, hands the rest back.
async fn drain<A: Agent>(shared: &Arc<Shared<A>>, time: Duration) {
    let deadline = Instant::now() + time;
    tracing::info!(seconds = time.as_secs_f64(), "draining");
    crate::failpoint!("run::draining");
    shared.health.draining();
    shared.stop.taking.cancel();
    shared.tasks.close();
    // A little is kept for handing back and for the agent's own end.
    let reserve = time / 5;
    if tokio::time::timeout_at(deadline - reserve, shared.tasks.wait()).await.is_err() {
        tracing::warn!("handlers are still at work; their messages are handed back");
        shared.stop.working.cancel();
        if tokio::time::timeout_at(deadline - reserve / 2, shared.tasks.wait()).await.is_err() {
            tracing::warn!("not everything could be handed back; it comes again by itself");
        }
    }
    if tokio::time::timeout_at(deadline, shared.agent.stop()).await.is_err() {
        tracing::warn!("the agent did not end in time");
    }
}

/// SIGTERM or SIGINT asks to stop.
fn stop_on_signal(stop: CancellationToken) {
    tokio::spawn(async move {
        let mut terminate =
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(signals) => signals,
                Err(error) => {
                    tracing::error!(%error, "cannot listen for SIGTERM");
                    return;
                }
            };
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to stop by SIGTERM"),
            heard = tokio::signal::ctrl_c() => match heard {
                Ok(()) => tracing::info!("asked to stop by SIGINT"),
                Err(error) => tracing::error!(%error, "cannot listen for SIGINT"),
            },
        }
        stop.cancel();
    });
}

/// The configuration file named on the command line; or, when the command line asked for something
/// else or cannot be used, the exit code.
fn arguments<A: Agent>() -> Result<Option<PathBuf>, ExitCode> {
    let keys = config::describe(&[
        ("Common to all agents", RuntimeSettings::KEYS),
        ("This agent's own", A::Settings::KEYS),
    ]);
    let command = clap::Command::new(A::NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .about(A::ABOUT)
        .after_help(keys)
        .arg(
            clap::Arg::new("config")
                .long("config")
                .env("ZERODRIFT_CONFIG")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("TOML file with configuration keys; the environment prevails over it"),
        );
    match command.try_get_matches() {
        Ok(matches) => Ok(matches.get_one::<PathBuf>("config").cloned()),
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if error.print().is_err() {
                tracing::debug!("nobody reads the output");
            }
            Err(if asked { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIGURATION) })
        }
    }
}

/// Before there are logs.
fn complain(text: &str) {
    if writeln!(std::io::stderr(), "{text}").is_err() {
        tracing::debug!("nobody reads standard error");
    }
}
