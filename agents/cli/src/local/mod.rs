//! A whole swarm on this machine: nats-server, the sandbox and the agents as child processes under
//! one state folder.

mod child;
mod folder;
mod identities;
mod parts;
mod ports;
mod process;
mod record;
mod start;
pub(crate) mod tools;

pub(crate) use child::Happening;
pub(crate) use folder::Folder;
pub(crate) use parts::{CloudChoice, Settings};
pub(crate) use ports::Ports;
pub(crate) use process::terminate;
pub(crate) use record::{CloudRecord, Phase, UpRecord};
pub(crate) use start::LocalSwarm;
