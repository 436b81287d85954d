//! Makes calls to Cloudflare's API: within the budget, again where that is safe, each in a span.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tracing::{Instrument, Span, field};
use url::Url;

use super::budget::Budget;
use super::failure::{error_type, failure};
use super::request::Request;
use crate::error::{ApiError, Effect, Error, Reply};

/// Longest to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a call is made at most.
const TRIES: u32 = 4;
/// Wait before the second try; twice as long before each one after it.
const FIRST_BACKOFF: Duration = Duration::from_millis(150);
/// Largest answer taken, in bytes.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// What calls are kept within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls that the token may make in any 5 minutes.
    pub rate: NonZeroU32,
    /// Longest one call may take in all, from connecting to the last byte of its answer.
    pub timeout: Duration,
}

impl Default for Limits {
    /// What Cloudflare grants where nothing else was agreed, and half a minute a call.
    fn default() -> Self {
        Self { rate: super::RATE, timeout: Duration::from_secs(30) }
    }
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The base is not one to which paths can be added, such as `mailto:`.
    #[error("`{0}` cannot be the API's base address")]
    Base(Url),
    /// The token has characters no header can have.
    #[error("the API token has characters that a token cannot have")]
    Token,
    /// TLS could not be set up.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

tokio::task_local! {
    /// Calls made by the task, where somebody counts.
    static MADE: AtomicU64;
}

/// What a future comes to, and how many calls to the API were made for it, those that were made
/// again included. Counts within the task only.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, u64) {
    MADE.scope(AtomicU64::new(0), async {
        let done = work.await;
        (done, MADE.with(|made| made.load(Ordering::Relaxed)))
    })
    .await
}

/// Makes calls with one token.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    /// Marked as sensitive, so that it shows in no log.
    authorization: HeaderValue,
    budget: Budget,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Answer<R = Value> {
    /// Absent where it is `null`.
    pub(super) result: Option<R>,
    pub(super) info: ResultInfo,
}

/// Where in a list an answer stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ResultInfo {
    pub(super) page: Option<u64>,
    pub(super) total_pages: Option<u64>,
    pub(super) per_page: Option<u64>,
    pub(super) total_count: Option<u64>,
    pub(super) cursor: Option<String>,
}

/// An answer whose body is not the envelope.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) media_type: String,
    /// Its entity tag, where it has one.
    pub(super) tag: Option<String>,
    pub(super) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<R> {
    success: bool,
    errors: Option<Vec<Complaint>>,
    result: Option<R>,
    result_info: Option<ResultInfo>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
    source: Option<Pointed>,
}

#[derive(Deserialize)]
struct Pointed {
    pointer: Option<String>,
}

impl Client {
    pub(super) fn new(base: Url, token: &SecretString, limits: Limits) -> Result<Self, BuildError> {
        if base.cannot_be_a_base() {
            return Err(BuildError::Base(base));
        }
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", token.expose_secret().trim()))
                .map_err(|_| BuildError::Token)?;
        authorization.set_sensitive(true);
        // Somebody else in the process may have chosen already; that is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .user_agent(concat!("zerodrift/", env!("CARGO_PKG_VERSION")))
            .timeout(limits.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(limits.timeout))
            // A redirect would carry the token to who knows where.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(BuildError::Http)?;
        Ok(Self { http, base, authorization, budget: Budget::new(limits.rate) })
    }

    /// Makes a call that answers with the envelope around this type.
    pub(super) async fn call<R: DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<Answer<R>, Error> {
        let raw = self.raw(&request).await?;
        let refused = |errors| {
            let reply = Reply { status: 200, errors: complaints(errors), request_id: None };
            failure(&request.attempt, request.changes(), reply, None)
        };
        match serde_json::from_slice::<Envelope<R>>(&raw.body) {
            Ok(Envelope { success: true, result, result_info, .. }) => {
                Ok(Answer { result, info: result_info.unwrap_or_default() })
            }
            Ok(Envelope { errors, .. }) => Err(refused(errors)),
            Err(source) => match serde_json::from_slice::<Envelope<IgnoredAny>>(&raw.body) {
                // A refusal's result is of no type.
                Ok(Envelope { success: false, errors, .. }) => Err(refused(errors)),
                _ => Err(Error::InvalidResponse {
                    attempt: request.attempt.clone(),
                    reason: "it is not the documented envelope".to_owned(),
                    source: Some(source.into()),
                }),
            },
        }
    }

    /// Makes a call, again where that can help and is safe: any call that certainly did not take
    /// effect (not connected, over the rate limit), and one whose effect is the same twice.
    pub(super) async fn raw(&self, request: &Request) -> Result<Raw, Error> {
        let mut backoff = FIRST_BACKOFF;
        let mut resends = 0;
        let mut unknown = false;
        loop {
            let failed = match self.once(request, resends).await {
                Ok(raw) => return Ok(raw),
                Err(failed) => failed,
            };
            resends += 1;
            if resends >= TRIES || !failed.may_repeat {
                // That this one had no effect says nothing of those before it.
                let gone = request.deletes() && matches!(failed.error, Error::NotFound { .. });
                let unknown = unknown && !gone;
                return Err(if unknown { failed.error.unfinished() } else { failed.error });
            }
            unknown |= failed.error.took_effect() == Effect::Unknown;
            if !matches!(failed.error, Error::RateLimited { .. }) {
                tokio::time::sleep(backoff).await;
                backoff *= 2;
            }
        }
    }

    async fn once(&self, request: &Request, resends: u32) -> Result<Raw, Failed> {
        self.budget.turn().await.map_err(|retry_after| Failed {
            error: Error::RateLimited { attempt: request.attempt.clone(), retry_after },
            may_repeat: false,
        })?;
        // Where nobody counts, there is nothing to count with.
        MADE.try_with(|made| made.fetch_add(1, Ordering::Relaxed)).ok();
        let url = request.url(&self.base);
        let span = span(request, &url, resends);
        let outcome = self.exchange(request, url).instrument(span.clone()).await;
        if let Err(failed) = &outcome {
            span.record("error.type", error_type(&failed.error));
            span.record("otel.status_code", "ERROR");
            span.in_scope(|| tracing::debug!(error = %failed.error, "cloud call failed"));
        }
        outcome
    }

    async fn exchange(&self, request: &Request, url: Url) -> Result<Raw, Failed> {
        let attempt = || request.attempt.clone();
        let lost = |source: reqwest::Error| -> Failed {
            let not_sent = source.is_connect();
            let (reply, source) = (Reply::default(), Some(source.without_url().into()));
            let error = if not_sent || !request.changes() {
                Error::Unavailable { attempt: attempt(), reply, source }
            } else {
                Error::OutcomeUnknown { attempt: attempt(), reply, source }
            };
            Failed { error, may_repeat: not_sent || request.is_idempotent() }
        };
        let built =
            request.build(&self.http, url, &self.authorization).map_err(|error| Failed {
                error: Error::Unsupported { attempt: attempt(), reason: error.to_string() },
                may_repeat: false,
            })?;
        let mut response = self.http.execute(built).await.map_err(lost)?;
        let status = response.status();
        let headers = response.headers().clone();
        Span::current().record("http.response.status_code", status.as_u16());
        let request_id = text(&headers, "cf-ray");
        if let Some(id) = &request_id {
            Span::current().record("cloudflare.ray_id", id);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                let reason = format!("it is over {LARGEST_ANSWER} bytes");
                let error = Error::InvalidResponse { attempt: attempt(), reason, source: None };
                return Err(Failed { error, may_repeat: false });
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            let media_type = text(&headers, "content-type").unwrap_or_default();
            return Ok(Raw { media_type, tag: text(&headers, "etag"), body });
        }
        let errors =
            serde_json::from_slice::<Envelope<IgnoredAny>>(&body).ok().and_then(|it| it.errors);
        let reply = Reply { status: status.as_u16(), errors: complaints(errors), request_id };
        let error = failure(&request.attempt, request.changes(), reply, retry_after(&headers));
        let may_repeat = if let Error::RateLimited { retry_after, .. } = &error {
            self.budget.hold(*retry_after);
            true
        } else {
            status.is_server_error() && request.is_idempotent()
        };
        Err(Failed { error, may_repeat })
    }
}

/// A try that failed.
struct Failed {
    error: Error,
    may_repeat: bool,
}

fn span(request: &Request, url: &Url, resends: u32) -> Span {
    let method = request.method.as_str();
    let span = tracing::info_span!(
        "cloud call",
        otel.name = format!("{method} {}", request.attempt.kind().local()),
        otel.kind = "client",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.request.resend_count = field::Empty,
        http.response.status_code = field::Empty,
        server.address = url.host_str().unwrap_or_default(),
        server.port = url.port_or_known_default(),
        url.full = url.as_str(),
        error.type = field::Empty,
        cloudflare.ray_id = field::Empty,
    );
    if resends > 0 {
        span.record("http.request.resend_count", resends);
    }
    span
}

fn complaints(errors: Option<Vec<Complaint>>) -> Vec<ApiError> {
    errors
        .into_iter()
        .flatten()
        .map(|it| ApiError {
            code: it.code,
            message: it.message.chars().take(500).collect(),
            pointer: it.source.and_then(|source| source.pointer),
        })
        .collect()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Cloudflare gives seconds; a date is not understood.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
