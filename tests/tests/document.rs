//! Someone with Python and the AsyncAPI document can talk to the swarm.

use tests::{Identity, Swarm, tool};
use tokio::process::Command;

#[tokio::test]
async fn python_talks_to_the_swarm_from_the_document_alone() -> anyhow::Result<()> {
    let swarm = Swarm::start().await?;
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(tool("venv/bin/python")?)
        .arg(here.join("python/talk.py"))
        .arg(here.join("../bus-schema/asyncapi.json"))
        .arg(&swarm.nats.url)
        .arg(swarm.nats.seed_file(Identity::Operator))
        .arg("Point docs.example.com to 203.0.113.20")
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}{}",
        String::from_utf8_lossy(&output.stderr),
        swarm.logs()
    );
    let names: Vec<String> = said
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line)
                .map(|it| it["message"].as_str().unwrap_or_default().to_owned())
        })
        .collect::<Result<_, _>>()?;
    assert_eq!(names, ["IntentSubmitted", "PlanProposed", "PlanApplied"]);
    Ok(())
}
