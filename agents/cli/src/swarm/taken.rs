//! What a person can do about a message that the server did not take.

use std::error::Error;

use async_nats::jetstream;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::PublishErrorKind;
use runtime::BusError;

/// Codes by which a server says that it cannot store anything more.
const FULL: [ErrorCode; 3] = [
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ErrorCode::STREAM_STORE_FAILED,
];

/// What to do about it.
pub(crate) fn advice(error: &BusError) -> &'static str {
    match error {
        BusError::Publish { source, .. } if is_full(source) => {
            "the NATS server's disk is full: free some space, restart the server, and try again; \
             what it had acknowledged is kept"
        }
        BusError::Publish { source, .. } if source.kind() == PublishErrorKind::TimedOut => {
            "the server answers but did not store it: is its disk full (its log says so; free some \
             space and restart it), are you allowed to ask for this, and has it been prepared \
             (`zerodrift bootstrap`)? Asking again afterwards does no harm"
        }
        BusError::Publish { .. }
        | BusError::Encode { .. }
        | BusError::Read { .. }
        | BusError::NotThis { .. } => {
            "has this NATS server been prepared? `zerodrift bootstrap` does it; are you allowed to \
             ask for this?"
        }
    }
}

fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error
            .downcast_ref::<jetstream::Error>()
            .is_some_and(|it| FULL.contains(&it.error_code()))
        {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u64) -> BusError {
        let answer = serde_json::json!({"code": 503, "err_code": code, "description": "no"});
        let answer: jetstream::Error = serde_json::from_value(answer).unwrap();
        let source = jetstream::context::PublishError::with_source(PublishErrorKind::Other, answer);
        BusError::Publish { subject: "swarm.intent.submit".to_owned(), source }
    }

    #[test]
    fn a_full_disk_is_told_from_other_refusals() {
        assert!(advice(&refused(10_023)).contains("disk is full"));
        assert!(advice(&refused(10_047)).contains("disk is full"));
        assert!(advice(&refused(10_077)).contains("disk is full"));
        assert!(advice(&refused(10_060)).contains("bootstrap"));
    }
}
