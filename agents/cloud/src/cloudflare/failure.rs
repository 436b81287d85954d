//! What an answer that is not a success means. The one place where Cloudflare's codes are read.

use std::time::Duration;

use crate::error::{ApiError, Attempt, Error, Reply};

/// Credentials that are not valid or do not allow it.
const UNAUTHORISED: [i64; 5] = [10_000, 9_109, 9_106, 6_003, 6_111];
/// An object that is not there, whatever the status.
const NOT_FOUND: [i64; 1] = [81_044];
/// An id in the address that names nothing, such as a zone's that is gone.
pub(super) const NO_SUCH_PLACE: i64 = 7_003;
/// A ruleset, DNS record, KV namespace or Worker route that is there already.
const CONFLICT: [i64; 6] = [NO_SECOND_RULESET, 81_053, 81_057, 81_058, 10_014, 10_020];
/// The phase has its ruleset already.
pub(super) const NO_SECOND_RULESET: i64 = 20_217;
/// An R2 bucket that is there already; elsewhere the code means something else.
const BUCKET_EXISTS: i64 = 10_004;
/// Over the rate limit.
const OVER_LIMIT: [i64; 2] = [971, 10_429];

/// What to wait where the answer does not say.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The error an unsuccessful answer stands for.
pub(super) fn failure(
    attempt: &Attempt,
    changes: bool,
    reply: Reply,
    retry_after: Option<Duration>,
) -> Error {
    let attempt = attempt.clone();
    let any_of = |codes: &[i64]| codes.iter().any(|code| reply.has_code(*code));
    let bucket_exists = attempt.kind().local() == "r2_bucket" && reply.has_code(BUCKET_EXISTS);
    match reply.status {
        429 => {
            Error::RateLimited { attempt, retry_after: retry_after.unwrap_or(DEFAULT_RETRY_AFTER) }
        }
        _ if any_of(&OVER_LIMIT) => {
            Error::RateLimited { attempt, retry_after: retry_after.unwrap_or(DEFAULT_RETRY_AFTER) }
        }
        500..=599 if changes => Error::OutcomeUnknown { attempt, reply, source: None },
        500..=599 => Error::Unavailable { attempt, reply, source: None },
        401 | 403 => Error::Unauthorised { attempt, reply },
        _ if any_of(&UNAUTHORISED) => Error::Unauthorised { attempt, reply },
        409 => Error::Conflict { attempt, reply },
        _ if bucket_exists || any_of(&CONFLICT) => Error::Conflict { attempt, reply },
        404 => Error::NotFound { attempt, reply },
        _ if any_of(&NOT_FOUND) || reply.has_code(NO_SUCH_PLACE) => {
            Error::NotFound { attempt, reply }
        }
        _ => Error::Refused { attempt, reply },
    }
}

/// A conflict found by looking rather than told by Cloudflare.
pub(super) fn conflict(attempt: Attempt, message: impl Into<String>) -> Error {
    Error::Conflict { attempt, reply: found(409, message.into()) }
}

/// An absence found by looking rather than told by Cloudflare.
pub(super) fn absent(attempt: Attempt, message: impl Into<String>) -> Error {
    Error::NotFound { attempt, reply: found(404, message.into()) }
}

fn found(status: u16, message: String) -> Reply {
    let error = ApiError { code: 0, message, pointer: None };
    Reply { status, errors: vec![error], request_id: None }
}

/// For the span: a low-cardinality name of what went wrong.
pub(super) fn error_type(error: &Error) -> &'static str {
    match error {
        Error::Unfinished { source, .. } => error_type(source),
        Error::Refused { .. } => "refused",
        Error::Unauthorised { .. } => "unauthorised",
        Error::NotFound { .. } => "not_found",
        Error::Conflict { .. } => "conflict",
        Error::RateLimited { .. } => "rate_limited",
        Error::Unavailable { .. } => "unavailable",
        Error::OutcomeUnknown { .. } => "outcome_unknown",
        Error::InvalidResponse { .. } => "invalid_response",
        Error::Unsupported { .. } => "unsupported",
    }
}
