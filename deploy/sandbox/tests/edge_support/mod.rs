//! An edge with one zone, and short ways to say what a test needs.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sandbox::edge::{Edge, Options};
use sandbox::store::{
    Blob, DnsRecord, Module, Route, Rule, Ruleset, Script, Seed, Setting, Store, World, new_id, now,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The account of every test.
pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// The zone of every test.
pub(crate) const ZONE: &str = "example.com";

/// A running edge and its store.
pub(crate) struct Local {
    pub(crate) store: Store,
    pub(crate) edge: Edge,
    client: Client<HttpConnector, Body>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Local {
    /// Without workerd.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::with(Options::default()).await
    }

    /// With real workerd.
    pub(crate) async fn with_workers() -> anyhow::Result<Self> {
        Self::with(Options { workerd: Some(workerd()?), ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> anyhow::Result<Self> {
        let mut world = World::default();
        world.sow(&Seed {
            accounts: vec![ACCOUNT.to_owned()],
            zones: vec![ZONE.to_owned()],
            tokens: Vec::new(),
            read_tokens: Vec::new(),
        });
        let store = Store::in_memory(world);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let edge = Edge::start(store.clone(), listener, options).await?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let local = Self { store, edge, client };
        local.record("api.example.com", "A", "203.0.113.10", true);
        Ok(local)
    }

    pub(crate) fn zone(&self) -> String {
        self.store.zone_for_host(ZONE).map(|zone| zone.id).unwrap_or_default()
    }

    fn change_zone(&self, change: impl FnOnce(&mut sandbox::store::Zone)) {
        let id = self.zone();
        self.store.write(|world| {
            if let Some(zone) = world.zones.get_mut(&id) {
                change(zone);
            }
        });
    }

    pub(crate) fn record(&self, name: &str, kind: &str, content: &str, proxied: bool) {
        let record = DnsRecord {
            id: new_id(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            content: content.to_owned(),
            proxiable: true,
            proxied,
            ttl: 1,
            priority: None,
            settings: serde_json::Map::new(),
            meta: serde_json::Map::new(),
            comment: None,
            tags: Vec::new(),
            created_on: now(),
            modified_on: now(),
        };
        self.change_zone(|zone| {
            zone.records.insert(record.id.clone(), record);
        });
    }

    pub(crate) fn setting(&self, name: &str, value: Value) {
        let setting = Setting { value, modified_on: now() };
        self.change_zone(|zone| {
            zone.settings.insert(name.to_owned(), setting);
        });
    }

    pub(crate) fn route(&self, pattern: &str, script: &str) {
        let id = new_id();
        let route =
            Route { id: id.clone(), pattern: pattern.to_owned(), script: Some(script.to_owned()) };
        self.change_zone(|zone| {
            zone.routes.insert(id, route);
        });
    }

    /// Replaces the rules of a phase; each is the JSON of `expression`, `action`, and so on.
    pub(crate) fn rules(&self, phase: &str, rules: &[Value]) -> anyhow::Result<()> {
        let rules = rules.iter().map(|rule| {
            let mut whole = json!({
                "id": new_id(), "version": "1", "last_updated": now(), "ref": new_id(),
                "enabled": true,
            });
            if let (Some(whole), Some(rule)) = (whole.as_object_mut(), rule.as_object()) {
                whole.extend(rule.clone());
            }
            serde_json::from_value::<Rule>(whole)
        });
        let ruleset = Ruleset {
            id: new_id(),
            name: "default".to_owned(),
            description: String::new(),
            kind: "zone".to_owned(),
            phase: phase.to_owned(),
            version: "1".to_owned(),
            last_updated: now(),
            rules: rules.collect::<Result<_, _>>()?,
        };
        self.change_zone(|zone| {
            zone.rulesets.retain(|_, ruleset| ruleset.phase != phase);
            zone.rulesets.insert(ruleset.id.clone(), ruleset);
        });
        Ok(())
    }

    pub(crate) fn deploy(&self, script: Script) {
        self.store.write(|world| {
            if let Some(account) = world.accounts.get_mut(ACCOUNT) {
                account.scripts.insert(script.name.clone(), script);
            }
        });
    }

    pub(crate) async fn get(&self, url: &str) -> anyhow::Result<Answer> {
        self.send("GET", url, &[]).await
    }

    /// Sends to the edge what `url` says, with its host as the `Host` header.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        self.send_body(method, url, headers, "").await
    }

    /// As [`Local::send`], with a body.
    pub(crate) async fn send_body(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Answer> {
        let body = Body::from(body.to_owned());
        let url = url::Url::parse(url)?;
        let path =
            url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.edge.address()))
            .header("host", url.host_str().unwrap_or_default());
        if url.scheme() == "https" {
            request = request.header("x-forwarded-proto", "https");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.client.request(request.body(body)?).await?;
        let (parts, body) = response.into_parts();
        let body = to_bytes(Body::new(body), 64 << 20).await?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

/// Where workerd is; a test that needs it fails without.
pub(crate) fn workerd() -> anyhow::Result<PathBuf> {
    sandbox::workers::locate(None).ok_or_else(|| anyhow::anyhow!("no workerd; run `make tools`"))
}

/// A script of one module.
pub(crate) fn script(name: &str, source: &str) -> Script {
    Script {
        name: name.to_owned(),
        created_on: now(),
        modified_on: now(),
        etag: new_id(),
        main_module: "worker.js".to_owned(),
        modules: vec![Module {
            name: "worker.js".to_owned(),
            content_type: "application/javascript+module".to_owned(),
            content: Blob::new(Bytes::from(source.to_owned())),
        }],
        compatibility_date: "2025-01-01".to_owned(),
        compatibility_flags: Vec::new(),
        bindings: Vec::new(),
        tags: Vec::new(),
        other: serde_json::Map::new(),
        subdomain_enabled: false,
        previews_enabled: false,
        versions: Vec::new(),
        deployments: Vec::new(),
    }
}

/// Origins for [`Options`].
pub(crate) fn origins(host: &str, address: SocketAddr) -> BTreeMap<String, SocketAddr> {
    BTreeMap::from([(host.to_owned(), address)])
}
