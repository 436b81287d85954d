//! A provisioner that dies in the middle leaves nothing behind that another cannot finish.

use serde_json::{Value, json};
use tests::{Swarm, secs, until};

const INTENT: &str = "Secure edge cache for API with DDoS guardrails";

/// Writes that reached the cloud so far.
async fn writes(swarm: &Swarm) -> anyhow::Result<usize> {
    Ok(swarm.cloudflare.audit().await?.len())
}

/// Objects made so far.
async fn creates(swarm: &Swarm) -> anyhow::Result<usize> {
    let says = |entry: &Value, field: &str| {
        entry.pointer(field).and_then(Value::as_str).map(str::to_owned)
    };
    let made = |entry: &Value| {
        says(entry, "/action/type").as_deref() == Some("create")
            && says(entry, "/action/result").as_deref() == Some("success")
    };
    Ok(swarm.cloudflare.audit().await?.iter().filter(|entry| made(entry)).count())
}

#[tokio::test]
async fn killed_between_two_changes_and_restarted_it_ends_as_if_nothing_had_happened()
-> anyhow::Result<()> {
    let calm = Swarm::start().await?;
    calm.intend(INTENT).await?.converged().await?;
    let undisturbed = calm.stack("edge-cache-api").await?;
    let (expected, made) = (writes(&calm).await?, creates(&calm).await?);
    drop(calm);

    for after in [1, 3, 5] {
        let mut swarm = Swarm::start().await?;
        // Slow enough for the kill to fall between two changes.
        swarm.cloudflare.fault(&json!({ "kind": "latency", "ms": 60, "count": 1000 })).await?;
        let intent = swarm.intend(INTENT).await?;
        let id = intent.id;
        until("some changes are made", secs(20), || async {
            Ok((writes(&swarm).await? >= after).then_some(()))
        })
        .await?;
        swarm.provisioner.kill().await?;
        assert!(writes(&swarm).await? < expected, "it was done before the kill");
        swarm.restart_provisioner()?;

        let intent = swarm.submitted(id);
        intent.converged().await?;
        let stack = swarm.stack("edge-cache-api").await?;
        assert_eq!(stack.generation, undisturbed.generation);
        assert_eq!(
            stack.resources.values().map(|it| &it.observed).collect::<Vec<_>>(),
            undisturbed.resources.values().map(|it| &it.observed).collect::<Vec<_>>()
        );
        assert!(stack.run.is_none());
        assert_eq!(creates(&swarm).await?, made, "{:#?}", swarm.cloudflare.audit().await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_killed_nats_server_loses_nothing() -> anyhow::Result<()> {
    let mut swarm = Swarm::start().await?;
    let intent = swarm.intend(INTENT).await?;
    let id = intent.id;
    swarm.nats.process.kill().await?;
    swarm.nats.restart().await?;
    swarm.submitted(id).converged().await?;
    Ok(())
}

#[tokio::test]
async fn agents_end_cleanly_when_asked() -> anyhow::Result<()> {
    let mut swarm = Swarm::start().await?;
    assert_eq!(swarm.planner.stop(secs(12)).await?, Some(0));
    assert_eq!(swarm.provisioner.stop(secs(12)).await?, Some(0));
    Ok(())
}
