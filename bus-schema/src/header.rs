//! Names of the headers a message may carry.

/// Deduplication id; see [`crate::MessageId`].
pub const MESSAGE_ID: &str = "Nats-Msg-Id";
/// [`crate::codec::MESSAGEPACK`] or [`crate::codec::JSON`].
pub const CONTENT_TYPE: &str = "Content-Type";
/// W3C trace context.
pub const TRACE_PARENT: &str = "traceparent";
/// W3C trace state.
pub const TRACE_STATE: &str = "tracestate";
/// Wire name of the message's type; optional where the subject carries one type only.
pub const TYPE: &str = "Zerodrift-Type";
/// The intent this message serves.
pub const INTENT: &str = "Zerodrift-Intent";
/// Id of the message whose handling emitted this one.
pub const CAUSE: &str = "Zerodrift-Cause";

/// On a dead letter: why it was given up.
pub const DEAD_REASON: &str = "Zerodrift-Dead-Reason";
/// On a dead letter: the subject it was published on.
pub const DEAD_SUBJECT: &str = "Zerodrift-Dead-Subject";
/// On a dead letter: its sequence in the `SWARM` stream.
pub const DEAD_SEQUENCE: &str = "Zerodrift-Dead-Sequence";
/// On a dead letter: how often it had been delivered.
pub const DEAD_DELIVERIES: &str = "Zerodrift-Dead-Deliveries";
/// On a dead letter: the id it had.
pub const DEAD_MESSAGE_ID: &str = "Zerodrift-Dead-Message-Id";
