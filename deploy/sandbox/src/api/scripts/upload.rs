//! What a script is uploaded as: multipart with a `metadata` part and one part a module.

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::super::call::typed;
use super::super::envelope::Failure;
use crate::store::{Account, Binding, Blob, Deployment, Module, Script, Version, now};

/// An upload, parsed but not yet held against the account.
#[derive(Debug)]
pub(super) struct Upload {
    /// What was said about the script.
    pub(super) metadata: Metadata,
    /// Its modules.
    pub(super) modules: Vec<Module>,
    /// What uploads.
    source: &'static str,
}

/// What makes a call, as Cloudflare tells uploads by wrangler from others.
pub(super) fn source_of(headers: &HeaderMap) -> &'static str {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    if agent.is_some_and(|agent| agent.starts_with("wrangler/")) { "wrangler" } else { "api" }
}

/// What an upload says about its script.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    pub(super) main_module: Option<String>,
    body_part: Option<String>,
    #[serde(default)]
    pub(super) compatibility_date: Option<String>,
    #[serde(default)]
    pub(super) compatibility_flags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) bindings: Option<Vec<Value>>,
    /// Types of bindings to keep from the script that is there.
    #[serde(default)]
    keep_bindings: Option<Vec<String>>,
    #[serde(default)]
    pub(super) tags: Option<Vec<String>>,
    #[serde(default)]
    annotations: Map<String, Value>,
    #[serde(default)]
    migrations: Option<Value>,
    #[serde(default)]
    assets: Option<Value>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// Fields kept and shown, though the sandbox does nothing by them.
const KEPT: &[&str] =
    &["logpush", "observability", "placement", "limits", "tail_consumers", "usage_model"];

impl Metadata {
    /// Refuses what would have an effect in the cloud and has none here.
    pub(super) fn offered(&self) -> Result<(), Failure> {
        let given = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
        if given(&self.migrations) {
            return Err(Failure::unsupported("Durable Objects"));
        }
        if given(&self.assets) {
            return Err(Failure::unsupported("Workers assets"));
        }
        if self.body_part.is_some() {
            return Err(Failure::unsupported("service worker syntax; upload an ES module"));
        }
        Ok(())
    }

    /// What is kept and shown.
    pub(super) fn kept(&self) -> Map<String, Value> {
        let known = self.other.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
        known.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The bindings in Cloudflare's order, each held against what the account has.
    pub(super) fn bindings(
        &self,
        account: &Account,
        name: &str,
        old: Option<&Script>,
    ) -> Result<Vec<Binding>, Failure> {
        let before = old.map(|old| old.bindings.as_slice()).unwrap_or_default();
        let mut bindings = Vec::new();
        for sent in self.bindings.iter().flatten() {
            let binding = if sent.get("type") == Some(&json!("inherit")) {
                let name = sent.get("name").and_then(Value::as_str).unwrap_or_default();
                let kept = before.iter().find(|binding| binding.name() == name);
                kept.cloned().ok_or_else(|| {
                    Failure::new(400, 10_057, format!("binding {name} cannot be inherited"))
                })?
            } else {
                known(sent)?
            };
            held(&binding, account, name)?;
            bindings.push(binding);
        }
        let keep = self.keep_bindings.as_deref().unwrap_or_default();
        for binding in before {
            let kind = json!(binding).get("type").and_then(Value::as_str).map(ToOwned::to_owned);
            let kept = kind.is_some_and(|kind| keep.contains(&kind));
            if kept && !bindings.iter().any(|new| new.name() == binding.name()) {
                bindings.push(binding.clone());
            }
        }
        bindings.sort_by_key(|binding| {
            let kind = json!(binding).get("type").map(ToString::to_string).unwrap_or_default();
            (kind, std::cmp::Reverse(binding.name().to_owned()))
        });
        let mut names = std::collections::BTreeSet::new();
        if let Some(twice) = bindings.iter().find(|binding| !names.insert(binding.name())) {
            let message = format!("binding {} is given twice", twice.name());
            return Err(Failure::new(400, 10_021, message));
        }
        Ok(bindings)
    }
}

/// A binding the sandbox can give.
fn known(sent: &Value) -> Result<Binding, Failure> {
    let offered = ["kv_namespace", "r2_bucket", "plain_text", "json", "secret_text", "service"];
    let kind = sent.get("type").and_then(Value::as_str).unwrap_or_default();
    if !offered.contains(&kind) {
        return Err(Failure::unsupported(&format!("bindings of type `{kind}`")));
    }
    typed(sent.clone())
}

/// Whether what a binding names is there.
pub(super) fn held(binding: &Binding, account: &Account, script: &str) -> Result<(), Failure> {
    let missing = |code: u32, message: String| Err(Failure::new(400, code, message));
    match binding {
        Binding::KvNamespace { namespace_id, .. }
            if !account.namespaces.contains_key(namespace_id) =>
        {
            missing(10_041, format!("KV namespace '{namespace_id}' not found."))
        }
        Binding::R2Bucket { bucket_name, .. } if !account.buckets.contains_key(bucket_name) => {
            missing(10_085, format!("R2 bucket '{bucket_name}' not found."))
        }
        Binding::Service { service, name, .. }
            if service != script && !account.scripts.contains_key(service) =>
        {
            missing(
                10_143,
                format!(
                    "Could not resolve service binding '{name}'. Target script '{service}' not found."
                ),
            )
        }
        Binding::KvNamespace { .. }
        | Binding::R2Bucket { .. }
        | Binding::Service { .. }
        | Binding::PlainText { .. }
        | Binding::Json { .. }
        | Binding::SecretText { .. } => Ok(()),
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("multipart/form-data") {
            return Err(Failure::unsupported(&format!(
                "uploads as `{kind}`; send multipart/form-data with a metadata part"
            )));
        }
        let bad = |error: &dyn std::fmt::Display| {
            Failure::new(400, 10_001, format!("The upload is not valid multipart: {error}"))
        };
        let source = source_of(request.headers());
        let mut parts = Multipart::from_request(request, state).await.map_err(|e| bad(&e))?;
        let mut metadata = None;
        let mut modules = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|e| bad(&e))? {
            let name = part.name().unwrap_or_default().to_owned();
            // The part's own name tells what it is; where all are named alike, as the Python SDK
            // does, the file's name tells the module.
            let file = part.file_name().map(ToOwned::to_owned);
            let content_type = part.content_type().unwrap_or_default().to_owned();
            let content = part.bytes().await.map_err(|e| bad(&e))?;
            if name == "metadata" {
                let value: Value = serde_json::from_slice(&content).map_err(|e| bad(&e))?;
                metadata = Some(typed(value)?);
            } else if content_type != "application/source-map" {
                let name = file.filter(|file| !file.is_empty()).unwrap_or(name);
                modules.push(Module { name, content_type, content: Blob::new(content) });
            }
        }
        let metadata =
            metadata.ok_or_else(|| Failure::new(400, 10_001, "The upload has no metadata part"))?;
        Ok(Self { metadata, modules, source })
    }
}

impl Upload {
    /// The name of the main module, which must be among the modules.
    fn main(&self) -> Result<String, Failure> {
        let main = self.metadata.main_module.clone().unwrap_or_default();
        if self.modules.iter().any(|module| module.name == main) {
            return Ok(main);
        }
        let message = format!("Uncaught Error: No such module \"{main}\".");
        Err(Failure::new(400, 10_021, message))
    }

    /// The version it becomes of a script in an account, `old` being the script as it is.
    pub(super) fn version(
        &self,
        account: &Account,
        name: &str,
        old: Option<&Script>,
    ) -> Result<Version, Failure> {
        let last = old.and_then(|old| old.versions.first()).map_or(0, |last| last.number);
        let Metadata { compatibility_date, compatibility_flags, annotations, .. } = &self.metadata;
        Ok(Version {
            id: uuid::Uuid::new_v4().to_string(),
            number: last + 1,
            created_on: now(),
            source: self.source.to_owned(),
            annotations: annotations.clone(),
            etag: self.etag(),
            main_module: self.main()?,
            modules: self.modules.clone(),
            compatibility_date: compatibility_date.clone().unwrap_or_default(),
            compatibility_flags: compatibility_flags.clone().unwrap_or_default(),
            bindings: self.metadata.bindings(account, name, old)?,
        })
    }

    /// The script it becomes in an account, deployed at once, `old` being the one it replaces.
    pub(super) fn script(
        &self,
        account: &Account,
        name: &str,
        old: Option<&Script>,
    ) -> Result<Script, Failure> {
        let version = self.version(account, name, old)?;
        let tags = self.metadata.tags.clone().or_else(|| old.map(|old| old.tags.clone()));
        let mut script = Script {
            name: name.to_owned(),
            created_on: old.map_or(version.created_on, |old| old.created_on),
            modified_on: version.created_on,
            etag: String::new(),
            main_module: String::new(),
            modules: Vec::new(),
            compatibility_date: String::new(),
            compatibility_flags: Vec::new(),
            bindings: Vec::new(),
            tags: tags.unwrap_or_default(),
            other: self.metadata.kept(),
            subdomain_enabled: old.is_some_and(|old| old.subdomain_enabled),
            previews_enabled: old.is_some_and(|old| old.previews_enabled),
            versions: old.map(|old| old.versions.clone()).unwrap_or_default(),
            deployments: old.map(|old| old.deployments.clone()).unwrap_or_default(),
        };
        let deployment = Deployment {
            id: uuid::Uuid::new_v4().to_string(),
            version: version.id.clone(),
            created_on: version.created_on,
            source: version.source.clone(),
            annotations: version.annotations.clone(),
        };
        script.deploy(&version, deployment);
        script.add(version);
        Ok(script)
    }

    fn etag(&self) -> String {
        let mut hash = Sha256::new();
        for module in &self.modules {
            hash.update(module.name.as_bytes());
            hash.update([0]);
            hash.update(module.content.bytes());
            hash.update([0]);
        }
        hex::encode(hash.finalize())
    }
}
