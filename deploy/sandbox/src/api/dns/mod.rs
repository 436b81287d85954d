//! DNS records.

mod input;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use self::input::{Input, name_in};
use super::Api;
use super::call::{Body, Bounds, Call};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{DnsRecord, Zone, now};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/zones/{zone}/dns_records", get(list).post(create))
        .route("/zones/{zone}/dns_records/batch", post(batch))
        .route(
            "/zones/{zone}/dns_records/{record}",
            get(one).put(replace).patch(edit).delete(remove),
        )
}

fn missing() -> Failure {
    Failure::new(404, 81_044, "Record does not exist.")
}

fn found<'a>(zone: &'a Zone, id: &str) -> Result<&'a DnsRecord, Failure> {
    zone.records.get(id).ok_or_else(missing)
}

/// Puts a record into its zone unless it stands against another one there.
fn keep(zone: &mut Zone, record: DnsRecord) -> Result<DnsRecord, Failure> {
    let others =
        || zone.records.values().filter(|other| other.name == record.name && other.id != record.id);
    if others().any(|other| other.kind == record.kind && other.content == record.content) {
        return Err(Failure::new(400, 81_058, "An identical record already exists."));
    }
    let address = |record: &DnsRecord| matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME");
    if record.kind == "CNAME" && others().any(address) {
        return Err(Failure::new(
            400,
            81_053,
            "An A, AAAA, or CNAME record with that host already exists.",
        ));
    }
    if address(&record) && others().any(|other| other.kind == "CNAME") {
        return Err(Failure::new(400, 81_054, "A CNAME record with that host already exists."));
    }
    zone.records.insert(record.id.clone(), record.clone());
    zone.modified_on = now();
    Ok(record)
}

async fn list(call: Call, Path(zone): Path<String>) -> Answer {
    if let Some(filter) = call.query.keys().find(|name| name.starts_with("tag")) {
        return Err(Failure::unsupported(&format!("the filter `{filter}`")));
    }
    call.zone(&zone, |zone| {
        let mut records: Vec<&DnsRecord> =
            zone.records.values().filter(|record| asked(&call, zone, record)).collect();
        if let Some(field) = call.query("order") {
            records.sort_by_key(|record| match field {
                "type" => record.kind.clone(),
                "content" => record.content.clone(),
                "ttl" => format!("{:010}", record.ttl),
                "proxied" => record.proxied.to_string(),
                _ => record.name.clone(),
            });
        }
        if call.query("direction") == Some("desc") {
            records.reverse();
        }
        call.page(records, Bounds { least: 1, default: 100, most: 5_000_000 })
    })
}

/// Whether a record is among those asked for: by all filters, or by any with `match=any`.
fn asked(call: &Call, zone: &Zone, record: &DnsRecord) -> bool {
    let comment = record.comment.as_deref();
    let mut answers = Vec::new();
    for (filter, wanted) in &call.query {
        let (field, how) = filter.split_once('.').unwrap_or((filter, "exact"));
        let wanted_name;
        let (value, wanted) = match field {
            "name" => {
                wanted_name = match how {
                    "exact" => name_in(wanted, zone).unwrap_or_else(|_| wanted.clone()),
                    _ => wanted.to_ascii_lowercase(),
                };
                (Some(record.name.as_str()), wanted_name.as_str())
            }
            "content" => (Some(record.content.as_str()), wanted.as_str()),
            "comment" => (comment, wanted.as_str()),
            "type" => {
                answers.push(record.kind.eq_ignore_ascii_case(wanted));
                continue;
            }
            "proxied" => {
                answers.push(record.proxied.to_string() == *wanted);
                continue;
            }
            "search" => {
                let all = [Some(record.name.as_str()), Some(record.content.as_str()), comment];
                answers.push(all.into_iter().flatten().any(|text| text.contains(wanted)));
                continue;
            }
            _ => continue,
        };
        answers.push(match (how, value) {
            ("present", value) => value.is_some(),
            ("absent", value) => value.is_none(),
            (_, None) => false,
            ("contains", Some(value)) => value.contains(wanted),
            ("startswith", Some(value)) => value.starts_with(wanted),
            ("endswith", Some(value)) => value.ends_with(wanted),
            (_, Some(value)) => value == wanted,
        });
    }
    if call.query("match") == Some("any") && !answers.is_empty() {
        answers.contains(&true)
    } else {
        !answers.contains(&false)
    }
}

async fn one(call: Call, Path((zone, record)): Path<(String, String)>) -> Answer {
    call.zone(&zone, |zone| Reply::of(found(zone, &record)?))
}

async fn create(call: Call, Path(zone): Path<String>, Body(input): Body<Input>) -> Answer {
    call.change_zone(&zone, |zone| {
        let record = input.create(zone)?;
        Reply::of(keep(zone, record)?)
    })
}

async fn replace(
    call: Call,
    Path((zone, record)): Path<(String, String)>,
    Body(input): Body<Input>,
) -> Answer {
    call.change_zone(&zone, |zone| {
        let record = input.replace(found(zone, &record)?, zone)?;
        Reply::of(keep(zone, record)?)
    })
}

async fn edit(
    call: Call,
    Path((zone, record)): Path<(String, String)>,
    Body(input): Body<Input>,
) -> Answer {
    call.change_zone(&zone, |zone| {
        let record = input.over(found(zone, &record)?.clone(), zone)?;
        Reply::of(keep(zone, record)?)
    })
}

async fn remove(call: Call, Path((zone, record)): Path<(String, String)>) -> Answer {
    call.change_zone(&zone, |zone| {
        zone.records.remove(&record).ok_or_else(missing)?;
        zone.modified_on = now();
        Reply::of(json!({"id": record}))
    })
}

#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    deletes: Vec<Input>,
    #[serde(default)]
    patches: Vec<Input>,
    #[serde(default)]
    puts: Vec<Input>,
    #[serde(default)]
    posts: Vec<Input>,
}

/// In Cloudflare's order: deletes, patches, puts, posts; all or none.
async fn batch(call: Call, Path(zone): Path<String>, Body(batch): Body<Batch>) -> Answer {
    call.change_zone(&zone, |zone| {
        let before = zone.records.clone();
        let done = run(zone, batch);
        if done.is_err() {
            zone.records = before;
        }
        Reply::of(done?)
    })
}

fn run(zone: &mut Zone, batch: Batch) -> Result<Value, Failure> {
    let named = |input: &Input| {
        input.id.clone().ok_or_else(|| Failure::new(400, 1004, "DNS Validation Error"))
    };
    let (mut deletes, mut patches, mut puts, mut posts) = (vec![], vec![], vec![], vec![]);
    for input in batch.deletes {
        deletes.push(zone.records.remove(&named(&input)?).ok_or_else(missing)?);
    }
    for input in batch.patches {
        let old = found(zone, &named(&input)?)?.clone();
        let record = input.over(old, zone)?;
        patches.push(keep(zone, record)?);
    }
    for input in batch.puts {
        let record = input.clone().replace(found(zone, &named(&input)?)?, zone)?;
        puts.push(keep(zone, record)?);
    }
    for input in batch.posts {
        let record = input.create(zone)?;
        posts.push(keep(zone, record)?);
    }
    Ok(json!({"deletes": deletes, "patches": patches, "puts": puts, "posts": posts}))
}
