//! Gateway rules. There is no PATCH: a PUT replaces the whole.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::Api;
use super::super::call::{Body, Call};
use super::super::envelope::{Answer, Failure, Reply};
use super::format::reformat;
use crate::rules;
use crate::store::{Account, GatewayRule, now};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/accounts/{account}/gateway/rules", get(list).post(create))
        .route("/accounts/{account}/gateway/rules/{rule}", get(one).put(replace).delete(remove))
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    action: String,
    enabled: Option<bool>,
    filters: Option<Vec<String>>,
    traffic: Option<String>,
    identity: Option<String>,
    device_posture: Option<String>,
    precedence: Option<i64>,
    rule_settings: Option<Value>,
    schedule: Option<Value>,
    expiration: Option<Value>,
}

fn missing() -> Failure {
    Failure::new(404, 2002, "rule not found")
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(400, 2013, message)
}

/// What each filter's rules may do.
fn actions(filter: &str) -> &'static [&'static str] {
    match filter {
        "dns" => &["allow", "block", "safesearch", "ytrestricted", "override", "resolve"],
        "http" => &["allow", "block", "off", "on", "scan", "noscan", "isolate", "noisolate"],
        "l4" => &["allow", "block", "audit_ssh", "l4_override"],
        _ => &[],
    }
}

impl Sent {
    /// The rule it becomes; `old` is the one it replaces.
    fn rule(self, account: &Account, old: Option<&GatewayRule>) -> Result<GatewayRule, Failure> {
        if self.name.trim().is_empty() {
            return Err(invalid("name is required"));
        }
        for (field, given) in [("schedule", &self.schedule), ("expiration", &self.expiration)] {
            if given.as_ref().is_some_and(|given| !given.is_null()) {
                return Err(Failure::unsupported(&format!("a Gateway rule's `{field}`")));
            }
        }
        let filters = self.filters.unwrap_or_default();
        let [filter] = filters.as_slice() else {
            return Err(invalid("filters must name exactly one of dns, http, l4"));
        };
        if !actions(filter).contains(&self.action.as_str()) {
            return Err(invalid(format!(
                "action '{}' is not valid with filter '{filter}'",
                self.action
            )));
        }
        let names: Vec<&str> = filters.iter().map(String::as_str).collect();
        let mut expressions = Vec::new();
        for (field, given) in [
            ("traffic", self.traffic),
            ("identity", self.identity),
            ("device_posture", self.device_posture),
        ] {
            let expression = reformat(&given.unwrap_or_default());
            if !expression.is_empty() {
                rules::validate_gateway(&names, &expression)
                    .map_err(|reason| invalid(format!("{field} is invalid: {reason}")))?;
                lists_exist(account, &expression)?;
            }
            expressions.push(expression);
        }
        let mut expressions = expressions.into_iter();
        let id = old.map_or_else(|| uuid::Uuid::new_v4().to_string(), |old| old.id.clone());
        Ok(GatewayRule {
            name: self.name,
            description: self.description.unwrap_or_default(),
            precedence: precedence(account, self.precedence, &id, old),
            id,
            enabled: self.enabled.unwrap_or(false),
            action: self.action,
            filters,
            traffic: expressions.next().unwrap_or_default(),
            identity: expressions.next().unwrap_or_default(),
            device_posture: expressions.next().unwrap_or_default(),
            rule_settings: settings(self.rule_settings),
            version: old.map_or(1, |old| old.version + 1),
            created_at: old.map_or_else(now, |old| old.created_at),
            updated_at: now(),
            deleted_at: None,
        })
    }
}

/// Settings as they come back: with the defaults of those left out.
fn settings(sent: Option<Value>) -> Value {
    let mut all = Map::new();
    all.insert("block_page_enabled".to_owned(), json!(false));
    all.insert("block_reason".to_owned(), json!(""));
    all.insert("ip_categories".to_owned(), json!(false));
    all.insert("insecure_disable_dnssec_validation".to_owned(), json!(false));
    if let Some(Value::Object(sent)) = sent {
        all.extend(sent);
    }
    Value::Object(all)
}

/// The precedence asked for, or the next one free: what is taken is renumbered, not refused.
fn precedence(account: &Account, asked: Option<i64>, own: &str, old: Option<&GatewayRule>) -> i64 {
    let others = || account.gateway_rules.values().filter(|rule| rule.id != own);
    let last = others().map(|rule| rule.precedence).max().unwrap_or(0);
    let mut wanted = asked.or(old.map(|old| old.precedence)).unwrap_or(last + 1_000);
    while others().any(|rule| rule.precedence == wanted) {
        wanted += 1;
    }
    wanted
}

/// Every `$<list>` of an expression must be a list of the account.
fn lists_exist(account: &Account, expression: &str) -> Result<(), Failure> {
    for part in expression.split('$').skip(1) {
        let id: String =
            part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let plain = id.replace('-', "");
        if !account.gateway_lists.keys().any(|list| list.replace('-', "") == plain) {
            return Err(invalid(format!("list ${id} does not exist")));
        }
    }
    Ok(())
}

async fn list(call: Call, Path(account): Path<String>) -> Answer {
    call.account(&account, |account| {
        let mut rules: Vec<&GatewayRule> = account.gateway_rules.values().collect();
        rules.sort_by_key(|rule| rule.precedence);
        let info = json!({
            "page": 1, "per_page": rules.len(), "count": rules.len(), "total_count": rules.len(),
        });
        Reply::page(json!(rules), info)
    })
}

async fn one(call: Call, Path((account, rule)): Path<(String, String)>) -> Answer {
    call.account(&account, |account| {
        Reply::of(account.gateway_rules.get(&rule).ok_or_else(missing)?)
    })
}

fn keep(account: &mut Account, rule: GatewayRule) -> Answer {
    let shown = Reply::of(&rule);
    account.gateway_rules.insert(rule.id.clone(), rule);
    shown
}

async fn create(call: Call, Path(account): Path<String>, Body(sent): Body<Sent>) -> Answer {
    call.change_account(&account, |account| {
        let rule = sent.rule(account, None)?;
        keep(account, rule)
    })
}

async fn replace(
    call: Call,
    Path((account, rule)): Path<(String, String)>,
    Body(sent): Body<Sent>,
) -> Answer {
    call.change_account(&account, |account| {
        let old = account.gateway_rules.get(&rule).ok_or_else(missing)?;
        let rule = sent.rule(account, Some(old))?;
        keep(account, rule)
    })
}

async fn remove(call: Call, Path((account, rule)): Path<(String, String)>) -> Answer {
    call.change_account(&account, |account| {
        account.gateway_rules.remove(&rule).ok_or_else(missing)?;
        Reply::of(json!({}))
    })
}
