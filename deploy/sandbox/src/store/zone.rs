//! Zones and what is in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::world::{now, stable_id};

/// A zone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Zone {
    /// 32 hexadecimal digits, the same for the same name.
    pub id: String,
    /// For example `example.com`.
    pub name: String,
    /// The account's id.
    pub account: String,
    /// When it was made.
    pub created_on: Timestamp,
    /// When it or its records last changed.
    pub modified_on: Timestamp,
    /// By id.
    pub records: BTreeMap<String, DnsRecord>,
    /// By the setting's id; those never changed are not here ([`super::Store::setting`]).
    pub settings: BTreeMap<String, Setting>,
    /// By id; at most one for a phase.
    pub rulesets: BTreeMap<String, Ruleset>,
    /// Worker routes by id.
    pub routes: BTreeMap<String, Route>,
}

impl Zone {
    /// An empty, active zone.
    pub fn new(name: &str, account: &str) -> Self {
        Self {
            id: stable_id(&format!("zone {name}")),
            name: name.to_owned(),
            account: account.to_owned(),
            created_on: now(),
            modified_on: now(),
            records: BTreeMap::new(),
            settings: BTreeMap::new(),
            rulesets: BTreeMap::new(),
            routes: BTreeMap::new(),
        }
    }

    /// Whether a host is this zone's apex or below it.
    pub fn covers(&self, host: &str) -> bool {
        host == self.name || host.strip_suffix(&self.name).is_some_and(|rest| rest.ends_with('.'))
    }

    /// The entrypoint ruleset of a phase.
    pub fn phase(&self, phase: &str) -> Option<&Ruleset> {
        self.rulesets.values().find(|ruleset| ruleset.phase == phase)
    }
}

/// A zone's setting that was changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setting {
    /// A string, number or object, by the setting.
    pub value: Value,
    /// When it last changed.
    pub modified_on: Timestamp,
}

/// A DNS record, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DnsRecord {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Lower-case and absolute, without the last dot.
    pub name: String,
    /// For example `A`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For example an address.
    pub content: String,
    /// Whether it may be proxied: A, AAAA and CNAME.
    pub proxiable: bool,
    /// Whether the edge answers for it.
    pub proxied: bool,
    /// Seconds; 1 is automatic, and what proxied records always have.
    pub ttl: u32,
    /// For MX, SRV and URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// Settings of the record, mostly empty.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Always empty here.
    #[serde(default)]
    pub meta: Map<String, Value>,
    /// People's words.
    pub comment: Option<String>,
    /// `name:value` pairs.
    pub tags: Vec<String>,
    /// When it was made.
    pub created_on: Timestamp,
    /// When it last changed.
    pub modified_on: Timestamp,
}

/// A ruleset: the entrypoint of one phase of a zone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ruleset {
    /// 32 hexadecimal digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// `zone`.
    pub kind: String,
    /// For example `http_request_firewall_custom`.
    pub phase: String,
    /// A number as text; grows with each change.
    pub version: String,
    /// When it last changed.
    pub last_updated: Timestamp,
    /// In the order in which they are evaluated.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// A rule of a ruleset, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    /// 32 hexadecimal digits; a new one each time the ruleset is put, unless `ref` is sent.
    pub id: String,
    /// A number as text; grows with each change of the rule.
    pub version: String,
    /// For example `block`.
    pub action: String,
    /// What the action needs, by action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_parameters: Option<Value>,
    /// In the rules language.
    pub expression: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// When it last changed.
    pub last_updated: Timestamp,
    /// The user's name for the rule; its own id where none was sent.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whether it is evaluated at all.
    pub enabled: bool,
    /// Of a rate-limiting rule: characteristics, `period`, `requests_per_period`,
    /// `mitigation_timeout` (seconds), and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratelimit: Option<Value>,
    /// Whether skipping it is logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Value>,
}

/// Which Worker answers which URLs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Route {
    /// 32 hexadecimal digits.
    pub id: String,
    /// For example `api.example.com/v1/*`.
    pub pattern: String,
    /// The script's name; none lets matching requests pass by any Worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

impl Zone {
    /// The zone as the API shows it; the account's name comes from outside.
    pub fn show(&self, account_name: &str) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "status": "active",
            "paused": false,
            "type": "full",
            "development_mode": 0,
            "name_servers": ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
            "original_name_servers": null,
            "original_registrar": null,
            "original_dnshost": null,
            "modified_on": self.modified_on,
            "created_on": self.created_on,
            "activated_on": self.created_on,
            "meta": {
                "step": 4, "custom_certificate_quota": 0, "page_rule_quota": 3,
                "phishing_detected": false
            },
            "owner": {"id": null, "type": "user", "email": null},
            "account": {"id": self.account, "name": account_name},
            "tenant": {"id": null, "name": null},
            "tenant_unit": {"id": null},
            "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:edit", "#zone:read",
                "#zone_settings:edit", "#zone_settings:read", "#worker:edit", "#worker:read",
                "#waf:edit", "#waf:read"],
            // The plan whose rules language the edge speaks: no regular expressions.
            "plan": {
                "id": stable_id("plan pro"), "name": "Pro Website",
                "price": 20, "currency": "USD", "frequency": "monthly", "is_subscribed": true,
                "can_subscribe": true, "legacy_id": "pro", "legacy_discount": false,
                "externally_managed": false
            },
        })
    }
}
