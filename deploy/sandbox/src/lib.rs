//! A local Cloudflare: a control plane that speaks the v4 API, and an edge that obeys it.
//!
//! It is written from what the real one is seen to do, and shares no code with the client it is
//! used to test. What it does not offer it refuses loudly, in Cloudflare's error shape.
//!
//! - [`store`]: the whole state, in memory and on disk;
//! - [`api`]: the control plane under `/client/v4` and the fault interface under `/__sandbox`;
//! - [`rules`]: the rules language, a documented subset;
//! - [`edge`]: what answers for the zones' hosts;
//! - [`workers`]: uploaded Workers in real workerd;
//! - [`Sandbox`]: all of it, running.

pub mod api;
pub mod arguments;
pub mod edge;
pub mod rules;
mod sandbox;
pub mod store;
pub mod workers;

pub use sandbox::{Error, Sandbox};
