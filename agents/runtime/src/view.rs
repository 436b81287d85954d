//! All records of one type, kept up to date by asking.
//!
//! Read in batches with direct gets, from the oldest revision kept to the newest and then only what
//! was written since: a consumer would tell by itself, but agents have no right to make one, and a
//! look that must be newer than something else has to ask anyway.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::{DirectGetError, DirectGetErrorKind};
use async_nats::{Client, StatusCode};
use bus_schema::{Record, codec};
use futures::StreamExt;
use serde_json::json;
use tokio::sync::Mutex;

use crate::{Entry, Revision, StoreError};

/// Messages asked for at once.
const BATCH: u64 = 500;
/// Longest wait for the next message of a batch.
const PATIENCE: Duration = Duration::from_secs(2);

/// Every record by its key, as of one moment.
pub type Snapshot<R> = Arc<BTreeMap<String, Arc<Entry<R>>>>;

/// Every record of one type; needs the right to read its whole bucket.
pub struct View<R> {
    client: Client,
    seen: Mutex<Seen<R>>,
}

struct Seen<R> {
    records: Snapshot<R>,
    /// The last message read.
    last: u64,
}

impl<R: Record> fmt::Debug for View<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({}/{})", R::BUCKET.name, R::PREFIX)
    }
}

impl<R: Record> View<R> {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, seen: Mutex::new(Seen { records: Snapshot::default(), last: 0 }) }
    }

    /// The records as they are after this was called. One that cannot be decoded is left out, and
    /// said in the log.
    ///
    /// # Errors
    /// When the bucket cannot be read.
    pub async fn now(&self) -> Result<Snapshot<R>, StoreError> {
        let mut seen = self.seen.lock().await;
        while self.batch(&mut seen).await? {}
        Ok(Arc::clone(&seen.records))
    }

    /// Reads on from where it stands; tells whether there is more.
    async fn batch(&self, seen: &mut Seen<R>) -> Result<bool, StoreError> {
        let failed = |kind: DirectGetErrorKind, why: String| StoreError::Read {
            key: format!("{}.>", R::PREFIX),
            source: DirectGetError::with_source(kind, why),
        };
        let other = |why: String| failed(DirectGetErrorKind::Other, why);
        let inbox = self.client.new_inbox();
        let mut answers =
            self.client.subscribe(inbox.clone()).await.map_err(|it| other(it.to_string()))?;
        let request = json!({
            "seq": seen.last + 1,
            "next_by_subj": R::BUCKET.subject(&format!("{}.>", R::PREFIX)),
            "batch": BATCH,
        });
        let subject = format!("$JS.API.DIRECT.GET.{}", R::BUCKET.stream_name());
        self.client
            .publish_with_reply(subject, inbox, request.to_string().into())
            .await
            .map_err(|it| other(it.to_string()))?;
        let mut read = 0;
        loop {
            let answer = tokio::time::timeout(PATIENCE, answers.next()).await;
            let Ok(Some(message)) = answer else {
                return Err(failed(DirectGetErrorKind::TimedOut, "no answer".to_owned()));
            };
            match message.status {
                None | Some(StatusCode::OK) => {
                    read += 1;
                    if !take(seen, &message) {
                        return Err(other("an answer without sequence or subject".to_owned()));
                    }
                }
                // The end of a batch, which may be not the end of all.
                Some(status) if status.as_u16() == 204 => return Ok(read == BATCH),
                Some(StatusCode::NOT_FOUND) => return Ok(false),
                Some(status) => {
                    let why = message.description.as_deref().unwrap_or_default();
                    return Err(other(format!("{status}: {why}")));
                }
            }
        }
    }
}

/// Puts what one message says into the view; tells whether it could be read as an answer at all.
fn take<R: Record>(seen: &mut Seen<R>, message: &async_nats::Message) -> bool {
    let header = |name: &str| {
        let headers = message.headers.as_ref();
        headers.and_then(|it| it.get(name)).map(async_nats::HeaderValue::as_str)
    };
    let sequence = header("Nats-Sequence").and_then(|it| it.parse::<u64>().ok());
    let (Some(sequence), Some(subject)) = (sequence, header("Nats-Subject")) else { return false };
    seen.last = seen.last.max(sequence);
    let prefix = R::BUCKET.subject(&format!("{}.", R::PREFIX));
    let Some(key) = subject.strip_prefix(&prefix) else { return true };
    let gone = header("KV-Operation").is_some_and(|done| matches!(done, "DEL" | "PURGE"))
        || header("Nats-Marker-Reason").is_some();
    let records = Arc::make_mut(&mut seen.records);
    if gone {
        records.remove(key);
        return true;
    }
    match codec::decode(None, &message.payload) {
        Ok(record) => {
            let entry = Entry { key: key.to_owned(), record, revision: Revision(sequence) };
            records.insert(key.to_owned(), Arc::new(entry));
        }
        Err(error) => {
            let error = crate::chain(&error);
            tracing::error!(bucket = R::BUCKET.name, key, error, "a record that cannot be read");
            records.remove(key);
        }
    }
    true
}
