//! The kinds, one file each: what it is, how it is normalised, and the calls that list, make, change
//! and remove it.

mod cache_rule;
mod dns_record;
mod gateway_list;
mod gateway_rule;
mod kv_namespace;
mod r2_bucket;
mod rate_limit;
mod ruleset;
mod waf_rule;
mod worker_route;
mod worker_script;
mod zone_setting;

use std::collections::BTreeMap;

use async_trait::async_trait;
use bus_schema::{KindName, Resource};
use serde_json::Value;

use super::api::Api;
use crate::Observed;
use crate::error::Error;
use crate::kind::Kind;

/// A kind with its calls: those of [`crate::Cloud`], the place and the attempt being in `api`.
#[async_trait]
pub(super) trait Operations: Kind {
    /// The path below its place that its objects are written at, in segments, ids left out.
    fn collection(&self) -> &'static [&'static str];
    async fn list(&self, api: &Api<'_>) -> Result<Vec<Observed>, Error>;
    /// What objects carry that the kind does not own, by id.
    async fn unowned(&self, _: &Api<'_>) -> Result<BTreeMap<String, Vec<String>>, Error> {
        Ok(BTreeMap::new())
    }
    async fn read(&self, api: &Api<'_>, id: &str) -> Result<Option<Observed>, Error>;
    async fn create(&self, api: &Api<'_>, resource: &Resource) -> Result<Observed, Error>;
    async fn update(&self, api: &Api<'_>, resource: &Resource, id: &str)
    -> Result<Observed, Error>;
    async fn delete(&self, api: &Api<'_>, id: &str) -> Result<(), Error>;
}

macro_rules! kinds {
    ($($kind:expr),+ $(,)?) => {
        /// Every kind.
        pub(super) const KINDS: &[&dyn Kind] = &[$(&$kind),+];
        /// Every kind with its calls.
        const OPERATIONS: &[&dyn Operations] = &[$(&$kind),+];
    };
}

kinds![
    zone_setting::ZoneSetting,
    dns_record::DnsRecord,
    waf_rule::WafRule,
    rate_limit::RateLimit,
    cache_rule::CacheRule,
    worker_script::WorkerScript,
    worker_route::WorkerRoute,
    kv_namespace::KvNamespace,
    r2_bucket::R2Bucket,
    gateway_list::GatewayList,
    gateway_rule::GatewayRule,
];

/// The calls of one kind.
pub(super) fn operations(kind: &KindName) -> Option<&'static dyn Operations> {
    OPERATIONS.iter().copied().find(|it| it.describe().name == kind.as_str())
}

/// The names of the fields of an object, server-set ones aside, that say something and that `ours` does
/// not say as well. Fields within `within` are named one by one.
fn beyond(shown: &Value, ours: &Value, server_set: &[&str], within: &[&str]) -> Vec<String> {
    let mut beyond = Vec::new();
    for (field, value) in shown.as_object().into_iter().flatten() {
        let said = ours.get(field).unwrap_or(&Value::Null);
        if server_set.contains(&field.as_str()) || !says(value) || value == said {
            continue;
        }
        if within.contains(&field.as_str()) {
            let inner = self::beyond(value, said, &[], &[]);
            beyond.extend(inner.into_iter().map(|inner| format!("{field}.{inner}")));
        } else {
            beyond.push(field.clone());
        }
    }
    beyond
}

/// Whether a value is another than what stands for nothing.
fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(says),
        Value::Object(fields) => fields.values().any(says),
    }
}

/// A text field of what Cloudflare shows.
fn text(object: &Value, field: &str) -> Option<String> {
    object.get(field)?.as_str().map(str::to_owned)
}

fn outputs<const N: usize>(outputs: [(&str, &str); N]) -> BTreeMap<String, String> {
    outputs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod drift_tests;
#[cfg(test)]
mod tests;
