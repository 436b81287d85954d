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
    /// What was uploaded, newest first; some of it may never have been deployed.
    #[serde(default)]
    pub versions: Vec<Version>,
    /// Newest first; the first one serves.
    pub deployments: Vec<Deployment>,
}

/// What can be deployed: code and bindings as uploaded once, never changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// A UUID with hyphens.
    pub id: String,
    /// From 1.
    pub number: u64,
    /// When it was uploaded.
    pub created_on: Timestamp,
    /// What uploaded it: `wrangler` or `api`.
    pub source: String,
    /// What the uploader says about it, for example `workers/message`.
    pub annotations: serde_json::Map<String, Value>,
    /// As of the script.
    pub etag: String,
    /// As of the script.
    pub main_module: String,
    /// As of the script.
    pub modules: Vec<Module>,
    /// As of the script.
    pub compatibility_date: String,
    /// As of the script.
    pub compatibility_flags: Vec<String>,
    /// As of the script.
    pub bindings: Vec<Binding>,
}

/// Of the versions and deployments of a script so many are kept.
const KEPT: usize = 10;

impl Script {
    /// Remembers an upload.
    pub fn add(&mut self, version: Version) {
        self.versions.insert(0, version);
        self.versions.truncate(KEPT);
    }

    /// Makes a version the one that serves.
    pub fn deploy(&mut self, version: &Version, deployment: Deployment) {
        self.etag.clone_from(&version.etag);
        self.main_module.clone_from(&version.main_module);
        self.modules.clone_from(&version.modules);
        self.compatibility_date.clone_from(&version.compatibility_date);
        self.compatibility_flags.clone_from(&version.compatibility_flags);
        self.bindings.clone_from(&version.bindings);
        self.modified_on = deployment.created_on;
        self.deployments.insert(0, deployment);
        self.deployments.truncate(KEPT);
    }
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
    /// When.
    pub created_on: Timestamp,
    /// What deployed it: `wrangler` or `api`.
    #[serde(default)]
    pub source: String,
    /// What the deployer says about it, for example `workers/message`.
    #[serde(default)]
    pub annotations: serde_json::Map<String, Value>,
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
