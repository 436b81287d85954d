//! Worker scripts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Blob;

/// A Worker script.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Script {
    /// Its id too.
    pub name: String,
    /// When it was first uploaded.
    pub created_on: Timestamp,
    /// When its code or settings last changed.
    pub modified_on: Timestamp,
    /// Changes with the code.
    pub etag: String,
    /// The name of the main module.
    pub main_module: String,
    /// Every module.
    pub modules: Vec<Module>,
    /// `YYYY-MM-DD`; may be empty.
    pub compatibility_date: String,
    /// For example `nodejs_compat`.
    pub compatibility_flags: Vec<String>,
    /// In Cloudflare's order, which is not the order of upload.
    pub bindings: Vec<Binding>,
    /// People's words.
    pub tags: Vec<String>,
    /// What the sandbox keeps and shows but does not act on: `logpush`, `observability`,
    /// `placement`, `limits`, `tail_consumers`, `usage_model`.
    #[serde(default)]
    pub other: serde_json::Map<String, Value>,
    /// Whether `<script>.<subdomain>.workers.dev` serves it.
    pub subdomain_enabled: bool,
    /// Whether its versions have addresses of their own.
    pub previews_enabled: bool,
    /// Newest first.
    pub deployments: Vec<Deployment>,
}

/// One module of a script.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Module {
    /// As the script imports it, for example `worker.js`.
    pub name: String,
    /// As uploaded, for example `application/javascript+module`.
    pub content_type: String,
    /// The module itself.
    pub content: Blob,
}

/// What a script reaches through `env`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Binding {
    /// A KV namespace.
    KvNamespace {
        /// In `env`.
        name: String,
        /// The namespace's id.
        namespace_id: String,
    },
    /// An R2 bucket.
    R2Bucket {
        /// In `env`.
        name: String,
        /// The bucket's name.
        bucket_name: String,
    },
    /// A text everybody may read.
    PlainText {
        /// In `env`.
        name: String,
        /// The text.
        text: String,
    },
    /// A JSON value.
    Json {
        /// In `env`.
        name: String,
        /// The value.
        json: Value,
    },
    /// A text the API never shows.
    SecretText {
        /// In `env`.
        name: String,
        /// The text.
        text: String,
    },
    /// Another script.
    Service {
        /// In `env`.
        name: String,
        /// The script's name.
        service: String,
        /// Always `production` here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<String>,
    },
}

impl Binding {
    /// Its name in `env`.
    pub fn name(&self) -> &str {
        match self {
            Self::KvNamespace { name, .. }
            | Self::R2Bucket { name, .. }
            | Self::PlainText { name, .. }
            | Self::Json { name, .. }
            | Self::SecretText { name, .. }
            | Self::Service { name, .. } => name,
        }
    }
}

/// One deployment of a script: which version serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// A UUID with hyphens.
    pub id: String,
    /// The version's UUID.
    pub version: String,
    /// From 1.
    pub number: u64,
    /// When.
    pub created_on: Timestamp,
}

/// A host that a Worker answers alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkerDomain {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The host.
    pub hostname: String,
    /// The script's name.
    pub service: String,
    /// Always `production` here.
    pub environment: String,
    /// The zone's id.
    pub zone_id: String,
    /// The zone's name.
    pub zone_name: String,
}
