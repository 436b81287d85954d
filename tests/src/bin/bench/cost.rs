//! What intents have cost: messages stored, cloud calls made, time of the processors.

use std::collections::BTreeMap;

use anyhow::Context;
use async_nats::jetstream;
use bus_schema::stream::{BUCKETS, Bucket, SWARM};
use futures::TryStreamExt;
use tests::{Process, Swarm};

use crate::agents;
use crate::measure::float;

/// What everything has cost so far.
#[derive(Debug)]
pub(crate) struct Spent {
    /// Messages stored, by the family of their subject.
    stored: BTreeMap<String, u64>,
    calls: u64,
    /// Microseconds of processor time, by process.
    processor: Vec<(&'static str, u64)>,
}

impl Spent {
    /// Until now.
    pub(crate) async fn of(swarm: &Swarm) -> anyhow::Result<Self> {
        let jetstream = jetstream::new(swarm.operator.clone());
        let mut stored = BTreeMap::new();
        let buckets = BUCKETS.iter().map(Bucket::stream_name);
        for name in buckets.chain([SWARM.name.to_owned()]) {
            let stream = jetstream.get_stream(name).await?;
            let subjects: Vec<(String, usize)> =
                stream.info_with_subjects(">").await?.try_collect().await?;
            for (subject, count) in subjects {
                *stored.entry(family(&subject)).or_default() += count as u64;
            }
        }
        let mut processor = Vec::new();
        for (name, process) in processes(swarm) {
            let pid = process.pid().with_context(|| format!("{name} has ended"))?;
            processor.push((name, agents::processor_time(&pid.to_string())?));
        }
        processor.push(("bench", agents::processor_time("self")?));
        Ok(Self { stored, calls: swarm.cloudflare.calls().await?, processor })
    }

    /// For people: what each of `count` intents has cost since `before`.
    pub(crate) fn each_of(&self, count: usize, before: &Self) -> Vec<String> {
        let each = |now: u64, then: u64| {
            float(usize::try_from(now.saturating_sub(then)).unwrap_or(usize::MAX)) / float(count)
        };
        let stored: BTreeMap<&str, f64> = self
            .stored
            .iter()
            .map(|(family, now)| {
                let then = before.stored.get(family).copied().unwrap_or_default();
                (family.as_str(), each(*now, then))
            })
            .filter(|(_, each)| *each > 0.0)
            .collect();
        let families: Vec<String> =
            stored.iter().map(|(family, each)| format!("{each:.2} {family}")).collect();
        let spent: Vec<(&str, f64)> = self
            .processor
            .iter()
            .zip(&before.processor)
            .map(|((name, now), (_, then))| (*name, each(*now, *then)))
            .collect();
        let processes: Vec<String> =
            spent.iter().map(|(name, each)| format!("{name} {each:.0}")).collect();
        vec![
            format!(
                "{:.2} stored messages per intent: {}",
                stored.values().sum::<f64>(),
                families.join(", ")
            ),
            format!("{:.2} cloud calls per intent", each(self.calls, before.calls)),
            format!(
                "{:.0} µs of processor per intent: {}",
                spent.iter().map(|(_, each)| each).sum::<f64>(),
                processes.join(", ")
            ),
        ]
    }
}

/// Who works on an intent, beside this program.
fn processes(swarm: &Swarm) -> [(&'static str, &Process); 4] {
    [
        ("nats-server", &swarm.nats.process),
        ("planner", &swarm.planner),
        ("provisioner", &swarm.provisioner),
        ("sandbox", &swarm.cloudflare.process),
    ]
}

/// The fixed part of a subject.
fn family(subject: &str) -> String {
    subject.split('.').take(3).collect::<Vec<_>>().join(".")
}
