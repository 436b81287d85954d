//! Reads the environments, for what each declares about drift.

use std::path::{Path, PathBuf};

use policy::{Environments, Problems, shipped_environment_files};

/// Environments that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvironmentsError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot use the environments")]
    Mistakes(#[source] Problems),
}

/// Those in a folder; without one, those that are shipped.
pub(crate) fn load(folder: Option<&Path>) -> Result<Environments, EnvironmentsError> {
    let Some(folder) = folder else {
        return Environments::load(shipped_environment_files().iter().copied())
            .map_err(EnvironmentsError::Mistakes);
    };
    let reading = |path: &Path| {
        let path = path.to_owned();
        move |source| EnvironmentsError::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(reading(folder))? {
        let path = entry.map_err(reading(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && !name.starts_with('.') {
            files.push((name, std::fs::read_to_string(&path).map_err(reading(&path))?));
        }
    }
    files.sort();
    Environments::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
        .map_err(EnvironmentsError::Mistakes)
}
