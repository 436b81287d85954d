//! `up.json`: what runs in a state folder, for the other commands and for people's scripts.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A swarm on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpRecord {
    /// The process that looks after the others.
    pub(crate) pid: u32,
    /// How far it is.
    pub(crate) phase: Phase,
    /// Since when.
    pub(crate) started_at: Timestamp,
    /// Where the bus listens.
    pub(crate) nats: NatsRecord,
    /// Where resources are made.
    pub(crate) cloud: CloudRecord,
    /// Where hints are taken over HTTP, where anything watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hints: Option<HintsRecord>,
    /// Every child.
    pub(crate) processes: Vec<ProcessRecord>,
}

/// How far a swarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Not all of it is ready.
    Starting,
    /// All of it is ready.
    Ready,
    /// It is being stopped.
    Stopping,
}

/// The bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NatsRecord {
    /// For clients.
    pub(crate) url: String,
    /// Its monitoring pages.
    pub(crate) monitor: String,
    /// The operator's nkey seed: who the command line is.
    pub(crate) operator: PathBuf,
}

/// Where it can be told that something changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HintsRecord {
    /// Base of its address: `/hints` and `/hints/cloudflare` are below it.
    pub(crate) url: String,
    /// What hints are signed with, and what notifications carry.
    pub(crate) secret: PathBuf,
}

/// Where resources are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum CloudRecord {
    /// In the local Cloudflare.
    Sandbox {
        /// Its API, without `/client/v4`.
        api: String,
        /// Where its zones are served; hosts are told apart by the `Host` header.
        edge: String,
    },
    /// In a real account.
    Cloudflare,
}

/// A child.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProcessRecord {
    /// For example `planner` or `planner-2`.
    pub(crate) name: String,
    /// Absent between a death and the restart.
    #[serde(default)]
    pub(crate) pid: Option<u32>,
    /// The program it runs.
    pub(crate) program: PathBuf,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// How often it was started again.
    pub(crate) restarts: u32,
}
