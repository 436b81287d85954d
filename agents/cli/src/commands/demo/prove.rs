//! The proof from outside: plain HTTP to the edge, and what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use bus_schema::{IntentState, StackName};
use futures::StreamExt as _;
use hyper::StatusCode;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use crate::Failure;
use crate::commands::demo::meddle::Meddler;
use crate::failure::Explain as _;
use crate::http::{self, Answer, HttpError};
use crate::local::{CloudRecord, LocalSwarm};
use crate::output::style::{BAD, FAINT, GOOD, STRONG, paint};
use crate::output::time::span;
use crate::swarm::Swarm;

/// The hostname of service `api` in the shipped environment `prod`.
const API: &str = "api.example.com";
/// Where the Worker answers.
const GO: &str = "go.example.com";
/// Where the redirect leads that the demonstration writes into the map.
const TARGET: &str = "https://docs.example.com/start";
/// More than any client's share.
const BURST: usize = 600;
/// How many of them at once.
const AT_ONCE: usize = 32;
/// How long the edge may take to serve what was just made.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that should have happened, and what did.
#[derive(Debug, Serialize)]
pub(super) struct Proof {
    /// What it shows.
    pub(super) what: &'static str,
    /// What was asked.
    pub(super) how: String,
    /// Whether it happened.
    pub(super) holds: bool,
    /// What came back.
    pub(super) seen: String,
    /// How long it took.
    #[serde(serialize_with = "milliseconds", rename = "milliseconds")]
    pub(super) took: Duration,
}

fn milliseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(took.as_millis())
}

impl Proof {
    /// One line for people.
    pub(super) fn line(&self) -> String {
        let sign = if self.holds { paint(GOOD, "✓") } else { paint(BAD, "✗") };
        let seen = if self.holds { self.seen.clone() } else { paint(BAD, &self.seen) };
        format!(
            "  {sign} {}  {}\n      {seen}  {}",
            paint(STRONG, format!("{:<22}", self.what)),
            self.how,
            paint(FAINT, span(self.took))
        )
    }
}

/// Somebody outside, and where the edge and the map are.
pub(super) struct Prover {
    edge: SocketAddr,
    api: SocketAddr,
    token: String,
    account: String,
    worker: StackName,
    swarm: runtime::Bus,
}

impl Prover {
    /// For the swarm, with the intent that deployed the Worker.
    pub(super) fn of(
        swarm: &Swarm,
        local: &LocalSwarm,
        worker: &IntentState,
    ) -> Result<Self, Failure> {
        let CloudRecord::Sandbox { api, edge } = &local.record().cloud else {
            return Err(Failure::new("the demonstration needs the local Cloudflare"));
        };
        let address = |url: &str| {
            url.trim_start_matches("http://")
                .parse::<SocketAddr>()
                .or_fail(format!("{url} is no address"))
        };
        let stack = worker.understanding.as_ref().map(|it| it.stack.clone());
        Ok(Self {
            edge: address(edge)?,
            api: address(api)?,
            token: local.token()?.1,
            account: local.account().to_owned(),
            worker: stack.ok_or_else(|| Failure::new("the Worker's intent has no stack"))?,
            swarm: swarm.bus.clone(),
        })
    }

    /// Somebody else, with a token of their own.
    pub(super) async fn meddler(&self) -> Result<Meddler, Failure> {
        Meddler::with_own_token(self.api, &self.account, &self.token).await
    }

    /// After all that was put back: the WAF blocks, and the Worker is ours.
    pub(super) async fn as_before(&self) -> Proof {
        let began = Instant::now();
        let (waf, worker) = tokio::join!(self.visit(API, "/.env"), self.visit(GO, "/docs"));
        let status = |answer: &Result<Answer, HttpError>| match answer {
            Ok(answer) => answer.status.to_string(),
            Err(error) => error.to_string(),
        };
        let is = |answer: &Result<Answer, HttpError>, wanted: fn(StatusCode) -> bool| {
            answer.as_ref().is_ok_and(|answer| wanted(answer.status))
        };
        Proof {
            what: "all as before",
            how: format!("GET {API}/.env, GET {GO}/docs"),
            holds: is(&waf, |it| it == StatusCode::FORBIDDEN)
                && is(&worker, |it| it.is_redirection()),
            seen: format!("{}; {}", status(&waf), status(&worker)),
            took: began.elapsed(),
        }
    }

    /// As any browser that came over TLS: the local edge ends none itself.
    async fn visit(&self, host: &str, path: &str) -> Result<Answer, HttpError> {
        http::get(self.edge, path, &[("host", host), ("x-forwarded-proto", "https")]).await
    }

    /// The Worker reads its map.
    pub(super) async fn worker_answers(&self) -> Proof {
        let began = Instant::now();
        let outcome = self.redirected().await;
        let (holds, seen) = match outcome {
            Ok((status, location)) => (
                status.is_redirection() && location == TARGET,
                format!("{} to {location}", status.as_u16()),
            ),
            Err(failure) => (false, told(&failure)),
        };
        Proof {
            what: "the Worker answers",
            how: format!("GET {GO}/docs, with /docs put into its map in KV"),
            holds,
            seen,
            took: began.elapsed(),
        }
    }

    async fn redirected(&self) -> Result<(StatusCode, String), Failure> {
        self.put_redirect().await?;
        // A moment may pass between the upload and the first request it serves.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.visit(GO, "/docs").await.or_fail("the edge did not answer")?;
            if answer.status.is_redirection() || Instant::now() >= deadline {
                let location = answer.header("location").unwrap_or("nowhere").to_owned();
                return Ok((answer.status, location));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the map's owner does: one entry through Cloudflare's API.
    async fn put_redirect(&self) -> Result<(), Failure> {
        let stack = self
            .swarm
            .store::<bus_schema::StackState>()
            .get(&self.worker)
            .await
            .or_fail("the stack cannot be read")?;
        let namespace = stack.and_then(|(stack, _)| {
            stack
                .resources
                .into_iter()
                .find(|(address, _)| address.kind.local() == "kv_namespace")
                .and_then(|(_, resource)| resource.outputs.get("id").cloned())
        });
        let namespace = namespace.ok_or_else(|| Failure::new("the stack has no KV namespace"))?;
        let path = format!(
            "/client/v4/accounts/{}/storage/kv/namespaces/{namespace}/values/%2Fdocs",
            self.account
        );
        let bearer = format!("Bearer {}", self.token);
        let answer = http::put(self.api, &path, &[("authorization", &bearer)], TARGET)
            .await
            .or_fail("the local Cloudflare did not answer")?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(Failure::new("the map's entry was refused")
            .because(String::from_utf8_lossy(&answer.body).into_owned()))
    }

    /// The second visitor is served from the edge.
    pub(super) async fn edge_caches(&self) -> Proof {
        let began = Instant::now();
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen.push(match self.visit(API, "/v1/products").await {
                Ok(answer) => {
                    let cache = answer.header("cf-cache-status").unwrap_or("no cache status");
                    format!("{} {cache}", answer.status.as_u16())
                }
                Err(error) => error.to_string(),
            });
        }
        Proof {
            what: "the edge caches",
            how: format!("GET {API}/v1/products, twice"),
            holds: seen == ["200 MISS", "200 HIT"],
            seen: seen.join(", then "),
            took: began.elapsed(),
        }
    }

    /// Who looks for secrets is turned away.
    pub(super) async fn waf_blocks(&self) -> Proof {
        let began = Instant::now();
        let (holds, seen) = match self.visit(API, "/.env").await {
            Ok(answer) => (answer.status == StatusCode::FORBIDDEN, answer.status.to_string()),
            Err(error) => (false, error.to_string()),
        };
        Proof {
            what: "the WAF blocks",
            how: format!("GET {API}/.env"),
            holds,
            seen,
            took: began.elapsed(),
        }
    }

    /// Who takes more than their share waits.
    pub(super) async fn burst_is_stopped(&self) -> Proof {
        let began = Instant::now();
        let visits = (0..BURST)
            .map(|nth| async move { self.visit(API, &format!("/v1/orders?page={nth}")).await });
        let answers: Vec<_> =
            futures::stream::iter(visits).buffer_unordered(AT_ONCE).collect().await;
        let of = |wanted: StatusCode| {
            answers.iter().flatten().filter(|answer| answer.status == wanted).count()
        };
        let (served, stopped) = (of(StatusCode::OK), of(StatusCode::TOO_MANY_REQUESTS));
        let retry = answers
            .iter()
            .flatten()
            .filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS)
            .find_map(|answer| answer.header("retry-after"));
        let mut seen = vec![format!("{served} served, {stopped} stopped with 429")];
        if let Some(seconds) = retry {
            seen.push(format!("retry after {seconds} s"));
        }
        let others = BURST - served - stopped;
        if others > 0 {
            seen.push(format!("{others} answered otherwise"));
        }
        Proof {
            what: "a burst is stopped",
            how: format!("{BURST} times GET {API}/v1/orders from one client"),
            holds: served > 0 && stopped > 0 && others == 0,
            seen: seen.join(", "),
            took: began.elapsed(),
        }
    }
}

fn told(failure: &Failure) -> String {
    let causes = failure.causes();
    if causes.is_empty() {
        failure.to_string()
    } else {
        format!("{failure}: {}", causes.join(": "))
    }
}
