//! The order in which a request goes through the edge, as on Cloudflare: zone and record, HTTPS,
//! custom rules, rate limits, Worker, cache, origin.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::time::Instant;

use super::compiled::ZoneRules;
use super::firewall::{Stop, Verdict, judge};
use super::origin::{CACHE_STATUS, Upstream};
use super::page::Page;
use super::ratelimit::Counters;
use super::route::choose;
use super::visit::{PROTO, Visit};
use crate::store::{Store, ZoneName};
use crate::workers::{Failure, Runtime};

/// Everything a request passes through.
#[derive(Debug)]
pub(super) struct Pipeline {
    store: Store,
    upstream: Upstream,
    workers: Runtime,
    counters: Counters,
}

/// A script of an account.
struct Script {
    account: String,
    name: String,
}

impl Pipeline {
    pub(super) fn new(store: Store, upstream: Upstream, workers: Runtime) -> Self {
        Self { store, upstream, workers, counters: Counters::default() }
    }

    /// Answers a request that came from `peer`.
    pub(super) async fn answer(&self, peer: IpAddr, mut request: Request<Body>) -> Response {
        let visit = Visit::of(peer, &mut request);
        let answer = self.decide(&visit, request).await;
        let mut response = answer.unwrap_or_else(|page| page.response());
        let headers = response.headers_mut();
        headers.insert(header::SERVER, HeaderValue::from_static("cloudflare"));
        if let Ok(ray) = HeaderValue::from_str(&visit.ray) {
            headers.insert("cf-ray", ray);
        }
        response
    }

    async fn decide(&self, visit: &Visit, request: Request<Body>) -> Result<Response, Page> {
        let host = visit.request.host.as_str();
        if let Some(script) = self.below_workers_dev(host) {
            return self.run(visit, &script, request).await;
        }
        let Some(zone) = self.store.zone_for_host(host) else {
            let detail = format!("{host:?} is in no zone of this sandbox.");
            return Err(Page::new(530, 1016, "Origin DNS error", detail));
        };
        let bound = self.bound(host);
        if bound.is_none() {
            self.proxied(&zone, host)?;
        }
        let secure = self.store.setting(&zone.id, "always_use_https") == Some(Value::from("on"));
        if secure && !visit.request.tls {
            let place = visit.request.full_uri().replacen("http://", "https://", 1);
            return Ok((StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, place)]).into_response());
        }
        let rules = self.upstream.rules(&zone.id)?;
        let skip_limits = match judge(&rules.custom, &visit.request) {
            Verdict::Pass { skip_limits } => skip_limits,
            Verdict::Stop(stop) => return Ok(stop.response(&visit.ray, 403, 0)),
        };
        if !skip_limits && let Some(stopped) = self.limited(visit, &rules) {
            return Ok(stopped);
        }
        let script = bound.or_else(|| {
            let name = choose(&rules.routes, &visit.request)?.script.clone()?;
            Some(Script { account: zone.account.clone(), name })
        });
        let response = match script {
            Some(script) => self.run(visit, &script, request).await?,
            None => self.upstream.fetch(visit, &zone, &rules, request).await?,
        };
        if response.headers().get(CACHE_STATUS).is_none_or(|status| status != "HIT") {
            self.count_origin(visit, &rules);
        }
        Ok(response)
    }

    /// Counts the request, and the answer if some limit has been passed.
    fn limited(&self, visit: &Visit, rules: &ZoneRules) -> Option<Response> {
        let now = Instant::now();
        for (rule, limit) in &rules.limits {
            let matched = rule.expression.matches(&visit.request);
            let key = limit.key(&rule.name, &visit.request);
            if !limit.to_origin && limit.counts(&visit.request, matched) {
                self.counters.count(&key, limit, now);
            }
            let Some(left) = self.counters.stopped(&key, now).filter(|_| matched) else { continue };
            if rule.action == "log" {
                tracing::info!(rule = %rule.name, uri = %visit.request.full_uri(), "rate limit logged");
                continue;
            }
            let mut response = Stop::by(rule).response(&visit.ray, 429, 1015);
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            return Some(response);
        }
        None
    }

    /// Counts for the limits that leave out what the cache answers.
    fn count_origin(&self, visit: &Visit, rules: &ZoneRules) {
        for (rule, limit) in rules.limits.iter().filter(|(_, limit)| limit.to_origin) {
            let matched = rule.expression.matches(&visit.request);
            if limit.counts(&visit.request, matched) {
                let key = limit.key(&rule.name, &visit.request);
                self.counters.count(&key, limit, Instant::now());
            }
        }
    }

    async fn run(
        &self,
        visit: &Visit,
        script: &Script,
        mut request: Request<Body>,
    ) -> Result<Response, Page> {
        visit.introduce(request.headers_mut());
        let scheme = if visit.request.tls { "https" } else { "http" };
        request.headers_mut().insert(PROTO, HeaderValue::from_static(scheme));
        let ran = self.workers.fetch(&script.account, &script.name, &visit.cf(), request).await;
        ran.map_err(|failure| {
            tracing::warn!(script = script.name, %failure, "no answer from a Worker");
            let detail = format!("{failure}\nWorker: {}\nRay ID: {}", script.name, visit.ray);
            match failure {
                Failure::Threw(_) => Page::new(500, 1101, "Worker threw exception", detail),
                Failure::Silent(_) => Page::new(500, 1102, "Worker did not answer", detail),
                Failure::NoWorkerd | Failure::Unknown | Failure::Refused(_) => {
                    Page::new(503, 1104, "Worker not available", detail)
                }
            }
        })
    }

    /// A host bound to a Worker, which needs no record.
    fn bound(&self, host: &str) -> Option<Script> {
        let mut domains = self.store.domains().into_iter();
        let (account, domain) = domains.find(|(_, domain)| domain.hostname == host)?;
        Some(Script { account, name: domain.service })
    }

    /// `<script>.<subdomain>.workers.dev`, where the script has it enabled.
    fn below_workers_dev(&self, host: &str) -> Option<Script> {
        let (name, subdomain) = host.strip_suffix(".workers.dev")?.split_once('.')?;
        self.store.read(|world| {
            let mut accounts = world.accounts.values();
            let account = accounts.find(|one| one.subdomain.as_deref() == Some(subdomain))?;
            let script = account.scripts.get(name).filter(|script| script.subdomain_enabled)?;
            Some(Script { account: account.id.clone(), name: script.name.clone() })
        })
    }

    /// Only what a proxied record names passes the edge.
    fn proxied(&self, zone: &ZoneName, host: &str) -> Result<(), Page> {
        let records = self.store.records(&zone.id, host);
        if records.iter().any(|record| record.proxied) {
            return Ok(());
        }
        Err(if records.is_empty() {
            let detail = format!("{host} has no DNS record in zone {}.", zone.name);
            Page::new(530, 1016, "Origin DNS error", detail)
        } else {
            let detail = format!(
                "The DNS record of {host} is not proxied: clients go to its origin, not to this edge."
            );
            Page::new(421, 0, "Not proxied", detail)
        })
    }
}
