//! The harness of the end-to-end tests: the real binaries against a real nats-server and the local
//! Cloudflare, one swarm per test, everything on loopback and in a folder that goes with the test.
//!
//! It shares no code with the agents beyond the wire's own types.

pub mod chaos;
pub mod checker;
mod cloud;
mod command;
mod disk;
mod follow;
mod intents;
mod nats;
mod otlp;
mod process;
mod swarm;
mod tools;
mod vandal;
mod watched;

pub use cloud::{ACCOUNT, Actor, Sandbox, Someone};
pub use command::Said;
pub use disk::SmallDisk;
pub use follow::Followed;
pub use intents::Submitted;
pub use nats::{Identity, NatsServer, Sync};
pub use otlp::{Receiver, Span};
pub use process::Process;
pub use swarm::{Swarm, SwarmBuilder};
pub use tools::{binary, tool};
pub use vandal::{Deed, Vandal};
pub use wait::{secs, until};
