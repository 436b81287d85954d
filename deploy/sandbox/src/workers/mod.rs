//! Uploaded Workers, run by real workerd.
//!
//! [`check`] judges a script before it is saved, [`Runtime`] serves those that are. One workerd
//! runs them all, behind a small router Worker; its KV and R2 bindings and its `fetch()` come back
//! to the sandbox over a listener of their own. Which Worker a request is for is the edge's to say.

mod backplane;
mod check;
mod code;
mod config;
mod kv;
mod launcher;
mod locate;
mod process;
mod r2;
mod r2_request;
mod runtime;

pub use backplane::Outbound;
pub use check::check;
pub use code::{Code, Module};
pub use locate::locate;
pub use runtime::{Failure, Runtime};

/// Writes a configuration to a folder of its own, which is gone with the value. Only this user may
/// read it: it can hold secrets.
async fn write(config: &config::Config) -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, content) in &config.files {
        tokio::fs::write(folder.path().join(name), content).await?;
    }
    Ok(folder)
}
