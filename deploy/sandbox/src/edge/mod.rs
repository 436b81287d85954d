//! The edge: being written.
