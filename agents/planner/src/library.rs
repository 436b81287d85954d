//! The golden paths and environments there are, checked against the kinds of the clouds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bus_schema::{KindName, Properties};
use cloud::Catalogue;
use policy::{Environments, GoldenPaths, Problems, Shipped};

/// What can be asked for, and where it would go.
#[derive(Debug, Clone, PartialEq)]
pub struct Library {
    /// Where it would go.
    pub environments: Environments,
    /// What can be asked for.
    pub paths: GoldenPaths,
}

/// Golden paths or environments that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Files with mistakes; each is named with its line.
    #[error("cannot use {what}")]
    Mistakes {
        /// Where they are.
        what: String,
        /// All of them.
        source: Problems,
    },
}

impl Library {
    /// Reads both folders; without one, what is shipped takes its place. Every golden path is
    /// rendered with its examples and checked against the clouds' kinds.
    ///
    /// # Errors
    /// When a folder cannot be read, or its files have mistakes: all of them at once.
    pub fn load(
        golden_paths: Option<&Path>,
        environments: Option<&Path>,
    ) -> Result<Self, LibraryError> {
        let catalogue = cloud::cloudflare::catalogue();
        let check = |kind: &KindName, properties: &Properties| check(catalogue, kind, properties);
        let mistakes = |what: &str| {
            let what = what.to_owned();
            move |source| LibraryError::Mistakes { what, source }
        };
        let Shipped { environments: shipped_environments, paths: shipped_paths } =
            policy::shipped(&check).map_err(mistakes("the shipped golden paths"))?;
        let paths = match golden_paths {
            None => shipped_paths,
            Some(folder) => {
                let files = texts(folder)?;
                GoldenPaths::load(borrowed(&files), &check)
                    .map_err(mistakes(&format!("the golden paths in {}", folder.display())))?
            }
        };
        let environments = match environments {
            None => shipped_environments,
            Some(folder) => {
                let files = texts(folder)?;
                Environments::load(borrowed(&files))
                    .map_err(mistakes(&format!("the environments in {}", folder.display())))?
            }
        };
        Ok(Self { environments, paths })
    }
}

fn check(catalogue: Catalogue, kind: &KindName, properties: &Properties) -> Result<(), String> {
    let Some(kind) = catalogue.get(kind) else {
        return Err(format!("no cloud has a kind `{kind}`"));
    };
    kind.normalise(properties).map(|_| ()).map_err(|invalid| invalid.to_string())
}

fn borrowed(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Every file of a folder and of the folders in it, by its name relative to it, in order; but for
/// documentation and hidden files.
fn texts(folder: &Path) -> Result<Vec<(String, String)>, LibraryError> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let at = folder.join(&below);
        let reading = |path: &Path| {
            let path = path.to_owned();
            move |source| LibraryError::Read { path, source }
        };
        for entry in fs::read_dir(&at).map_err(reading(&at))? {
            let entry = entry.map_err(reading(&at))?;
            let name = below.join(entry.file_name());
            let kind = entry.file_type().map_err(reading(&entry.path()))?;
            let shown = name.to_string_lossy().replace('\\', "/");
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let is_text = Path::new(&shown).extension().is_none_or(|end| end != "md");
            if hidden || !is_text {
                continue;
            }
            if kind.is_dir() {
                folders.push(name);
            } else {
                let text = fs::read_to_string(entry.path()).map_err(reading(&entry.path()))?;
                found.push((shown, text));
            }
        }
    }
    found.sort();
    Ok(found)
}
