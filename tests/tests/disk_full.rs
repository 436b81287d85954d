//! A full disk under the bus: said clearly, nothing lost, and over when there is space again.

use anyhow::Context;
use async_nats::jetstream;
use bus_schema::{IntentId, IntentSubmitted, codec};
use serde_json::Value;
use tests::{Swarm, secs, until};

fn text(host: &str) -> String {
    format!("Point {host}.example.com to 203.0.113.20")
}

/// Submits, and gives id and place of what was acknowledged; else the error a person sees.
async fn submit(swarm: &Swarm, host: &str) -> anyhow::Result<Result<(IntentId, u64), String>> {
    let said = swarm.zerodrift(&["submit", "--json", &text(host)]).await?;
    if said.code != Some(0) {
        return Ok(Err(said.err));
    }
    let said: Value = said.json()?.remove(0);
    let sequence = said.get("sequence").and_then(Value::as_u64).context("it has a place")?;
    let intent = said.get("intent").and_then(Value::as_str).context("it has an id")?;
    Ok(Ok((intent.parse()?, sequence)))
}

#[tokio::test]
async fn a_full_disk_is_said_loses_nothing_and_is_over_with_space() -> anyhow::Result<()> {
    let mut swarm = Swarm::builder().on_small_disk(24).start().await?;
    swarm.intend(&text("before")).await?.converged().await?;
    swarm.nats.disk()?.fill()?;

    // What fits into blocks begun already is still taken, and acknowledged.
    let mut acknowledged = Vec::new();
    let error = loop {
        let host = format!("during{}", acknowledged.len());
        match submit(&swarm, &host).await? {
            Ok((id, sequence)) => acknowledged.push((id, sequence, text(&host))),
            Err(error) => break error,
        }
        anyhow::ensure!(acknowledged.len() < 50, "the disk does not fill");
    };
    assert!(error.contains("disk full") || error.contains("disk is full"), "{error}");
    assert!(!error.contains("bootstrap` does it"), "{error}");
    until("an agent says that it cannot write", secs(20), || async {
        let said = |log: &str| log.contains("cannot write");
        Ok((said(&swarm.planner.log()) || said(&swarm.provisioner.log())).then_some(()))
    })
    .await?;

    // A server that met the end of its disk takes no more until it is restarted.
    swarm.nats.disk()?.free()?;
    swarm.nats.process.kill().await?;
    swarm.nats.restart().await?;
    let stream = until("the stream is back", secs(10), || async {
        Ok(jetstream::new(swarm.operator.clone()).get_stream("SWARM").await.ok())
    })
    .await?;
    for (id, sequence, text) in &acknowledged {
        let kept = stream.get_raw_message(*sequence).await?;
        let kept: IntentSubmitted = codec::decode(None, &kept.payload)?;
        assert_eq!((kept.id, kept.request.text.as_deref()), (Some(*id), Some(text.as_str())));
        swarm.submitted(*id).converged().await?;
    }
    assert!(swarm.planner.is_alive() && swarm.provisioner.is_alive(), "{}", swarm.logs());
    swarm.intend(&text("after")).await?.converged().await?;
    Ok(())
}
