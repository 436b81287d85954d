//! The golden paths and environments that hold here: the shipped ones, or those of folders.

use std::path::Path;

use planner::Library;

use crate::Failure;
use crate::failure::Explain as _;

/// What can be asked for, and where it would go; exactly what a planner would load.
pub(super) fn library(
    golden_paths: Option<&Path>,
    environments: Option<&Path>,
) -> Result<Library, Failure> {
    Library::load(golden_paths, environments).or_advise(
        "the golden paths and environments cannot be used",
        "their formats are in deploy/golden-paths/README.md and deploy/environments/README.md",
    )
}
