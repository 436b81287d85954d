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

    /// The sandbox's API token, made where there is none yet. It opens nothing but the sandbox.
    pub(crate) fn token(folder: &Folder) -> Result<(PathBuf, String), Failure> {
        let file = folder.join("cloudflare.token");
        if let Ok(token) = std::fs::read_to_string(&file) {
            return Ok((file, token.trim().to_owned()));
        }
        // A public key is forty random characters, which is all that is wanted here.
        let token = format!("sandbox-{}", KeyPair::new_user().public_key());
        let file = folder.write_file("cloudflare.token", token.as_bytes())?;
        Ok((file, token))
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
        assert_eq!(Identities::token(&folder).unwrap(), Identities::token(&folder).unwrap());
    }

    #[test]
    fn the_server_lets_in_every_identity() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(place.path()).unwrap();
        folder.create().unwrap();
        let identities = Identities::of(&folder).unwrap();
        let text = identities.server_configuration(Ports::new(4222, 8222, 8787, 8080));
        for (_, key) in &identities.keys {
            assert!(text.contains(key));
        }
        assert!(text.contains("sync_interval: always"));
    }
}
