//! The stream's messages, told apart.

use async_nats::HeaderMap;
use bus_schema::{
    DriftFound, Escalated, FindingResolved, Hint, IgnoreRequested, ImportAnswered, ImportAsked,
    IntentId, IntentRefused, IntentSubmitted, Message, PauseRequested, PlanApplied, PlanFailed,
    PlanProposed, PlanStale, PlanSuperseded, RemedyAsked, ResumeRequested, RunStuck, StackName,
    codec, header,
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
    /// The stack it is about.
    pub stack: Option<StackName>,
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
    /// Something is not as declared.
    Found(Box<DriftFound>),
    /// It is again, or in another way not.
    Resolved(Box<FindingResolved>),
    /// A person is asked about it.
    Escalated(Box<Escalated>),
    /// A person has decided about it.
    Decided(RemedyAsked),
    /// A stack is to be left alone, or no longer.
    Paused(PauseRequested),
    /// Fields of a resource are to be left alone, or no longer.
    Ignored(IgnoreRequested),
    /// What nobody owns is to become a stack.
    Import(ImportAsked),
    /// It has, or not.
    Imported(ImportAnswered),
    /// Something may have changed there.
    Hinted(Hint),
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
        let mut opened = letter
            .open(Said::Submitted)
            .or_else(|| letter.open(Said::Refused))
            .or_else(|| letter.open(|it| Said::Planned(Box::new(it))))
            .or_else(|| letter.open(Said::Applied))
            .or_else(|| letter.open(Said::Failed))
            .or_else(|| letter.open(Said::Stale))
            .or_else(|| letter.open(Said::Superseded))
            .or_else(|| letter.open(Said::Stuck))
            .or_else(|| letter.open(Said::Resumed))
            .or_else(|| letter.open(|it| Said::Found(Box::new(it))))
            .or_else(|| letter.open(|it| Said::Resolved(Box::new(it))))
            .or_else(|| letter.open(|it| Said::Escalated(Box::new(it))))
            .or_else(|| letter.open(Said::Decided))
            .or_else(|| letter.open(Said::Paused))
            .or_else(|| letter.open(Said::Ignored))
            .or_else(|| letter.open(Said::Import))
            .or_else(|| letter.open(Said::Imported))
            .or_else(|| letter.open(Said::Hinted))?;
        // Without an id of its own an intent is known by its place.
        if let Said::Submitted(it) = &opened.said {
            opened.intent = it.id.or_else(|| Some(IntentId::of_stream_sequence(sequence)));
        }
        // Heeded whatever is under way for their stack, so by their own account about none.
        if let Said::Paused(PauseRequested { stack, .. })
        | Said::Ignored(IgnoreRequested { stack, .. }) = &opened.said
        {
            opened.stack = Some(stack.clone());
        }
        let Opened { said, intent, stack } = opened;
        Some(Self { sequence, at, intent, stack, said })
    }
}

/// A message, and what it says it is about.
struct Opened {
    said: Said,
    intent: Option<IntentId>,
    stack: Option<StackName>,
}

struct Letter<'a> {
    subject: &'a str,
    headers: Option<&'a HeaderMap>,
    payload: &'a [u8],
}

impl Letter<'_> {
    /// The message, if it is one of this type: by its type header, by its subject, and by what it
    /// says of itself.
    fn open<M: Message>(&self, said: impl FnOnce(M) -> Said) -> Option<Opened> {
        let header = |name: &str| {
            self.headers.and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str)
        };
        if !M::FILTER.matches(self.subject) || header(header::TYPE).is_some_and(|t| t != M::TYPE) {
            return None;
        }
        let message: M = codec::decode(header(header::CONTENT_TYPE), self.payload).ok()?;
        if message.subject().as_str() != self.subject {
            return None;
        }
        let (intent, stack) = (message.intent(), message.stack().cloned());
        Some(Opened { said: said(message), intent, stack })
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
