//! What a handler emits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bus_schema::{Message, MessageId};

use crate::telemetry::propagation;
use crate::{Bus, BusError, Published};

/// Publishes what a handler emits, under ids derived from what it handles: handling a message
/// again emits the same messages again.
#[derive(Debug, Clone)]
pub struct Outbox {
    bus: Bus,
    cause: MessageId,
    /// How often each name was emitted already.
    emitted: Arc<Mutex<HashMap<String, u32>>>,
}

impl Outbox {
    pub(crate) fn new(bus: Bus, cause: MessageId) -> Self {
        Self { bus, cause, emitted: Arc::default() }
    }

    /// Publishes, waits until it is stored, and says where in the stream.
    ///
    /// The id comes from the handled message, the type, the subject, and how many of that type and
    /// subject this handling emitted before: emit those one after another, in an order that a
    /// second handling repeats. Where an earlier handling had emitted it within the stream's
    /// window, nothing is stored and it is that message's place that is given.
    ///
    /// # Errors
    /// When it cannot be encoded, or no acknowledgement came.
    pub async fn publish<M: Message>(&self, message: &M) -> Result<Published, BusError> {
        let id = self.next_id(M::TYPE, message.subject().as_str());
        self.bus.emit(message, &id, Some(&self.cause)).await
    }

    /// The same for a message whose content can be another when the handled message is handled again:
    /// its id comes from the handled message, the type, the subject and `name`, which says what it
    /// is, however many were emitted before it. Another is not taken for it then.
    ///
    /// # Errors
    /// As for [`Outbox::publish`].
    pub async fn publish_as<M: Message>(
        &self,
        message: &M,
        name: &str,
    ) -> Result<Published, BusError> {
        let id = self.cause.derive(&format!("{}\n{}\n{name}", M::TYPE, message.subject()));
        self.bus.emit(message, &id, Some(&self.cause)).await
    }

    /// The W3C trace context of this handling, to be stored beside what it leads to; `None` where
    /// it is not traced.
    pub fn traceparent(&self) -> Option<String> {
        propagation::traceparent(&tracing::Span::current())
    }

    fn next_id(&self, kind: &str, subject: &str) -> MessageId {
        let name = format!("{kind}\n{subject}");
        let mut emitted = self.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        let count = emitted.entry(name.clone()).or_default();
        *count += 1;
        match *count {
            1 => self.cause.derive(&name),
            nth => self.cause.derive(&format!("{name}\n{nth}")),
        }
    }
}
