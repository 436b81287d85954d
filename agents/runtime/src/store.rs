//! The swarm's shared memory: records in KV buckets, every write compare-and-set.
//!
//! Spoken to with plain publishes and direct reads rather than through the client's KV type: that
//! one asks for rights an agent should not have, and loses the time to live of a key made anew
//! over a delete marker.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use async_nats::{HeaderMap, jetstream};
use bus_schema::{Record, codec, header};
use futures::TryStreamExt;

use crate::{Retry, Retryable};

/// How often a write is tried when no answer came. All attempts carry one id, by which a write that
/// had been stored is known.
const ATTEMPTS: u32 = 3;
/// What the server says it did to a key.
const OPERATION: &str = "KV-Operation";
/// Set by the server on what it put in place of an expired key.
const MARKER: &str = "Nats-Marker-Reason";
const TTL: &str = "Nats-TTL";

/// Which writing of a key; a later one has a greater number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A record with its key and revision.
#[derive(Debug, Clone)]
pub struct Entry<R> {
    /// The key, without the record's prefix.
    pub key: String,
    /// The record.
    pub record: R,
    /// Its revision.
    pub revision: Revision,
}

/// The records of one type.
pub struct Store<R> {
    context: jetstream::Context,
    record: PhantomData<fn() -> R>,
}

impl<R> Clone for Store<R> {
    fn clone(&self) -> Self {
        Self { context: self.context.clone(), record: PhantomData }
    }
}

impl<R: Record> fmt::Debug for Store<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({}/{})", R::BUCKET.name, R::PREFIX)
    }
}

/// A record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote it in between: read it again.
    #[error("{key} was written by somebody else")]
    Conflict {
        /// The key in its bucket.
        key: String,
    },
    /// It cannot be encoded; trying again does not help.
    #[error("cannot encode {key}")]
    Encode {
        /// The key in its bucket.
        key: String,
        /// Why.
        source: codec::EncodeError,
    },
    /// What is stored is no such record; trying again does not help.
    #[error("{key} does not hold what it should")]
    Decode {
        /// The key in its bucket.
        key: String,
        /// Why.
        source: codec::DecodeError,
    },
    /// It could not be read.
    #[error("cannot read {key}")]
    Read {
        /// The key in its bucket.
        key: String,
        /// Why.
        source: jetstream::stream::DirectGetError,
    },
    /// The keys could not be listed.
    #[error("cannot list the keys of bucket {bucket}")]
    List {
        /// The bucket.
        bucket: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It could not be written; whether it was is not known.
    #[error("cannot write {key}")]
    Write {
        /// The key in its bucket.
        key: String,
        /// Why.
        source: jetstream::context::PublishError,
    },
}

impl Retryable for StoreError {
    fn retry(&self) -> Retry {
        match self {
            Self::Conflict { .. } => Retry::After(Duration::from_millis(100)),
            Self::Read { .. } | Self::Write { .. } | Self::List { .. } => {
                Retry::After(Duration::from_secs(1))
            }
            Self::Encode { .. } | Self::Decode { .. } => Retry::Never,
        }
    }
}

/// What a key holds.
enum Held {
    /// Nothing, and never did.
    Nothing,
    /// The mark of a deletion or an expiry.
    Marker(Revision),
    /// A record, not decoded.
    Value(StreamMessage),
}

impl<R: Record> Store<R> {
    pub(crate) const fn new(context: jetstream::Context) -> Self {
        Self { context, record: PhantomData }
    }

    /// Reads a record; `None` where there is none, or no longer.
    ///
    /// # Errors
    /// When it cannot be read or decoded.
    pub async fn get(&self, key: &R::Key) -> Result<Option<(R, Revision)>, StoreError> {
        let key = R::key(key);
        match self.held(&key).await? {
            Held::Nothing | Held::Marker(_) => Ok(None),
            Held::Value(message) => decode(&key, &message).map(Some),
        }
    }

    /// Writes a record that must not be there yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is there already.
    pub async fn create(&self, key: &R::Key, value: &R) -> Result<Revision, StoreError> {
        self.make(&R::key(key), value, None).await
    }

    /// Writes a record over exactly this revision of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is at another.
    pub async fn update(
        &self,
        key: &R::Key,
        value: &R,
        over: Revision,
    ) -> Result<Revision, StoreError> {
        self.write(&R::key(key), value, None, over).await
    }

    /// Writes a record that ends by itself after `ttl`, in whole seconds; over exactly the
    /// revision `expected`, or where there must not be one yet. To keep it longer, write it again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is at another revision, or there already.
    pub async fn put_for(
        &self,
        key: &R::Key,
        value: &R,
        ttl: Duration,
        expected: Option<Revision>,
    ) -> Result<Revision, StoreError> {
        let key = R::key(key);
        match expected {
            Some(over) => self.write(&key, value, Some(ttl), over).await,
            None => self.make(&key, value, Some(ttl)).await,
        }
    }

    /// Deletes exactly this revision of a record.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is at another.
    pub async fn delete(&self, key: &R::Key, over: Revision) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(OPERATION, "DEL");
        self.publish(&R::key(key), headers, Vec::new(), over).await.map(|_| ())
    }

    /// Every record of this type. For views: asks for a right that agents do not have over buckets
    /// that are not theirs.
    ///
    /// # Errors
    /// When the keys cannot be listed or a record cannot be read.
    pub async fn list(&self) -> Result<Vec<Entry<R>>, StoreError> {
        let bucket = R::BUCKET.name;
        let listing =
            |source: Box<dyn std::error::Error + Send + Sync>| StoreError::List { bucket, source };
        let stream = self.stream().await.map_err(|error| listing(Box::new(error)))?;
        let subjects: Vec<(String, usize)> = stream
            .info_with_subjects(R::BUCKET.subject(&format!("{}.>", R::PREFIX)))
            .await
            .map_err(|error| listing(Box::new(error)))?
            .try_collect()
            .await
            .map_err(|error| listing(Box::new(error)))?;
        let prefix = R::BUCKET.subject(&format!("{}.", R::PREFIX));
        let mut entries = Vec::with_capacity(subjects.len());
        for (subject, _) in subjects {
            let Some(name) = subject.strip_prefix(&prefix) else { continue };
            let key = format!("{}.{name}", R::PREFIX);
            if let Held::Value(message) = self.held(&key).await? {
                let (record, revision) = decode(&key, &message)?;
                entries.push(Entry { key: name.to_owned(), record, revision });
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Writes over nothing, or over the mark of a deletion.
    async fn make(
        &self,
        key: &str,
        value: &R,
        ttl: Option<Duration>,
    ) -> Result<Revision, StoreError> {
        match self.write(key, value, ttl, Revision(0)).await {
            Err(StoreError::Conflict { .. }) => match self.held(key).await? {
                Held::Marker(over) => self.write(key, value, ttl, over).await,
                Held::Nothing => self.write(key, value, ttl, Revision(0)).await,
                Held::Value(_) => Err(StoreError::Conflict { key: key.to_owned() }),
            },
            other => other,
        }
    }

    async fn write(
        &self,
        key: &str,
        value: &R,
        ttl: Option<Duration>,
        over: Revision,
    ) -> Result<Revision, StoreError> {
        let payload = codec::encode(value)
            .map_err(|source| StoreError::Encode { key: key.to_owned(), source })?;
        let mut headers = HeaderMap::new();
        if let Some(ttl) = ttl {
            headers.insert(TTL, ttl.as_secs().max(1).to_string());
        }
        self.publish(key, headers, payload, over).await
    }

    async fn publish(
        &self,
        key: &str,
        mut headers: HeaderMap,
        payload: Vec<u8>,
        over: Revision,
    ) -> Result<Revision, StoreError> {
        // An answer that got lost must not look like somebody else's write when tried again.
        let id = uuid::Uuid::new_v4().to_string();
        headers.insert(header::MESSAGE_ID, id.as_str());
        let publish = PublishMessage::build()
            .headers(headers)
            .payload(payload.into())
            .expected_last_subject_sequence(over.0);
        let mut attempt = 1;
        loop {
            crate::failpoint!("store::before_write");
            let sent = self.context.send_publish(R::BUCKET.subject(key), publish.clone()).await;
            let outcome = match sent {
                Ok(acknowledgement) => acknowledgement.await,
                Err(error) => Err(error),
            };
            crate::failpoint!("store::after_write");
            match outcome {
                Ok(acknowledgement) => return Ok(Revision(acknowledgement.sequence)),
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    // The server compares revisions before it looks at ids, so the write that it
                    // is in the way of may be the one before this attempt.
                    let ours = if attempt > 1 { self.written_as(key, &id).await? } else { None };
                    return ours.ok_or_else(|| StoreError::Conflict { key: key.to_owned() });
                }
                Err(error)
                    if attempt < ATTEMPTS
                        && matches!(
                            error.kind(),
                            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe
                        ) =>
                {
                    attempt += 1;
                }
                Err(source) => return Err(StoreError::Write { key: key.to_owned(), source }),
            }
        }
    }

    /// The revision of the key, if it was written under this id.
    async fn written_as(&self, key: &str, id: &str) -> Result<Option<Revision>, StoreError> {
        Ok(self
            .last(key)
            .await?
            .filter(|last| last.headers.get(header::MESSAGE_ID).is_some_and(|it| it.as_str() == id))
            .map(|last| Revision(last.sequence)))
    }

    async fn held(&self, key: &str) -> Result<Held, StoreError> {
        let Some(message) = self.last(key).await? else { return Ok(Held::Nothing) };
        let removed = message
            .headers
            .get(OPERATION)
            .is_some_and(|done| matches!(done.as_str(), "DEL" | "PURGE"));
        Ok(if removed || message.headers.get(MARKER).is_some() {
            Held::Marker(Revision(message.sequence))
        } else {
            Held::Value(message)
        })
    }

    /// The newest message of the key, whatever it says.
    async fn last(&self, key: &str) -> Result<Option<StreamMessage>, StoreError> {
        let reading = |source| StoreError::Read { key: key.to_owned(), source };
        let stream = self.stream().await.map_err(|error| {
            reading(jetstream::stream::DirectGetError::with_source(
                DirectGetErrorKind::Other,
                error,
            ))
        })?;
        match stream.direct_get_last_for_subject(R::BUCKET.subject(key)).await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(reading(error)),
        }
    }

    async fn stream(&self) -> Result<Stream<()>, jetstream::context::GetStreamError> {
        self.context.get_stream_no_info(R::BUCKET.stream_name()).await
    }
}

fn decode<R: Record>(key: &str, message: &StreamMessage) -> Result<(R, Revision), StoreError> {
    codec::decode(None, &message.payload)
        .map(|record| (record, Revision(message.sequence)))
        .map_err(|source| StoreError::Decode { key: key.to_owned(), source })
}
