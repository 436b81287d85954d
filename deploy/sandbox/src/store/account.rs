//! Accounts, and the Zero Trust Gateway's lists and rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::world::now;
use super::{Bucket, Namespace, Script, WorkerDomain};

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// 32 hexadecimal digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// When it was made.
    pub created_on: Timestamp,
    /// The account's name below `workers.dev`.
    pub subdomain: Option<String>,
    /// Worker scripts by name.
    pub scripts: BTreeMap<String, Script>,
    /// Hosts bound to a Worker, by id.
    pub domains: BTreeMap<String, WorkerDomain>,
    /// KV namespaces by id.
    pub namespaces: BTreeMap<String, Namespace>,
    /// R2 buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// By id.
    pub gateway_lists: BTreeMap<String, GatewayList>,
    /// By id.
    pub gateway_rules: BTreeMap<String, GatewayRule>,
}

impl Account {
    /// An empty account.
    pub fn new(id: &str) -> Self {
        let short: String = id.chars().take(6).collect();
        Self {
            id: id.to_owned(),
            name: format!("Sandbox {short}"),
            created_on: now(),
            subdomain: Some(format!("sandbox-{short}")),
            scripts: BTreeMap::new(),
            domains: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            buckets: BTreeMap::new(),
            gateway_lists: BTreeMap::new(),
            gateway_rules: BTreeMap::new(),
        }
    }
}

/// A Gateway list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GatewayList {
    /// A UUID with hyphens.
    pub id: String,
    /// Unique in the account.
    pub name: String,
    /// People's words.
    #[serde(default)]
    pub description: String,
    /// `DOMAIN`, `URL`, `IP`, `EMAIL` or `SERIAL`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In the order of the cloud.
    pub items: Vec<GatewayListItem>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An item of a Gateway list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GatewayListItem {
    /// For example a domain.
    pub value: String,
    /// People's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A Gateway rule, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GatewayRule {
    /// A UUID with hyphens.
    pub id: String,
    /// For people.
    pub name: String,
    /// People's words.
    #[serde(default)]
    pub description: String,
    /// Lower is earlier; unique in the account.
    pub precedence: i64,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// For example `block`.
    pub action: String,
    /// `dns`, `http`, `l4`, …
    pub filters: Vec<String>,
    /// A wire expression, as Cloudflare formats it.
    #[serde(default)]
    pub traffic: String,
    /// A wire expression.
    #[serde(default)]
    pub identity: String,
    /// A wire expression.
    #[serde(default)]
    pub device_posture: String,
    /// By action.
    #[serde(default)]
    pub rule_settings: Value,
    /// Grows with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Always none.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
}
