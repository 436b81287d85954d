//! The control plane from outside: real HTTP, one test for what a client would notice.
#![expect(clippy::indexing_slicing, reason = "a JSON value gives null for a name it does not have")]

mod binary;
mod control;
mod dns;
mod gateway;
mod kv;
mod r2;
mod rulesets;
mod scripts;
mod state;
mod support;
mod tokens;
mod zones;
