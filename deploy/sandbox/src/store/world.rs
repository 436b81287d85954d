//! The whole state as one value, and how it begins.

use std::collections::{BTreeMap, VecDeque};

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Account, AuditEntry, Token, Zone};

/// Everything the sandbox knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct World {
    /// By id.
    pub accounts: BTreeMap<String, Account>,
    /// By id.
    pub zones: BTreeMap<String, Zone>,
    /// By id.
    pub tokens: BTreeMap<String, Token>,
    /// Oldest first, the newest 10,000. Kept in a file of its own, since it only grows.
    #[serde(skip)]
    pub audit: VecDeque<AuditEntry>,
    /// Of the audit entries ever made, how many; tells the writer which are new.
    #[serde(skip)]
    pub audited: u64,
}

/// What a sandbox starts with.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// Account ids; the zones belong to the first.
    pub accounts: Vec<String>,
    /// Zone names.
    pub zones: Vec<String>,
    /// Values of tokens with full rights; the first is "token 1", and so on.
    pub tokens: Vec<String>,
    /// Values of tokens that may read everything and change nothing; the first is "read token 1".
    pub read_tokens: Vec<String>,
}

impl World {
    /// How many audit entries are kept.
    pub const AUDIT_KEPT: usize = 10_000;

    /// Adds what the seed names and is not there yet; changes nothing that is there.
    pub fn sow(&mut self, seed: &Seed) {
        for id in &seed.accounts {
            self.accounts.entry(id.clone()).or_insert_with(|| Account::new(id));
        }
        let Some(owner) = seed.accounts.first() else { return };
        for name in &seed.zones {
            let name = name.to_ascii_lowercase();
            if !self.zones.values().any(|zone| zone.name == name) {
                let zone = Zone::new(&name, owner);
                self.zones.insert(zone.id.clone(), zone);
            }
        }
        for (number, value) in seed.tokens.iter().enumerate() {
            let token = Token::full(&format!("token {}", number + 1), value);
            self.tokens.entry(token.id.clone()).or_insert(token);
        }
        for (number, value) in seed.read_tokens.iter().enumerate() {
            let token = Token::reading(&format!("read token {}", number + 1), value);
            self.tokens.entry(token.id.clone()).or_insert(token);
        }
    }

    /// Appends to the audit log, forgetting the oldest beyond what is kept.
    pub fn record(&mut self, entry: AuditEntry) {
        if self.audit.len() >= Self::AUDIT_KEPT {
            self.audit.pop_front();
        }
        self.audit.push_back(entry);
        self.audited += 1;
    }
}

/// A fresh id in Cloudflare's form: 32 hexadecimal digits.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// An id that follows from a name, so that a sandbox without a disk keeps it over restarts.
pub fn stable_id(of: &str) -> String {
    let mut id = hex::encode(Sha256::digest(of.as_bytes()));
    id.truncate(32);
    id
}

/// The present, in microseconds as the API shows it.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Microsecond).unwrap_or(now)
}
