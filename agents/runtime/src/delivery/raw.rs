//! A message as the server delivered it, not decoded yet.

use async_nats::HeaderMap;
use bus_schema::{MessageId, Received, header, stream};
use bytes::Bytes;

/// A message as the server delivered or stored it.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
    sequence: u64,
    published_at: jiff::Timestamp,
    delivery: u64,
}

impl Raw {
    /// From a consumer; `None` where the reply subject does not say which message it is, which no
    /// server does.
    pub(crate) fn delivered(message: &async_nats::jetstream::Message) -> Option<Self> {
        let info = message.info().ok()?;
        Some(Self {
            subject: message.subject.to_string(),
            headers: message.headers.clone().unwrap_or_default(),
            payload: message.payload.clone(),
            sequence: info.stream_sequence,
            published_at: timestamp(info.published.unix_timestamp_nanos()),
            delivery: u64::try_from(info.delivered).unwrap_or(1),
        })
    }

    /// Read from the stream by its sequence.
    pub(crate) fn stored(message: async_nats::jetstream::message::StreamMessage) -> Self {
        Self {
            subject: message.subject.to_string(),
            headers: message.headers,
            payload: message.payload,
            sequence: message.sequence,
            published_at: timestamp(message.time.unix_timestamp_nanos()),
            delivery: 0,
        }
    }

    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.get(name).map(async_nats::HeaderValue::as_str)
    }

    pub(crate) const fn payload(&self) -> &Bytes {
        &self.payload
    }

    pub(crate) const fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) const fn delivery(&self) -> u64 {
        self.delivery
    }

    /// Its id: as given by its sender, else derived from its place in the stream.
    pub(crate) fn id(&self) -> MessageId {
        self.header(header::MESSAGE_ID).filter(|id| !id.is_empty()).map_or_else(
            || MessageId::of_stream_sequence(stream::SWARM.name, self.sequence),
            MessageId::given,
        )
    }

    pub(crate) fn received<M>(&self, message: M) -> Received<M> {
        Received {
            message,
            id: self.id(),
            sequence: self.sequence,
            published_at: self.published_at,
            delivery: self.delivery,
        }
    }
}

fn timestamp(nanoseconds: i128) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(nanoseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
