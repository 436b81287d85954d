//! Who may do what: from a call's method and path to the permission it needs, and from a token to
//! whether it has it. Pure.

use serde_json::{Value, json};

use crate::store::{Grant, Policy, Token, World, stable_id};

/// What a call needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permission {
    /// The area, as the permission groups name it, for example `DNS`.
    pub(super) area: &'static str,
    /// Whether it changes anything.
    pub(super) write: bool,
    /// Where.
    pub(super) place: Place,
}

/// Where a permission is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The user behind the token.
    User,
    /// An account's id.
    Account(String),
    /// A zone's id.
    Zone(String),
    /// Anywhere; a listing shows what the token may see.
    Anywhere,
}

/// Areas of an account, each with a Read and a Write permission group.
const ACCOUNT: &[&str] = &[
    "Account Settings",
    "Workers Scripts",
    "Workers KV Storage",
    "Workers R2 Storage",
    "Zero Trust",
    "Account API Tokens",
];
/// Areas of a zone.
const ZONE: &[&str] =
    &["Zone", "Zone Settings", "DNS", "Zone WAF", "Cache Settings", "Workers Routes"];
/// Areas of a user.
const USER: &[&str] = &["API Tokens", "User Details"];

/// What a call needs; none where any valid token will do.
pub(super) fn required(method: &str, path: &str, body_phase: Option<&str>) -> Option<Permission> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let reads = method == "GET" || method == "HEAD" || path.ends_with("/bulk/get");
    let (area, place) = match segments.as_slice() {
        ["zones"] => ("Zone", Place::Anywhere),
        ["zones", zone, rest @ ..] => {
            let area = match rest {
                ["dns_records", ..] => "DNS",
                ["settings", ..] => "Zone Settings",
                ["rulesets", "phases", "http_request_cache_settings", ..] => "Cache Settings",
                ["rulesets", ..] if body_phase == Some("http_request_cache_settings") => {
                    "Cache Settings"
                }
                ["rulesets", ..] => "Zone WAF",
                ["workers", ..] => "Workers Routes",
                _ => "Zone",
            };
            (area, Place::Zone((*zone).to_owned()))
        }
        ["user", "tokens", "verify"] | ["accounts", _, "tokens", "verify"] | ["accounts"] => {
            return None;
        }
        ["user", "tokens", ..] => ("API Tokens", Place::User),
        ["accounts", account, rest @ ..] => {
            let area = match rest {
                ["workers", ..] => "Workers Scripts",
                ["storage", "kv", ..] => "Workers KV Storage",
                ["r2", ..] => "Workers R2 Storage",
                ["gateway", ..] => "Zero Trust",
                ["tokens", ..] => "Account API Tokens",
                _ => "Account Settings",
            };
            (area, Place::Account((*account).to_owned()))
        }
        _ => return None,
    };
    Some(Permission { area, write: !reads, place })
}

/// Whether the token has the permission.
pub(super) fn allowed(world: &World, token: &Token, needed: &Permission) -> bool {
    let policies = match &token.grant {
        Grant::Full => return true,
        Grant::Reading => return !needed.write,
        Grant::Policies(policies) => policies,
    };
    let covers = |policy: &&Policy| {
        let named = policy.permission_groups.iter().any(|group| {
            let name = name_of(&group.id).unwrap_or_default();
            name == format!("{} Write", needed.area)
                || (!needed.write && name == format!("{} Read", needed.area))
        });
        named
            && policy.resources.iter().any(|(key, value)| within(world, key, value, &needed.place))
    };
    policies.iter().any(|policy| policy.effect == "allow" && covers(&policy))
        && !policies.iter().any(|policy| policy.effect == "deny" && covers(&policy))
}

/// Whether a resource of a policy takes in a place.
fn within(world: &World, key: &str, value: &Value, place: &Place) -> bool {
    // `{"com.cloudflare.api.account.<id>": {"com.cloudflare.api.account.zone.*": "*"}}`
    if let Value::Object(nested) = value {
        let account = key.strip_prefix("com.cloudflare.api.account.").unwrap_or_default();
        let owned = match place {
            Place::Zone(zone) => {
                world.zones.get(zone).is_some_and(|zone| account == "*" || zone.account == account)
            }
            Place::Anywhere => true,
            Place::User | Place::Account(_) => false,
        };
        return owned && nested.iter().any(|(key, value)| within(world, key, value, place));
    }
    let is = |prefix: &str, id: &str| {
        key.strip_prefix(prefix).is_some_and(|rest| rest == "*" || rest == id)
    };
    match place {
        Place::Anywhere => true,
        Place::User => key.starts_with("com.cloudflare.api.user."),
        Place::Account(id) => is("com.cloudflare.api.account.", id),
        Place::Zone(id) => {
            is("com.cloudflare.api.account.zone.", id)
                || world
                    .zones
                    .get(id)
                    .is_some_and(|zone| is("com.cloudflare.api.account.", &zone.account))
        }
    }
}

/// Every permission group. Their ids are this sandbox's own, the same in every sandbox.
pub(super) fn groups() -> Vec<Value> {
    let scopes = [
        ("com.cloudflare.api.account", ACCOUNT),
        ("com.cloudflare.api.account.zone", ZONE),
        ("com.cloudflare.api.user", USER),
    ];
    scopes
        .iter()
        .flat_map(|(scope, areas)| {
            areas.iter().flat_map(move |area| {
                ["Read", "Write"].map(|right| {
                    let name = format!("{area} {right}");
                    json!({"id": group_id(&name), "name": name, "scopes": [scope]})
                })
            })
        })
        .collect()
}

/// The name of a permission group.
pub(super) fn name_of(id: &str) -> Option<String> {
    [ACCOUNT, ZONE, USER]
        .iter()
        .flat_map(|areas| areas.iter())
        .flat_map(|area| [format!("{area} Read"), format!("{area} Write")])
        .find(|name| group_id(name) == id)
}

fn group_id(name: &str) -> String {
    stable_id(&format!("permission group {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(method: &str, path: &str) -> Option<(&'static str, bool)> {
        required(method, path, None).map(|needed| (needed.area, needed.write))
    }

    #[test]
    fn a_path_tells_its_permission() {
        assert_eq!(needs("GET", "/zones/z/dns_records"), Some(("DNS", false)));
        assert_eq!(needs("POST", "/zones/z/dns_records"), Some(("DNS", true)));
        assert_eq!(needs("PATCH", "/zones/z/settings/ssl"), Some(("Zone Settings", true)));
        assert_eq!(
            needs("POST", "/accounts/a/storage/kv/namespaces/n/bulk/get"),
            Some(("Workers KV Storage", false))
        );
        assert_eq!(needs("GET", "/user/tokens/verify"), None);
        assert_eq!(needs("GET", "/accounts/a/tokens/verify"), None);
        assert_eq!(needs("POST", "/user/tokens"), Some(("API Tokens", true)));
        assert_eq!(
            needs("PUT", "/zones/z/rulesets/phases/http_request_cache_settings/entrypoint"),
            Some(("Cache Settings", true))
        );
    }

    #[test]
    fn a_reading_token_reads_everything_and_changes_nothing() {
        let token = Token::reading("t", "v");
        let place = Place::Account("acc".to_owned());
        for area in ACCOUNT {
            let needed = |write| Permission { area, write, place: place.clone() };
            assert!(allowed(&World::default(), &token, &needed(false)), "{area}");
            assert!(!allowed(&World::default(), &token, &needed(true)), "{area}");
        }
    }

    #[test]
    fn a_read_only_token_of_one_zone_reads_that_zone_only() {
        let mut world = World::default();
        world.sow(&crate::store::Seed {
            accounts: vec!["acc".into()],
            zones: vec!["a.com".into(), "b.com".into()],
            tokens: vec![],
            read_tokens: vec![],
        });
        let ids: Vec<String> = world.zones.keys().cloned().collect();
        let mut token = Token::full("t", "v");
        token.grant = Grant::Policies(vec![Policy {
            id: "p".into(),
            effect: "allow".into(),
            resources: [(format!("com.cloudflare.api.account.zone.{}", ids[0]), json!("*"))].into(),
            permission_groups: vec![crate::store::PolicyGroup {
                id: group_id("DNS Read"),
                name: String::new(),
            }],
        }]);
        let needed = |write, zone: &str| Permission {
            area: "DNS",
            write,
            place: Place::Zone(zone.to_owned()),
        };
        assert!(allowed(&world, &token, &needed(false, &ids[0])));
        assert!(!allowed(&world, &token, &needed(true, &ids[0])));
        assert!(!allowed(&world, &token, &needed(false, &ids[1])));
    }
}
