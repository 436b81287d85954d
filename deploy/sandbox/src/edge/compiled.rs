//! A zone's rules, read once for each version of the store.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::cache_policy::CacheSettings;
use super::ratelimit::Limit;
use crate::rules::Expression;
use crate::store::{Route, Rule, Store};

/// Everything the edge obeys in one zone.
#[derive(Debug, Default)]
pub(super) struct ZoneRules {
    pub(super) custom: Vec<Compiled>,
    pub(super) limits: Vec<(Compiled, Limit)>,
    pub(super) cache: Vec<(Compiled, CacheSettings)>,
    pub(super) routes: Vec<Route>,
}

/// A rule that is enabled.
#[derive(Debug)]
pub(super) struct Compiled {
    /// What is counted and logged under it: the rule's `ref`, and its version, so that a changed
    /// rule starts afresh.
    pub(super) name: String,
    pub(super) expression: Expression,
    pub(super) action: String,
    /// Null where there are none.
    pub(super) parameters: Value,
}

/// A zone's rules, or the rule among them that cannot be followed.
type Read = Result<Arc<ZoneRules>, String>;

/// The zones' rules, by zone id.
#[derive(Debug, Default)]
pub(super) struct Zones {
    /// The store's version they were read from, and what was read.
    read: Mutex<(u64, HashMap<String, Read>)>,
}

impl Zones {
    /// The rules of a zone as they are now. The error says which rule cannot be followed; the API
    /// refuses such rules, so that one is here only after an upgrade.
    pub(super) fn of(&self, store: &Store, zone: &str) -> Read {
        let version = *store.changed().borrow();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, zones) = &mut *read;
        if *of != version {
            *of = version;
            zones.clear();
        }
        zones.entry(zone.to_owned()).or_insert_with(|| compile(store, zone).map(Arc::new)).clone()
    }
}

fn compile(store: &Store, zone: &str) -> Result<ZoneRules, String> {
    let mut rules = ZoneRules { routes: store.routes(zone), ..ZoneRules::default() };
    for rule in enabled(store, zone, "http_request_firewall_custom") {
        rules.custom.push(Compiled::of(&rule)?);
    }
    for rule in enabled(store, zone, "http_ratelimit") {
        let parameters = rule.ratelimit.clone().unwrap_or_default();
        let limit = Limit::of(&parameters).map_err(|error| wrong(&rule, &error))?;
        rules.limits.push((Compiled::of(&rule)?, limit));
    }
    for rule in enabled(store, zone, "http_request_cache_settings") {
        let compiled = Compiled::of(&rule)?;
        let settings = CacheSettings::of(&compiled.parameters);
        rules.cache.push((compiled, settings.map_err(|error| wrong(&rule, &error))?));
    }
    Ok(rules)
}

fn enabled(store: &Store, zone: &str, phase: &str) -> impl Iterator<Item = Rule> + use<> {
    store.rules(zone, phase).into_iter().filter(|rule| rule.enabled)
}

fn wrong(rule: &Rule, error: &dyn Display) -> String {
    format!("rule {} ({}) cannot be followed: {error}", rule.id, rule.description)
}

impl Compiled {
    fn of(rule: &Rule) -> Result<Self, String> {
        Ok(Self {
            name: format!("{}@{}", rule.reference, rule.version),
            expression: Expression::parse(&rule.expression).map_err(|error| wrong(rule, &error))?,
            action: rule.action.clone(),
            parameters: rule.action_parameters.clone().unwrap_or_default(),
        })
    }
}
