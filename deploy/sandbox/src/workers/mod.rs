//! Uploaded Workers in real workerd: being written.
use std::path::Path;

use bytes::Bytes;

/// One module of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// As the script imports it, for example `worker.js`.
    pub name: String,
    /// As uploaded, for example `application/javascript+module`.
    pub content_type: String,
    /// The module itself.
    pub content: Bytes,
}

/// A script as uploaded; what [`check`] compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The name of the main module.
    pub main: String,
    /// Every module.
    pub modules: Vec<Module>,
    /// `YYYY-MM-DD`.
    pub compatibility_date: String,
    /// For example `nodejs_compat`.
    pub compatibility_flags: Vec<String>,
}

/// Compiles a script in V8 and runs its top level; the error is the `Uncaught …` line. Without
/// workerd nothing is checked.
pub async fn check(workerd: Option<&Path>, code: &Code) -> Result<(), String> {
    let _ = (workerd, code);
    Ok(())
}
