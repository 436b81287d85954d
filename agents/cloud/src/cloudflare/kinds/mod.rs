//! The kinds, one file each: what it is, how it is normalised, and the calls that list, make, change
//! and remove it.

pub(crate) mod cache_rule;
pub(crate) mod dns_record;
pub(crate) mod gateway_list;
pub(crate) mod gateway_rule;
pub(crate) mod kv_namespace;
pub(crate) mod r2_bucket;
pub(crate) mod rate_limit;
pub(crate) mod ruleset;
pub(crate) mod waf_rule;
pub(crate) mod worker_route;
pub(crate) mod worker_script;
pub(crate) mod zone_setting;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kind::Kind;

/// An object through its kind's projection.
pub(crate) type Projected = crate::Observed;

/// Every kind.
pub(super) static KINDS: [&dyn Kind; 11] = [
    &zone_setting::ZoneSetting,
    &dns_record::DnsRecord,
    &waf_rule::WafRule,
    &rate_limit::RateLimit,
    &cache_rule::CacheRule,
    &worker_script::WorkerScript,
    &worker_route::WorkerRoute,
    &kv_namespace::KvNamespace,
    &r2_bucket::R2Bucket,
    &gateway_list::GatewayList,
    &gateway_rule::GatewayRule,
];

/// A text field of what Cloudflare shows.
fn text(object: &Value, field: &str) -> Option<String> {
    object.get(field)?.as_str().map(str::to_owned)
}

fn outputs<const N: usize>(outputs: [(&str, &str); N]) -> BTreeMap<String, String> {
    outputs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
