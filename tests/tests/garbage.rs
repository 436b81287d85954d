//! What cannot be read is set aside with its reason, and traffic goes on.

use tests::{Swarm, secs, until};

#[tokio::test]
async fn garbage_on_any_subject_is_set_aside_and_traffic_goes_on() -> anyhow::Result<()> {
    let swarm = Swarm::start().await?;
    let deep = [b"{\"text\":".as_slice(), &b"[".repeat(5_000), &b"]".repeat(5_000), b"}"].concat();
    let garbage: Vec<(&str, Vec<u8>)> = vec![
        ("swarm.intent.submit", b"not a message".to_vec()),
        ("swarm.intent.submit", b"{\"text\": 7}".to_vec()),
        ("swarm.intent.submit", b"{\"text\":\"cut".to_vec()),
        ("swarm.intent.submit", deep),
        ("swarm.intent.submit", vec![0x81; 2 * 1024 * 1024]),
        ("swarm.intent.submit", Vec::new()),
        ("swarm.plan.proposed.edge-api", vec![0xc1, 0xff, 0x00]),
        ("swarm.plan.proposed.Not.A.Stack", b"{}".to_vec()),
        ("swarm.provision.applied.edge-api", b"\x81\xa5stack\xc0".to_vec()),
        ("swarm.provision.nonsense.edge-api", b"{}".to_vec()),
    ];
    for (subject, payload) in &garbage {
        swarm.say(subject, payload.clone()).await?;
    }
    swarm.intend("Point docs.example.com to 203.0.113.20").await?.converged().await?;

    let dead = until("all garbage is set aside", secs(20), || async {
        let dead = swarm.messages("DEAD").await?;
        Ok((dead.len() >= garbage.len()).then_some(dead))
    })
    .await?;
    assert_eq!(dead.len(), garbage.len());
    let mut left: Vec<(String, Vec<u8>)> =
        garbage.iter().map(|(s, p)| ((*s).to_owned(), p.clone())).collect();
    for letter in dead {
        let headers = letter.headers.clone().unwrap_or_default();
        let header = |name: &str| {
            headers.get(name).map(|value| value.as_str().to_owned()).unwrap_or_default()
        };
        let reason = header(bus_schema::header::DEAD_REASON);
        assert!(reason.len() > 10, "no reason: {headers:?}");
        let subject = header(bus_schema::header::DEAD_SUBJECT);
        let place =
            left.iter().position(|(s, p)| *s == subject && p.as_slice() == letter.payload.as_ref());
        assert!(place.is_some(), "{subject}: another payload than was sent");
        place.map(|place| left.swap_remove(place));
    }
    assert!(left.is_empty(), "not set aside: {left:?}");
    Ok(())
}
