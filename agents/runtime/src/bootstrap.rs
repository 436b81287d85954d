//! Makes the streams, buckets and consumers that `bus-schema` names, and puts right what differs.
//!
//! Done by an identity of its own: agents have no right to make any.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use bus_schema::stream::{BUCKETS, Bucket, CONSUMERS, Consumer, STREAMS, SWARM, Stream};

use crate::Bus;

/// How long the mark of an expired key is kept. A key's own time to live cannot be shorter, so this
/// is the least there is.
const MARKER_TTL: Duration = Duration::from_secs(1);

/// Something could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// A stream or a bucket.
    #[error("cannot make {what} {name}")]
    Stream {
        /// `stream` or `bucket`.
        what: &'static str,
        /// Its name.
        name: &'static str,
        /// Why.
        source: async_nats::jetstream::context::CreateStreamError,
    },
    /// A consumer.
    #[error("cannot make consumer {name}")]
    Consumer {
        /// Its name.
        name: &'static str,
        /// Why.
        source: async_nats::jetstream::stream::ConsumerError,
    },
}

/// Makes everything that is missing and updates what differs; doing it again changes nothing.
/// `replicas` is 1, or 3 where there are three servers.
///
/// # Errors
/// At the first that cannot be made.
pub async fn bootstrap(bus: &Bus, replicas: usize) -> Result<(), BootstrapError> {
    for stream in &STREAMS {
        make(bus, "stream", stream.name, stream_config(stream, replicas)).await?;
    }
    for bucket in &BUCKETS {
        make(bus, "bucket", bucket.name, bucket_config(bucket, replicas)).await?;
    }
    for consumer in &CONSUMERS {
        bus.jetstream()
            .create_consumer_on_stream(consumer_config(consumer), SWARM.name)
            .await
            .map_err(|source| BootstrapError::Consumer { name: consumer.name, source })?;
        tracing::info!(consumer = consumer.name, "ready");
    }
    Ok(())
}

async fn make(
    bus: &Bus,
    what: &'static str,
    name: &'static str,
    config: Config,
) -> Result<(), BootstrapError> {
    bus.jetstream()
        .create_or_update_stream(config)
        .await
        .map_err(|source| BootstrapError::Stream { what, name, source })?;
    tracing::info!(name, "{what} ready");
    Ok(())
}

fn stream_config(stream: &Stream, replicas: usize) -> Config {
    Config {
        name: stream.name.to_owned(),
        description: Some(stream.description.to_owned()),
        subjects: vec![stream.subjects.as_str().to_owned()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: replicas,
        duplicate_window: stream.dedup_window,
        deny_delete: stream.append_only,
        deny_purge: stream.append_only,
        // Messages are read back by sequence without the right to read by other means.
        allow_direct: true,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        ..Config::default()
    }
}

/// A KV bucket is a stream of this shape (ADR-8).
fn bucket_config(bucket: &Bucket, replicas: usize) -> Config {
    Config {
        name: bucket.stream_name(),
        description: Some(bucket.description.to_owned()),
        subjects: vec![bucket.subject(">")],
        max_messages_per_subject: bucket.history,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: replicas,
        duplicate_window: Duration::from_secs(120),
        allow_rollup: true,
        deny_delete: true,
        deny_purge: false,
        allow_direct: true,
        allow_message_ttl: true,
        subject_delete_marker_ttl: Some(MARKER_TTL),
        max_messages: -1,
        max_bytes: -1,
        max_message_size: -1,
        max_consumers: -1,
        ..Config::default()
    }
}

fn consumer_config(consumer: &Consumer) -> pull::Config {
    pull::Config {
        durable_name: Some(consumer.name.to_owned()),
        name: Some(consumer.name.to_owned()),
        description: Some(format!("Shared by every {}", consumer.agent)),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: consumer.ack_wait,
        // The server never gives up by itself, for it would do so without a word; the runtime does
        // after `consumer.max_deliver`, and says why.
        max_deliver: -1,
        filter_subject: consumer.filter.as_str().to_owned(),
        replay_policy: ReplayPolicy::Instant,
        max_ack_pending: consumer.max_ack_pending,
        ..pull::Config::default()
    }
}
