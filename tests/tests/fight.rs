//! Somebody who takes back every repair is damped, stopped and named; everything else goes on being
//! healed.

use std::os::unix::process::ExitStatusExt;

use anyhow::Context;
use bus_schema::{Escalated, Lesson};
use rustix::process::Signal;
use tests::{Deed, Identity, Swarm, Vandal, secs, until};

/// Repairs within the window, after which a person is asked.
const REVERSALS: usize = 3;

async fn fight() -> anyhow::Result<Swarm> {
    let swarm = Swarm::builder()
        .with_auditors(1)
        .with_remediators(1)
        .with_setting(Identity::Remediator, "ZERODRIFT_BACKOFF_SECONDS", "1")
        .with_setting(Identity::Remediator, "ZERODRIFT_REVERSALS", REVERSALS.to_string())
        .start()
        .await?;
    swarm.cloudflare.set_limit(100_000_000).await?;
    swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    Ok(swarm)
}

async fn escalated(swarm: &Swarm, vandal: &Vandal) -> anyhow::Result<Vec<Escalated>> {
    swarm.all(&format!("swarm.remedy.escalated.{}", vandal.stack)).await
}

/// Takes back every repair until a person is asked; answers how often it was done in all.
async fn take_back(swarm: &Swarm, vandal: &Vandal) -> anyhow::Result<usize> {
    let mut done = 0;
    loop {
        vandal.does(Deed::Edit, 0).await?;
        done += 1;
        let asked = until("it is put back, or a person is asked", secs(40), || async {
            let asked = !escalated(swarm, vandal).await?.is_empty();
            Ok((asked || vandal.is_healed(swarm, done).await?).then_some(asked))
        });
        if asked.await.with_context(|| swarm.logs())? {
            return Ok(done);
        }
    }
}

#[tokio::test]
async fn who_takes_back_every_repair_is_stopped_and_named_while_others_are_healed()
-> anyhow::Result<()> {
    let swarm = fight().await?;
    swarm.intend("Point status.example.com to 203.0.113.30").await?.converged().await?;
    let fought = Vandal::of(&swarm, "dns-docs-example-com", "docs.example.com").await?;
    let other = Vandal::of(&swarm, "dns-status-example-com", "status.example.com").await?;

    let began = tokio::time::Instant::now();
    let done = take_back(&swarm, &fought).await?;
    let took = began.elapsed();
    // The second repair waits 1 s, the third 2 s; the next is not made.
    assert_eq!(done, REVERSALS + 1, "{}", swarm.logs());
    assert!(took >= secs(3), "damped: {took:?}");
    let asked = escalated(&swarm, &fought).await?;
    assert_eq!(asked.len(), 1, "once: {asked:#?}");
    let asked = asked.first().context("one")?;
    assert!(asked.reason.contains("token 2"), "the other writer is named: {}", asked.reason);
    assert!(asked.next.contains("zerodrift heal"), "{}", asked.next);
    let lesson: Lesson = swarm.record(&asked.finding.signature).await?.context("a lesson")?;
    assert!(lesson.damping.open_since.is_some(), "{lesson:#?}");
    assert_eq!(lesson.writers.get("token 2"), Some(&(done as u64)), "{lesson:#?}");

    // Meanwhile another stack is healed, of the same scope, and of what is done to it in turn.
    for (nth, deed) in [Deed::Edit, Deed::Delete].into_iter().enumerate() {
        other.does(deed, nth).await?;
        other.healed(&swarm, nth + 1).await?;
    }
    assert!(!fought.looks_as_before().await?, "it is left as it is");
    let repairs = swarm.stack(fought.stack.as_str()).await?.generation.0 - 1;
    assert_eq!(repairs, REVERSALS as u64, "no repair beyond those");

    // A person says so, and it is put back.
    let heal = serde_json::json!({
        "stack": fought.stack, "finding": asked.finding.id, "remedy": "revert", "by": "a test",
    });
    let subject = format!("swarm.remedy.ask.{}", fought.stack);
    swarm.say(&subject, serde_json::to_vec(&heal)?).await?;
    fought.healed(&swarm, done).await?;
    println!("{done} edits in {took:.1?}, {REVERSALS} repairs, then a person was asked");
    Ok(())
}

#[tokio::test]
async fn a_remediator_killed_while_it_asks_a_person_asks_once() -> anyhow::Result<()> {
    for place in ["remediator::before_asking", "remediator::after_asking"] {
        let mut swarm = fight().await?;
        let armed = [("ZERODRIFT_FAILPOINT", place.to_owned())];
        let mut doomed = swarm.start_agent(Identity::Remediator, &armed)?;
        for mut usual in std::mem::take(&mut swarm.remediators) {
            usual.stop(secs(15)).await?;
        }
        let vandal = Vandal::of(&swarm, "dns-docs-example-com", "docs.example.com").await?;
        for done in 1..=REVERSALS {
            vandal.does(Deed::Edit, 0).await?;
            vandal.healed(&swarm, done).await?;
        }
        vandal.does(Deed::Edit, 0).await?;
        until("it dies over asking", secs(40), || {
            let dead = doomed.ended();
            async move { Ok(dead) }
        })
        .await
        .with_context(|| doomed.log())
        .map(|status| assert_eq!(status.signal(), Some(Signal::KILL.as_raw())))?;
        let next = swarm.start_agent(Identity::Remediator, &[])?;
        let lesson = until("its lesson says that a person was asked", secs(40), || async {
            let Some(asked) = escalated(&swarm, &vandal).await?.into_iter().next() else {
                return Ok(None);
            };
            let lesson: Option<Lesson> = swarm.record(&asked.finding.signature).await?;
            Ok(lesson.filter(|it| it.escalated.is_some()))
        });
        lesson.await.with_context(|| next.log())?;
        assert_eq!(escalated(&swarm, &vandal).await?.len(), 1, "{place}: once");
    }
    Ok(())
}
