//! API tokens, of the user and of accounts.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, put};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::access;
use super::call::{Body, Bounds, Call};
use super::envelope::{Answer, Failure, Reply};
use crate::store::{Grant, Policy, Token, World, new_id, now};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().merge(under("/user/tokens")).merge(under("/accounts/{account}/tokens"))
}

fn under(base: &str) -> Router<Arc<Api>> {
    Router::new()
        .route(base, get(list).post(create))
        .route(&format!("{base}/verify"), get(verify))
        .route(&format!("{base}/permission_groups"), get(groups))
        .route(&format!("{base}/{{token}}"), get(one).put(replace).delete(remove))
        .route(&format!("{base}/{{token}}/value"), put(roll))
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    policies: Vec<Policy>,
    status: Option<String>,
    expires_on: Option<Timestamp>,
    not_before: Option<Timestamp>,
    condition: Option<Value>,
}

/// Whose tokens a path is about: `account` is missing below `/user`.
#[derive(Deserialize)]
struct At {
    account: Option<String>,
    token: Option<String>,
}

fn missing() -> Failure {
    Failure::new(404, 1003, "Token not found")
}

fn show(token: &Token) -> Value {
    let policies = match &token.grant {
        Grant::Full | Grant::Reading => json!([]),
        Grant::Policies(policies) => json!(policies),
    };
    let mut shown = json!({
        "id": token.id,
        "name": token.name,
        "status": token.status,
        "issued_on": token.issued_on,
        "modified_on": token.modified_on,
        "policies": policies,
    });
    if let Some(shown) = shown.as_object_mut() {
        for (name, time) in [("expires_on", token.expires_on), ("not_before", token.not_before)] {
            if let Some(time) = time {
                shown.insert(name.to_owned(), json!(time));
            }
        }
    }
    shown
}

impl Sent {
    /// Checks what was sent and fills in the names of the permission groups.
    fn checked(mut self) -> Result<Self, Failure> {
        let bad = |message: String| Err(Failure::new(400, 1001, message));
        if self.name.trim().is_empty() {
            return bad("name is required".to_owned());
        }
        if self.policies.is_empty() {
            return bad("at least one policy is required".to_owned());
        }
        if self.condition.as_ref().is_some_and(|given| !given.is_null() && *given != json!({})) {
            return Err(Failure::unsupported("a token's `condition`"));
        }
        if self.status.as_ref().is_some_and(|status| status != "active" && status != "disabled") {
            return bad("status must be active or disabled".to_owned());
        }
        for policy in &mut self.policies {
            if policy.effect != "allow" && policy.effect != "deny" {
                return bad("a policy's effect is allow or deny".to_owned());
            }
            if policy.resources.is_empty() || policy.permission_groups.is_empty() {
                return bad("a policy needs resources and permission_groups".to_owned());
            }
            for group in &mut policy.permission_groups {
                let Some(name) = access::name_of(&group.id) else {
                    return bad(format!("Permission group {} does not exist", group.id));
                };
                group.name = name;
            }
        }
        Ok(self)
    }
}

/// Changes one token of this path's owner.
fn change(call: &Call, at: &At, change: impl FnOnce(&mut Token) -> Answer) -> Answer {
    call.store.write_data(|world| {
        let token = world.tokens.get_mut(at.token.as_deref().unwrap_or_default());
        change(token.filter(|token| token.account == at.account).ok_or_else(missing)?)
    })
}

/// A value that is shown once.
fn fresh() -> String {
    format!("{}{}", new_id(), new_id().get(..8).unwrap_or_default())
}

async fn verify(call: Call) -> Answer {
    Reply::of(json!({"id": call.actor.id, "status": call.actor.status}))
}

async fn groups(_: Call) -> Answer {
    Reply::of(access::groups())
}

async fn list(call: Call, Path(at): Path<At>) -> Answer {
    let owned = |world: &World| {
        world.tokens.values().filter(|token| token.account == at.account).map(show).collect()
    };
    let tokens = call.store.read(owned);
    call.page(tokens, Bounds { least: 5, default: 20, most: 50 })
}

async fn one(call: Call, Path(at): Path<At>) -> Answer {
    call.store.read(|world| {
        let token = world.tokens.get(at.token.as_deref().unwrap_or_default());
        Reply::of(show(token.filter(|token| token.account == at.account).ok_or_else(missing)?))
    })
}

async fn create(call: Call, Path(at): Path<At>, Body(sent): Body<Sent>) -> Answer {
    let sent = sent.checked()?;
    let value = fresh();
    let token = Token {
        id: new_id(),
        name: sent.name,
        account: at.account,
        status: sent.status.unwrap_or_else(|| "active".to_owned()),
        grant: Grant::Policies(sent.policies),
        hash: Token::hash(&value),
        issued_on: now(),
        modified_on: now(),
        expires_on: sent.expires_on,
        not_before: sent.not_before,
    };
    let mut shown = show(&token);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("value".to_owned(), json!(value));
    }
    call.store.write_data(|world| world.tokens.insert(token.id.clone(), token));
    Reply::of(shown)
}

async fn replace(call: Call, Path(at): Path<At>, Body(sent): Body<Sent>) -> Answer {
    let sent = sent.checked()?;
    change(&call, &at, |token| {
        token.name = sent.name;
        token.grant = Grant::Policies(sent.policies);
        token.status = sent.status.unwrap_or_else(|| token.status.clone());
        token.expires_on = sent.expires_on;
        token.not_before = sent.not_before;
        token.modified_on = now();
        Reply::of(show(token))
    })
}

async fn remove(call: Call, Path(at): Path<At>) -> Answer {
    let id = at.token.clone().unwrap_or_default();
    change(&call, &at, |_| Reply::of(Value::Null))?;
    call.store.write_data(|world| world.tokens.remove(&id));
    Reply::of(json!({"id": id}))
}

/// A new value; the old one is dead at once.
async fn roll(call: Call, Path(at): Path<At>) -> Answer {
    let value = fresh();
    change(&call, &at, |token| {
        token.hash = Token::hash(&value);
        token.modified_on = now();
        Reply::of(&value)
    })
}
