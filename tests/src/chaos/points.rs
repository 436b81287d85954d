//! The places where an agent can be killed, from the agents' own source: a new one is covered by
//! being there.

use std::fmt;
use std::path::Path;

use anyhow::Context;

use crate::nats::Identity;
use crate::tools::root;

/// One place in one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// The agent.
    pub agent: Identity,
    /// The place's name.
    pub name: &'static str,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.agent, self.name)
    }
}

/// Every place in the agents on an intent's way; those of the runtime are in each.
pub fn points() -> anyhow::Result<Vec<Point>> {
    Ok([points_of(Identity::Planner)?, points_of(Identity::Provisioner)?].concat())
}

/// Every place in one agent, those of the runtime among them.
pub fn points_of(agent: Identity) -> anyhow::Result<Vec<Point>> {
    let mut all = Vec::new();
    for folder in ["runtime", agent.name()] {
        let mut names = Vec::new();
        scan(&root().join("agents").join(folder).join("src"), &mut names)?;
        anyhow::ensure!(!names.is_empty(), "agents/{folder} names no place to be killed at");
        all.extend(names.into_iter().map(|name| Point { agent, name: name.leak() }));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

fn scan(folder: &Path, names: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            scan(&path, names)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let found = text.split("failpoint!(\"").skip(1).filter_map(|rest| rest.split_once('"'));
            names.extend(found.map(|(name, _)| name.to_owned()));
        }
    }
    Ok(())
}
