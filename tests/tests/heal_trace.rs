//! From a repair one gets to the intent that declared what was put back, and from the intent to the
//! repair.

use anyhow::Context;
use tests::{Deed, Span, Swarm, Vandal, secs, until};

const STACK: &str = "dns-docs-example-com";

#[tokio::test]
async fn a_repair_is_one_trace_that_leads_to_the_intent_and_back() -> anyhow::Result<()> {
    let swarm =
        Swarm::builder().with_telemetry().with_auditors(1).with_remediators(1).start().await?;
    let followed =
        swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    let traceparent = followed.state.traceparent.clone().unwrap_or_default();
    let declared = traceparent.split('-').nth(1).unwrap_or_default().to_owned();
    let vandal = Vandal::of(&swarm, STACK, "docs.example.com").await?;
    vandal.does(Deed::Edit, 0).await?;
    vandal.healed(&swarm, 1).await?;

    let receiver = swarm.telemetry.as_ref().context("asked for")?;
    let is = |span: &Span, service: &str, name: &str| {
        span.service == service && span.name.starts_with(name)
    };
    let heal = format!("heal {STACK}");
    let (spans, there, here) = until("both spans of the repair have arrived", secs(30), || async {
        let spans = receiver.spans();
        let of_repair = |in_intent: bool| {
            let mut found = spans.iter().filter(|it| is(it, "remediator", &heal));
            found.find(|it| (it.trace == declared) == in_intent).cloned()
        };
        let both = of_repair(true).zip(of_repair(false));
        let over = |it: &Span| it.name == "drift resolved" && it.trace == declared;
        let over = spans.iter().any(over);
        Ok(both.filter(|_| over).map(|(there, here)| (spans, there, here)))
    })
    .await
    .with_context(|| swarm.logs())?;
    // The receiver prints links as it prints attributes.
    assert_eq!(there.attributes.get("Trace ID"), Some(&here.trace), "{there:#?}");
    assert_eq!(here.attributes.get("Trace ID"), Some(&declared), "{here:#?}");
    // The whole repair is in its trace: seen, found, planned, applied by a call to the cloud.
    for (service, name) in [
        ("auditor", "look at cloudflare.dns_record"),
        ("auditor", "drift found"),
        ("provisioner", "apply dns-docs-example-com g2"),
        ("provisioner", "PATCH dns_record"),
    ] {
        let there = spans.iter().any(|it| it.trace == here.trace && is(it, service, name));
        let trace: Vec<_> = spans.iter().filter(|it| it.trace == here.trace).collect();
        assert!(there, "{service}: {name} is not in {trace:#?}");
    }
    // And the intent's own trace tells of each.
    for (service, name) in
        [("auditor", "drift found"), ("remediator", heal.as_str()), ("auditor", "drift resolved")]
    {
        let there = spans.iter().any(|it| it.trace == declared && is(it, service, name));
        assert!(there, "{service}: {name} is not in the intent's trace");
    }
    Ok(())
}
