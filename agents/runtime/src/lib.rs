//! One way to be an agent.
//!
//! An agent's crate says what it decides and does; everything around that is here, once: an
//! [`Agent`] names its settings and its [`Routes`], and [`run`] is the life of its binary.
//!
//! - [`config`]: keys from environment and file, every mistake at once
//! - `connect`, [`Bus`], [`Store`], [`View`], [`Outbox`]: the server, what is published, what is
//!   kept
//! - [`bootstrap()`]: streams, buckets and consumers
//! - `delivery`: a message from its delivery to its acknowledgement or its dead letter
//! - [`Retry`] and its module: the one place that decides whether something is tried again
//! - `telemetry`, `health`, `service`: how the agent is seen
//! - [`failpoint!`], [`now`]: where tests kill the process, and what makes its clock jump
//!
//! What a message means, and what names there are on the wire, is not here but in `bus-schema`.

mod agent;
mod bootstrap;
mod bus;
mod clock;
pub mod config;
mod connect;
mod delivery;
#[doc(hidden)]
pub mod failpoint;
mod health;
mod outbox;
mod retry;
mod routes;
mod run;
mod service;
mod store;
mod telemetry;
mod view;

pub use agent::{Agent, StartError};
pub use bootstrap::{BootstrapError, bootstrap};
pub use bus::{Bus, BusError, Published};
pub use clock::now;
pub use config::{Key, LogFormat, Mistakes, NatsSettings, RuntimeSettings, Settings, Values};
pub use connect::{ConnectError, connect};
pub use outbox::Outbox;
pub use retry::{HandleError, Retry, Retryable, chain};
pub use routes::Routes;
pub use run::{RunError, run, serve};
pub use store::{Entry, Revision, Store, StoreError};
pub use telemetry::propagation::{join, link, traceparent};
/// Stops [`serve`].
pub use tokio_util::sync::CancellationToken;
pub use view::{Snapshot, View};
