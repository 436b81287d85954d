//! The keys every agent has.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Key, Settings, Values};

/// How an agent reaches NATS.
#[derive(Clone, Default)]
pub struct NatsSettings {
    /// Servers, separated by commas.
    pub url: String,
    /// File with an nkey seed.
    pub nkey_file: Option<PathBuf>,
    /// File with a JWT and a seed, as `nsc` makes it.
    pub credentials: Option<PathBuf>,
    /// File with the root certificates to trust instead of the system's.
    pub tls_ca: Option<PathBuf>,
    /// File with the client certificate.
    pub tls_certificate: Option<PathBuf>,
    /// File with the client certificate's key.
    pub tls_key: Option<PathBuf>,
    /// Prefix of the subjects on which answers arrive; permissions are bound to it.
    pub inbox_prefix: Option<String>,
}

impl NatsSettings {
    /// The servers, without what a URL may hold of names and passwords.
    pub fn servers(&self) -> String {
        let servers: Vec<String> = self.url.split(',').map(without_secrets).collect();
        servers.join(",")
    }

    /// A server by its URL, everything else as usual.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

impl fmt::Debug for NatsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSettings")
            .field("servers", &self.servers())
            .field("nkey_file", &self.nkey_file)
            .field("credentials", &self.credentials)
            .field("tls_ca", &self.tls_ca)
            .field("tls_certificate", &self.tls_certificate)
            .field("tls_key", &self.tls_key)
            .field("inbox_prefix", &self.inbox_prefix)
            .finish_non_exhaustive()
    }
}

/// A server's URL without user and password.
fn without_secrets(server: &str) -> String {
    let server = server.trim();
    let Some((before, host)) = server.rsplit_once('@') else { return server.to_owned() };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// How log lines on standard error look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What every agent is told.
#[derive(Debug, Clone)]
pub struct RuntimeSettings {
    /// How to reach NATS.
    pub nats: NatsSettings,
    /// Where liveness and readiness are served; port 0 takes any free one.
    pub http_address: SocketAddr,
    /// Base URL of an OTLP receiver; `None` exports nothing.
    pub otlp_endpoint: Option<String>,
    /// Which log lines are written, as `tracing-subscriber`'s filter understands it.
    pub log: String,
    /// How they look.
    pub log_format: LogFormat,
    /// From the request to stop until the process has ended.
    pub drain: Duration,
    /// Handlers at work at once.
    pub concurrency: usize,
}

impl RuntimeSettings {
    /// The defaults, with NATS at a URL; for tests.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            nats: NatsSettings::at(url),
            http_address: SocketAddr::from(([127, 0, 0, 1], 0)),
            otlp_endpoint: None,
            log: "info,async_nats=warn".to_owned(),
            log_format: LogFormat::Text,
            drain: Duration::from_secs(10),
            concurrency: 64,
        }
    }
}

impl Settings for RuntimeSettings {
    const KEYS: &'static [Key] = &[
        Key::new("NATS_URL", "NATS servers, separated by commas").or("nats://127.0.0.1:4222"),
        Key::new("NATS_NKEY_FILE", "File with the nkey seed to authenticate with"),
        Key::new("NATS_CREDENTIALS", "File with JWT and seed to authenticate with"),
        Key::new("NATS_TLS_CA", "File with the root certificates to trust, PEM"),
        Key::new("NATS_TLS_CERT", "File with the client certificate, PEM"),
        Key::new("NATS_TLS_KEY", "File with the client certificate's key, PEM"),
        Key::new("NATS_INBOX_PREFIX", "Prefix of answer subjects, as permitted to this identity"),
        Key::new("HTTP_ADDRESS", "Address of /livez and /readyz; port 0 takes a free one")
            .or("127.0.0.1:0"),
        Key::new("OTLP_ENDPOINT", "Base URL of an OTLP receiver (HTTP, protobuf); empty: none"),
        Key::new("LOG", "Which log lines are written, by target and level")
            .or("info,async_nats=warn"),
        Key::new("LOG_FORMAT", "json or text").or("json"),
        Key::new("DRAIN_SECONDS", "Longest time from the request to stop until the end, 1 to 300")
            .or("10"),
        Key::new("CONCURRENCY", "Handlers at work at once, 1 to 1024").or("64"),
    ];

    fn read(values: &mut Values<'_>) -> Self {
        let nats = NatsSettings {
            url: values.text("NATS_URL"),
            nkey_file: values.path("NATS_NKEY_FILE"),
            credentials: values.path("NATS_CREDENTIALS"),
            tls_ca: values.path("NATS_TLS_CA"),
            tls_certificate: values.path("NATS_TLS_CERT"),
            tls_key: values.path("NATS_TLS_KEY"),
            inbox_prefix: values.optional("NATS_INBOX_PREFIX"),
        };
        for server in nats.url.split(',') {
            if let Err(error) = server.trim().parse::<async_nats::ServerAddr>() {
                let server = without_secrets(server);
                values.mistake(format!("ZERODRIFT_NATS_URL: `{server}` is no server: {error}"));
            }
        }
        if nats.nkey_file.is_some() && nats.credentials.is_some() {
            values.mistake(
                "ZERODRIFT_NATS_NKEY_FILE and ZERODRIFT_NATS_CREDENTIALS exclude each other",
            );
        }
        if nats.tls_certificate.is_some() != nats.tls_key.is_some() {
            values.mistake("ZERODRIFT_NATS_TLS_CERT and ZERODRIFT_NATS_TLS_KEY go together");
        }
        let otlp_endpoint = values.optional("OTLP_ENDPOINT");
        if let Some(url) = &otlp_endpoint
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            values.mistake(format!("ZERODRIFT_OTLP_ENDPOINT: `{url}` is no http(s) URL"));
        }
        let log = values.text("LOG");
        if let Err(error) = log.parse::<tracing_subscriber::EnvFilter>() {
            values.mistake(format!("ZERODRIFT_LOG: `{log}` is no filter: {error}"));
        }
        let log_format = match values.text("LOG_FORMAT").as_str() {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            other => {
                values.mistake(format!("ZERODRIFT_LOG_FORMAT: `{other}` is neither json nor text"));
                LogFormat::Json
            }
        };
        Self {
            nats,
            http_address: values
                .parsed("HTTP_ADDRESS")
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            otlp_endpoint,
            log,
            log_format,
            drain: values.seconds("DRAIN_SECONDS", 1..=300),
            concurrency: usize::try_from(values.number("CONCURRENCY", 1..=1024)).unwrap_or(64),
        }
    }
}
