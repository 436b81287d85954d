//! One trace spans an intent across all processes.

use std::collections::{BTreeMap, BTreeSet};

use tests::{Span, Swarm, secs, until};

#[tokio::test]
async fn one_trace_holds_the_whole_way_of_an_intent() -> anyhow::Result<()> {
    let swarm = Swarm::builder().with_telemetry().start().await?;
    let followed =
        swarm.intend("Secure edge cache for API with DDoS guardrails").await?.converged().await?;
    let traceparent = followed.state.traceparent.clone().unwrap_or_default();
    let trace = traceparent.split('-').nth(1).unwrap_or_default().to_owned();
    assert_eq!(trace.len(), 32, "the intent's record names its trace: {traceparent}");

    let receiver = swarm.telemetry.as_ref().unwrap_or_else(|| unreachable!("asked for"));
    let spans = until("the trace has arrived", secs(20), || async {
        let spans: Vec<Span> =
            receiver.spans().into_iter().filter(|span| span.trace == trace).collect();
        let closed = spans
            .iter()
            .filter(|it| it.service == "planner" && it.kind == "SPAN_KIND_CONSUMER")
            .count();
        let root = spans.iter().any(|it| it.parent.trim_matches('0').is_empty());
        Ok((closed >= 2 && root && spans.iter().any(|it| it.name.starts_with("apply ")))
            .then_some(spans))
    })
    .await?;

    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let names: Vec<String> =
        spans.iter().map(|span| format!("{} {} {}", span.service, span.kind, span.name)).collect();
    let of = |start: &str| spans.iter().filter(|it| it.name.starts_with(start)).collect::<Vec<_>>();
    let ancestors = |span: &Span| {
        let mut found = Vec::new();
        let mut parent = span.parent.clone();
        while let Some(next) = by_id.get(parent.as_str()) {
            found.push(next.name.clone());
            parent.clone_from(&next.parent);
        }
        found
    };

    // Every span but the root is under a span of this very trace.
    let roots: Vec<&Span> =
        spans.iter().filter(|span| !by_id.contains_key(span.parent.as_str())).collect();
    assert_eq!(roots.len(), 1, "{names:#?}");
    let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
    assert_eq!(services, BTreeSet::from(["planner", "provisioner"]));

    assert_eq!(of("plan intent").len(), 1, "{names:#?}");
    let apply = of("apply edge-cache-api g1");
    assert_eq!(apply.len(), 1, "{names:#?}");
    assert!(
        ancestors(apply[0]).iter().any(|name| name == "plan intent"),
        "{:?}",
        ancestors(apply[0])
    );

    // Every write to the cloud is under the apply, with the conventions' attributes.
    let calls: Vec<&Span> =
        spans.iter().filter(|it| it.attributes.contains_key("http.request.method")).collect();
    let writes: Vec<&&Span> =
        calls.iter().filter(|it| it.attributes["http.request.method"] != "GET").collect();
    assert!(
        writes.len() >= followed.changes(),
        "{} writes, {} changes: {names:#?}",
        writes.len(),
        followed.changes()
    );
    for call in &calls {
        assert_eq!(call.kind, "SPAN_KIND_CLIENT", "{call:?}");
        assert_eq!(call.service, "provisioner");
        assert_eq!(call.attributes["http.response.status_code"].len(), 3, "{call:?}");
        assert!(ancestors(call).iter().any(|name| name.starts_with("apply ")), "{:?}", call.name);
        assert!(!format!("{call:?}").contains("test-provisioner-token"));
    }

    // Every hop over NATS is a producer and a consumer, child and parent.
    for consumer in spans.iter().filter(|it| it.kind == "SPAN_KIND_CONSUMER") {
        assert_eq!(
            consumer.attributes.get("messaging.system").map(String::as_str),
            Some("nats"),
            "{consumer:?}"
        );
        if let Some(parent) = by_id.get(consumer.parent.as_str()) {
            assert_eq!(
                parent.kind, "SPAN_KIND_PRODUCER",
                "{} under {}",
                consumer.name, parent.name
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn logs_and_metrics_arrive_too() -> anyhow::Result<()> {
    let mut swarm = Swarm::builder().with_telemetry().start().await?;
    swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;
    // What is left is sent when an agent ends.
    swarm.planner.stop(secs(12)).await?;
    swarm.provisioner.stop(secs(12)).await?;
    let receiver = swarm.telemetry.as_ref().unwrap_or_else(|| unreachable!("asked for"));
    until("metrics and logs have arrived", secs(20), || async {
        let log = receiver.log();
        Ok((log.contains("ResourceMetrics #") && log.contains("ResourceLog")).then_some(()))
    })
    .await?;
    assert!(!receiver.log().contains("test-provisioner-token"));
    Ok(())
}
