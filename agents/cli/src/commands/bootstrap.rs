//! `bootstrap`: streams, buckets and consumers on a NATS server. `up` does it by itself.

use clap::Args;
use serde_json::json;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::failure::Explain as _;
use crate::output::Output;
use crate::swarm::Swarm;

/// On how many servers.
#[derive(Debug, Args)]
pub struct Bootstrap {
    /// On how many servers each stream is kept: 1, or 3 where there are three
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: u8,
}

pub(super) async fn run(
    command: &Bootstrap,
    common: &Common,
    output: Output,
) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let progress = output.progress(format!("preparing {}", swarm.url));
    runtime::bootstrap(&swarm.bus, usize::from(command.replicas)).await.or_advise(
        "the streams and buckets could not be created",
        "the identity used needs the right to create them, and JetStream must be enabled on the \
         server",
    )?;
    if output.is_json() {
        output.json(&json!({"prepared": swarm.url, "replicas": command.replicas}))?;
    } else {
        output.line(progress.done(format!("{} is prepared", swarm.url)))?;
    }
    Ok(Exit::Ok)
}
