//! Somebody else who changes in the cloud what a stack declares, and what the swarm makes of it.

use anyhow::{Context, ensure};
use bus_schema::{Lesson, StackName, StackObservation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::Someone;
use crate::swarm::Swarm;
use wait::{secs, until};

/// The zone of the shipped environments' `prod`.
const ZONE: &str = "example.com";
/// The setting of the zone that is changed.
const SETTING: &str = "ssl";

/// What somebody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The record leads elsewhere.
    Edit,
    /// The record is gone.
    Delete,
    /// There is a second one with the same mark.
    Copy,
    /// The zone's setting is another.
    Setting,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 4] = [Self::Edit, Self::Delete, Self::Copy, Self::Setting];
}

/// Somebody else, and a stack that has a DNS record.
#[derive(Debug)]
pub struct Vandal {
    /// Calls the API with a token of their own.
    pub someone: Someone,
    /// The stack.
    pub stack: StackName,
    zone: String,
    hostname: String,
    before: Value,
}

impl Vandal {
    /// Remembers what the stack looks like before anything is done to it.
    pub async fn of(swarm: &Swarm, stack: &str, hostname: &str) -> anyhow::Result<Self> {
        let someone = swarm.cloudflare.as_someone_else();
        let zone = someone.zone(ZONE).await?;
        let mut vandal = Self {
            someone,
            stack: stack.parse()?,
            zone,
            hostname: hostname.to_owned(),
            before: Value::Null,
        };
        vandal.before = vandal.looks().await?;
        Ok(vandal)
    }

    /// What can be seen of the stack from outside.
    async fn looks(&self) -> anyhow::Result<Value> {
        let mut records = self.someone.records(ZONE, &self.hostname).await?;
        for record in &mut records {
            if let Some(fields) = record.as_object_mut() {
                fields.retain(|field, _| {
                    ["name", "type", "content", "ttl", "proxied", "comment"]
                        .contains(&field.as_str())
                });
            }
        }
        let path = format!("/zones/{}/settings/{SETTING}", self.zone);
        let setting = self.someone.must(Method::GET, &path, None).await?;
        Ok(json!({ "records": records, "setting": setting.get("value") }))
    }

    /// Whether everything looks as it did.
    pub async fn looks_as_before(&self) -> anyhow::Result<bool> {
        Ok(self.looks().await? == self.before)
    }

    /// Does it; `nth` makes one edit differ from the other.
    pub async fn does(&self, deed: Deed, nth: usize) -> anyhow::Result<()> {
        let records = format!("/zones/{}/dns_records", self.zone);
        let there = self.someone.records(ZONE, &self.hostname).await?;
        let record = there.first().context("a record")?;
        let text = |field: &str| {
            record.get(field).and_then(Value::as_str).map(str::to_owned).context("a record's field")
        };
        let elsewhere = json!(format!("198.51.100.{}", 1 + nth % 250));
        match deed {
            Deed::Edit => {
                let path = format!("{records}/{}", text("id")?);
                self.someone
                    .must(Method::PATCH, &path, Some(&json!({ "content": elsewhere })))
                    .await?;
            }
            Deed::Delete => {
                let path = format!("{records}/{}", text("id")?);
                self.someone.must(Method::DELETE, &path, None).await?;
            }
            Deed::Copy => {
                let mut copy = record.clone();
                if let Some(fields) = copy.as_object_mut() {
                    fields.retain(|field, _| {
                        ["name", "type", "ttl", "proxied", "comment"].contains(&field.as_str())
                    });
                    fields.insert("content".to_owned(), elsewhere);
                }
                self.someone.must(Method::POST, &records, Some(&copy)).await?;
            }
            Deed::Setting => {
                let path = format!("/zones/{}/settings/{SETTING}", self.zone);
                self.someone
                    .must(Method::PATCH, &path, Some(&json!({ "value": "flexible" })))
                    .await?;
            }
        }
        Ok(())
    }

    /// Whether nothing is open and so many findings have ended with the stack as declared again.
    pub async fn is_healed(&self, swarm: &Swarm, times: usize) -> anyhow::Result<bool> {
        let observation: Option<StackObservation> = swarm.record(&self.stack).await?;
        let quiet = observation.is_none_or(|it| it.findings.is_empty() && it.unsaid.is_empty());
        let state = swarm.stack(self.stack.as_str()).await?;
        Ok(quiet
            && state.run.is_none()
            && self.ends(swarm).await? == times
            && self.looks_as_before().await?)
    }

    /// Waits for [`Self::is_healed`].
    pub async fn healed(&self, swarm: &Swarm, times: usize) -> anyhow::Result<()> {
        let what = format!("{} is healed for the {times}. time", self.stack);
        wait::until_every(std::time::Duration::from_millis(100), &what, secs(60), || async {
            // A server that is just killed answers nothing.
            Ok(self.is_healed(swarm, times).await.unwrap_or_default().then_some(()))
        })
        .await
        .with_context(|| swarm.logs())
    }

    /// How many findings have ended and not gone on as another.
    async fn ends(&self, swarm: &Swarm) -> anyhow::Result<usize> {
        let resolved = swarm.resolved(&self.stack).await?;
        Ok(resolved.iter().filter(|it| it.became.is_none()).count())
    }

    /// That each finding was told once and its end was told once, that so many plans were applied
    /// after the first, that nothing was made twice, and that nothing was given up.
    pub async fn done_once(&self, swarm: &Swarm, deeds: &[Deed]) -> anyhow::Result<()> {
        let (found, resolved) =
            (swarm.found(&self.stack).await?, swarm.resolved(&self.stack).await?);
        let mut ended: Vec<_> = resolved.iter().map(|it| &it.finding.id).collect();
        let mut begun: Vec<_> = found.iter().map(|it| &it.finding.id).collect();
        ended.sort();
        begun.sort();
        ensure!(begun == ended, "{found:#?}\n{resolved:#?}");
        ended.dedup();
        ensure!(ended.len() == resolved.len(), "an end was told twice: {resolved:#?}");
        let state = swarm.stack(self.stack.as_str()).await?;
        let repairs = state.generation.0 - 1;
        ensure!(
            repairs == deeds.len() as u64,
            "{repairs} repairs of {}\n{}",
            deeds.len(),
            swarm.logs()
        );
        let creates = self.creates(swarm).await?;
        let deleted = deeds.iter().filter(|it| **it == Deed::Delete).count();
        ensure!(creates == 1 + deleted, "{creates} made, {deleted} deleted");
        for finding in resolved.iter().map(|it| &it.finding) {
            until("what became of it is remembered", secs(15), || async {
                let lesson: Option<Lesson> = swarm.record(&finding.signature).await?;
                Ok(lesson.filter(|it| it.closed || it.last != finding.id))
            })
            .await
            .with_context(|| swarm.logs())?;
        }
        let dead = swarm.messages("DEAD").await?;
        ensure!(dead.is_empty(), "{} dead letters\n{}", dead.len(), swarm.logs());
        Ok(())
    }

    /// How often the provisioner made a DNS record.
    async fn creates(&self, swarm: &Swarm) -> anyhow::Result<usize> {
        let says = |entry: &Value, field: &str, text: &str| {
            entry.pointer(field).and_then(Value::as_str) == Some(text)
        };
        let audit = swarm.cloudflare.audit().await?;
        let made = audit.iter().filter(|entry| {
            crate::cloud::Sandbox::is_ours(entry)
                && says(entry, "/action/type", "create")
                && says(entry, "/action/result", "success")
                && entry.to_string().contains(&self.hostname)
        });
        Ok(made.count())
    }
}
