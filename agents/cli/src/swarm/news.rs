//! The stream's messages, told apart.

use async_nats::HeaderMap;
use bus_schema::{
    IntentId, IntentRefused, IntentSubmitted, Message, PlanApplied, PlanFailed, PlanProposed,
    PlanStale, PlanSuperseded, ResumeRequested, RunStuck, StackName, codec, header,
};
use jiff::Timestamp;
use serde::Serialize;

/// A message of the stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct News {
    /// Its place in the stream.
    pub sequence: u64,
    /// When the server stored it.
    pub at: Timestamp,
    /// The intent it serves.
    pub intent: Option<IntentId>,
    /// What it says.
    #[serde(flatten)]
    pub said: Said,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "said", content = "message", rename_all = "snake_case")]
pub enum Said {
    /// Somebody wants something.
    Submitted(IntentSubmitted),
    /// They will not have it.
    Refused(IntentRefused),
    /// They will: this is how.
    Planned(Box<PlanProposed>),
    /// It is so.
    Applied(PlanApplied),
    /// It went wrong and was undone.
    Failed(PlanFailed),
    /// It has to be planned again.
    Stale(PlanStale),
    /// Somebody else was first.
    Superseded(PlanSuperseded),
    /// It went wrong and could not be undone.
    Stuck(RunStuck),
    /// Somebody has mended it.
    Resumed(ResumeRequested),
}

impl News {
    /// Reads a message; `None` for what is no message of the swarm, which the agents have to deal
    /// with, not a reader.
    pub fn read(
        sequence: u64,
        at: Timestamp,
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: &[u8],
    ) -> Option<Self> {
        let letter = Letter { subject, headers, payload };
        let said = letter
            .open()
            .map(Said::Submitted)
            .or_else(|| letter.open().map(Said::Refused))
            .or_else(|| letter.open().map(Box::new).map(Said::Planned))
            .or_else(|| letter.open().map(Said::Applied))
            .or_else(|| letter.open().map(Said::Failed))
            .or_else(|| letter.open().map(Said::Stale))
            .or_else(|| letter.open().map(Said::Superseded))
            .or_else(|| letter.open().map(Said::Stuck))
            .or_else(|| letter.open().map(Said::Resumed))?;
        let intent = match &said {
            // Without an id of its own an intent is known by its place.
            Said::Submitted(it) => {
                Some(it.id.unwrap_or_else(|| IntentId::of_stream_sequence(sequence)))
            }
            Said::Refused(it) => it.intent(),
            Said::Planned(it) => it.intent(),
            Said::Applied(it) => it.intent(),
            Said::Failed(it) => it.intent(),
            Said::Stale(it) => it.intent(),
            Said::Superseded(it) => it.intent(),
            Said::Stuck(it) => it.intent(),
            Said::Resumed(it) => it.intent(),
        };
        Some(Self { sequence, at, intent, said })
    }

    /// The stack it is about.
    pub fn stack(&self) -> Option<&StackName> {
        match &self.said {
            Said::Submitted(it) => it.stack(),
            Said::Refused(it) => it.stack(),
            Said::Planned(it) => it.stack(),
            Said::Applied(it) => it.stack(),
            Said::Failed(it) => it.stack(),
            Said::Stale(it) => it.stack(),
            Said::Superseded(it) => it.stack(),
            Said::Stuck(it) => it.stack(),
            Said::Resumed(it) => it.stack(),
        }
    }
}

struct Letter<'a> {
    subject: &'a str,
    headers: Option<&'a HeaderMap>,
    payload: &'a [u8],
}

impl Letter<'_> {
    /// The message, if it is one of this type: by its type header, by its subject, and by what it
    /// says of itself.
    fn open<M: Message>(&self) -> Option<M> {
        let header = |name: &str| {
            self.headers.and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str)
        };
        if !M::FILTER.matches(self.subject) || header(header::TYPE).is_some_and(|t| t != M::TYPE) {
            return None;
        }
        let message: M = codec::decode(header(header::CONTENT_TYPE), self.payload).ok()?;
        (message.subject().as_str() == self.subject).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus_schema::Generation;

    #[test]
    fn an_intent_in_plain_json_is_known_by_its_place() {
        let news = News::read(
            7,
            Timestamp::UNIX_EPOCH,
            "swarm.intent.submit",
            None,
            br#"{"text":"Scale prod to 10k RPS"}"#,
        )
        .unwrap();
        assert!(matches!(news.said, Said::Submitted(_)));
        assert_eq!(news.intent, Some(IntentId::of_stream_sequence(7)));
    }

    #[test]
    fn outcomes_are_told_apart_without_a_type_header() {
        let applied = PlanApplied {
            stack: "edge-api".parse().unwrap(),
            intent: IntentId::fresh(),
            plan: "0".repeat(64).parse().unwrap(),
            origin: bus_schema::Origin::Intent,
            generation: Generation(1),
            changes: 3,
        };
        let bytes = codec::encode(&applied).unwrap();
        let read = |subject: &str| News::read(9, Timestamp::UNIX_EPOCH, subject, None, &bytes);
        assert!(matches!(read(applied.subject().as_str()).unwrap().said, Said::Applied(_)));
        assert!(read("swarm.provision.stale.edge-api").is_none());
        assert!(read("swarm.something.else").is_none());
    }
}
