//! The state folder: everything a local swarm keeps, in one place that can be deleted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::Failure;
use crate::failure::Explain as _;
use crate::local::record::UpRecord;

/// The folder's name where none is given.
const NAME: &str = ".zerodrift";

/// A state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

/// Held by the process that runs the swarm of a folder; let go when it ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock lasts as long as the file")] File);

impl Folder {
    /// This folder, which need not exist.
    pub(crate) fn at(path: &Path) -> Result<Self, Failure> {
        std::path::absolute(path)
            .map(Self)
            .or_fail(format!("the path {} cannot be resolved", path.display()))
    }

    /// The folder given, else the nearest one from here upwards, else the one that would be made
    /// here.
    pub(crate) fn find(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = given {
            return Self::at(path);
        }
        let here = std::env::current_dir().or_fail("the current folder cannot be read")?;
        let nearest = here.ancestors().map(|folder| folder.join(NAME)).find(|it| it.is_dir());
        Ok(Self(nearest.unwrap_or_else(|| here.join(NAME))))
    }

    /// Makes the folder, for this user alone: it holds keys.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        let made = fs::create_dir_all(&self.0)
            .and_then(|()| fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)))
            .and_then(|()| fs::create_dir_all(self.logs()))
            .and_then(|()| fs::create_dir_all(self.keys()))
            // So that nobody's `git add .` takes the keys along.
            .and_then(|()| fs::write(self.0.join(".gitignore"), "*\n"));
        made.or_advise(
            format!("the state folder {} cannot be written", self.0.display()),
            "choose another with --state FOLDER",
        )
    }

    /// Takes the folder for this process; `None` when another has it.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, Failure> {
        let path = self.0.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .or_fail(format!("{} cannot be opened", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(Failure::new(format!("{} cannot be locked", path.display()))
                .because(io::Error::from(error))),
        }
    }

    /// What runs here, if it does: a record whose owner is gone is not believed.
    pub(crate) fn running(&self) -> Result<Option<UpRecord>, Failure> {
        if !self.0.is_dir() {
            return Ok(None);
        }
        match self.lock()? {
            Some(_unused) => Ok(None),
            None => self.read(),
        }
    }

    /// The record as it stands, whoever wrote it.
    pub(crate) fn read(&self) -> Result<Option<UpRecord>, Failure> {
        let path = self.record();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(
                    Failure::new(format!("{} cannot be read", path.display())).because(error)
                );
            }
        };
        serde_json::from_str(&text).map(Some).or_advise(
            format!("{} is not what `zerodrift up` writes", path.display()),
            "stop what runs there and delete the file",
        )
    }

    /// Writes the record, whole or not at all.
    pub(crate) fn write(&self, record: &UpRecord) -> Result<(), Failure> {
        let bytes = serde_json::to_vec_pretty(record).or_fail("up.json cannot be made")?;
        self.write_file("up.json", &bytes).map(|_| ())
    }

    /// Forgets what ran here.
    pub(crate) fn forget(&self) {
        // It may be gone already; its absence is what is wanted.
        drop(fs::remove_file(self.record()));
    }

    /// Writes a file only this user can read, whole or not at all; answers its path.
    pub(crate) fn write_file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        let path = self.0.join(name);
        let draft = path.with_extension("new");
        OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&draft, &path))
            .or_fail(format!("{} cannot be written", path.display()))?;
        Ok(path)
    }

    /// A file or folder in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where children write.
    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// Where identities' seeds are.
    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn record(&self) -> PathBuf {
        self.0.join("up.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(&place.path().join("state")).unwrap();
        folder.create().unwrap();
        let lock = folder.lock().unwrap();
        assert!(lock.is_some());
        assert!(folder.lock().unwrap().is_none());
        drop(lock);
        assert!(folder.lock().unwrap().is_some());
    }

    #[test]
    fn a_record_without_its_owner_is_not_believed() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(place.path()).unwrap();
        folder.create().unwrap();
        folder.write_file("up.json", b"{}").unwrap();
        assert_eq!(folder.running().unwrap(), None);
    }

    #[test]
    fn secrets_are_for_this_user_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(&place.path().join("state")).unwrap();
        folder.create().unwrap();
        let path = folder.write_file("token", b"secret").unwrap();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
