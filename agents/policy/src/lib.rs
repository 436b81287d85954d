//! Golden paths and environments: what can be asked for, and where it would go.
//!
//! Pure: files are handed in as `(name, text)` pairs and nothing here reads a disk, a clock or a
//! network. Understanding a person's words is the planner's; what a kind of cloud object may look
//! like is the cloud's, and comes in as a callback.
//!
//! Architecture invariant: whatever [`GoldenPaths::load`] accepts, [`GoldenPath::render`] renders;
//! a mistake in a file is found when the file is loaded, with its line, and not when somebody asks.

mod condition;
mod default;
mod environment;
mod filter;
mod golden_path;
mod parameter;
mod problem;
mod reference;
mod render;
mod shipped;
mod template;
mod together;
mod words;
mod yaml;

pub use condition::Condition;
pub use default::{DefaultValue, Incomplete};
pub use environment::{
    CloudflarePlaces, Environment, Environments, Limits, Mode, Remediation, RemediationRule,
    Service, Verdict,
};
pub use golden_path::{
    CheckKind, Concept, Control, Example, GoldenPath, GoldenPaths, Guards, Lexicon, Planned, Sort,
};
pub use parameter::{Choice, InvalidValue, Parameter, ParameterType, Required, Roles, Unit};
pub use problem::{Problem, Problems};
pub use render::RenderError;
pub use shipped::{Shipped, shipped, shipped_environment_files, shipped_golden_path_files};
pub use together::{Together, WordClass};
pub use words::{Language, Words};
