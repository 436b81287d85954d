//! Where the binaries under test and the installed tools are.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The checkout's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("/"))
}

/// A binary of this workspace, built into the same target folder as the running test.
///
/// # Errors
/// When it has not been built.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("where this program is")?;
    let folder = this.parent().context("a program stands in a folder")?;
    // A test stands in target/<profile>/deps, a binary beside those under test.
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let path = folder.context("deps stands in target/<profile>")?.join(name);
    ensure!(path.exists(), "{} is not built; run `make build`", path.display());
    Ok(path)
}

/// An installed tool, by its path below `.tools/`.
///
/// # Errors
/// When it is not installed.
pub fn tool(path: &str) -> anyhow::Result<PathBuf> {
    let tool = root().join(".tools").join(path);
    ensure!(tool.exists(), "{} is not installed; run `make tools`", tool.display());
    Ok(tool)
}
