//! The planner: makes of what somebody wants a plan along a golden path, or a refusal that helps.
//!
//! What decides is pure:
//! - [`understand()`]: from words, or parameters, to one golden path with every parameter grounded
//! - `plan`: from that and the stack's record to an immutable list of changes
//! - `decide`: from what became of a plan to what becomes of the intent
//!
//! What does is [`Planner`]: it reads records, publishes plans and keeps where each intent stands.
//! It proposes only; no cloud credential ever comes here.

mod agent;
mod begun;
mod decide;
mod history;
mod library;
mod plan;
mod settings;
mod understand;

pub use agent::Planner;
pub use library::{Library, LibraryError};
pub use settings::PlannerSettings;
pub use understand::{Act, Concern, Explanation, LONGEST_TEXT, Seen, explain, understand};
