//! Environments: a name people say, and the accounts, zones and services it stands for.

mod read;
mod remediation;

pub use remediation::{Mode, Remediation, RemediationRule, Verdict};

use std::collections::BTreeMap;

use bus_schema::{EnvironmentName, KindName};
use serde_json::Value;

use crate::Words;

/// Every environment of an installation. There is at least one, and exactly one is the default.
#[derive(Debug, Clone, PartialEq)]
pub struct Environments {
    default: Environment,
    others: Vec<Environment>,
}

/// One environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// What else people call it.
    pub aliases: Words,
    /// Whether it is meant where nobody names one.
    pub default: bool,
    /// Where in Cloudflare it lives.
    pub cloudflare: CloudflarePlaces,
    /// What runs there, by name.
    pub services: BTreeMap<String, Service>,
    /// How much may be asked for.
    pub limits: Limits,
    /// What is done about what somebody else changed.
    pub remediation: Remediation,
    /// Values for parameters of golden paths by the parameter's name, where a path asks for them as
    /// `environment: defaults.<name>`.
    pub defaults: BTreeMap<String, Value>,
}

/// The account and zones of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudflarePlaces {
    /// The account's id.
    pub account: String,
    /// Zones by name, the main one first; at least one.
    pub zones: Vec<String>,
}

/// Something that runs behind a hostname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Where people reach it, in one of the environment's zones.
    pub hostname: String,
    /// Where it is served from: an address or a hostname. Without one, it only exists at the edge.
    pub origin: Option<String>,
    /// What people call it, its name aside.
    pub words: Words,
}

/// How much may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most requests per second an intent may size anything for.
    pub requests_per_second: Option<i64>,
    /// The most resources of a kind one stack may have, as the cloud's subscription allows.
    pub resources: BTreeMap<KindName, usize>,
}

impl Environments {
    /// The environment meant where nobody names one.
    pub const fn default_environment(&self) -> &Environment {
        &self.default
    }

    /// All of them, the default one first.
    pub fn iter(&self) -> impl Iterator<Item = &Environment> {
        std::iter::once(&self.default).chain(&self.others)
    }

    /// One, by its name.
    pub fn get(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.iter().find(|environment| environment.name == *name)
    }

    /// The one a person means by this word: its name or an alias, whatever the case.
    pub fn by_word(&self, word: &str) -> Option<&Environment> {
        self.iter().find(|environment| {
            environment.name.as_str().eq_ignore_ascii_case(word) || environment.aliases.has(word)
        })
    }
}

impl Environment {
    /// The zone a hostname is in: the longest one it equals or ends with.
    pub fn zone_of(&self, hostname: &str) -> Option<&str> {
        self.cloudflare
            .zones
            .iter()
            .filter(|zone| {
                hostname
                    .strip_suffix(zone.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
            .max_by_key(|zone| zone.len())
            .map(String::as_str)
    }

    /// The service a person means by this word: its name or one of its words, whatever the case.
    pub fn service_by_word(&self, word: &str) -> Option<(&str, &Service)> {
        self.services
            .iter()
            .find(|(name, service)| name.eq_ignore_ascii_case(word) || service.words.has(word))
            .map(|(name, service)| (name.as_str(), service))
    }

    /// The service reached at a hostname.
    pub fn service_at(&self, hostname: &str) -> Option<(&str, &Service)> {
        self.services
            .iter()
            .find(|(_, service)| service.hostname == hostname)
            .map(|(name, service)| (name.as_str(), service))
    }

    /// The value under a key such as `services.api.hostname`, `cloudflare.zones.0`,
    /// `limits.requests_per_second` or `defaults.cache_ttl`.
    pub fn lookup(&self, key: &str) -> Option<Value> {
        let parts: Vec<&str> = key.split('.').collect();
        match parts.as_slice() {
            ["name"] => Some(self.name.as_str().into()),
            ["cloudflare", "account"] => Some(self.cloudflare.account.as_str().into()),
            ["cloudflare", "zones", index] => {
                self.cloudflare.zones.get(index.parse::<usize>().ok()?).map(|it| it.as_str().into())
            }
            ["services", name, "hostname"] => {
                self.services.get(*name).map(|service| service.hostname.as_str().into())
            }
            ["services", name, "origin"] => {
                self.services.get(*name)?.origin.as_deref().map(Value::from)
            }
            ["limits", "requests_per_second"] => self.limits.requests_per_second.map(Value::from),
            ["defaults", name] => self.defaults.get(*name).cloned(),
            _ => None,
        }
    }
}
