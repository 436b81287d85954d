//! Nothing lost, nothing twice: a bounded part of `make chaos`.

use tests::chaos::{Point, Report, Scenario, Trouble, points, run};

/// The seed of every run here; another one makes other work and other trouble.
const SEED: u64 = 20_261_122;

/// A run that takes longer says nothing about the swarm: the harness itself is stuck.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(150);

/// Runs scenarios, some at once, and has the checker's word on each. A run the harness could not
/// finish fails the test too.
async fn nothing_is_violated(scenarios: Vec<Scenario>) -> anyhow::Result<Report> {
    use futures::StreamExt;
    let mut report = Report::default();
    let bounded = |scenario| tokio::time::timeout(LONGEST, run(scenario));
    let mut runs = futures::stream::iter(scenarios.into_iter().map(bounded)).buffer_unordered(3);
    while let Some(outcome) = runs.next().await {
        match outcome {
            Ok(Ok(outcome)) => report.add(outcome),
            Ok(Err(error)) => report.broken.push(format!("{error:#}")),
            Err(elapsed) => report.broken.push(elapsed.to_string()),
        }
    }
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.broken, Vec::<String>::new(), "not run to their end");
    Ok(report)
}

fn scenario(offset: u64, trouble: Trouble) -> Scenario {
    Scenario { seed: SEED + offset, trouble, work: 5, places: Vec::new(), sorts: Vec::new() }
}

#[tokio::test]
async fn agents_killed_wherever_they_can_die_leave_nothing_wrong() -> anyhow::Result<()> {
    let places = points()?;
    assert!(places.len() >= 60, "the source names its places: {places:?}");
    // Each run takes places of its own, and is done before all of them are visited.
    let share = |offset: u64, all: &[Point]| {
        let offset = usize::try_from(offset).unwrap_or_default();
        all.iter().copied().skip(offset).step_by(6).collect::<Vec<_>>()
    };
    let scenarios = (0..6)
        .map(|at| Scenario { places: share(at, &places), ..scenario(at, Trouble::Kill) })
        .collect();
    let report = nothing_is_violated(scenarios).await?;
    assert!(report.kills.len() >= 15, "too few kills to mean anything: {report}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_dies_and_a_cloud_that_fails_leave_nothing_wrong() -> anyhow::Result<()> {
    let troubles = [Trouble::Bus, Trouble::Cloud, Trouble::Clock, Trouble::Bus, Trouble::Cloud];
    let scenarios = (10..).zip(troubles).map(|(at, trouble)| scenario(at, trouble)).collect();
    let report = nothing_is_violated(scenarios).await?;
    let faults: u64 = report.faults.values().sum();
    assert!(faults >= 30, "too few faults to mean anything: {report}");
    Ok(())
}

#[tokio::test]
async fn what_is_delivered_again_and_out_of_order_changes_nothing() -> anyhow::Result<()> {
    let report =
        nothing_is_violated((20..22).map(|at| scenario(at, Trouble::Repeat)).collect()).await?;
    assert!(report.faults.values().sum::<u64>() >= 200, "{report}");
    Ok(())
}

#[tokio::test]
async fn fifty_intents_on_ten_stacks_survive_the_loss_of_a_provisioner() -> anyhow::Result<()> {
    let report =
        nothing_is_violated((30..32).map(|at| scenario(at, Trouble::Crowd)).collect()).await?;
    assert_eq!(report.intents, 100, "{report}");
    assert!(!report.faults.is_empty(), "nobody was killed: {report}");
    Ok(())
}
