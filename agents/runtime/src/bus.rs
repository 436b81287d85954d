//! The connection an agent works through: publish, read back, keep.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::{DirectGetError, DirectGetErrorKind};
use async_nats::{HeaderMap, HeaderValue, jetstream};
use bus_schema::{
    InstanceId, Message, MessageId, Received, Record, Subject, codec, header, stream,
};
use bytes::Bytes;
use tokio::sync::watch;
use tracing::Instrument;

use crate::connect::Events;
use crate::delivery::raw::Raw;
use crate::telemetry::{meters::Meters, propagation, spans};
use crate::{Retry, Retryable, Store, View};

/// How long an acknowledgement is waited for. The longest stall after a server was killed, so not
/// the client's five seconds.
pub(crate) const ACK_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a publish is tried, with the same id.
const ATTEMPTS: u32 = 5;
/// Longest value of a header of ours.
const LONGEST_HEADER: usize = 1_500;

/// A cheap handle on the connection and what is kept on the server.
#[derive(Debug, Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: async_nats::Client,
    /// For streams, consumers and listings, which may take longer than an acknowledgement.
    administration: jetstream::Context,
    /// For publishing, acknowledging and reading by key.
    data: jetstream::Context,
    instance: InstanceId,
    events: Arc<Events>,
    meters: Meters,
}

/// Where a message stands in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its sequence.
    pub sequence: u64,
    /// Whether a message with its id was there already: what stands at the sequence may be another.
    pub before: bool,
}

/// The bus did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// A message is too large or not expressible; trying again does not help.
    #[error("cannot encode {kind}")]
    Encode {
        /// The message's wire name.
        kind: &'static str,
        /// Why.
        source: codec::EncodeError,
    },
    /// No acknowledgement, though it was tried several times with the same id.
    #[error("publishing on {subject} was not acknowledged")]
    Publish {
        /// Where to.
        subject: String,
        /// The last attempt's error.
        source: jetstream::context::PublishError,
    },
    /// A stored message could not be read.
    #[error("cannot read message {sequence} of {}", stream::SWARM.name)]
    Read {
        /// Which one.
        sequence: u64,
        /// Why.
        source: DirectGetError,
    },
    /// What is stored at a sequence is another message; trying again does not help.
    #[error("message {sequence} of {} is not {kind}", stream::SWARM.name)]
    NotThis {
        /// Which one.
        sequence: u64,
        /// The type wanted.
        kind: &'static str,
        /// Why it does not decode, where that is how it was noticed.
        source: Option<codec::DecodeError>,
    },
}

impl Retryable for BusError {
    fn retry(&self) -> Retry {
        match self {
            Self::Publish { .. } | Self::Read { .. } => Retry::After(Duration::from_secs(1)),
            Self::Encode { .. } | Self::NotThis { .. } => Retry::Never,
        }
    }
}

impl Bus {
    pub(crate) fn new(
        client: async_nats::Client,
        instance: InstanceId,
        events: Arc<Events>,
    ) -> Self {
        let context = |timeout| {
            jetstream::context::ContextBuilder::new().timeout(timeout).build(client.clone())
        };
        Self {
            inner: Arc::new(Inner {
                administration: context(Duration::from_secs(5)),
                data: context(ACK_TIMEOUT),
                instance,
                events,
                meters: Meters::new(),
                client,
            }),
        }
    }

    /// This process.
    pub fn instance(&self) -> &InstanceId {
        &self.inner.instance
    }

    /// The records of one type.
    pub fn store<R: Record>(&self) -> Store<R> {
        Store::new(self.inner.data.clone())
    }

    /// All records of one type; for who may read their whole bucket.
    pub fn view<R: Record>(&self) -> View<R> {
        View::new(self.inner.client.clone())
    }

    /// The NATS connection, for what has no typed form: the command line's views.
    pub fn client(&self) -> &async_nats::Client {
        &self.inner.client
    }

    /// `JetStream`, for what has no typed form: the command line's views and bootstrap.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.inner.administration
    }

    pub(crate) fn data(&self) -> &jetstream::Context {
        &self.inner.data
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.inner.meters
    }

    /// Counts the connections made.
    pub(crate) fn reconnections(&self) -> watch::Receiver<u64> {
        self.inner.events.connected()
    }

    /// Whether the connection stands.
    pub(crate) fn up(&self) -> watch::Receiver<bool> {
        self.inner.events.up()
    }

    /// The first action that the server denied and that one cannot do without. A denied action
    /// itself shows as a timeout only.
    pub fn denied(&self) -> watch::Receiver<Option<String>> {
        self.inner.events.denied()
    }

    /// Publishes a message under an id and gives its sequence in the stream. Within the stream's
    /// window a second message with the same id is not stored, and the first one's sequence is
    /// given.
    ///
    /// Handlers publish through their [`crate::Outbox`], which makes the ids.
    ///
    /// # Errors
    /// When it cannot be encoded, or no acknowledgement came.
    pub async fn publish<M: Message>(&self, message: &M, id: &MessageId) -> Result<u64, BusError> {
        self.emit(message, id, None).await.map(|published| published.sequence)
    }

    /// The same for a message emitted while handling `cause`.
    pub(crate) async fn emit<M: Message>(
        &self,
        message: &M,
        id: &MessageId,
        cause: Option<&MessageId>,
    ) -> Result<Published, BusError> {
        let payload =
            codec::encode(message).map_err(|source| BusError::Encode { kind: M::TYPE, source })?;
        let mut headers = HeaderMap::new();
        put(&mut headers, header::MESSAGE_ID, id.as_str());
        put(&mut headers, header::CONTENT_TYPE, codec::MESSAGEPACK);
        put(&mut headers, header::TYPE, M::TYPE);
        if let Some(intent) = message.intent() {
            put(&mut headers, header::INTENT, &intent.to_string());
        }
        if let Some(cause) = cause {
            put(&mut headers, header::CAUSE, cause.as_str());
        }
        let subject = message.subject();
        let span = spans::send(M::FILTER, &subject, id, M::TYPE, payload.len());
        propagation::inject(&span, &mut headers);
        let sent =
            self.publish_raw(&subject, headers, payload.into()).instrument(span.clone()).await;
        match sent {
            Ok(published) => {
                self.meters().sent(M::FILTER);
                Ok(published)
            }
            Err(source) => {
                let error = BusError::Publish { subject: subject.to_string(), source };
                spans::fail(&span, "publish", &crate::retry::chain(&error));
                Err(error)
            }
        }
    }

    /// Publishes and waits for the acknowledgement; tries again with the very same headers, so the
    /// stream knows it is the same message.
    pub(crate) async fn publish_raw(
        &self,
        subject: &Subject,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Published, jetstream::context::PublishError> {
        let mut attempt = 1;
        loop {
            crate::failpoint!("bus::before_publish");
            let publish = PublishMessage::build().headers(headers.clone()).payload(payload.clone());
            let outcome = match self.data().send_publish(subject.as_str().to_owned(), publish).await
            {
                Ok(acknowledgement) => acknowledgement.await,
                Err(error) => Err(error),
            };
            crate::failpoint!("bus::after_publish");
            match outcome {
                Ok(stored) => {
                    let (sequence, before) = (stored.sequence, stored.duplicate);
                    return Ok(Published { sequence, before });
                }
                Err(error) if attempt < ATTEMPTS && may_pass(error.kind()) => {
                    tracing::debug!(%subject, attempt, %error, "publishing again");
                    tokio::time::sleep(Duration::from_millis(100) * attempt).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a stored message; `None` where there is none at that sequence.
    ///
    /// # Errors
    /// When it cannot be read, or is not of this type.
    pub async fn message_at<M: Message>(
        &self,
        sequence: u64,
    ) -> Result<Option<Received<M>>, BusError> {
        let stream = self.swarm(sequence).await?;
        typed(sequence, stream.direct_get(sequence).await)
    }

    /// Reads the first message stored on a subject at this sequence or after it; `None` where there
    /// is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or is not of this type; the error says at which sequence it is.
    pub async fn message_from<M: Message>(
        &self,
        subject: &Subject,
        sequence: u64,
    ) -> Result<Option<Received<M>>, BusError> {
        let stream = self.swarm(sequence).await?;
        let found = stream.direct_get_next_for_subject(subject.as_str(), Some(sequence)).await;
        typed(sequence, found)
    }

    async fn swarm(&self, sequence: u64) -> Result<jetstream::stream::Stream<()>, BusError> {
        self.data().get_stream_no_info(stream::SWARM.name).await.map_err(|error| {
            let source = DirectGetError::with_source(DirectGetErrorKind::Other, error);
            BusError::Read { sequence, source }
        })
    }
}

/// A stored message as one of this type; asked for by a sequence.
fn typed<M: Message>(
    asked: u64,
    found: Result<StreamMessage, DirectGetError>,
) -> Result<Option<Received<M>>, BusError> {
    let raw = match found {
        Ok(message) => Raw::stored(message),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(BusError::Read { sequence: asked, source }),
    };
    let sequence = raw.sequence();
    let typed = raw.header(header::TYPE).is_none_or(|kind| kind == M::TYPE);
    if !typed || !M::FILTER.matches(raw.subject()) {
        return Err(BusError::NotThis { sequence, kind: M::TYPE, source: None });
    }
    match codec::decode(raw.header(header::CONTENT_TYPE), raw.payload()) {
        Ok(message) => Ok(Some(raw.received(message))),
        Err(source) => Err(BusError::NotThis { sequence, kind: M::TYPE, source: Some(source) }),
    }
}

/// Whether the next attempt may find it passed.
const fn may_pass(kind: PublishErrorKind) -> bool {
    match kind {
        PublishErrorKind::StreamNotFound
        | PublishErrorKind::TimedOut
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::MaxAckPending
        | PublishErrorKind::Other => true,
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::MaxPayloadExceeded => false,
    }
}

/// Sets a header. A value has one line by the protocol, so line breaks become spaces, and a long
/// one is cut.
pub(crate) fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let mut line = String::new();
    for character in value.chars() {
        if line.len() >= LONGEST_HEADER {
            line.push('…');
            break;
        }
        line.push(if matches!(character, '\r' | '\n') { ' ' } else { character });
    }
    if let Ok(value) = line.parse::<HeaderValue>() {
        headers.insert(name, value);
    }
}
