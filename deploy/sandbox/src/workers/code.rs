//! What of a script is compiled: its modules and how to read them, without what it is bound to.

use bytes::Bytes;

use crate::store::Script;

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

/// A script as uploaded; what [`super::check`] compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The name of the main module.
    pub main: String,
    /// Every module.
    pub modules: Vec<Module>,
    /// `YYYY-MM-DD`; may be empty.
    pub compatibility_date: String,
    /// For example `nodejs_compat`.
    pub compatibility_flags: Vec<String>,
}

impl From<&Script> for Code {
    fn from(script: &Script) -> Self {
        let modules = script.modules.iter().map(|module| Module {
            name: module.name.clone(),
            content_type: module.content_type.clone(),
            content: module.content.bytes().clone(),
        });
        Self {
            main: script.main_module.clone(),
            modules: modules.collect(),
            compatibility_date: script.compatibility_date.clone(),
            compatibility_flags: script.compatibility_flags.clone(),
        }
    }
}
