//! The planner's own configuration keys.

use std::path::PathBuf;

use runtime::{Key, Settings, Values};

/// Where golden paths and environments are read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannerSettings {
    /// Folder of golden paths; `None` takes the shipped ones.
    pub golden_paths: Option<PathBuf>,
    /// Folder of environments; `None` takes the shipped ones.
    pub environments: Option<PathBuf>,
}

impl Settings for PlannerSettings {
    const KEYS: &'static [Key] = &[
        Key::new("GOLDEN_PATHS", "folder of golden paths; without it, those that are shipped"),
        Key::new("ENVIRONMENTS", "folder of environments; without it, those that are shipped"),
    ];

    fn read(values: &mut Values<'_>) -> Self {
        let mut folder = |key: &str| {
            let folder = values.path(key).filter(|path| !path.as_os_str().is_empty())?;
            if !folder.is_dir() {
                values.mistake(format!("ZERODRIFT_{key}: there is no folder {}", folder.display()));
            }
            Some(folder)
        };
        Self { golden_paths: folder("GOLDEN_PATHS"), environments: folder("ENVIRONMENTS") }
    }
}
