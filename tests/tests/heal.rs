//! What somebody else changes in the cloud is put back by a whole swarm, once, within seconds; and
//! not while a person has said hands off.

use anyhow::Context;
use bus_schema::{
    FindingResolved, Lesson, PauseRequested, Scope, StackName, StackObservation, Watch, codec,
};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Someone, Swarm, secs, until};

const RECORD: &str = "docs.example.com";
const STACK: &str = "dns-docs-example-com";
const SCOPE: &str = "cloudflare.dns_record.zone.example.com";

async fn resolved(swarm: &Swarm) -> anyhow::Result<Vec<FindingResolved>> {
    let messages = swarm.messages("SWARM").await?;
    messages
        .iter()
        .filter(|message| message.subject.starts_with("swarm.finding.resolved."))
        .map(|message| Ok(codec::decode(None, &message.payload)?))
        .collect()
}

async fn content(someone: &Someone) -> anyhow::Result<Vec<String>> {
    let records = someone.records("example.com", RECORD).await?;
    Ok(records.iter().filter_map(|it| it["content"].as_str().map(str::to_owned)).collect())
}

async fn edit(someone: &Someone, to: &Value) -> anyhow::Result<()> {
    let zone = someone.zone("example.com").await?;
    let records = someone.records("example.com", RECORD).await?;
    let id = records.first().and_then(|it| it.get("id")?.as_str()).context("a record")?;
    someone.must(Method::PATCH, &format!("/zones/{zone}/dns_records/{id}"), Some(to)).await?;
    Ok(())
}

async fn delete(someone: &Someone) -> anyhow::Result<()> {
    let zone = someone.zone("example.com").await?;
    for record in someone.records("example.com", RECORD).await? {
        let id = record.get("id").and_then(Value::as_str).context("an id")?;
        someone.must(Method::DELETE, &format!("/zones/{zone}/dns_records/{id}"), None).await?;
    }
    Ok(())
}

async fn put_back(swarm: &Swarm, someone: &Someone, times: usize) -> anyhow::Result<()> {
    until("it is put back", secs(30), || async {
        let there = content(someone).await? == ["203.0.113.20"];
        Ok((there && resolved(swarm).await?.len() == times).then_some(()))
    })
    .await
    .with_context(|| swarm.logs())
}

#[tokio::test]
async fn what_another_edits_or_deletes_comes_back_once() -> anyhow::Result<()> {
    let swarm = Swarm::builder().with_auditors(2).with_remediators(2).start().await?;
    swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    let someone = swarm.cloudflare.as_someone_else();
    edit(&someone, &json!({"content": "198.51.100.9"})).await?;
    put_back(&swarm, &someone, 1).await?;
    delete(&someone).await?;
    put_back(&swarm, &someone, 2).await?;
    let state = swarm.stack(STACK).await?;
    assert_eq!(state.generation.0, 3, "one plan each");
    let proposed = swarm.messages("SWARM").await?;
    let plans = proposed.iter().filter(|it| it.subject.starts_with("swarm.plan.proposed."));
    assert_eq!(plans.count(), 3, "{}", swarm.logs());
    for ended in resolved(&swarm).await? {
        let lesson: Option<Lesson> = swarm.record(&ended.finding.signature).await?;
        let lesson = lesson.with_context(|| swarm.logs())?;
        assert_eq!((lesson.found, lesson.repaired), (1, 1), "{lesson:#?}");
        assert!(lesson.last_repair_ms > 0 && lesson.last_repair_ms < 15_000, "{lesson:#?}");
    }
    // Nor is anything kept waiting once it is over.
    let context = async_nats::jetstream::new(swarm.operator.clone());
    until("every message about findings is done with", secs(5), || async {
        let consumer: async_nats::jetstream::consumer::PullConsumer =
            context.get_consumer_from_stream("remediator-findings", "SWARM").await?;
        let info = consumer.cached_info();
        Ok((info.num_pending == 0 && info.num_ack_pending == 0).then_some(()))
    })
    .await
    .with_context(|| swarm.logs())?;
    Ok(())
}

#[tokio::test]
async fn a_paused_stack_sees_no_write_and_resuming_heals_it() -> anyhow::Result<()> {
    let swarm = Swarm::builder().with_auditors(1).with_remediators(1).start().await?;
    swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    let someone = swarm.cloudflare.as_someone_else();
    let pause = |paused: bool| {
        let asked = PauseRequested {
            stack: STACK.parse()?,
            paused,
            reason: Some("an incident".to_owned()),
            by: None,
        };
        anyhow::Ok(serde_json::to_vec(&asked)?)
    };
    let subject = format!("swarm.stack.pause.{STACK}");
    swarm.say(&subject, pause(true)?).await?;
    until("it is heeded", secs(10), || async {
        Ok(swarm.stack(STACK).await?.paused.is_some().then_some(()))
    })
    .await?;
    edit(&someone, &json!({"content": "198.51.100.9"})).await?;
    let looks = || async {
        let watch: Option<Watch> = swarm.record(&SCOPE.parse::<Scope>()?.token()).await?;
        anyhow::Ok(watch.map_or(0, |watch| watch.looks))
    };
    until("it is found", secs(20), || async {
        let seen: Option<StackObservation> = swarm.record(&STACK.parse::<StackName>()?).await?;
        Ok(seen.filter(|it| !it.findings.is_empty()).map(drop))
    })
    .await
    .with_context(|| swarm.logs())?;
    let before = looks().await?;
    until("it is looked at over and over", secs(20), || async {
        Ok((looks().await? >= before + 3).then_some(()))
    })
    .await?;
    let proposed = swarm.messages("SWARM").await?;
    let plans = proposed.iter().filter(|it| it.subject.starts_with("swarm.plan.proposed."));
    assert_eq!(plans.count(), 1, "a person may still decide otherwise");
    assert_eq!(content(&someone).await?, ["198.51.100.9"]);
    assert_eq!(swarm.stack(STACK).await?.generation.0, 1);

    swarm.say(&subject, pause(false)?).await?;
    put_back(&swarm, &someone, 1).await?;
    let state = swarm.stack(STACK).await?;
    assert_eq!((state.generation.0, state.paused, state.waiting.len()), (2, None, 0));
    Ok(())
}
