//! The audit log's entries, as the API shows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One write and who made it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditEntry {
    /// A UUID with hyphens, later ones greater.
    pub id: String,
    /// The account.
    pub account: AuditResource,
    /// What was done.
    pub action: AuditAction,
    /// Who did it.
    pub actor: AuditActor,
    /// The call itself.
    pub raw: AuditRaw,
    /// What it was done to.
    pub resource: AuditResource,
    /// The zone, for what belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<AuditResource>,
}

/// What was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditAction {
    /// `create`, `update` or `delete`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `success` or `failure`.
    pub result: String,
    /// When.
    pub time: Timestamp,
}

/// Who did it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditActor {
    /// The token's id.
    pub token_id: String,
    /// The token's name.
    pub token_name: String,
    /// `api_token`.
    pub context: String,
    /// The client's address.
    pub ip_address: String,
}

/// The call itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditRaw {
    /// In upper case.
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// What was answered.
    pub status_code: u16,
    /// The same as in header `cf-ray`.
    pub cf_rayid: String,
    /// As the client sent it.
    pub user_agent: String,
}

/// Something named in an entry.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AuditResource {
    /// Its id; may be empty.
    pub id: String,
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For example `dns_records`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}
