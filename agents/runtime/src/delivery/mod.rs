//! Takes messages from one consumer and sees each through: turn, handler, acknowledgement.

mod dead;
mod handling;
mod inbox;
pub(crate) mod raw;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer as Pull, pull};
use bus_schema::stream::Consumer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use turns::Turns;

use crate::Bus;
use crate::health::Health;
use crate::routes::Family;
use handling::Handling;
use inbox::{Arrival, Inbox};
use raw::Raw;

/// Pause after a request failed.
const PAUSE: Duration = Duration::from_millis(500);
/// How long messages that are on their way are waited for at the end.
const CLOSING: Duration = Duration::from_millis(500);
/// Messages taken for each handler at work: those of a busy stack wait for their turn here, and
/// must not keep the others out.
const WAITING_ROOM: usize = 4;

/// When to stop, in two steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    /// Take no more messages; finish those begun.
    pub(crate) taking: CancellationToken,
    /// Hand back what is not finished.
    pub(crate) working: CancellationToken,
}

/// Numbers for the micro service's statistics.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) handled: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) under_way: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// What all consumers of one agent share.
#[derive(Debug)]
pub(crate) struct Shared<A> {
    pub(crate) agent: Arc<A>,
    pub(crate) bus: Bus,
    pub(crate) turns: Turns,
    /// Handlers at work at once.
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) health: Health,
    pub(crate) stop: Stop,
    pub(crate) tasks: TaskTracker,
}

/// Takes messages until told to stop.
pub(crate) async fn deliver<A: Send + Sync + 'static>(
    shared: Arc<Shared<A>>,
    family: Family<A>,
    consumer: Pull<pull::Config>,
    concurrency: usize,
) {
    let name = family.consumer.name;
    let mut inbox = match Inbox::open(&shared.bus, consumer).await {
        Ok(inbox) => inbox,
        Err(error) => return shared.health.trouble(name, error.to_string()),
    };
    let room = Arc::new(Semaphore::new(concurrency.saturating_mul(WAITING_ROOM)));
    let family = Arc::new(family);
    let mut reconnected = shared.bus.reconnections();
    let stop = shared.stop.taking.clone();
    while let Some(mut places) = stop.run_until_cancelled(places(&room)).await {
        reconnected.mark_unchanged();
        if let Err(error) = inbox.request(places.len()).await {
            shared.health.trouble(name, error.to_string());
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
            continue;
        }
        while let Some(place) = places.pop() {
            let arrival = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // A server that was restarted knows nothing of requests from before.
                _ = reconnected.changed() => break,
                arrival = inbox.next() => arrival,
            };
            match arrival {
                Arrival::Message(message) => take(&shared, &family, *message, place),
                Arrival::Over => {
                    shared.health.well(name);
                    break;
                }
                Arrival::Trouble(reason) => {
                    shared.health.trouble(name, reason);
                    stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                    break;
                }
            }
        }
    }
    for message in inbox.close(CLOSING).await {
        handling::hand_back(&message).await;
    }
}

/// As many places as are free, at least one.
async fn places(room: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let mut places = Vec::new();
    if let Ok(first) = Arc::clone(room).acquire_owned().await {
        places.push(first);
    }
    while let Ok(next) = Arc::clone(room).try_acquire_owned() {
        places.push(next);
    }
    places
}

/// Decodes a message, puts it in line, and leaves it to a task of its own.
fn take<A: Send + Sync + 'static>(
    shared: &Arc<Shared<A>>,
    family: &Arc<Family<A>>,
    message: async_nats::jetstream::Message,
    place: OwnedSemaphorePermit,
) {
    let Some(raw) = Raw::delivered(&message) else {
        tracing::error!(subject = %message.subject, "not delivered by JetStream");
        return;
    };
    crate::failpoint!("delivery::received");
    let prepared = family.prepare(&raw);
    let key = match &prepared {
        Ok(prepared) => prepared.stack.as_ref().map(ToString::to_string),
        Err(_) => None,
    };
    // Names of stacks have no slash, ids of messages may have anything: two sorts of key.
    let key = key.unwrap_or_else(|| format!("message/{}", raw.id()));
    let turn = shared.turns.join(key);
    let handling = Handling { shared: Arc::clone(shared), consumer: family.consumer, message, raw };
    shared.tasks.spawn(async move {
        handling.run(prepared, turn).await;
        drop(place);
    });
}

/// Messages that wait in a consumer, those under way included.
pub(crate) async fn depth(bus: &Bus, consumer: &Consumer) -> Option<u64> {
    let pull: Pull<pull::Config> = bus
        .jetstream()
        .get_consumer_from_stream(consumer.name, bus_schema::stream::SWARM.name)
        .await
        .ok()?;
    let info = pull.cached_info();
    Some(info.num_pending + u64::try_from(info.num_ack_pending).unwrap_or(0))
}
