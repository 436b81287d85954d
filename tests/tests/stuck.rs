//! A run that cannot be undone says so, and goes on by one command once a person has mended it.

use bus_schema::{IntentPhase, IntentState, Record};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Submitted, Swarm};

const INTENT: &str = "Deploy a worker with a redirect map at go.example.com";
const STACK: &str = "edge-worker-go-example-com";

/// A swarm whose intent could not be finished, because the route was refused, and could not be undone,
/// because the script may not be deleted.
async fn stuck(swarm: &Swarm) -> anyhow::Result<(Submitted<'_>, IntentState)> {
    for (method, path) in [("POST", "/zones/*/workers/routes"), ("DELETE", SCRIPTS)] {
        let fault = json!({
            "method": method, "path": path, "kind": "status", "status": 403, "count": 1_000_000,
        });
        swarm.cloudflare.fault(&fault).await?;
    }
    let intent = swarm.intend(INTENT).await?;
    let state = intent.ends(IntentPhase::Stuck).await?;
    Ok((intent, state))
}

const SCRIPTS: &str = "/accounts/*/workers/scripts";

/// Every ending the intent's record ever had.
async fn endings(swarm: &Swarm, intent: &Submitted<'_>) -> anyhow::Result<Vec<IntentPhase>> {
    let subject = IntentState::BUCKET.subject(&IntentState::key(&intent.id));
    let mut phases = Vec::new();
    for message in swarm.messages(&IntentState::BUCKET.stream_name()).await? {
        if message.subject.as_str() == subject {
            let state: IntentState = bus_schema::codec::decode(None, &message.payload)?;
            phases.extend(Some(state.phase).filter(|phase| phase.is_final()));
        }
    }
    Ok(phases)
}

async fn scripts(swarm: &Swarm) -> anyhow::Result<Vec<Value>> {
    swarm.cloudflare.as_someone_else().list(&scripts_path()).await
}

fn scripts_path() -> String {
    SCRIPTS.replace('*', "0123456789abcdef0123456789abcdef")
}

#[tokio::test]
async fn what_is_stuck_is_named_and_put_back_by_one_command() -> anyhow::Result<()> {
    let swarm = Swarm::start().await?;
    let (intent, state) = stuck(&swarm).await?;
    let reason = state.reason.unwrap_or_default();
    assert!(reason.contains("worker_script/"), "the object is named: {reason}");
    let next = state.next.unwrap_or_default();
    assert!(next.contains(&format!("`zerodrift resume {STACK}`")), "{next}");

    let status = swarm.zerodrift(&["status"]).await?;
    assert!(status.out.contains("is stuck"), "{status:?}");
    assert!(status.out.contains("is as the intent made it, should be gone"), "{status:?}");

    let another = swarm.submit(json!({ "text": INTENT })).await?;
    let refused = another.ends(IntentPhase::Failed).await?.reason.unwrap_or_default();
    assert!(refused.contains("is stuck"), "nothing else goes on: {refused}");

    let early = swarm.zerodrift(&["resume", STACK]).await?;
    assert_eq!(early.code, Some(5), "nothing is mended yet: {early:?}");
    assert!(early.out.contains("worker_script/"), "{early:?}");
    assert_eq!(scripts(&swarm).await?.len(), 1);

    swarm.cloudflare.mend().await?;
    let resumed = swarm.zerodrift(&["resume", STACK, "--by", "kim", "--json"]).await?;
    assert_eq!(resumed.code, Some(0), "{resumed:?}\n{}", swarm.logs());
    let said = resumed.json()?;
    assert_eq!(said[0]["outcome"]["outcome"], "failed", "{said:?}");
    intent.ends_next(IntentPhase::Failed).await?;
    assert_eq!(endings(&swarm, &intent).await?, [IntentPhase::Stuck, IntentPhase::Failed]);
    assert_eq!(scripts(&swarm).await?, Vec::<Value>::new());
    assert!(swarm.stack(STACK).await?.run.is_none());

    let again = swarm.zerodrift(&["resume", STACK]).await?;
    assert_eq!(again.code, Some(0));
    assert!(again.out.contains("neither paused nor stuck"), "{again:?}");
    swarm.intend(INTENT).await?.converged().await?;
    Ok(())
}

#[tokio::test]
async fn what_a_person_removed_by_hand_counts_as_undone() -> anyhow::Result<()> {
    let mut swarm = Swarm::start().await?;
    let (intent, _) = stuck(&swarm).await?;
    let id = intent.id;
    // The stuck run is on disk: it outlives whoever held it.
    swarm.provisioner.kill().await?;
    swarm.cloudflare.mend().await?;
    let script = scripts(&swarm).await?;
    let script = script[0]["id"].as_str().unwrap_or_default().to_owned();
    let path = format!("{}/{script}", scripts_path());
    swarm.cloudflare.as_someone_else().must(Method::DELETE, &path, None).await?;
    swarm.restart_provisioner()?;

    let resumed = swarm.zerodrift(&["resume", STACK]).await?;
    assert_eq!(resumed.code, Some(0), "{resumed:?}\n{}", swarm.logs());
    swarm.submitted(id).ends_next(IntentPhase::Failed).await?;
    Ok(())
}
