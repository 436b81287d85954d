//! The state of the sandbox, behind one cheap handle.
//!
//! Everything is in memory; with a folder it is on disk as well (`disk`). Readers and writers
//! pass a closure and never hold a lock over an await. Types are in the file of their area.

mod account;
mod audit;
mod blob;
mod disk;
mod kv;
mod lookup;
mod r2;
pub mod settings;
mod token;
mod workers;
mod world;
mod zone;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use account::{Account, GatewayList, GatewayListItem, GatewayRule};
pub use audit::{AuditAction, AuditActor, AuditEntry, AuditRaw, AuditResource};
pub use blob::Blob;
pub use disk::Error;
pub use kv::{KvKey, KvPage, KvValue, Namespace};
pub use lookup::ZoneName;
pub use r2::{Bucket, R2Object, R2Page};
pub use token::{Grant, Policy, PolicyGroup, Token};
pub use workers::{Binding, Deployment, Module, Script, Version, WorkerDomain};
pub use world::{Seed, World, new_id, now, stable_id};
pub use zone::{DnsRecord, Route, Rule, Ruleset, Setting, Zone};

/// A handle on the state; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    world: RwLock<World>,
    /// Moves when configuration changes, not when a key's value or an object does.
    changed: watch::Sender<u64>,
    /// Moves with every write.
    written: watch::Sender<u64>,
    /// The last write that is on disk; moves with `written` where there is no disk.
    saved: watch::Sender<u64>,
    /// Whether there is a folder to save to.
    on_disk: bool,
    stopping: CancellationToken,
}

impl Store {
    /// A store in memory alone.
    pub fn in_memory(world: World) -> Self {
        Self::new(world, false)
    }

    /// The store kept in a folder, or an empty one to be kept there. Must be called in a tokio
    /// runtime, which runs the writer.
    ///
    /// # Errors
    /// When the folder cannot be made or read, or holds something else.
    pub async fn open(folder: &Path) -> Result<Self, Error> {
        let world = disk::load(folder).await?;
        let store = Self::new(world, true);
        // Made before the task runs, so that no write in between is missed.
        tokio::spawn(disk::Writer::new(&store, folder).keep(store.clone()));
        Ok(store)
    }

    fn new(world: World, on_disk: bool) -> Self {
        Self {
            inner: Arc::new(Inner {
                world: RwLock::new(world),
                changed: watch::Sender::new(0),
                written: watch::Sender::new(0),
                saved: watch::Sender::new(0),
                on_disk,
                stopping: CancellationToken::new(),
            }),
        }
    }

    /// Looks at the state. Keep it short: writers wait.
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.inner.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes configuration; who watches [`Store::changed`] is woken.
    pub fn write<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = self.write_data(change);
        self.inner.changed.send_modify(|version| *version += 1);
        result
    }

    /// Changes data that the edge reads afresh each time: values, objects, the audit log.
    pub fn write_data<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.inner.world.write().unwrap_or_else(PoisonError::into_inner));
        self.inner.written.send_modify(|version| *version += 1);
        result
    }

    /// The version of the configuration; changes with each [`Store::write`].
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// Returns when everything written so far has been handed to the file system; at once for a
    /// store in memory.
    pub async fn saved(&self) {
        if !self.inner.on_disk {
            return;
        }
        let upto = *self.inner.written.borrow();
        let mut saved = self.inner.saved.subscribe();
        // The sender lives in `self`, so waiting ends only by the condition.
        if saved.wait_for(|version| *version >= upto).await.is_err() {
            tracing::error!("the state's writer is gone");
        }
    }

    /// A copy of this moment, in memory alone; what a stale read is answered from.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self::in_memory(self.read(World::clone))
    }

    /// Saves what is unsaved and ends the writer.
    pub async fn stop(&self) {
        self.saved().await;
        self.inner.stopping.cancel();
    }
}
