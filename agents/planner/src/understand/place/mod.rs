//! Where an intent is for: its environment and its stack.

mod environment;
mod stack;

pub(crate) use environment::environment;
pub(crate) use stack::{is_kept, one, stack, stack_names};
