//! The environments and golden paths that hold here: the shipped ones, or those of a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bus_schema::{KindName, Properties};
use policy::{Environments, GoldenPaths};

use crate::Failure;
use crate::failure::Explain as _;

/// The environments of a folder, else the shipped ones.
pub(super) fn environments(folder: Option<&Path>) -> Result<Environments, Failure> {
    let loaded = match folder {
        None => Environments::load(policy::shipped_environment_files().iter().copied()),
        Some(folder) => Environments::load(borrowed(&read(folder)?)),
    };
    loaded.or_advise(
        wrong("environments", folder),
        "their format is in deploy/environments/README.md",
    )
}

/// The golden paths of a folder, else the shipped ones.
pub(super) fn golden_paths(folder: Option<&Path>) -> Result<GoldenPaths, Failure> {
    let loaded = match folder {
        None => GoldenPaths::load(policy::shipped_golden_path_files().iter().copied(), &check_kind),
        Some(folder) => GoldenPaths::load(borrowed(&read(folder)?), &check_kind),
    };
    loaded.or_advise(
        wrong("golden paths", folder),
        "their format is in deploy/golden-paths/README.md",
    )
}

/// Whether declared properties fit their kind, as the cloud's own description of it says.
fn check_kind(kind: &KindName, properties: &Properties) -> Result<(), String> {
    let Some(known) = cloud::cloudflare::catalogue().get(kind) else {
        return Err(format!("there is no kind `{kind}`"));
    };
    known.normalise(properties).map(|_| ()).map_err(|error| error.to_string())
}

fn wrong(what: &str, folder: Option<&Path>) -> String {
    match folder {
        Some(folder) => format!("the {what} in {} cannot be used", folder.display()),
        None => format!("the shipped {what} cannot be used"),
    }
}

fn borrowed(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Every file of a folder, by its path in it.
fn read(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        read_one(folder, &inner, &mut files, &mut folders)
            .or_fail(format!("the folder {} cannot be read", folder.join(&inner).display()))?;
    }
    files.sort();
    Ok(files)
}

fn read_one(
    folder: &Path,
    inner: &Path,
    files: &mut Vec<(String, String)>,
    folders: &mut Vec<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(inner))? {
        let entry = entry?;
        let name = inner.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            folders.push(name);
        } else {
            files.push((name.to_string_lossy().into_owned(), fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_its_folders() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("workers")).unwrap();
        fs::write(place.path().join("a.yaml"), "name: a").unwrap();
        fs::write(place.path().join("workers/w.js"), "export default {}").unwrap();
        let names: Vec<String> =
            read(place.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.yaml", "workers/w.js"]);
    }

    #[test]
    fn the_shipped_environments_hold() {
        assert!(environments(None).unwrap().iter().count() >= 2);
    }
}
