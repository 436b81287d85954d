//! Rulesets: the entrypoints of a zone's phases and their rules.

mod input;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use serde::Deserialize;
use serde_json::{Value, json};

use self::input::{Input, PHASES, next, unique};
use super::Api;
use super::call::{Body, Call};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{Ruleset, Zone, new_id, now};

/// Of one ruleset. The zones' plan has fewer; see the README on what is simplified.
const MOST_RULES: usize = 1_000;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/zones/{zone}/rulesets", get(list).post(create))
        .route("/zones/{zone}/rulesets/{ruleset}", get(one).put(replace).delete(remove))
        .route("/zones/{zone}/rulesets/{ruleset}/rules", post(add_rule))
        .route(
            "/zones/{zone}/rulesets/{ruleset}/rules/{rule}",
            patch(edit_rule).delete(remove_rule),
        )
        .route(
            "/zones/{zone}/rulesets/phases/{phase}/entrypoint",
            get(entrypoint).put(replace_entrypoint),
        )
}

/// A ruleset as sent.
#[derive(Deserialize)]
struct Sent {
    name: Option<String>,
    description: Option<String>,
    kind: Option<String>,
    phase: Option<String>,
    #[serde(default)]
    rules: Vec<Input>,
}

fn missing(id: &str) -> Failure {
    Failure::new(404, 10_003, format!("could not find ruleset with id {id}"))
}

fn found<'a>(zone: &'a mut Zone, id: &str) -> Result<&'a mut Ruleset, Failure> {
    zone.rulesets.get_mut(id).ok_or_else(|| missing(id))
}

fn offered(phase: &str) -> Result<(), Failure> {
    if PHASES.contains(&phase) {
        return Ok(());
    }
    let message = format!(
        "'{phase}' is not a valid value for phase: the sandbox offers {}",
        PHASES.join(", ")
    );
    Err(Failure::new(400, 20_120, message).at("/phase"))
}

/// Makes a phase's ruleset, or puts new content into it.
fn put(zone: &mut Zone, phase: &str, sent: Sent) -> Result<Ruleset, Failure> {
    offered(phase)?;
    if sent.phase.is_some_and(|sent| sent != phase) {
        return Err(Failure::new(400, 20_120, "the phase of a ruleset cannot change").at("/phase"));
    }
    if sent.kind.is_some_and(|kind| kind != "zone") {
        return Err(Failure::new(400, 20_120, "kind must be zone here").at("/kind"));
    }
    let old = zone.phase(phase);
    let rules = Input::replace_all(sent.rules, old, phase)?;
    let ruleset = Ruleset {
        id: old.map_or_else(new_id, |old| old.id.clone()),
        name: sent
            .name
            .or_else(|| old.map(|old| old.name.clone()))
            .unwrap_or_else(|| "default".to_owned()),
        description: sent
            .description
            .or_else(|| old.map(|old| old.description.clone()))
            .unwrap_or_default(),
        kind: "zone".to_owned(),
        phase: phase.to_owned(),
        version: old.map_or_else(|| "1".to_owned(), |old| next(&old.version)),
        last_updated: now(),
        rules,
    };
    within_limit(&ruleset)?;
    zone.rulesets.insert(ruleset.id.clone(), ruleset.clone());
    Ok(ruleset)
}

fn within_limit(ruleset: &Ruleset) -> Result<(), Failure> {
    if ruleset.rules.len() <= MOST_RULES {
        return Ok(());
    }
    let message =
        format!("exceeded maximum number of rules in the phase {}: {MOST_RULES}", ruleset.phase);
    Err(Failure::new(400, 20_218, message).at("/rules"))
}

/// Changes a ruleset's rules on a copy, and keeps it if all is well.
fn change(
    zone: &mut Zone,
    id: &str,
    change: impl FnOnce(&mut Ruleset) -> Result<(), Failure>,
) -> Answer {
    let kept = found(zone, id)?;
    let mut ruleset = kept.clone();
    change(&mut ruleset)?;
    within_limit(&ruleset)?;
    unique(&ruleset.rules)?;
    ruleset.version = next(&ruleset.version);
    ruleset.last_updated = now();
    *kept = ruleset.clone();
    Reply::of(ruleset)
}

async fn list(call: Call, Path(zone): Path<String>) -> Answer {
    call.zone(&zone, |zone| {
        let each = zone.rulesets.values().map(|ruleset| {
            let mut shown = json!(ruleset);
            if let Some(shown) = shown.as_object_mut() {
                shown.remove("rules");
            }
            shown
        });
        Reply::of(each.collect::<Vec<Value>>())
    })
}

async fn create(call: Call, Path(zone): Path<String>, Body(sent): Body<Sent>) -> Answer {
    call.change_zone(&zone, |zone| {
        let phase = sent
            .phase
            .clone()
            .ok_or_else(|| Failure::new(400, 20_120, "phase is required").at("/phase"))?;
        if zone.phase(&phase).is_some() {
            let message = format!(
                "'zone' is not a valid value for kind because exceeded maximum number of zone \
                 rulesets for phase {phase}"
            );
            return Err(Failure::new(400, 20_217, message).at("/kind"));
        }
        Reply::of(put(zone, &phase, sent)?)
    })
}

async fn one(call: Call, Path((zone, ruleset)): Path<(String, String)>) -> Answer {
    call.zone(&zone, |zone| {
        Reply::of(zone.rulesets.get(&ruleset).ok_or_else(|| missing(&ruleset))?)
    })
}

async fn replace(
    call: Call,
    Path((zone, ruleset)): Path<(String, String)>,
    Body(sent): Body<Sent>,
) -> Answer {
    call.change_zone(&zone, |zone| {
        let phase = found(zone, &ruleset)?.phase.clone();
        Reply::of(put(zone, &phase, sent)?)
    })
}

async fn remove(
    call: Call,
    Path((zone, ruleset)): Path<(String, String)>,
) -> Result<Response, Failure> {
    call.change_zone(&zone, |zone| {
        zone.rulesets.remove(&ruleset).ok_or_else(|| missing(&ruleset))?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}

async fn entrypoint(call: Call, Path((zone, phase)): Path<(String, String)>) -> Answer {
    call.zone(&zone, |zone| {
        let ruleset = zone.phase(&phase).ok_or_else(|| {
            let message =
                format!("could not find entrypoint ruleset in the {phase} phase at the zone level");
            Failure::new(404, 10_003, message)
        })?;
        Reply::of(ruleset)
    })
}

async fn replace_entrypoint(
    call: Call,
    Path((zone, phase)): Path<(String, String)>,
    Body(sent): Body<Sent>,
) -> Answer {
    call.change_zone(&zone, |zone| Reply::of(put(zone, &phase, sent)?))
}

async fn add_rule(
    call: Call,
    Path((zone, ruleset)): Path<(String, String)>,
    Body(input): Body<Input>,
) -> Answer {
    call.change_zone(&zone, |zone| {
        let (mut id, mut reference) = (String::new(), String::new());
        let reply = change(zone, &ruleset, |ruleset| {
            let index = match &input.position {
                Some(position) => position.among(&ruleset.rules)?,
                None => ruleset.rules.len(),
            };
            let rule = input.create(&ruleset.phase, "/rules/0")?;
            id.clone_from(&rule.id);
            reference.clone_from(&rule.reference);
            ruleset.rules.insert(index, rule);
            Ok(())
        })?;
        Ok(reply.about(&id, &reference))
    })
}

fn no_rule(id: &str) -> Failure {
    Failure::new(404, 10_003, format!("could not find rule with id {id}"))
}

async fn edit_rule(
    call: Call,
    Path((zone, ruleset, id)): Path<(String, String, String)>,
    Body(input): Body<Input>,
) -> Answer {
    call.change_zone(&zone, |zone| {
        let mut reference = String::new();
        let reply = change(zone, &ruleset, |ruleset| {
            let index = ruleset.rules.iter().position(|rule| rule.id == id);
            let index = index.ok_or_else(|| no_rule(&id))?;
            let old = ruleset.rules.remove(index);
            let index = match &input.position {
                Some(position) => position.among(&ruleset.rules)?,
                None => index,
            };
            let rule = input.over(old, &ruleset.phase, "/rules/0")?;
            reference.clone_from(&rule.reference);
            ruleset.rules.insert(index, rule);
            Ok(())
        })?;
        Ok(reply.about(&id, &reference))
    })
}

async fn remove_rule(
    call: Call,
    Path((zone, ruleset, id)): Path<(String, String, String)>,
) -> Answer {
    call.change_zone(&zone, |zone| {
        let mut reference = String::new();
        let reply = change(zone, &ruleset, |ruleset| {
            let index = ruleset.rules.iter().position(|rule| rule.id == id);
            let removed = ruleset.rules.remove(index.ok_or_else(|| no_rule(&id))?);
            reference = removed.reference;
            Ok(())
        })?;
        Ok(reply.about(&id, &reference))
    })
}
