//! Dead letters: the message as it came, with the reason, kept where a person finds it.

use async_nats::HeaderMap;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use bus_schema::stream::Consumer;
use bus_schema::{Subject, header};
use bytes::Bytes;

use super::raw::Raw;
use crate::Bus;
use crate::bus::put;

/// Headers with this prefix tell the server what to do with a message; those of the original would
/// be obeyed again.
const FOR_THE_SERVER: &str = "nats-";

/// Keeps a copy of the message, bytes and headers as they came, with the reason. Keeping it again
/// within the stream's window keeps it once.
pub(super) async fn keep(
    bus: &Bus,
    consumer: &Consumer,
    raw: &Raw,
    reason: &str,
) -> Result<(), PublishError> {
    let subject = Subject::dead(consumer.name);
    let headers = headers(consumer, raw, reason);
    match bus.publish_raw(&subject, headers, raw.payload().clone()).await {
        // With our headers it has become more than a message may be.
        Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
            let reason = format!("{reason} (too large to keep: its bytes are in the stream)");
            bus.publish_raw(&subject, headers_only(consumer, raw, &reason), Bytes::new()).await
        }
        kept => kept,
    }
    .map(|_| ())
}

fn headers(consumer: &Consumer, raw: &Raw, reason: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in raw.headers().iter() {
        if !name.to_string().to_ascii_lowercase().starts_with(FOR_THE_SERVER) {
            for value in values {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    explain(&mut headers, consumer, raw, reason);
    headers
}

fn headers_only(consumer: &Consumer, raw: &Raw, reason: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    explain(&mut headers, consumer, raw, reason);
    headers
}

fn explain(headers: &mut HeaderMap, consumer: &Consumer, raw: &Raw, reason: &str) {
    let id = raw.id();
    let copy = id.derive(&format!("dead/{}/{}", consumer.name, raw.sequence()));
    put(headers, header::MESSAGE_ID, copy.as_str());
    put(headers, header::DEAD_MESSAGE_ID, id.as_str());
    put(headers, header::DEAD_REASON, reason);
    put(headers, header::DEAD_SUBJECT, raw.subject());
    put(headers, header::DEAD_SEQUENCE, &raw.sequence().to_string());
    put(headers, header::DEAD_DELIVERIES, &raw.delivery().to_string());
}
