//! The messages the swarm gave up, each with its reason.

use async_nats::HeaderMap;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use bus_schema::stream::DEAD;
use bus_schema::{Filter, MessageId, codec, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Failure;
use crate::failure::Explain as _;
use crate::swarm::Swarm;

/// Headers of the dead letter, not of the message that died.
const OF_THE_DEAD: [&str; 6] = [
    header::DEAD_REASON,
    header::DEAD_SUBJECT,
    header::DEAD_SEQUENCE,
    header::DEAD_DELIVERIES,
    header::DEAD_MESSAGE_ID,
    // The dead letter's own; what the message had is the one before.
    header::MESSAGE_ID,
];

/// A message the swarm gave up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeadLetter {
    /// Its place among the dead.
    pub(crate) sequence: u64,
    /// When it was given up.
    pub(crate) at: Timestamp,
    /// Where it is kept: names the consumer that gave it up.
    pub(crate) kept_on: String,
    /// As it was, with the reason.
    pub(crate) headers: HeaderMap,
    /// As it was.
    pub(crate) payload: Bytes,
}

/// A dead letter for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Described {
    sequence: u64,
    at: Timestamp,
    reason: Option<String>,
    subject: Option<String>,
    stream_sequence: Option<String>,
    deliveries: Option<String>,
    kept_on: String,
    headers: std::collections::BTreeMap<String, String>,
    /// The payload as JSON where it can be read as such, else nothing.
    message: Option<Value>,
    bytes: usize,
}

impl DeadLetter {
    fn of(message: StreamMessage) -> Self {
        Self {
            sequence: message.sequence,
            at: super::stored_at(message.time),
            kept_on: message.subject.to_string(),
            headers: message.headers,
            payload: message.payload,
        }
    }

    /// One of its headers.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(async_nats::HeaderValue::as_str)
    }

    /// Why it was given up.
    pub(crate) fn reason(&self) -> &str {
        self.header(header::DEAD_REASON).unwrap_or("no reason was written down")
    }

    /// Where it had been published.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.header(header::DEAD_SUBJECT)
    }

    /// The payload, where it can be read at all.
    pub(crate) fn message(&self) -> Option<Value> {
        codec::decode(self.header(header::CONTENT_TYPE), &self.payload).ok()
    }

    /// The message's own headers.
    pub(crate) fn own_headers(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.headers.iter().filter(|(name, _)| !OF_THE_DEAD.contains(&name.as_ref())).filter_map(
            |(name, values)| {
                values.first().map(|value| (name.to_string(), value.as_str().to_owned()))
            },
        )
    }

    /// Everything, for programs.
    pub(crate) fn describe(&self) -> Described {
        let header = |name| self.header(name).map(ToOwned::to_owned);
        Described {
            sequence: self.sequence,
            at: self.at,
            reason: header(header::DEAD_REASON),
            subject: header(header::DEAD_SUBJECT),
            stream_sequence: header(header::DEAD_SEQUENCE),
            deliveries: header(header::DEAD_DELIVERIES),
            kept_on: self.kept_on.clone(),
            headers: self.own_headers().collect(),
            message: self.message(),
            bytes: self.payload.len(),
        }
    }

    /// What is published to give it back: where, with which headers.
    ///
    /// The id is a new one, since the stream would drop the old one as seen already; it derives from
    /// the old one and from its place among the dead, so that giving it back twice stores it once.
    pub(crate) fn revived(&self) -> Result<(String, HeaderMap), Failure> {
        let sequence = self.sequence;
        let subject =
            self.subject().filter(|subject| Filter::SWARM.matches(subject)).ok_or_else(|| {
                Failure::new(format!("dead letter {sequence} does not say where it came from"))
                    .advise("it cannot be replayed; look at it with `zerodrift dead show`")
            })?;
        let mut headers = HeaderMap::new();
        for (name, values) in self.headers.iter() {
            if !OF_THE_DEAD.contains(&name.as_ref()) {
                for value in values {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
        let died = MessageId::given(self.header(header::DEAD_MESSAGE_ID).unwrap_or_default());
        headers.insert(header::MESSAGE_ID, died.derive(&format!("replay/{sequence}")).as_str());
        Ok((subject.to_owned(), headers))
    }
}

impl Swarm {
    /// How many dead letters there are.
    pub(crate) async fn dead_count(&self) -> Result<u64, Failure> {
        let info = self.dead_stream().await?.get_info().await;
        Ok(info.or_fail("the dead letters cannot be counted")?.state.messages)
    }

    /// The newest dead letters, oldest first, at most `limit`.
    pub(crate) async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        let stream = self.dead_stream().await?;
        let state = stream.get_info().await.or_fail("the dead letters cannot be listed")?.state;
        let mut letters = Vec::new();
        let mut sequence = state.last_sequence;
        while sequence >= state.first_sequence && sequence > 0 && letters.len() < limit {
            letters.extend(read(&stream, sequence).await?);
            sequence -= 1;
        }
        letters.reverse();
        Ok(letters)
    }

    /// One dead letter.
    pub(crate) async fn dead_letter(&self, sequence: u64) -> Result<DeadLetter, Failure> {
        read(&self.dead_stream().await?, sequence).await?.ok_or_else(|| {
            Failure::new(format!("there is no dead letter {sequence}"))
                .advise("`zerodrift dead list` shows those there are")
        })
    }

    /// Publishes a dead letter where it came from, then takes it from the dead. Answers its new
    /// place in the stream.
    pub(crate) async fn replay(&self, letter: &DeadLetter) -> Result<u64, Failure> {
        let sequence = letter.sequence;
        let (subject, headers) = letter.revived()?;
        let what = format!("dead letter {sequence} could not be replayed");
        let published =
            self.bus.jetstream().publish_with_headers(subject, headers, letter.payload.clone());
        let stored = published.await.or_fail(&what)?.await.or_fail(&what)?;
        self.dead_stream().await?.delete_message(sequence).await.or_advise(
            format!("dead letter {sequence} was replayed, but is still among the dead"),
            "replaying it again within two minutes does no harm",
        )?;
        Ok(stored.sequence)
    }

    async fn dead_stream(&self) -> Result<Stream, Failure> {
        self.bus.jetstream().get_stream(DEAD.name).await.or_advise(
            "the dead letters cannot be read",
            "has this NATS server been prepared? `zerodrift bootstrap` does it",
        )
    }
}

async fn read(stream: &Stream, sequence: u64) -> Result<Option<DeadLetter>, Failure> {
    match stream.get_raw_message(sequence).await {
        Ok(message) => Ok(Some(DeadLetter::of(message))),
        // Replayed and deleted, by somebody else perhaps.
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => {
            Err(Failure::new(format!("dead letter {sequence} cannot be read")).because(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(subject: Option<&str>) -> DeadLetter {
        let mut headers = HeaderMap::new();
        headers.insert(header::MESSAGE_ID, "of the dead letter");
        headers.insert(header::DEAD_MESSAGE_ID, "original");
        headers.insert(header::TRACE_PARENT, "00-trace");
        headers.insert(header::DEAD_REASON, "not this message in JSON");
        if let Some(subject) = subject {
            headers.insert(header::DEAD_SUBJECT, subject);
        }
        DeadLetter {
            sequence: 4,
            at: Timestamp::UNIX_EPOCH,
            kept_on: "dead.planner-intents".to_owned(),
            headers,
            payload: Bytes::from_static(b"{\"text\": 3}"),
        }
    }

    #[test]
    fn a_revived_message_is_what_it_was_under_a_new_id() {
        let (subject, headers) = letter(Some("swarm.intent.submit")).revived().unwrap();
        assert_eq!(subject, "swarm.intent.submit");
        assert_eq!(headers.get(header::TRACE_PARENT).unwrap().as_str(), "00-trace");
        assert!(headers.get(header::DEAD_REASON).is_none());
        let id = headers.get(header::MESSAGE_ID).unwrap().as_str().to_owned();
        assert_ne!(id, "original");
        let again = letter(Some("swarm.intent.submit")).revived().unwrap().1;
        assert_eq!(again.get(header::MESSAGE_ID).unwrap().as_str(), id);
    }

    #[test]
    fn a_letter_from_nowhere_is_not_sent_anywhere() {
        assert!(letter(None).revived().is_err());
        assert!(letter(Some("$JS.API.STREAM.DELETE.SWARM")).revived().is_err());
    }

    #[test]
    fn the_payload_is_shown_where_it_can_be() {
        assert_eq!(letter(None).message(), Some(serde_json::json!({"text": 3})));
    }
}
