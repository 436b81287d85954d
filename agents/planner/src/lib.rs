//! The planner: makes of what somebody wants a plan along a golden path, or a refusal that helps.

mod understand;

pub use understand::{LONGEST_TEXT, understand};
