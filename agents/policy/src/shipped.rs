//! What comes with the program, in the program: a binary alone is enough to run.

use crate::{CheckKind, Environments, GoldenPaths, Problems};

/// The golden paths and environments that come with the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Shipped {
    /// `prod` and `staging`.
    pub environments: Environments,
    /// Every path.
    pub paths: GoldenPaths,
}

/// The golden paths and environments that come with the program, loaded.
///
/// # Errors
/// When the kinds refuse what a path makes; never for the kinds these were written for.
pub fn shipped(check: &CheckKind<'_>) -> Result<Shipped, Problems> {
    Ok(Shipped {
        environments: Environments::load(shipped_environment_files().iter().copied())?,
        paths: GoldenPaths::load(shipped_golden_path_files().iter().copied(), check)?,
    })
}

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../deploy/", $folder, "/", $name)))),+]
    };
}

/// The shipped environments as files, `(name, text)`.
pub const fn shipped_environment_files() -> &'static [(&'static str, &'static str)] {
    files!("environments": "prod.yaml", "staging.yaml")
}

/// The shipped golden paths and the files they take in, `(name, text)`; names are relative to the
/// folder of the paths.
pub const fn shipped_golden_path_files() -> &'static [(&'static str, &'static str)] {
    files!("golden-paths":
        "dns-record.yaml",
        "edge-cache.yaml",
        "edge-worker.yaml",
        "gateway-policy.yaml",
        "lexicon.yaml",
        "retire.yaml",
        "waf-shield.yaml",
        "workers/headers.js",
        "workers/json-api.js",
        "workers/objects.js",
        "workers/redirects.js",
    )
}
