//! API tokens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::world::{new_id, now, stable_id};

/// An API token. Its value is not kept, only the hash of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    /// 32 hexadecimal digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// The account's id where it belongs to an account, none where to the user.
    pub account: Option<String>,
    /// `active` or `disabled`.
    pub status: String,
    /// What it may do.
    pub grant: Grant,
    /// The SHA-256 of the value, in hexadecimal.
    pub hash: String,
    /// When it was made.
    pub issued_on: Timestamp,
    /// When it last changed.
    pub modified_on: Timestamp,
    /// It is dead after this.
    #[serde(default)]
    pub expires_on: Option<Timestamp>,
    /// It is not alive before this.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
}

/// What a token may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Everything; tokens given on the command line.
    Full,
    /// Every permission that reads; tokens given on the command line for that.
    Reading,
    /// What its policies allow.
    Policies(Vec<Policy>),
}

/// One policy of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// 32 hexadecimal digits.
    #[serde(default = "new_id")]
    pub id: String,
    /// `allow` or `deny`.
    pub effect: String,
    /// `com.cloudflare.api.account.<id or *>` and the like, each with `*`.
    pub resources: BTreeMap<String, serde_json::Value>,
    /// What is allowed or denied.
    pub permission_groups: Vec<PolicyGroup>,
}

/// A permission group named in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyGroup {
    /// The group's id.
    pub id: String,
    /// The group's name; filled in by the sandbox.
    #[serde(default)]
    pub name: String,
}

impl Token {
    /// A token with full rights whose id follows from its value.
    pub fn full(name: &str, value: &str) -> Self {
        Self {
            id: stable_id(&format!("token {value}")),
            name: name.to_owned(),
            account: None,
            status: "active".to_owned(),
            grant: Grant::Full,
            hash: Self::hash(value),
            issued_on: now(),
            modified_on: now(),
            expires_on: None,
            not_before: None,
        }
    }

    /// The same with the right to read everything, and no other.
    pub fn reading(name: &str, value: &str) -> Self {
        Self { grant: Grant::Reading, ..Self::full(name, value) }
    }

    /// The hash of a value.
    pub fn hash(value: &str) -> String {
        hex::encode(Sha256::digest(value.as_bytes()))
    }

    /// Whether it may be used now.
    pub fn alive(&self) -> bool {
        let now = Timestamp::now();
        self.status == "active"
            && self.expires_on.is_none_or(|end| now < end)
            && self.not_before.is_none_or(|start| start <= now)
    }
}
