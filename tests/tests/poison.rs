//! A thousand messages nobody can handle: each is set aside with its reason, and nobody else notices.

use std::collections::BTreeMap;

use anyhow::Context;
use async_nats::{HeaderMap, jetstream};
use bus_schema::{Message, PlanApplied, codec, header};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tests::{Swarm, secs, until};

const POISON: usize = 1_000;
/// Of the large ones, for their bytes are kept twice.
const LARGE: usize = 20;
const GOOD: usize = 10;

struct Poison {
    subject: &'static str,
    kind: Option<&'static str>,
    payload: Vec<u8>,
    /// What its reason must say.
    reason: &'static str,
}

impl Poison {
    fn new(subject: &'static str, payload: Vec<u8>, reason: &'static str) -> Self {
        // Outcomes are told apart by their header.
        let kind = (subject == OUTCOME).then_some(PlanApplied::TYPE);
        Self { subject, kind, payload, reason }
    }
}

const OUTCOME: &str = "swarm.provision.applied.edge-api";
const SUBJECTS: [&str; 4] =
    ["swarm.intent.submit", "swarm.plan.proposed.edge-api", OUTCOME, "swarm.stack.resume.edge-api"];

fn subject(nth: usize) -> &'static str {
    SUBJECTS.iter().cycle().nth(nth).copied().unwrap_or(OUTCOME)
}

/// A message that would be read if it were whole, and other.
fn whole() -> Value {
    json!({
        "text": "Point docs.example.com to 203.0.113.20", "stack": "edge-api",
        "intent": "018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55", "plan": "ab".repeat(32),
        "id": "018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55", "generation": 1, "changes": 1,
    })
}

fn truncated(nth: usize) -> anyhow::Result<Poison> {
    let bytes = if nth.is_multiple_of(2) {
        serde_json::to_vec(&whole())?
    } else {
        codec::encode(&whole())?
    };
    let cut = 1 + nth * 7 % (bytes.len() - 1);
    let payload = bytes.get(..cut).unwrap_or_default().to_vec();
    Ok(Poison::new(subject(nth), payload, "cannot be decoded as swarm."))
}

fn large(nth: usize) -> Poison {
    let mut payload = b"{\"text\":\"".to_vec();
    payload.resize(2 * 1024 * 1024, b'a');
    Poison::new(subject(nth), payload, "at most 1048576 are taken")
}

fn deep(nth: usize) -> Poison {
    let depth = 65 + nth * 37 % 5_000;
    let payload = if nth.is_multiple_of(2) {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"text\":\"x\",\"parameters\":{{\"a\":{open}{close}}}}}").into_bytes()
    } else {
        // MessagePack: a map of one, whose value is an array in an array in an array.
        [b"\x81\xaaparameters\x81\xa1a".as_slice(), &vec![0x91; depth], b"\xc0"].concat()
    };
    Poison::new("swarm.intent.submit", payload, "nested deeper than 64 levels")
}

fn unknown_type(nth: usize) -> anyhow::Result<Poison> {
    const KINDS: [&str; 3] =
        ["swarm.intent.v9.submitted", "swarm.plan.v1.applied", "../../etc/passwd"];
    let (subject, payload) = (subject(nth), codec::encode(&whole())?);
    let kind = KINDS.iter().cycle().nth(nth).copied();
    Ok(Poison { subject, kind, payload, reason: "no handler for type" })
}

fn wrong_types(nth: usize) -> anyhow::Result<Poison> {
    let mut message = whole();
    let (field, value) = match nth / SUBJECTS.len() % 3 {
        0 => ("stack", json!(["edge-api"])),
        1 => ("stack", json!("Not A Stack")),
        _ => ("stack", json!({ "name": 7 })),
    };
    message.as_object_mut().context("an object")?.insert(field.to_owned(), value);
    let payload = if nth.is_multiple_of(2) {
        serde_json::to_vec(&message)?
    } else {
        codec::encode(&message)?
    };
    Ok(Poison::new(subject(nth), payload, "cannot be decoded as swarm."))
}

fn poison(nth: usize) -> anyhow::Result<Poison> {
    if nth < LARGE {
        return Ok(large(nth));
    }
    let each = nth / 4;
    match nth % 4 {
        0 => truncated(each),
        1 => Ok(deep(each)),
        2 => unknown_type(each),
        _ => wrong_types(each),
    }
}

async fn publish(swarm: &Swarm, poison: &Poison) -> anyhow::Result<()> {
    let mut headers = HeaderMap::new();
    if let Some(kind) = poison.kind {
        headers.insert(header::TYPE, kind);
    }
    let payload = poison.payload.clone().into();
    jetstream::new(swarm.operator.clone())
        .publish_with_headers(poison.subject, headers, payload)
        .await?
        .await?;
    Ok(())
}

/// Dead letters by subject and payload.
async fn dead(swarm: &Swarm) -> anyhow::Result<BTreeMap<(String, Vec<u8>), Vec<String>>> {
    let mut dead: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for letter in swarm.messages("DEAD").await? {
        let headers = letter.headers.clone().unwrap_or_default();
        let header = |name| headers.get(name).map(|it| it.as_str().to_owned()).unwrap_or_default();
        let key = (header(header::DEAD_SUBJECT), letter.payload.to_vec());
        dead.entry(key).or_default().push(header(header::DEAD_REASON));
    }
    Ok(dead)
}

async fn dead_count(swarm: &Swarm) -> anyhow::Result<u64> {
    let mut stream = jetstream::new(swarm.operator.clone()).get_stream("DEAD").await?;
    Ok(stream.info().await?.state.messages)
}

#[tokio::test]
async fn a_thousand_poison_messages_are_set_aside_and_good_traffic_goes_on() -> anyhow::Result<()> {
    let swarm = Swarm::start().await?;
    let poison: Vec<Poison> = (0..POISON).map(poison).collect::<Result<_, _>>()?;
    let mut good = Vec::new();
    for (nth, batch) in poison.chunks(POISON / GOOD).enumerate() {
        try_join_all(batch.iter().map(|poison| publish(&swarm, poison))).await?;
        good.push(swarm.intend(&format!("Point docs{nth}.example.com to 203.0.113.20")).await?);
    }
    for intent in good {
        intent.converged().await?;
    }
    until("all poison is set aside", secs(60), || async {
        Ok((dead_count(&swarm).await? >= POISON as u64).then_some(()))
    })
    .await?;
    let mut dead = dead(&swarm).await?;
    assert_eq!(dead.values().map(Vec::len).sum::<usize>(), POISON, "each once");
    for it in &poison {
        let reasons = dead.get_mut(&(it.subject.to_owned(), it.payload.clone()));
        let reason = reasons.and_then(Vec::pop).unwrap_or_default();
        assert!(reason.contains(it.reason), "{}: {reason}", it.subject);
    }
    it_can_be_listed_shown_and_replayed(&swarm).await
}

async fn it_can_be_listed_shown_and_replayed(swarm: &Swarm) -> anyhow::Result<()> {
    let list = swarm.zerodrift(&["dead", "list", "--limit", "5000", "--json"]).await?.json()?;
    assert_eq!(list.len(), POISON);
    let named = |it: &Value| reason(it).len() > 10;
    assert!(list.iter().all(named), "each has a reason");
    let brief = swarm.zerodrift(&["dead", "list", "--limit", "3"]).await?;
    assert_eq!(brief.out.lines().count(), 4, "a heading and three: {brief:?}");

    // The largest and the deepest too are shown without harm.
    let largest = list.iter().max_by_key(|it| it.get("bytes").and_then(Value::as_u64));
    let deepest = list.iter().rfind(|it| reason(it).contains("deeper"));
    for letter in [largest, deepest].into_iter().flatten() {
        let number = number(letter)?;
        let shown = swarm.zerodrift(&["dead", "show", &number]).await?;
        assert_eq!(shown.code, Some(0), "{}", shown.err);
        assert!(shown.out.contains(reason(letter)), "{number}");
        assert!(shown.out.len() < 64 * 1024, "{} bytes shown", shown.out.len());
    }

    // One, then all: they die of the same again, and nothing is lost or kept twice.
    let number = number(list.get(POISON / 2).context("there are as many")?)?;
    let replayed = swarm.zerodrift(&["dead", "replay", &number]).await?;
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    let gone = swarm.zerodrift(&["dead", "show", &number]).await?;
    assert_eq!(gone.code, Some(1), "it was taken from the dead: {gone:?}");
    dies_again(swarm).await?;
    let replayed = swarm.zerodrift(&["dead", "replay", "--all"]).await?;
    assert_eq!(replayed.code, Some(0), "{}", replayed.err);
    dies_again(swarm).await?;
    swarm.intend("Point after.example.com to 203.0.113.20").await?.converged().await?;
    Ok(())
}

async fn dies_again(swarm: &Swarm) -> anyhow::Result<()> {
    until("what was replayed is set aside again", secs(60), || async {
        Ok((dead_count(swarm).await? == POISON as u64).then_some(()))
    })
    .await
}

fn reason(letter: &Value) -> &str {
    letter.get("reason").and_then(Value::as_str).unwrap_or_default()
}

fn number(letter: &Value) -> anyhow::Result<String> {
    Ok(letter.get("sequence").context("it has a number")?.to_string())
}
