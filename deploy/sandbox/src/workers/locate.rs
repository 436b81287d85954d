//! Where workerd is.

use std::path::{Path, PathBuf};

/// Where `make tools` puts it, below a workspace.
const INSTALLED: &str = ".tools/node_modules/@cloudflare/workerd-linux-64/bin/workerd";

/// The given one, else that of the workspace the working folder or this program is in, else one on
/// the path. None where there is none: the sandbox then runs without Workers.
pub fn locate(given: Option<&Path>) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(given.to_owned());
    }
    let start = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let above = start.iter().flatten().flat_map(|path| path.ancestors());
    let installed = above.map(|folder| folder.join(INSTALLED));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> =
        std::env::split_paths(&path).map(|folder| folder.join("workerd")).collect();
    installed.chain(on_path).find(|candidate| candidate.is_file())
}
