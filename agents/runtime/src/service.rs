//! The agent as a NATS micro service (ADR-32): `nats micro ls`, `info` and `stats` show it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::service::{Service, ServiceExt};
use bus_schema::identity;
use bus_schema::stream::Consumer;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Bus;
use crate::delivery::{Counts, depth};

/// How often consumers are asked how much waits in them.
const LOOK: Duration = Duration::from_secs(10);

/// How much waits in each consumer, as of the last look.
type Depths = Arc<Mutex<BTreeMap<&'static str, u64>>>;

/// Registers the service and keeps its figures fresh.
///
/// # Errors
/// When the server does not take the subscriptions.
pub(crate) async fn register(
    bus: &Bus,
    name: &'static str,
    about: &'static str,
    consumers: Vec<Consumer>,
    counts: Arc<Counts>,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Result<Service, async_nats::Error> {
    let depths: Depths = Arc::default();
    let figures = {
        let (counts, depths) = (Arc::clone(&counts), Arc::clone(&depths));
        move || figures(&counts, &depths)
    };
    let shown = figures.clone();
    let service = bus
        .client()
        .service_builder()
        .description(about)
        .metadata(HashMap::from([("instance".to_owned(), bus.instance().to_string())]))
        .stats_handler(move |_, _| shown())
        .start(name, env!("CARGO_PKG_VERSION"))
        .await?;
    let mut status =
        service.endpoint_builder().name("status").add(identity::status_subject(name)).await?;
    let asked = stop.clone();
    tasks.spawn(async move {
        while let Some(Some(request)) = asked.run_until_cancelled(status.next()).await {
            let answer = request.respond(Ok(figures().to_string().into())).await;
            if let Err(error) = answer {
                tracing::debug!(%error, "cannot say how it stands");
            }
        }
    });
    let bus = bus.clone();
    tasks.spawn(async move {
        let mut look = tokio::time::interval(LOOK);
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            for consumer in &consumers {
                let Some(Some(waiting)) = stop.run_until_cancelled(depth(&bus, consumer)).await
                else {
                    continue;
                };
                bus.meters().depth(consumer, waiting);
                depths
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(consumer.name, waiting);
            }
        }
    });
    Ok(service)
}

fn figures(counts: &Counts, depths: &Depths) -> Value {
    let depths = depths.lock().unwrap_or_else(PoisonError::into_inner);
    json!({
        "queue_depth": depths.values().sum::<u64>(),
        "consumers": *depths,
        "handled": counts.handled.load(Ordering::Relaxed),
        "retried": counts.retried.load(Ordering::Relaxed),
        "dead_lettered": counts.dead_lettered.load(Ordering::Relaxed),
        "under_way": counts.under_way.load(Ordering::Relaxed),
    })
}
