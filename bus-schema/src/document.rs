//! The wire described for people who have only this document: JSON Schema per type and one
//! AsyncAPI 3 document, generated from the types.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::stream::{BUCKETS, Bucket, CONSUMERS, Consumer, STREAMS, Stream};
use crate::{
    Claim, DriftFound, Escalated, Filter, FindingResolved, Hint, IgnoreRequested, ImportAnswered,
    ImportAsked, IntentRefused, IntentState, IntentSubmitted, Lesson, Message, PauseRequested,
    PlanApplied, PlanFailed, PlanProposed, PlanStale, PlanSuperseded, Record, RemedyAsked,
    ResumeRequested, RunStuck, Session, StackObservation, StackState, TakenHint, Watch, codec,
    header,
};

/// A message or record type, with its schema.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its Rust name, for example `PlanProposed`.
    pub name: String,
    /// Its wire name; none for a record.
    pub wire: Option<&'static str>,
    /// The subjects or keys it is found at.
    pub address: String,
    /// Where it is found.
    pub place: Place,
    /// JSON Schema, draft 2020-12, with all it refers to inside.
    pub schema: Value,
}

/// Where a type is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a subject of the `SWARM` stream.
    Stream(Filter),
    /// Under keys of a KV bucket.
    Bucket(Bucket),
}

/// Every message and record, in the order a reader meets them.
pub fn described() -> Vec<Described> {
    vec![
        message::<IntentSubmitted>(),
        message::<IntentRefused>(),
        message::<PlanProposed>(),
        message::<PlanApplied>(),
        message::<PlanFailed>(),
        message::<PlanStale>(),
        message::<PlanSuperseded>(),
        message::<RunStuck>(),
        message::<ResumeRequested>(),
        message::<PauseRequested>(),
        message::<IgnoreRequested>(),
        message::<ImportAsked>(),
        message::<ImportAnswered>(),
        message::<Hint>(),
        message::<DriftFound>(),
        message::<FindingResolved>(),
        message::<Escalated>(),
        message::<RemedyAsked>(),
        record::<IntentState>(),
        record::<StackState>(),
        record::<Session>(),
        record::<Claim>(),
        record::<Watch>(),
        record::<StackObservation>(),
        record::<TakenHint>(),
        record::<Lesson>(),
    ]
}

fn message<M: Message>() -> Described {
    Described {
        name: M::schema_name().into_owned(),
        wire: Some(M::TYPE),
        address: M::SUBJECT.to_owned(),
        place: Place::Stream(M::FILTER),
        schema: schema::<M>(),
    }
}

fn record<R: Record>() -> Described {
    Described {
        name: R::schema_name().into_owned(),
        wire: None,
        address: format!("{}.{{key}}", R::PREFIX),
        place: Place::Bucket(R::BUCKET),
        schema: schema::<R>(),
    }
}

fn schema<T: schemars::JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// The AsyncAPI 3.0 document: every subject with its message, the headers, the streams and buckets.
pub fn asyncapi() -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for described in described() {
        let (Some(wire), Place::Stream(_)) = (described.wire, described.place) else { continue };
        let name = described.name;
        messages.insert(
            name.clone(),
            json!({
                "name": wire,
                "title": name,
                "summary": described.schema.get("description").cloned().unwrap_or_default(),
                "contentType": codec::MESSAGEPACK,
                "headers": { "$ref": "#/components/schemas/Headers" },
                "payload": { "schemaFormat": "application/schema+json;version=draft-2020-12", "schema": described.schema },
            }),
        );
        let parameters: Map<String, Value> = placeholder(&described.address)
            .map(|name| {
                (name.to_owned(), json!({ "description": format!("The {name} it is about") }))
            })
            .into_iter()
            .collect();
        let channel = json!({
            "address": described.address,
            "parameters": parameters,
            "messages": { name.clone(): { "$ref": format!("#/components/messages/{name}") } },
        });
        channels.insert(name.clone(), channel);
        let from_outside = [
            IntentSubmitted::TYPE,
            ResumeRequested::TYPE,
            PauseRequested::TYPE,
            IgnoreRequested::TYPE,
            ImportAsked::TYPE,
            Hint::TYPE,
            RemedyAsked::TYPE,
        ]
        .contains(&wire);
        operations.insert(
            format!("{}{name}", if from_outside { "send" } else { "receive" }),
            json!({
                "action": if from_outside { "send" } else { "receive" },
                "channel": { "$ref": format!("#/channels/{name}") },
            }),
        );
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Zerodrift",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0" },
            "description": DESCRIPTION,
        },
        "defaultContentType": codec::MESSAGEPACK,
        "servers": { "local": { "host": "127.0.0.1:4222", "protocol": "nats" } },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": { "Headers": headers() } },
        "x-streams": STREAMS.map(described_stream),
        "x-consumers": CONSUMERS.map(described_consumer),
        "x-buckets": BUCKETS.map(described_bucket),
    })
}

fn described_stream(stream: Stream) -> Value {
    json!({ "name": stream.name, "description": stream.description, "subjects": [stream.subjects.as_str()] })
}

fn described_consumer(consumer: Consumer) -> Value {
    json!({ "name": consumer.name, "agent": consumer.agent, "filter": consumer.filter.as_str() })
}

fn described_bucket(bucket: Bucket) -> Value {
    let records: Vec<Value> = described()
        .into_iter()
        .filter(|it| it.place == Place::Bucket(bucket))
        .map(|it| json!({ "name": it.name, "key": it.address, "schema": it.schema }))
        .collect();
    json!({ "name": bucket.name, "description": bucket.description, "records": records })
}

const DESCRIPTION: &str = "What Zerodrift's agents say to each other over NATS. \
    To ask for something publish an IntentSubmitted; `{\"text\": \"…\"}` in JSON or MessagePack is enough, \
    headers are optional. Everything said is kept in the JetStream stream SWARM. Payloads are MessagePack maps \
    with field names; JSON is taken wherever MessagePack is. Readers skip fields they do not know. A message \
    that cannot be read is copied to the stream DEAD with the reason in its headers.";

/// The name between braces in `swarm.plan.proposed.{stack}`.
fn placeholder(address: &str) -> Option<&str> {
    address.split_once('{')?.1.split_once('}').map(|(name, _)| name)
}

fn headers() -> Value {
    let entries = [
        (header::MESSAGE_ID, "Drops a repetition within the stream's deduplication window"),
        (
            header::CONTENT_TYPE,
            "application/msgpack or application/json; without it the first byte decides",
        ),
        (header::TYPE, "The message's wire name; needed only where several types share a subject"),
        (header::INTENT, "The intent the message serves"),
        (header::CAUSE, "Nats-Msg-Id of the message whose handling emitted this one"),
        (header::TRACE_PARENT, "W3C trace context"),
        (header::TRACE_STATE, "W3C trace state"),
    ];
    let properties: Map<String, Value> = entries
        .into_iter()
        .map(|(name, about)| (name.to_owned(), json!({ "type": "string", "description": about })))
        .collect();
    json!({ "type": "object", "properties": properties })
}
