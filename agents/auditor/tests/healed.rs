//! Whatever somebody else does to an object of any kind, the whole swarm finds and puts back. Made
//! from the kinds' own descriptions: a new one is covered by existing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use std::sync::Arc;

use anyhow::{Context, Result};
use bus_schema::{Drift, Hint, StackName, StackState};
use cloud::cloudflare::{Cloudflare, catalogue};
use cloud::{Cloud, Kind, Ownership};
use support::{World, eventually, kind, resource, resource_with, scope};

/// What is declared of a kind: one of it, and what it needs.
fn declared(of: &dyn Kind, stack: &str) -> Vec<bus_schema::Resource> {
    let mut all = Vec::new();
    if of.describe().name == "cloudflare.worker_route" {
        let script = kind("worker_script");
        all.extend(["one", "two"].map(|name| resource(script, stack, name, None)));
    }
    all.push(resource(of, stack, "main", None));
    all
}

/// A stack with one object of a kind, and somebody else who has a way with it.
struct Victim {
    world: Arc<World>,
    theirs: Cloudflare,
    of: &'static dyn Kind,
    stack: StackName,
    wanted: bus_schema::Resource,
    /// Findings that have ended.
    done: usize,
    /// What could not be done to it.
    notes: Vec<String>,
}

impl Victim {
    async fn state(&self) -> Result<StackState> {
        let (state, _) = self.world.stacks().get(&self.stack).await?.context("a stack")?;
        Ok(state)
    }

    /// The id of the object, as the stack's record has it.
    async fn id(&self) -> Result<String> {
        let state = self.state().await?;
        state.resources[&self.wanted.address].cloud_id.clone().context("an id")
    }

    /// Hints, and waits until one more finding has ended and all is as declared.
    async fn put_back(&mut self, what: &str) -> Result<()> {
        let hint = Hint { scope: scope(self.of), by: None };
        self.world.send(&hint).await?;
        let (stack, before) = (self.stack.clone(), self.done);
        let ended = eventually(&format!("{stack} {what}: it is put back"), || async {
            let ended = self.world.resolved(&self.stack).await?.into_iter().skip(before);
            let ended: Vec<_> = ended.collect();
            let state = self.state().await?;
            let over = ended.iter().any(|it| it.became.is_none())
                && self.world.open(&state).await? == 0
                && state.run.is_none()
                && self.world.as_declared(&state, &self.wanted).await?.is_some();
            Ok(over.then_some(ended))
        })
        .await?;
        for ended in &ended {
            assert_eq!(ended.finding.by.as_deref(), Some("token 2"), "{stack} {what}");
        }
        self.done += ended.len();
        Ok(())
    }

    /// What the first finding since the last call of [`Self::put_back`] says.
    async fn found(&self) -> Result<bus_schema::Finding> {
        self.world.finds(&self.stack, self.done + 1).await
    }

    /// The resource with another value of this field, and of one more where it cannot be alone.
    fn edited(&self, field: &cloud::Field) -> impl Iterator<Item = bus_schema::Resource> + use<> {
        let others = self.of.describe().fields.iter().map(|other| other.name);
        let (of, stack) = (self.of, self.stack.to_string());
        let field = field.name;
        let choices = std::iter::once(field).chain(others);
        choices.filter_map(move |more| resource_with(of, &stack, "main", &[field, more]).ok())
    }

    async fn field_is_edited(&mut self, field: &cloud::Field) -> Result<()> {
        let id = self.id().await?;
        let mut edits = self.edited(field);
        if field.fixed {
            // The only way: another in its place, if the cloud takes such a one.
            self.theirs.delete(&self.wanted.address.kind, &self.wanted.place, &id).await?;
            let mut made = false;
            while !made && let Some(edited) = edits.next() {
                made = self.theirs.create(&edited).await.is_ok();
            }
            if !made {
                self.notes.push(format!("no other {} in its place", field.name));
            }
        } else {
            let edited = edits.next().context("another value")?;
            self.theirs.update(&edited, &id).await?;
        }
        self.put_back(field.name).await
    }

    async fn deleted(&mut self) -> Result<()> {
        let id = self.id().await?;
        self.theirs.delete(&self.wanted.address.kind, &self.wanted.place, &id).await?;
        self.put_back("deleted").await
    }

    /// Something that carries the stack's mark, and that the stack does not declare.
    async fn copied(&mut self) -> Result<()> {
        let stack = self.stack.to_string();
        let key = |it: &bus_schema::Resource| self.of.key(&it.address, &it.properties);
        // One that the cloud takes for another object.
        let fields = self.of.describe().fields;
        let names = std::iter::once("").chain(fields.iter().map(|field| field.name));
        let mut copies =
            names.filter_map(|name| resource_with(self.of, &stack, "copy", &[name]).ok());
        let copy = copies.find(|it| key(it) != key(&self.wanted)).context("another key")?;
        let made = self.theirs.create(&copy).await?;
        self.world.send(&Hint { scope: scope(self.of), by: None }).await?;
        let found = self.found().await?;
        assert_eq!((found.drift, found.cloud_id), (Drift::Surplus, Some(made.id.clone())));
        self.put_back("copied").await?;
        let scope = scope(self.of);
        let listing = self.world.ours()?.list(&scope.kind, &scope.place).await?;
        assert!(!listing.iter().any(|it| it.id == made.id), "{stack}: the copy is there");
        Ok(())
    }
}

async fn all_that_can_be_done(
    world: Arc<World>,
    of: &'static dyn Kind,
) -> Result<(usize, Vec<String>)> {
    let stack = of.describe().name.replace(['.', '_'], "-");
    let wanted = declared(of, &stack).pop().context("a resource")?;
    let mut victim = Victim {
        theirs: world.theirs()?,
        world,
        of,
        stack: stack.parse()?,
        wanted,
        done: 0,
        notes: Vec::new(),
    };
    let ownership = of.describe().ownership;
    for field in of.describe().fields {
        // What is always there cannot be another.
        if !(field.fixed && ownership == Ownership::Claimed) {
            victim.field_is_edited(field).await?;
        }
    }
    if ownership != Ownership::Claimed {
        victim.deleted().await?;
    }
    if ownership == Ownership::Marked {
        victim.copied().await?;
    }
    Ok((victim.done, victim.notes))
}

#[tokio::test]
async fn whatever_another_does_to_any_kind_is_put_back() -> Result<()> {
    let world = Arc::new(World::start().await?);
    for of in catalogue().0.iter().copied() {
        let stack = of.describe().name.replace(['.', '_'], "-");
        world.declare(&stack, &declared(of, &stack)).await?;
    }
    let auditor = world.auditor("auditor", &[("CADENCE_SECONDS", "3600")])?;
    let provisioner = world.provisioner("provisioner", &[])?;
    let remediator = world.remediator("remediator", &[])?;
    for agent in [&auditor, &provisioner, &remediator] {
        agent.says("at work").await?;
    }
    let logs = || [auditor.log(), remediator.log(), provisioner.log()].join("\n---\n");
    let mut kinds = tokio::task::JoinSet::new();
    for of in catalogue().0.iter().copied() {
        let world = Arc::clone(&world);
        kinds.spawn(async move { (of.describe().name, all_that_can_be_done(world, of).await) });
    }
    let mut repairs = 0;
    for (kind, done) in kinds.join_all().await {
        let (done, notes) = done.with_context(|| format!("{kind}\n{}", logs()))?;
        println!("{kind}: {done} findings, each put back {notes:?}");
        repairs += done;
    }
    println!("{repairs} in all");
    Ok(())
}
