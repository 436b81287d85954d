//! The auditor's own configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use bus_schema::KindName;
use cloud::cloudflare::Limits;
use runtime::{Key, Settings, Values};
use secrecy::SecretString;
use url::Url;

/// What the auditor is told.
#[derive(Debug, Clone)]
pub struct AuditorSettings {
    /// Base URL of the Cloudflare API, with its version.
    pub cloudflare_api: Option<Url>,
    /// The token to read it with.
    pub cloudflare_token: SecretString,
    /// What calls to it are kept within.
    pub cloudflare_limits: Limits,
    /// Longest that the cloud's reads lag behind its writes.
    pub lag: Duration,
    /// How often scopes are looked at.
    pub cadences: Cadences,
    /// Longest that a change may stay unseen.
    pub promise: Duration,
    /// How long a dead process's look is left alone.
    pub hold: Duration,
    /// Looks under way at once.
    pub parallelism: usize,
    /// Hints over HTTP, where they are taken.
    pub intake: Option<Intake>,
}

/// How hints are taken over HTTP.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Where.
    pub address: SocketAddr,
    /// What those who sign theirs share with us.
    pub secret: Option<SecretString>,
    /// What Cloudflare's notifications carry in `cf-webhook-auth`.
    pub cloudflare_secret: Option<SecretString>,
}

/// From one look at a scope to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cadences {
    /// Where nothing else is said of the kind.
    pub usual: Duration,
    /// Of kinds for which it is.
    pub kinds: BTreeMap<KindName, Duration>,
}

impl Cadences {
    /// Of one kind.
    pub fn of(&self, kind: &KindName) -> Duration {
        self.kinds.get(kind).copied().unwrap_or(self.usual)
    }
}

impl Settings for AuditorSettings {
    const KEYS: &'static [Key] = &[
        Key::new("CLOUDFLARE_API", "Base URL of the Cloudflare API")
            .or("https://api.cloudflare.com/client/v4"),
        Key::new(
            "CLOUDFLARE_TOKEN_FILE",
            "File with the API token; it needs read rights only, and should have no others",
        ),
        Key::new(
            "CLOUDFLARE_RATE",
            "Calls that the token may make in any 5 minutes, 4 to 100000000; auditors that share a \
             token share them",
        )
        .or("1200"),
        Key::new("CLOUDFLARE_TIMEOUT_SECONDS", "Longest one call to the API may take, 1 to 300")
            .or("30"),
        Key::new(
            "CLOUDFLARE_LAG_SECONDS",
            "Longest that the API's reads lag behind its writes, 0 to 60; drift seen sooner after a \
             change of ours is looked at again before it is said",
        )
        .or("2"),
        Key::new("CADENCE_SECONDS", "How often each scope is looked at, 1 to 86400").or("30"),
        Key::new(
            "CADENCES",
            "Other cadences for some kinds, in seconds, as cloudflare.zone_setting=120, …",
        ),
        Key::new(
            "PROMISE_SECONDS",
            "Longest that a change may stay unseen without a hint, 1 to 86400; what the cadence and \
             the rate cannot hold is warned of",
        )
        .or("60"),
        Key::new("HOLD_SECONDS", "How long a dead process's look is left alone, 2 to 300").or("6"),
        Key::new("PARALLELISM", "Looks under way at once, 1 to 64").or("8"),
        Key::new("HINTS_ADDRESS", "Where hints are taken over HTTP; not at all without it"),
        Key::new("HINTS_SECRET_FILE", "File with the secret that signed hints are signed with"),
        Key::new(
            "CLOUDFLARE_WEBHOOK_SECRET_FILE",
            "File with the secret that Cloudflare's notifications carry",
        ),
    ];

    fn read(values: &mut Values<'_>) -> Self {
        let token = values.text("CLOUDFLARE_TOKEN_FILE");
        let token = if token.is_empty() {
            SecretString::default()
        } else {
            secret(values, "CLOUDFLARE_TOKEN_FILE", Path::new(&token))
        };
        Self {
            cloudflare_api: values.parsed("CLOUDFLARE_API"),
            cloudflare_token: token,
            cloudflare_limits: Limits {
                rate: rate(values.number("CLOUDFLARE_RATE", 4..=100_000_000)),
                timeout: values.seconds("CLOUDFLARE_TIMEOUT_SECONDS", 1..=300),
            },
            lag: values.seconds("CLOUDFLARE_LAG_SECONDS", 0..=60),
            cadences: cadences(values),
            promise: values.seconds("PROMISE_SECONDS", 1..=86_400),
            hold: values.seconds("HOLD_SECONDS", 2..=300),
            parallelism: usize::try_from(values.number("PARALLELISM", 1..=64)).unwrap_or(8),
            intake: intake(values),
        }
    }
}

fn rate(calls: u64) -> NonZeroU32 {
    u32::try_from(calls).ok().and_then(NonZeroU32::new).unwrap_or(cloud::cloudflare::RATE)
}

fn cadences(values: &mut Values<'_>) -> Cadences {
    let usual = values.seconds("CADENCE_SECONDS", 1..=86_400);
    let mut kinds = BTreeMap::new();
    let written = values.optional("CADENCES").unwrap_or_default();
    for part in written.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let read = part.split_once('=').and_then(|(kind, seconds)| {
            let kind: KindName = kind.trim().parse().ok()?;
            let seconds: u64 = seconds.trim().parse().ok()?;
            cloud::cloudflare::catalogue().get(&kind)?;
            (1..=86_400).contains(&seconds).then_some((kind, Duration::from_secs(seconds)))
        });
        match read {
            Some((kind, cadence)) => drop(kinds.insert(kind, cadence)),
            None => values.mistake(format!(
                "ZERODRIFT_CADENCES: `{part}` is not <kind>=<seconds> with a known kind and 1 to \
                 86400 seconds"
            )),
        }
    }
    Cadences { usual, kinds }
}

fn intake(values: &mut Values<'_>) -> Option<Intake> {
    let mut read = |key: &str| {
        let path = values.path(key)?;
        Some(secret(values, key, &path))
    };
    let secret = read("HINTS_SECRET_FILE");
    let cloudflare_secret = read("CLOUDFLARE_WEBHOOK_SECRET_FILE");
    let address = values.parsed("HINTS_ADDRESS")?;
    if secret.is_none() && cloudflare_secret.is_none() {
        values.mistake(
            "ZERODRIFT_HINTS_ADDRESS: hints are believed only with a secret; name its file in \
             ZERODRIFT_HINTS_SECRET_FILE or ZERODRIFT_CLOUDFLARE_WEBHOOK_SECRET_FILE",
        );
    }
    Some(Intake { address, secret, cloudflare_secret })
}

/// A secret in a file, without the white space around it.
fn secret(values: &mut Values<'_>, key: &str, path: &Path) -> SecretString {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            values.mistake(format!("ZERODRIFT_{key}: {} is empty", path.display()));
            SecretString::default()
        }
        Ok(text) => SecretString::from(text.trim()),
        Err(error) => {
            values.mistake(format!("ZERODRIFT_{key}: {} cannot be read: {error}", path.display()));
            SecretString::default()
        }
    }
}
