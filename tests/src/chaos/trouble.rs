//! Trouble of every sort, made while a swarm works.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use async_nats::HeaderMap;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::draw::Draw;
use super::points::Point;
use super::recovery::now;
use super::report::{KILLED, REPEATED, Tally};
use super::submit::Submitter;
use super::world::World;
use crate::nats::Identity;
use crate::tools::root;

/// How long an agent is left to come to the place where it is to die, where many more wait.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How long all that an agent is to visit may take.
const VISITS: Duration = Duration::from_secs(15);
/// How long a question to a server that is away waits for its answer.
const UNHEARD: Duration = Duration::from_millis(250);

/// A sort of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// None: the harness itself is looked at.
    None,
    /// Agents are killed at places in their code.
    Kill,
    /// The server is killed, and frozen.
    Bus,
    /// Calls to the cloud fail in every way.
    Cloud,
    /// Messages are delivered again, and in another order.
    Repeat,
    /// The agents' clocks jump, while the cloud fails.
    Clock,
    /// Two provisioners, many intents, one of the two killed at random.
    Crowd,
    /// Kill, bus, cloud and repeat at once.
    All,
}

impl Trouble {
    /// Every sort that is trouble.
    pub const ALL: [Self; 7] =
        [Self::Kill, Self::Bus, Self::Cloud, Self::Repeat, Self::Clock, Self::Crowd, Self::All];

    pub(super) fn has(self, part: Self) -> bool {
        match part {
            Self::Cloud => matches!(self, Self::Cloud | Self::Clock | Self::All),
            Self::Kill => matches!(self, Self::Kill | Self::All),
            Self::Bus => matches!(self, Self::Bus | Self::All),
            Self::Repeat => matches!(self, Self::Repeat | Self::All),
            Self::None | Self::Clock | Self::Crowd | Self::All => self == part,
        }
    }
}

impl std::str::FromStr for Trouble {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = |trouble: &Self| format!("{trouble:?}").to_lowercase() == text;
        let all = [Self::None].into_iter().chain(Self::ALL);
        all.into_iter().find(named).ok_or_else(|| {
            "none, kill, bus, cloud, repeat, clock, crowd or all is expected".to_owned()
        })
    }
}

/// Ways in which a call to the cloud fails.
pub const CLOUD_FAULTS: [&str; 7] = [
    "429 with Retry-After",
    "500",
    "reset",
    "lost answer",
    "timeout before it took effect",
    "timeout after it took effect",
    "stale read",
];

/// What hits one call.
fn fault(draw: &mut Draw, sort: &str) -> Value {
    let mut fault = match sort {
        "429 with Retry-After" => json!({ "kind": "status", "status": 429, "retry_after": 1 }),
        "500" => json!({ "kind": "status", "status": 500 }),
        "reset" => json!({ "kind": "reset" }),
        "lost answer" => json!({ "kind": "lost" }),
        "stale read" => json!({ "kind": "stale" }),
        // Longer than the provisioner waits.
        "timeout before it took effect" => json!({ "kind": "stall", "ms": 60_000 }),
        _ => json!({ "kind": "hang", "ms": 60_000 }),
    };
    let method = draw.one(&["GET", "POST", "PUT", "PATCH", "DELETE", "", ""]).copied();
    if let Some(fields) = fault.as_object_mut() {
        fields.insert("skip".to_owned(), json!(draw.below(4)));
        if let Some(method) = method.filter(|it| !it.is_empty() && sort != "stale read") {
            fields.insert("method".to_owned(), json!(method));
        }
    }
    fault
}

/// Come to only by a process that finds a run another has left behind.
const RESUMING: &str = "provisioner::before_resuming";
/// Dying there leaves one.
const LEAVING_BEHIND: &str = "step::after_create";

/// Makes trouble until it is dropped.
pub(super) struct Troublemaker<'it> {
    pub(super) trouble: Trouble,
    pub(super) draw: Draw,
    /// Places still to be killed at.
    pub(super) places: Vec<Point>,
    /// Faults of the cloud that are wanted most; empty: all of them alike.
    pub(super) sorts: Vec<&'static str>,
    /// Places that were not come to.
    pub(super) missed: Vec<Point>,
    /// Most kills of agents, so that no message is given up as one that kills.
    pub(super) kills: u64,
    pub(super) tally: &'it mut Tally,
}

impl Troublemaker<'_> {
    /// The next place to be killed at in an agent, and at the how manieth coming. `died`: whether the
    /// one before it was killed, and may have left a run behind.
    pub(super) fn next_place(&mut self, agent: Identity, died: bool) -> Option<(Point, u64)> {
        if self.kills == 0 {
            return None;
        }
        let of = |point: &Point| point.agent == agent;
        let resuming = self.places.iter().position(|it| of(it) && it.name == RESUMING);
        let at = match resuming {
            Some(at) if died => at,
            // Nothing leads there but a run that was left behind.
            Some(_) => match self.places.iter().position(|it| of(it) && it.name != RESUMING) {
                Some(at) => at,
                None => return Some((Point { agent, name: LEAVING_BEHIND }, 1)),
            },
            None => self.places.iter().position(of)?,
        };
        let first = resuming == Some(at) || self.draw.percent(70);
        let nth = if first { 1 } else { 1 + self.draw.below(4) };
        Some((self.places.remove(at), nth))
    }

    /// Makes trouble until dropped.
    pub(super) async fn make(
        &mut self,
        world: &mut World,
        submitter: &Submitter,
    ) -> anyhow::Result<()> {
        let (mut round, mut quarrel) = (0_u64, 0);
        let mut turns = tokio::time::interval(Duration::from_millis(50));
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            round += 1;
            self.revive(world)?;
            if self.trouble.has(Trouble::Cloud) && round.is_multiple_of(2) {
                self.hurt_calls(world).await?;
            }
            if self.trouble == Trouble::Kill && round % 20 == 1 && quarrel < 6 {
                quarrel += 1;
                self.quarrel(world, submitter).await?;
            }
            if self.trouble.has(Trouble::Repeat) && round.is_multiple_of(5) {
                self.repeat(world, 10).await?;
            }
            if self.trouble.has(Trouble::Bus) && round.is_multiple_of(20) {
                self.hurt_bus(world).await?;
            }
            if self.trouble.has(Trouble::Crowd) && round.is_multiple_of(16) && self.kills > 0 {
                self.kills -= 1;
                let at = usize::try_from(1 + self.draw.below(2)).unwrap_or(1);
                if let Some(agent) = world.agents.get_mut(at) {
                    agent.process.kill().await?;
                    self.tally.strike("provisioner killed at random", 1);
                    self.tally.troubles.push(now());
                    world.restart(at, None)?;
                }
            }
        }
    }

    /// Starts again what has died.
    fn revive(&mut self, world: &mut World) -> anyhow::Result<()> {
        for at in 0..world.agents.len() {
            let waiting =
                |agent: Identity| self.places.iter().filter(|point| point.agent == agent).count();
            let Some(agent) = world.agents.get_mut(at) else { continue };
            // What is hard to come to is left alone in the end, and then needs its time.
            let waiting = u32::try_from(waiting(agent.identity)).unwrap_or(u32::MAX);
            let patience = (VISITS / waiting.saturating_add(1)).max(PATIENCE);
            let Some(status) = agent.process.ended() else {
                // A place on the way to the end, or one that nothing leads to just now.
                if agent.armed.is_some() && !agent.leaving && agent.since.elapsed() > patience {
                    agent.leaving = true;
                    agent.process.signal(Signal::TERM)?;
                }
                continue;
            };
            let (identity, armed, leaving) = (agent.identity, agent.armed.take(), agent.leaving);
            match armed {
                Some(point) if agent.leaving && status.signal() != Some(Signal::KILL.as_raw()) => {
                    self.missed.push(point);
                }
                Some(point) => {
                    self.kills = self.kills.saturating_sub(1);
                    self.tally.killed(point);
                    self.tally.troubles.push(now());
                }
                None => self.tally.ended_by_itself.push(agent.process.failure()),
            }
            let died = armed.is_some() && !leaving;
            let next = self.next_place(identity, died);
            world.restart(at, next)?;
        }
        Ok(())
    }

    /// Some calls fail; each fault hits one.
    async fn hurt_calls(&mut self, world: &World) -> anyhow::Result<()> {
        let waiting = world.cloud.faults().await?.len();
        for _ in waiting..12 {
            let wanted = if self.draw.percent(60) { self.draw.one(&self.sorts) } else { None };
            if let Some(sort) = wanted.or_else(|| self.draw.one(&CLOUD_FAULTS)) {
                let fault = fault(&mut self.draw, sort);
                let id = world.cloud.fault(&fault).await?;
                self.tally.armed(id, sort);
            }
        }
        Ok(())
    }

    /// What makes an agent undo, refuse, hand back and give up, so that those places are reached.
    async fn quarrel(&mut self, world: &World, submitter: &Submitter) -> anyhow::Result<()> {
        let refused = json!({
            "method": self.draw.one(&["POST", "PUT"]), "skip": self.draw.below(5),
            "kind": "status", "status": 403,
        });
        world.cloud.fault(&refused).await?;
        let slow =
            json!({ "method": "GET", "kind": "status", "status": 500, "count": 8, "skip": 9 });
        world.cloud.fault(&slow).await?;
        let (none, garbage) = (HeaderMap::new(), b"no message".to_vec());
        for subject in ["swarm.intent.submit", "swarm.plan.proposed.nobody"] {
            submitter.publish(subject, none.clone(), garbage.clone()).await?;
        }
        // What became of a plan that is not this intent's: it waits until the intent has ended.
        let context = async_nats::jetstream::new(world.operator.clone());
        let Ok(stream) = context.get_stream_no_info("SWARM").await else { return Ok(()) };
        let last = stream.direct_get_last_for_subject("swarm.intent.submit").await;
        let body = last.ok().and_then(|it| serde_json::from_slice::<Value>(&it.payload).ok());
        let Some(intent) = body.and_then(|it| it.get("id").cloned()) else { return Ok(()) };
        let unheard = json!({
            "stack": "nobody", "intent": intent, "plan": "0".repeat(64),
            "reason": "none", "next": "nothing", "undone": 0,
        });
        let mut headers = HeaderMap::new();
        headers.insert("Zerodrift-Type", "swarm.provision.v1.failed");
        let subject = "swarm.provision.failed.nobody";
        submitter.publish(subject, headers, serde_json::to_vec(&unheard)?).await?;
        Ok(())
    }

    /// Stored messages again: plans, outcomes and intents, any of them, under ids of their own, as
    /// after the stream's window; some under the id they had.
    pub(super) async fn repeat(&mut self, world: &World, most: u64) -> anyhow::Result<()> {
        let context = async_nats::jetstream::new(world.operator.clone());
        let Ok(mut stream) = context.get_stream("SWARM").await else { return Ok(()) };
        let Ok(info) = stream.info().await else { return Ok(()) };
        let last = info.state.last_sequence;
        for _ in 0..most {
            let sequence = 1 + self.draw.below(last.max(1));
            let Ok(message) = stream.direct_get(sequence).await else { continue };
            let mut headers = HeaderMap::new();
            for (name, values) in message.headers.iter() {
                if name.to_string().starts_with("Nats-") {
                    continue;
                }
                for value in values {
                    headers.append(name.clone(), value.clone());
                }
            }
            if self.draw.percent(90) {
                headers.insert("Nats-Msg-Id", format!("again-{}", self.draw.next()));
            } else if let Some(id) = message.headers.get("Nats-Msg-Id") {
                headers.insert("Nats-Msg-Id", id.clone());
            }
            let sent = context
                .publish_with_headers(message.subject.clone(), headers, message.payload.clone())
                .await;
            if let Ok(acknowledgement) = sent
                && acknowledgement.await.is_ok()
            {
                self.tally.strike(REPEATED, 1);
            }
        }
        Ok(())
    }

    /// The server dies, or does not answer for a while.
    async fn hurt_bus(&mut self, world: &mut World) -> anyhow::Result<()> {
        // Its clients notice, more of them the longer it is away.
        let unanswered = self.draw.below(9);
        if self.draw.percent(60) {
            world.nats.process.kill().await?;
            unheard(&world.operator, unanswered).await;
            world.nats.restart().await?;
            self.tally.strike(KILLED, 1);
        } else {
            world.nats.process.signal(Signal::STOP)?;
            unheard(&world.operator, unanswered + 1).await;
            world.nats.process.signal(Signal::CONT)?;
            self.tally.strike("nats-server frozen", 1);
        }
        self.tally.troubles.push(now());
        Ok(())
    }
}

/// Asks the server so many times, and gets no answer.
async fn unheard(client: &async_nats::Client, times: u64) {
    for _ in 0..times {
        let question = client.request("$JS.API.INFO", "".into());
        drop(tokio::time::timeout(UNHEARD, question).await);
    }
}

/// Where the logs of runs with violations are kept.
pub(super) fn kept_logs() -> std::path::PathBuf {
    root().join("target").join("chaos")
}
