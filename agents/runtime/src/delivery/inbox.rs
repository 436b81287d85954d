//! Asks a consumer for messages.
//!
//! All requests are answered on one subscription that lives as long as the agent, so no message is
//! on its way to somebody who has stopped listening: it would come again only after `AckWait`.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::{BatchConfig, BatchRequestError, Config};
use async_nats::jetstream::{self, consumer::Consumer};
use async_nats::{StatusCode, SubscribeError, Subscriber};
use futures::StreamExt;
use tokio::time::Instant;

use crate::Bus;

/// How long one request stands at the server. Short enough that one that the server forgot costs
/// little.
const REQUEST: Duration = Duration::from_secs(10);
/// How much later than that the server may say that it is over.
const GRACE: Duration = Duration::from_secs(1);

/// The answers to requests for messages.
pub(super) struct Inbox {
    consumer: Consumer<Config>,
    context: jetstream::Context,
    subscription: Subscriber,
    prefix: String,
    requests: u64,
    /// Messages that the newest request may still bring.
    missing: usize,
    ends: Instant,
}

/// What came.
pub(super) enum Arrival {
    /// A message.
    Message(Box<jetstream::Message>),
    /// The request has brought everything, or has stood long enough: there should be a new one.
    Over,
    /// The server cannot serve requests, for this reason.
    Trouble(String),
}

impl Inbox {
    pub(super) async fn open(
        bus: &Bus,
        consumer: Consumer<Config>,
    ) -> Result<Self, SubscribeError> {
        let prefix = bus.client().new_inbox();
        let subscription = bus.client().subscribe(format!("{prefix}.*")).await?;
        let context = bus.data().clone();
        let ends = Instant::now();
        Ok(Self { consumer, context, subscription, prefix, requests: 0, missing: 0, ends })
    }

    /// Asks for up to this many messages.
    pub(super) async fn request(&mut self, messages: usize) -> Result<(), BatchRequestError> {
        self.requests += 1;
        let request =
            BatchConfig { batch: messages, expires: Some(REQUEST), ..BatchConfig::default() };
        self.consumer.request_batch(request, self.newest().into()).await?;
        self.missing = messages;
        self.ends = Instant::now() + REQUEST + GRACE;
        Ok(())
    }

    /// What comes next. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Arrival {
        while self.missing > 0 {
            let Ok(next) = tokio::time::timeout_at(self.ends, self.subscription.next()).await
            else {
                break;
            };
            let Some(message) = next else {
                return Arrival::Trouble("the connection is closed".to_owned());
            };
            let status = message.status.unwrap_or(StatusCode::OK);
            if status == StatusCode::OK {
                self.missing -= 1;
                return Arrival::Message(Box::new(self.with_context(message)));
            }
            // The end of an earlier request says nothing about this one.
            if message.subject.as_str() != self.newest() || status == StatusCode::IDLE_HEARTBEAT {
                continue;
            }
            self.missing = 0;
            if status != StatusCode::TIMEOUT && status != StatusCode::NOT_FOUND {
                let reason = message.description.as_deref().unwrap_or("no consumer answers");
                return Arrival::Trouble(format!("{status}: {reason}"));
            }
        }
        Arrival::Over
    }

    /// Ends the requests and gives what was on its way already.
    pub(super) async fn close(mut self, longest: Duration) -> Vec<jetstream::Message> {
        let mut left = Vec::new();
        if self.subscription.drain().await.is_err() {
            return left;
        }
        let end = Instant::now() + longest;
        while let Ok(Some(message)) = tokio::time::timeout_at(end, self.subscription.next()).await {
            if message.status.is_none() {
                left.push(self.with_context(message));
            }
        }
        left
    }

    fn newest(&self) -> String {
        format!("{}.{}", self.prefix, self.requests)
    }

    fn with_context(&self, message: async_nats::Message) -> jetstream::Message {
        jetstream::Message { message, context: self.context.clone() }
    }
}
