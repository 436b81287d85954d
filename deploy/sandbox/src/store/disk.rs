//! The state on disk: `state.json` by atomic rename, `audit.jsonl` by appending, and `blobs/` for
//! what is long.
//!
//! One writer task saves all writes made while it was busy in one go. A write that was answered
//! survives the end of the process however it comes; no fsync is made, so not that of the machine.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

use super::{AuditEntry, Blob, Store, World};

/// Why the state could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot use {path} for the sandbox's state")]
    Files {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a state.
    #[error("{path} is not a sandbox's state")]
    Content {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// The state kept in a folder; an empty one when there is none.
pub(super) async fn load(folder: &Path) -> Result<World, Error> {
    let blobs = folder.join("blobs");
    let in_files = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Files { path, source }
    };
    fs::create_dir_all(&blobs).await.map_err(in_files(&blobs))?;
    let path = folder.join("state.json");
    let mut world: World = match fs::read(&path).await {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|source| Error::Content { path, source })?
        }
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => World::default(),
        Err(source) => return Err(Error::Files { path, source }),
    };
    let mut kept = BTreeSet::new();
    for blob in blobs_of_mut(&mut world) {
        if let Some(name) = blob.file().map(ToOwned::to_owned) {
            let path = blobs.join(&name);
            let bytes = fs::read(&path).await.map_err(in_files(&path))?;
            blob.fill(bytes.into());
            kept.insert(name);
        }
    }
    let mut found = fs::read_dir(&blobs).await.map_err(in_files(&blobs))?;
    while let Some(entry) = found.next_entry().await.map_err(in_files(&blobs))? {
        if !entry.file_name().to_str().is_some_and(|name| kept.contains(name)) {
            fs::remove_file(entry.path()).await.map_err(in_files(&entry.path()))?;
        }
    }
    load_audit(&mut world, &folder.join("audit.jsonl")).await?;
    Ok(world)
}

/// Reads the audit log; a last line cut short by a kill is passed by.
async fn load_audit(world: &mut World, path: &Path) -> Result<(), Error> {
    let text = match fs::read_to_string(path).await {
        Ok(text) => text,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::Files { path: path.to_owned(), source }),
    };
    for line in text.lines() {
        if let Ok(entry) = serde_json::from_str::<AuditEntry>(line) {
            world.record(entry);
        }
    }
    // Written anew, so that the file stays bounded and ends with a whole line.
    let whole = lines_of(world.audit.iter());
    fs::write(path, whole).await.map_err(|source| Error::Files { path: path.to_owned(), source })
}

/// Puts the state on disk, and knows what is there already.
pub(super) struct Writer {
    folder: PathBuf,
    written: watch::Receiver<u64>,
    audited: u64,
    blobs: BTreeSet<String>,
}

impl Writer {
    /// A writer for what is written from now on.
    pub(super) fn new(store: &Store, folder: &Path) -> Self {
        let written = store.inner.written.subscribe();
        store.read(|world| Self {
            folder: folder.to_owned(),
            written,
            audited: world.audited,
            blobs: blobs_of(world).filter_map(|blob| blob.file().map(ToOwned::to_owned)).collect(),
        })
    }

    /// Saves after each write until the store stops. A failure is logged and tried again with the
    /// next write; until then no write is called saved.
    pub(super) async fn keep(mut self, store: Store) {
        loop {
            tokio::select! {
                () = store.inner.stopping.cancelled() => return,
                woken = self.written.changed() => if woken.is_err() { return },
            }
            let version = *self.written.borrow_and_update();
            match self.save(&store).await {
                Ok(()) => {
                    store.inner.saved.send_replace(version);
                }
                Err(error) => {
                    tracing::error!(%error, folder = %self.folder.display(), "state not saved");
                }
            }
        }
    }

    async fn save(&mut self, store: &Store) -> io::Result<()> {
        let (state, blobs, audit, audited) = store.read(|world| {
            let blobs: Vec<Blob> = blobs_of(world)
                .filter(|blob| blob.file().is_some_and(|file| !self.blobs.contains(file)))
                .cloned()
                .collect();
            let new = usize::try_from(world.audited - self.audited).unwrap_or(usize::MAX);
            let passed = world.audit.len().saturating_sub(new);
            let audit = lines_of(world.audit.iter().skip(passed));
            (serde_json::to_vec(world), blobs, audit, world.audited)
        });
        for blob in blobs {
            if let Some(file) = blob.file() {
                fs::write(self.folder.join("blobs").join(file), blob.bytes()).await?;
                self.blobs.insert(file.to_owned());
            }
        }
        let next = self.folder.join("state.json.next");
        fs::write(&next, state?).await?;
        fs::rename(&next, self.folder.join("state.json")).await?;
        if audited > self.audited {
            let path = self.folder.join("audit.jsonl");
            let mut file = fs::OpenOptions::new().create(true).append(true).open(path).await?;
            file.write_all(&audit).await?;
            file.flush().await?;
            self.audited = audited;
        }
        Ok(())
    }
}

fn lines_of<'a>(entries: impl Iterator<Item = &'a AuditEntry>) -> Vec<u8> {
    let mut lines = Vec::new();
    for entry in entries {
        if let Ok(line) = serde_json::to_vec(entry) {
            lines.extend(line);
            lines.push(b'\n');
        }
    }
    lines
}

fn blobs_of(world: &World) -> impl Iterator<Item = &Blob> {
    world.accounts.values().flat_map(|account| {
        let code = account.scripts.values().flat_map(|script| &script.modules);
        let values = account.namespaces.values().flat_map(|namespace| namespace.values.values());
        let objects = account.buckets.values().flat_map(|bucket| bucket.objects.values());
        code.map(|module| &module.content)
            .chain(values.map(|value| &value.value))
            .chain(objects.map(|object| &object.body))
    })
}

fn blobs_of_mut(world: &mut World) -> impl Iterator<Item = &mut Blob> {
    world.accounts.values_mut().flat_map(|account| {
        let code = account.scripts.values_mut().flat_map(|script| &mut script.modules);
        let values =
            account.namespaces.values_mut().flat_map(|namespace| namespace.values.values_mut());
        let objects = account.buckets.values_mut().flat_map(|bucket| bucket.objects.values_mut());
        code.map(|module| &mut module.content)
            .chain(values.map(|value| &mut value.value))
            .chain(objects.map(|object| &mut object.body))
    })
}
