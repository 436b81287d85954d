//! What is behind the rules and Workers: the cache, then the origin the DNS record leads to.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Uri, header};
use axum::response::Response;
use serde_json::Value;

use super::Client;
use super::cache::{Cache, Found, key};
use super::cache_policy::{CacheSettings, Eligible, eligible, lifetime, tell_browser};
use super::compiled::{ZoneRules, Zones};
use super::echo::Echo;
use super::page::Page;
use super::visit::{Visit, strip};
use crate::store::{Store, ZoneName};

/// How the cache was used.
pub(super) const CACHE_STATUS: &str = "cf-cache-status";
/// As long as Cloudflare waits for an origin.
const PATIENCE: Duration = Duration::from_secs(100);
/// CNAMEs followed before giving up.
const CHAIN: usize = 8;

/// Cache and origins; clones share them.
#[derive(Clone)]
pub(super) struct Upstream {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    origins: BTreeMap<String, SocketAddr>,
    client: Client,
    zones: Zones,
    cache: Cache,
    echo: Echo,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("origins", &self.shared.origins).finish_non_exhaustive()
    }
}

/// Where a host is served from.
enum Target {
    Address(SocketAddr),
    Echo,
    Nowhere,
}

impl Upstream {
    pub(super) fn new(store: Store, origins: BTreeMap<String, SocketAddr>, client: Client) -> Self {
        let (zones, cache, echo) = (Zones::default(), Cache::default(), Echo::default());
        Self { shared: Arc::new(Shared { store, origins, client, zones, cache, echo }) }
    }

    /// The rules of a zone as they are now.
    pub(super) fn rules(&self, zone: &str) -> Result<Arc<ZoneRules>, Page> {
        let rules = self.shared.zones.of(&self.shared.store, zone);
        rules.map_err(|reason| Page::new(500, 1002, "Rule not understood", reason))
    }

    /// A Worker's `fetch()`: to a host of a zone here past its rules and Workers, as on Cloudflare;
    /// to another host only where an origin was named for it.
    pub(super) async fn subrequest(&self, mut request: Request<Body>) -> Response {
        let visit = Visit::of([127, 0, 0, 1].into(), &mut request);
        let host = visit.request.host.clone();
        let answer = match self.shared.store.zone_for_host(&host) {
            Some(zone) => match self.rules(&zone.id) {
                Ok(rules) => self.fetch(&visit, &zone, &rules, request).await,
                Err(page) => Err(page),
            },
            None if self.shared.origins.contains_key(&host) => self.origin(&visit, request).await,
            None => Err(Page::new(
                530,
                1016,
                "Origin DNS error",
                format!(
                    "The sandbox does not reach the Internet; start it with --origin {host}=ADDRESS."
                ),
            )),
        };
        answer.unwrap_or_else(|page| page.response())
    }

    /// The cache's answer, else the origin's.
    pub(super) async fn fetch(
        &self,
        visit: &Visit,
        zone: &ZoneName,
        rules: &ZoneRules,
        request: Request<Body>,
    ) -> Result<Response, Page> {
        let seen = &visit.request;
        let matching = rules.cache.iter().filter(|(rule, _)| rule.expression.matches(seen));
        let settings = matching.fold(CacheSettings::default(), |all, (_, one)| all.then(one));
        let developing = self.setting(zone, "development_mode") == "on";
        let status = match eligible(&settings, seen) {
            Eligible::Yes if developing => Some("BYPASS"),
            Eligible::Yes => None,
            Eligible::Bypass => Some("BYPASS"),
            Eligible::Dynamic => Some("DYNAMIC"),
        };
        if let Some(status) = status {
            return Ok(marked(self.origin(visit, request).await?, status));
        }
        let key = key(seen);
        let missed = match self.shared.cache.find(&key) {
            Found::Hit(entry) => {
                let response = entry.response(seen.method != "HEAD");
                return Ok(marked(response, "HIT"));
            }
            Found::Expired => "EXPIRED",
            Found::Nothing => "MISS",
        };
        let mut response = self.origin(visit, request).await?;
        let kept = lifetime(&settings, seen, response.status().as_u16(), response.headers());
        let Some(kept) = kept else { return Ok(marked(response, "BYPASS")) };
        let browser = self.setting(zone, "browser_cache_ttl").as_u64().unwrap_or(0);
        tell_browser(&settings, browser, response.headers_mut());
        if seen.method == "GET" {
            response = self.shared.cache.keep(key, response, kept).await;
        }
        Ok(marked(response, missed))
    }

    fn setting(&self, zone: &ZoneName, name: &str) -> Value {
        self.shared.store.setting(&zone.id, name).unwrap_or_default()
    }

    async fn origin(&self, visit: &Visit, mut request: Request<Body>) -> Result<Response, Page> {
        let host = &visit.request.host;
        let address = match self.target(host) {
            Target::Address(address) => address,
            Target::Echo => {
                visit.introduce(request.headers_mut());
                return Ok(self.shared.echo.answer(host, &request));
            }
            Target::Nowhere => {
                let detail = format!("No DNS record leads from {host} to an origin.");
                return Err(Page::new(530, 1016, "Origin DNS error", detail));
            }
        };
        let down = |reason: String| {
            let detail = format!("The origin of {host} at {address} does not answer: {reason}");
            Page::new(521, 521, "Web server is down", detail)
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri: Uri =
            format!("http://{address}{path}").parse().map_err(|_| down("bad path".into()))?;
        *request.uri_mut() = uri;
        visit.introduce(request.headers_mut());
        if let Ok(host) = HeaderValue::from_str(host) {
            request.headers_mut().entry(header::HOST).or_insert(host);
        }
        let answered = tokio::time::timeout(PATIENCE, self.shared.client.request(request)).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(down(error.to_string())),
            Err(_) => return Err(Page::new(524, 524, "A timeout occurred", host.clone())),
        };
        let mut response = response.map(Body::new);
        strip(response.headers_mut());
        Ok(response)
    }

    /// Follows the records of a host.
    fn target(&self, host: &str) -> Target {
        let Shared { store, origins, .. } = &*self.shared;
        let mut name = host.to_owned();
        for _ in 0..CHAIN {
            if let Some(address) = origins.get(&name) {
                return Target::Address(*address);
            }
            let Some(zone) = store.zone_for_host(&name) else {
                // A record led out of the zones here: somebody else's host, played by the echo.
                return if name == host { Target::Nowhere } else { Target::Echo };
            };
            let records = store.records(&zone.id, &name);
            let mut addresses =
                records.iter().filter(|r| r.kind == "A" || r.kind == "AAAA").peekable();
            if addresses.peek().is_some() {
                let known = addresses.find_map(|record| origins.get(&record.content));
                return known.map_or(Target::Echo, |address| Target::Address(*address));
            }
            let Some(alias) = records.iter().find(|record| record.kind == "CNAME") else {
                return Target::Nowhere;
            };
            name = alias.content.trim_end_matches('.').to_ascii_lowercase();
        }
        Target::Nowhere
    }
}

fn marked(mut response: Response, status: &'static str) -> Response {
    response.headers_mut().insert(CACHE_STATUS, HeaderValue::from_static(status));
    response
}
