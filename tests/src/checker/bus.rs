//! Reads a stream as it is.

use async_nats::jetstream::{self, stream::DirectGetErrorKind};
use serde_json::Value;

/// One stored message.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Its sequence in its stream.
    pub sequence: u64,
    /// Where it was published.
    pub subject: String,
    /// When the server stored it, in nanoseconds since 1970.
    pub at: i128,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// What they say; null where they say nothing that can be read, as a deleted key.
    pub body: Value,
}

impl Entry {
    /// A text in the body, by JSON pointer; empty where there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number in the body, by JSON pointer; 0 where there is none.
    pub(crate) fn number(&self, pointer: &str) -> u64 {
        self.body.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
    }
}

/// Everything a stream holds, oldest first. Read one by one: a consumer waits without end for what
/// expires while it reads.
pub async fn read_stream(client: &async_nats::Client, name: &str) -> anyhow::Result<Vec<Entry>> {
    let stream = jetstream::new(client.clone()).get_stream(name).await?;
    let state = &stream.cached_info().state;
    let mut all = Vec::new();
    for sequence in state.first_sequence.max(1)..=state.last_sequence {
        let message = match stream.direct_get(sequence).await {
            Ok(message) => message,
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let at = message.time.unix_timestamp_nanos();
        let payload = message.payload.to_vec();
        let body = decoded(&payload);
        all.push(Entry { sequence, subject: message.subject.to_string(), at, payload, body });
    }
    Ok(all)
}

fn decoded(payload: &[u8]) -> Value {
    if payload.first() == Some(&b'{') {
        serde_json::from_slice(payload).unwrap_or_default()
    } else {
        rmp_serde::from_slice(payload).unwrap_or_default()
    }
}
