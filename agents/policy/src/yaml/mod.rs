//! YAML with the place of every value kept, so that a mistake found long after parsing still names
//! its line, and so that one file's mistakes are reported together instead of one at a time.

mod fields;
mod node;

pub(crate) use fields::{Fields, Reader, listed};
pub(crate) use node::{At, Content, Node};
