//! A running swarm, as the command line sees it: what it says, what it remembers, who is in it.

pub(crate) mod agents;
pub(crate) mod connect;
pub(crate) mod dead;
pub(crate) mod feed;
pub(crate) mod findings;
pub(crate) mod news;
mod records;
pub(crate) mod taken;

pub(crate) use connect::Swarm;

/// When the server stored something. Its clock counts nanoseconds well within what a timestamp
/// holds; a time that does not fit is shown as the epoch rather than not at all.
fn stored_at(time: async_nats::datetime::DateTime) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(time.unix_timestamp_nanos()).unwrap_or_default()
}
