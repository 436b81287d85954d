//! The provisioner's own configuration.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use cloud::cloudflare::Limits;
use runtime::{Key, Settings, Values};
use secrecy::SecretString;
use url::Url;

/// What the provisioner is told.
#[derive(Debug, Clone)]
pub struct ProvisionerSettings {
    /// Base URL of the Cloudflare API, with its version.
    pub cloudflare_api: Option<Url>,
    /// The token to change it with.
    pub cloudflare_token: SecretString,
    /// What calls to it are kept within.
    pub cloudflare_limits: Limits,
    /// How long a dead process's run is left alone.
    pub session: Duration,
    /// Changes of one run, and listings, under way at once.
    pub parallelism: usize,
    /// How long a cloud that does not answer is waited for.
    pub patience: Duration,
    /// Longest that the cloud's reads lag behind its writes.
    pub lag: Duration,
}

impl Settings for ProvisionerSettings {
    const KEYS: &'static [Key] = &[
        Key::new("CLOUDFLARE_API", "Base URL of the Cloudflare API")
            .or("https://api.cloudflare.com/client/v4"),
        Key::new("CLOUDFLARE_TOKEN_FILE", "File with the API token; it needs edit rights"),
        Key::new(
            "CLOUDFLARE_RATE",
            "Calls that the token may make in any 5 minutes, 4 to 100000000; more than Cloudflare \
             grants gets none at all for the next 5",
        )
        .or("1200"),
        Key::new(
            "CLOUDFLARE_TIMEOUT_SECONDS",
            "Longest one call to the API may take, 1 to 300; what became of a change by then is looked up",
        )
        .or("30"),
        Key::new(
            "CLOUDFLARE_LAG_SECONDS",
            "Longest that the API's reads lag behind its writes, 0 to 60; what a change may have left \
             is looked up no sooner",
        )
        .or("2"),
        Key::new("SESSION_SECONDS", "How long a dead process's run is left alone, 3 to 300")
            .or("6"),
        Key::new("PARALLELISM", "Changes of one run under way at once, 1 to 64").or("8"),
        Key::new(
            "PATIENCE_SECONDS",
            "How long a cloud that does not answer is waited for before a run is undone, 0 to 86400",
        )
        .or("600"),
    ];

    fn read(values: &mut Values<'_>) -> Self {
        let token = values.text("CLOUDFLARE_TOKEN_FILE");
        let token =
            if token.is_empty() { String::new() } else { secret(values, Path::new(&token)) };
        Self {
            cloudflare_api: values.parsed("CLOUDFLARE_API"),
            cloudflare_token: SecretString::from(token),
            cloudflare_limits: Limits {
                rate: rate(values.number("CLOUDFLARE_RATE", 4..=100_000_000)),
                timeout: values.seconds("CLOUDFLARE_TIMEOUT_SECONDS", 1..=300),
            },
            session: values.seconds("SESSION_SECONDS", 3..=300),
            parallelism: usize::try_from(values.number("PARALLELISM", 1..=64)).unwrap_or(8),
            patience: values.seconds("PATIENCE_SECONDS", 0..=86_400),
            lag: values.seconds("CLOUDFLARE_LAG_SECONDS", 0..=60),
        }
    }
}

fn rate(calls: u64) -> NonZeroU32 {
    u32::try_from(calls).ok().and_then(NonZeroU32::new).unwrap_or(cloud::cloudflare::RATE)
}

/// A secret in a file, without the white space around it.
fn secret(values: &mut Values<'_>, path: &Path) -> String {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            values.mistake(format!("ZERODRIFT_CLOUDFLARE_TOKEN_FILE: {} is empty", path.display()));
            String::new()
        }
        Ok(text) => text.trim().to_owned(),
        Err(error) => {
            values.mistake(format!(
                "ZERODRIFT_CLOUDFLARE_TOKEN_FILE: {} cannot be read: {error}",
                path.display()
            ));
            String::new()
        }
    }
}
