//! Who is who on the local bus: one nkey an identity, made once, kept in the state folder; and the
//! server configuration that lets in exactly these.

use std::path::{Path, PathBuf};

use bus_schema::identity::{Identity, render_authorization};
use nkeys::KeyPair;
use runtime::NatsSettings;

use crate::Failure;
use crate::failure::Explain as _;
use crate::local::folder::Folder;
use crate::local::ports::Ports;

/// A secret that is kept in the state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The sandbox's API token; it opens nothing but the sandbox.
    Token,
    /// The same for who only reads.
    ReadToken,
    /// What hints over HTTP are signed with.
    Hints,
}

impl Kept {
    const fn file(self) -> &'static str {
        match self {
            Self::Token => "cloudflare.token",
            Self::ReadToken => "cloudflare-read.token",
            Self::Hints => "hints.secret",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "sandbox",
            Self::ReadToken => "sandbox-read",
            Self::Hints => "hints",
        }
    }
}

/// The identities of one state folder.
#[derive(Debug)]
pub(crate) struct Identities {
    /// Each with its public key.
    keys: Vec<(Identity, String)>,
    folder: Folder,
}

impl Identities {
    /// The folder's identities, made where they are not there yet.
    pub(crate) fn of(folder: &Folder) -> Result<Self, Failure> {
        let mut keys = Vec::new();
        for identity in Identity::ALL {
            let file = Self::file(folder, identity);
            let pair = match std::fs::read_to_string(&file) {
                Ok(seed) => KeyPair::from_seed(seed.trim()).or_advise(
                    format!("{} holds no nkey seed", file.display()),
                    "delete the file; a new one is made",
                )?,
                Err(_) => make(folder, identity)?,
            };
            keys.push((identity, pair.public_key()));
        }
        Ok(Self { keys, folder: folder.clone() })
    }

    /// Where an identity's seed is.
    pub(crate) fn file(folder: &Folder, identity: Identity) -> PathBuf {
        folder.keys().join(format!("{identity}.nk"))
    }

    /// Where an identity's seed is.
    pub(crate) fn seed_file(&self, identity: Identity) -> PathBuf {
        Self::file(&self.folder, identity)
    }

    /// How to connect as an identity.
    pub(crate) fn connection(&self, identity: Identity, url: &str) -> NatsSettings {
        NatsSettings {
            nkey_file: Some(self.seed_file(identity)),
            inbox_prefix: Some(identity.inbox_prefix().to_owned()),
            ..NatsSettings::at(url)
        }
    }

    /// nats-server's configuration.
    pub(crate) fn server_configuration(&self, ports: Ports) -> String {
        let keys: Vec<(Identity, &str)> =
            self.keys.iter().map(|(identity, key)| (*identity, key.as_str())).collect();
        let authorization = render_authorization(&keys, Some(Identity::Submitter));
        format!(
            "# Made by `zerodrift up` at each start; changes here are lost.\n\
             server_name: \"zerodrift-local\"\n\
             listen: \"{}\"\n\
             http: \"{}\"\n\
             max_payload: 8MB\n\
             jetstream {{\n  store_dir: {}\n  sync_interval: always\n}}\n\
             # Whoever comes without a key may submit intents, and nothing else: a plain\n\
             # `nats pub swarm.intent.submit '{{\"text\": \"…\"}}'` works on this machine.\n\
             {authorization}",
            ports.nats.address(),
            ports.monitor.address(),
            quoted(&self.folder.join("nats")),
        )
    }

    /// A secret of this folder's, made where there is none yet.
    pub(crate) fn secret(folder: &Folder, kept: Kept) -> Result<(PathBuf, String), Failure> {
        let file = folder.join(kept.file());
        if let Ok(secret) = std::fs::read_to_string(&file) {
            return Ok((file, secret.trim().to_owned()));
        }
        // A public key is fifty-six random characters, which is all that is wanted here.
        let secret = format!("{}-{}", kept.prefix(), KeyPair::new_user().public_key());
        let file = folder.write_file(kept.file(), secret.as_bytes())?;
        Ok((file, secret))
    }
}

fn make(folder: &Folder, identity: Identity) -> Result<KeyPair, Failure> {
    let pair = KeyPair::new_user();
    let seed = pair.seed().or_fail("a key could not be made")?;
    folder.write_file(&format!("keys/{identity}.nk"), seed.as_bytes())?;
    Ok(pair)
}

/// A path as a string of nats-server's configuration.
fn quoted(path: &Path) -> String {
    let escaped = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(place.path()).unwrap();
        folder.create().unwrap();
        let made = Identities::of(&folder).unwrap().keys;
        assert_eq!(made, Identities::of(&folder).unwrap().keys);
        let secret = |kept| Identities::secret(&folder, kept).unwrap();
        assert_eq!(secret(Kept::Token), secret(Kept::Token));
        assert_ne!(secret(Kept::Token).1, secret(Kept::ReadToken).1);
    }

    #[test]
    fn the_server_lets_in_every_identity() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(place.path()).unwrap();
        folder.create().unwrap();
        let identities = Identities::of(&folder).unwrap();
        let text = identities.server_configuration(Ports::new(4222, 8222, 8787, 8080, 8788));
        for (_, key) in &identities.keys {
            assert!(text.contains(key));
        }
        assert!(text.contains("sync_interval: always"));
    }
}
