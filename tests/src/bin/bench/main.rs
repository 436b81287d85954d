//! `make bench`: what the path costs, beside what the bus alone costs in the same run.
//!
//! Run the release build; the agents must have been built beside it. One intent here is one DNS
//! record in a stack of its own: submitted, planned, applied to the local Cloudflare, recorded. Its
//! time is from before the publish until the record that says `converged` is stored and delivered.

mod agents;
mod baseline;
mod codec;
mod cost;
mod heal;
mod intents;
mod measure;
mod understanding;

use std::io::Write;

use anyhow::Context;
use tests::{Identity, Swarm, Sync};

use cost::Spent;
use intents::Load;
use measure::Measured;

/// Intents under way at once.
const IN_FLIGHT: [usize; 2] = [1, 64];
/// Cloud calls in five minutes, for both who make and who grant them: more than can be made.
const NO_LIMIT: u32 = 100_000_000;

/// How much is measured.
struct Size {
    /// Intents at one in flight; five times as many at more.
    intents: usize,
    /// Starts of each agent.
    starts: usize,
    /// Most resources that are watched; a tenth and a hundredth as many before.
    watched: usize,
}

impl Size {
    fn resources(&self) -> [usize; 3] {
        [self.watched / 100, self.watched / 10, self.watched].map(|it| it.max(1))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = size()?;
    if cfg!(debug_assertions) {
        say("This is the debug build: its numbers say nothing. `make bench` takes the release.")?;
    }
    for (sync, words) in [
        (Sync::Always, "sync_interval: always, as shipped"),
        (Sync::Sometimes, "sync_interval: 2m, nats-server's default"),
    ] {
        say(&format!("\n# {words}"))?;
        measure_swarm(sync, &size).await?;
    }
    say(
        "\n# drift put back, sync_interval: always; from the change until the repair is announced",
    )?;
    for resources in size.resources() {
        heal::measure(resources).await?;
    }
    Ok(())
}

/// Everything that is measured with one habit of writing through to the disk.
async fn measure_swarm(sync: Sync, size: &Size) -> anyhow::Result<()> {
    let swarm = Swarm::builder()
        .with_sync(sync)
        .with_setting(Identity::Provisioner, "ZERODRIFT_CLOUDFLARE_RATE", NO_LIMIT.to_string())
        // Renewing it would count as stored messages.
        .with_setting(Identity::Provisioner, "ZERODRIFT_SESSION_SECONDS", "300")
        .start()
        .await?;
    swarm.cloudflare.set_limit(NO_LIMIT).await?;
    if sync == Sync::Always {
        say("agents, nothing to do yet")?;
        for agent in agents::AGENTS {
            say(&agents::start(&swarm, agent, size.starts).await?)?;
        }
    }
    let load = Load::new(&swarm).await?;
    let warm = load.run("warm", 1, 20).await?;
    say(&format!("intents, submit -> converged (the first one: {})", warm.first()))?;
    let mut sample = None;
    let mut made = 20;
    for in_flight in IN_FLIGHT {
        let count = if in_flight == 1 { size.intents } else { size.intents * 5 };
        let before = Spent::of(&swarm).await?;
        let measured = load.run(&format!("at{in_flight}"), in_flight, count).await?;
        let spent = Spent::of(&swarm).await?;
        made += count;
        say(&line(in_flight, &measured, "intents"))?;
        for line in spent.each_of(count, &before) {
            say(&format!("    {line}"))?;
        }
        say(&format!("    the zone has {made} records at the end; {}", agents::memory(&swarm)?))?;
        sample = Some(load.sample(&format!("at{in_flight}"), 0).await?);
    }
    let sample = sample.context("something was measured")?;
    say(&format!(
        "the same bytes through raw JetStream: publish, deliver, ack; {}",
        sample.sizes()
    ))?;
    let messages = sample.payloads();
    for in_flight in IN_FLIGHT {
        let count = messages.len() * if in_flight == 1 { size.intents } else { size.intents * 5 };
        let measured = baseline::run(&swarm, &messages, in_flight, count).await?;
        let at_most = measured.per_second() / measure::float(messages.len());
        say(&line(in_flight, &measured, "messages"))?;
        say(&format!(
            "    an intent stores {} of them: at most {at_most:.0} intents/s",
            messages.len()
        ))?;
    }
    if sync == Sync::Always {
        say("codec, one thread")?;
        for line in codec::lines(&sample)? {
            say(&line)?;
        }
        say("understanding, one thread")?;
        say(&understanding::line()?)?;
    }
    Ok(())
}

fn line(in_flight: usize, measured: &Measured, what: &str) -> String {
    format!(
        "  {in_flight:>2} in flight: {:>7.0} {what}/s   p50 {}   p99 {}   (n={})",
        measured.per_second(),
        measured.percentile(50),
        measured.percentile(99),
        measured.count(),
    )
}

/// `--intents N` (200), `--starts N` (10), `--watched N` (1000).
fn size() -> anyhow::Result<Size> {
    let mut size = Size { intents: 200, starts: 10, watched: 1_000 };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a number"))?;
        let value: usize = value.parse().with_context(|| format!("{name} {value}"))?;
        match name.as_str() {
            "--intents" => size.intents = value.max(1),
            "--starts" => size.starts = value.max(1),
            "--watched" => size.watched = value.max(1),
            _ => anyhow::bail!("{name} is none of --intents, --starts, --watched"),
        }
    }
    Ok(size)
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("nobody reads the output")
}
