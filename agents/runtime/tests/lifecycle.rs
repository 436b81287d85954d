//! Start, trouble with the server, and the end of an agent.

mod support;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use bus_schema::stream;
use runtime::RuntimeSettings;
use support::{
    PATIENCE, Provisioner, Running, Script, Server, eventually, plan, send, settled, stored,
    unanswered,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{Notify, Semaphore, mpsc};

#[tokio::test]
async fn what_is_begun_is_finished_before_the_end() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let script = Script::plan({
        let go = Arc::clone(&go);
        move |_, _| {
            begun.send(()).ok();
            let go = Arc::clone(&go);
            async move {
                go.notified().await;
                Ok(())
            }
        }
    });
    let agent = Running::start::<Provisioner>(RuntimeSettings::at(server.url()), script);
    send(&bus, &plan("edge", 1)?).await?;
    // Waits behind the first, so it is handed back rather than begun.
    send(&bus, &plan("edge", 2)?).await?;
    begins.recv().await;
    agent.stop.cancel();
    go.notify_one();
    agent.ended().await??;
    assert_eq!(unanswered(&bus, &stream::PROVISIONER_PLANS).await?, 1);
    assert!(begins.try_recv().is_err());
    Ok(())
}

#[tokio::test]
async fn what_does_not_end_is_handed_to_another_within_the_deadline() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let endless = Script::plan(move |_, _| {
        begun.send(()).ok();
        std::future::pending()
    });
    let mut settings = RuntimeSettings::at(server.url());
    settings.drain = Duration::from_secs(1);
    let agent = Running::start::<Provisioner>(settings.clone(), endless);
    send(&bus, &plan("edge", 1)?).await?;
    begins.recv().await;
    let asked = tokio::time::Instant::now();
    agent.stopped().await??;
    assert!(asked.elapsed() < settings.drain, "{:?}", asked.elapsed());
    let other = Running::start::<Provisioner>(settings, Script::default());
    // Far sooner than its AckWait.
    settled(&bus, &stream::PROVISIONER_PLANS).await?;
    assert!(asked.elapsed() < stream::PROVISIONER_PLANS.ack_wait, "{:?}", asked.elapsed());
    other.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn a_handler_slower_than_the_ack_wait_is_not_started_twice() -> Result<()> {
    let server = Server::start().await?;
    let bus = server.bus().await?;
    // The same consumer, impatient.
    let mut config = async_nats::jetstream::consumer::pull::Config {
        durable_name: Some(stream::PROVISIONER_PLANS.name.to_owned()),
        filter_subject: stream::PROVISIONER_PLANS.filter.to_string(),
        ..Default::default()
    };
    let ack_wait = stream::PROVISIONER_PLANS.ack_wait / 3 + Duration::from_secs(1);
    config.ack_wait = ack_wait;
    bus.jetstream().create_consumer_on_stream(config, stream::SWARM.name).await?;
    let starts = Arc::new(AtomicUsize::new(0));
    let may_end = Arc::new(Semaphore::new(0));
    let script = Script::plan({
        let (starts, may_end) = (Arc::clone(&starts), Arc::clone(&may_end));
        move |_, _| {
            starts.fetch_add(1, Ordering::SeqCst);
            let may_end = Arc::clone(&may_end);
            async move {
                drop(may_end.acquire().await);
                Ok(())
            }
        }
    });
    let agent = Running::start::<Provisioner>(RuntimeSettings::at(server.url()), script);
    send(&bus, &plan("edge", 1)?).await?;
    let started = |times| {
        let starts = Arc::clone(&starts);
        move || {
            let begun = starts.load(Ordering::SeqCst) >= times;
            async move { Ok(begun.then_some(())) }
        }
    };
    eventually("it is started", started(1)).await?;
    let again = wait::until("it is started again", 3 * ack_wait, started(2)).await;
    assert!(again.is_err(), "started again while it was at work");
    may_end.add_permits(1);
    settled(&bus, &stream::PROVISIONER_PLANS).await?;
    assert_eq!(starts.load(Ordering::SeqCst), 1);
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn work_goes_on_after_the_server_was_killed() -> Result<()> {
    let mut server = Server::start().await?;
    let bus = server.bus().await?;
    let script = Script::plan(|received, outbox| async move {
        outbox.publish(&support::applied(&received.message)).await?;
        Ok(())
    });
    let agent = Running::start::<Provisioner>(RuntimeSettings::at(server.url()), script);
    send(&bus, &plan("before", 1)?).await?;
    settled(&bus, &stream::PROVISIONER_PLANS).await?;
    for round in 2..=4 {
        server.kill();
        server.restart().await?;
        let sequence = eventually("the plan is stored", || async {
            Ok(send(&bus, &plan("after", round)?).await.ok())
        })
        .await?;
        let back = tokio::time::Instant::now();
        let outcome = support::applied(&plan("after", round)?);
        // What was handled just before may come again: the server forgets acknowledgements that it
        // had not written down yet.
        eventually("the outcome", || async {
            for later in sequence + 1..sequence + 4 {
                if let Ok(Some(found)) = bus.message_at::<bus_schema::PlanApplied>(later).await
                    && found.message == outcome
                {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await?;
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    }
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn an_agent_waits_for_the_server_and_for_bootstrap() -> Result<()> {
    let mut server = Server::start_with("").await?;
    server.kill();
    let mut settings = RuntimeSettings::at(server.url());
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    settings.http_address.set_port(port);
    let agent = Running::start::<Provisioner>(settings, Script::default());
    let says = |path: &'static str, status: u16, word: &'static str| async move {
        eventually(word, || async {
            let Ok(answer) = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await else {
                return Ok(None);
            };
            let (code, text) = (answer.status().as_u16(), answer.text().await?);
            Ok((code == status && text.contains(word)).then_some(()))
        })
        .await
    };
    says("/readyz", 503, "nats: cannot connect to").await?;
    says("/livez", 200, "alive").await?;
    server.restart().await?;
    says("/readyz", 503, "run `zerodrift bootstrap`").await?;
    let bus = server.bus().await?;
    runtime::bootstrap(&bus, 1).await?;
    says("/readyz", 200, "ready").await?;
    send(&bus, &plan("edge", 1)?).await?;
    settled(&bus, &stream::PROVISIONER_PLANS).await?;
    server.kill();
    says("/readyz", 503, "nats: disconnected").await?;
    server.restart().await?;
    says("/readyz", 200, "ready").await?;
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn an_agent_ends_in_time_though_the_server_is_gone() -> Result<()> {
    let mut server = Server::start().await?;
    let bus = server.bus().await?;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let script = Script::plan(move |received, outbox| {
        begun.send(()).ok();
        async move {
            // Tried for as long as it takes, and longer than the drain.
            loop {
                outbox.publish(&support::applied(&received.message)).await.ok();
            }
        }
    });
    let mut settings = RuntimeSettings::at(server.url());
    settings.drain = Duration::from_secs(3);
    let agent = Running::start::<Provisioner>(settings.clone(), script);
    send(&bus, &plan("edge", 1)?).await?;
    begins.recv().await;
    server.kill();
    let asked = tokio::time::Instant::now();
    agent.stopped().await??;
    assert!(asked.elapsed() < settings.drain, "{:?}", asked.elapsed());
    Ok(())
}

#[tokio::test]
async fn an_agent_that_waits_can_be_stopped() -> Result<()> {
    let mut server = Server::start_with("").await?;
    server.kill();
    let agent = Running::start::<Provisioner>(RuntimeSettings::at(server.url()), Script::default());
    agent.stopped().await??;
    Ok(())
}

#[tokio::test]
async fn a_process_ends_in_order_on_sigterm_and_says_what_is_wrong_with_its_settings() -> Result<()>
{
    let server = Server::start().await?;
    let bus = server.bus().await?;
    let mut child = support::echo()
        .env("ZERODRIFT_NATS_URL", server.url())
        .env("ZERODRIFT_LOG_FORMAT", "json")
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("piped")?).lines();
    let wait = async {
        while let Some(line) = lines.next_line().await? {
            if line.contains("\"at work\"") {
                return Ok(());
            }
        }
        anyhow::bail!("it never was at work")
    };
    tokio::time::timeout(PATIENCE, wait).await??;
    let sequence = send(&bus, &plan("edge", 1)?).await?;
    eventually("the answer", || stored(&bus, "SWARM", sequence + 1)).await?;
    support::terminate(&child)?;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await??;
    assert!(status.success(), "{status}");

    let output = support::echo()
        .env("ZERODRIFT_CONCURRENCY", "0")
        .env("ZERODRIFT_MOST_CHANGES", "many")
        .output()
        .await?;
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr)?;
    assert!(told.contains("provisioner: the configuration has 2 mistake(s):"), "{told}");

    let output = support::echo().arg("--help").output().await?;
    let help = String::from_utf8(output.stdout)?;
    for key in ["ZERODRIFT_NATS_URL", "[default: nats://127.0.0.1:4222]", "ZERODRIFT_MOST_CHANGES"]
    {
        assert!(help.contains(key), "{key} is not in:\n{help}");
    }
    Ok(())
}
