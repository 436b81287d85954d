//! Reaching NATS, and hearing what it says about the connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, Event, ServerError};
use bus_schema::{Filter, InstanceId, InvalidName};
use tokio::sync::watch;

use crate::Bus;
use crate::config::NatsSettings;

/// How often the server is asked whether it is there.
const PING: Duration = Duration::from_secs(10);
/// Longest pause between attempts to reconnect.
const RECONNECT: Duration = Duration::from_secs(2);

/// NATS could not be reached with these settings.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file that the settings name cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The name is not fit to be part of an instance id.
    #[error("no name for a process")]
    Name(#[source] InvalidName),
    /// The server did not answer or did not let us in.
    #[error("cannot connect to {servers}")]
    Server {
        /// Where it was tried, without user and password.
        servers: String,
        /// Why.
        source: async_nats::ConnectError,
    },
}

impl ConnectError {
    /// Whether it can pass by itself, as a server that starts later.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self, Self::Server { .. })
    }
}

/// Connects, once. `name` is shown in the server's list of connections and begins the instance id.
///
/// # Errors
/// When a file cannot be read, or the server does not answer or refuses.
pub async fn connect(settings: &NatsSettings, name: &str) -> Result<Bus, ConnectError> {
    connect_as(settings, instance(name)?).await
}

/// The same as a process that has its id already.
pub(crate) async fn connect_as(
    settings: &NatsSettings,
    instance: InstanceId,
) -> Result<Bus, ConnectError> {
    crate::telemetry::install_tls();
    let events = Arc::new(Events::new());
    let heard = Arc::clone(&events);
    let mut options = ConnectOptions::new()
        .name(instance.as_str())
        .ping_interval(PING)
        .reconnect_delay_callback(pause_before)
        .event_callback(move |event| {
            let heard = Arc::clone(&heard);
            async move { heard.hear(&event) }
        });
    if let Some(prefix) = &settings.inbox_prefix {
        options = options.custom_inbox_prefix(prefix);
    }
    if let Some(path) = &settings.nkey_file {
        options = options.nkey(seed(&read(path).await?));
    }
    if let Some(path) = &settings.credentials {
        options = options
            .credentials(&read(path).await?)
            .map_err(|source| ConnectError::File { path: path.clone(), source })?;
    }
    if let Some(path) = &settings.tls_ca {
        options = options.add_root_certificates(path.clone()).require_tls(true);
    }
    if let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) {
        options =
            options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
    }
    let servers: Vec<&str> = settings.url.split(',').map(str::trim).collect();
    let client = options
        .connect(servers)
        .await
        .map_err(|source| ConnectError::Server { servers: settings.servers(), source })?;
    Ok(Bus::new(client, instance, events))
}

/// How long the client pauses before an attempt to connect; the first, also that of a start, is
/// number 1 and waits for nothing.
fn pause_before(attempt: usize) -> Duration {
    let Some(failed) = attempt.checked_sub(2) else { return Duration::ZERO };
    let doublings = u32::try_from(failed).unwrap_or(u32::MAX).min(6);
    (Duration::from_millis(50) * 2_u32.pow(doublings)).min(RECONNECT)
}

/// A new id for this process.
pub(crate) fn instance(name: &str) -> Result<InstanceId, ConnectError> {
    let random = uuid::Uuid::new_v4().simple().to_string();
    let short: String = random.chars().take(12).collect();
    InstanceId::new(format!("{name}-{short}")).map_err(ConnectError::Name)
}

async fn read(path: &Path) -> Result<String, ConnectError> {
    tokio::fs::read_to_string(path)
        .await
        .map_err(|source| ConnectError::File { path: path.to_owned(), source })
}

/// The seed within its file, which may have comments and blank lines around it.
fn seed(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .find(|line| line.starts_with("SU"))
        .unwrap_or_else(|| text.trim())
        .to_owned()
}

/// What the connection has been through.
#[derive(Debug)]
pub(crate) struct Events {
    /// How often it was made.
    connected: watch::Sender<u64>,
    /// Whether it stands.
    up: watch::Sender<bool>,
    /// The first action that the server denied and that an agent cannot do without.
    denied: watch::Sender<Option<String>>,
    meters: crate::telemetry::meters::Meters,
}

impl Events {
    fn new() -> Self {
        Self {
            connected: watch::Sender::new(0),
            up: watch::Sender::new(true),
            denied: watch::Sender::new(None),
            meters: crate::telemetry::meters::Meters::new(),
        }
    }

    pub(crate) fn connected(&self) -> watch::Receiver<u64> {
        self.connected.subscribe()
    }

    pub(crate) fn up(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    pub(crate) fn denied(&self) -> watch::Receiver<Option<String>> {
        self.denied.subscribe()
    }

    fn hear(&self, event: &Event) {
        match event {
            Event::Connected => {
                self.connected.send_modify(|times| *times += 1);
                self.up.send_replace(true);
                tracing::info!("connected to NATS");
            }
            Event::Disconnected => {
                self.up.send_replace(false);
                tracing::warn!("disconnected from NATS");
            }
            Event::SlowConsumer(id) => tracing::warn!(subscription = id, "too slow for NATS"),
            Event::ServerError(ServerError::Other(text)) => self.hear_error(text),
            Event::Draining | Event::Closed => tracing::debug!("connection to NATS ends"),
            other @ (Event::LameDuckMode | Event::ServerError(_) | Event::ClientError(_)) => {
                tracing::warn!(event = %other, "NATS");
            }
        }
    }

    fn hear_error(&self, text: &str) {
        if !text.to_lowercase().contains("permissions violation") {
            tracing::warn!(error = text, "NATS");
            return;
        }
        self.meters.violation();
        tracing::error!(error = text, "NATS denied an action");
        if is_fatal(text) {
            self.denied.send_if_modified(|first| {
                let new = first.is_none();
                first.get_or_insert_with(|| text.to_owned());
                new
            });
        }
    }
}

/// Whether an agent cannot work with this denied. A denied action otherwise shows as a timeout
/// only. The one that does no harm is answering somebody whose inbox is not within our rights:
/// taking that for fatal would let anyone who may ask stop the swarm.
fn is_fatal(violation: &str) -> bool {
    let Some((action, rest)) = violation.split_once('"') else { return true };
    let subject = rest.split('"').next().unwrap_or_default();
    !action.to_lowercase().contains("publish")
        || subject.starts_with('$')
        || Filter::SWARM.matches(subject)
        || Filter::DEAD.matches(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_agent_needs_is_fatal() {
        assert!(is_fatal(r#"Permissions Violation for Publish to "swarm.plan.proposed.a""#));
        assert!(is_fatal(r#"Permissions Violation for Publish to "$JS.ACK.SWARM.x.1""#));
        assert!(is_fatal(r#"Permissions Violation for Subscription to "_INBOX.x""#));
        assert!(!is_fatal(r#"Permissions Violation for Publish to "_INBOX.somebody.1""#));
    }

    #[test]
    fn the_first_attempt_is_made_at_once_and_later_ones_wait_longer() {
        let pauses: Vec<u128> = (0..=9).map(|it| pause_before(it).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert_eq!(pause_before(usize::MAX), RECONNECT);
    }

    #[test]
    fn a_seed_file_may_have_comments() {
        assert_eq!(seed("# made by up\nSUABC\n"), "SUABC");
        assert_eq!(seed("SUABC"), "SUABC");
    }
}
