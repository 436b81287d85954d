//! The zone settings the sandbox knows: their defaults and the values they take.

use serde_json::{Value, json};

/// What a setting's value may be.
#[derive(Debug, Clone, Copy)]
pub enum Allowed {
    /// One of these texts.
    One(&'static [&'static str]),
    /// One of these numbers.
    Number(&'static [i64]),
    /// A number in a range, both ends included.
    Between(i64, i64),
    /// A list of some of these texts, or of any where there are none named.
    Some(&'static [&'static str]),
    /// An object; it is kept as it is sent.
    Object,
}

const ON_OFF: Allowed = Allowed::One(&["off", "on"]);

/// Every setting: its name, its default as JSON, its values.
pub const ALL: &[(&str, &str, Allowed)] = &[
    ("0rtt", r#""off""#, ON_OFF),
    ("advanced_ddos", r#""on""#, ON_OFF),
    ("always_online", r#""off""#, ON_OFF),
    ("always_use_https", r#""off""#, ON_OFF),
    ("automatic_https_rewrites", r#""on""#, ON_OFF),
    ("brotli", r#""on""#, ON_OFF),
    (
        "browser_cache_ttl",
        "14400",
        Allowed::Number(&[
            0, 30, 60, 120, 300, 1200, 1800, 3600, 7200, 10_800, 14_400, 18_000, 28_800, 43_200,
            57_600, 72_000, 86_400, 172_800, 259_200, 345_600, 432_000, 691_200, 1_382_400,
            2_073_600, 2_678_400, 5_356_800, 16_070_400, 31_536_000,
        ]),
    ),
    ("browser_check", r#""on""#, ON_OFF),
    ("cache_level", r#""aggressive""#, Allowed::One(&["aggressive", "basic", "simplified"])),
    (
        "challenge_ttl",
        "1800",
        Allowed::Number(&[
            300, 900, 1800, 2700, 3600, 7200, 10_800, 14_400, 28_800, 57_600, 86_400, 604_800,
            2_592_000, 31_536_000,
        ]),
    ),
    ("ciphers", "[]", Allowed::Some(&[])),
    ("development_mode", r#""off""#, ON_OFF),
    ("early_hints", r#""off""#, ON_OFF),
    ("email_obfuscation", r#""on""#, ON_OFF),
    ("h2_prioritization", r#""off""#, Allowed::One(&["off", "on", "custom"])),
    ("hotlink_protection", r#""off""#, ON_OFF),
    ("http2", r#""on""#, ON_OFF),
    ("http3", r#""on""#, ON_OFF),
    ("ip_geolocation", r#""on""#, ON_OFF),
    ("ipv6", r#""on""#, ON_OFF),
    ("max_upload", "100", Allowed::Between(100, 500)),
    ("min_tls_version", r#""1.0""#, Allowed::One(&["1.0", "1.1", "1.2", "1.3"])),
    ("opportunistic_encryption", r#""on""#, ON_OFF),
    ("opportunistic_onion", r#""on""#, ON_OFF),
    ("orange_to_orange", r#""off""#, ON_OFF),
    ("origin_error_page_pass_thru", r#""off""#, ON_OFF),
    ("polish", r#""off""#, Allowed::One(&["off", "lossless", "lossy"])),
    ("prefetch_preload", r#""off""#, ON_OFF),
    ("privacy_pass", r#""on""#, ON_OFF),
    ("pseudo_ipv4", r#""off""#, Allowed::One(&["off", "add_header", "overwrite_header"])),
    ("replace_insecure_js", r#""on""#, ON_OFF),
    ("response_buffering", r#""off""#, ON_OFF),
    ("rocket_loader", r#""off""#, ON_OFF),
    (
        "security_header",
        r#"{"strict_transport_security":{"enabled":false,"max_age":0,"include_subdomains":false,"preload":false,"nosniff":false}}"#,
        Allowed::Object,
    ),
    (
        "security_level",
        r#""medium""#,
        Allowed::One(&["off", "essentially_off", "low", "medium", "high", "under_attack"]),
    ),
    ("server_side_exclude", r#""on""#, ON_OFF),
    ("sort_query_string_for_cache", r#""off""#, ON_OFF),
    ("ssl", r#""full""#, Allowed::One(&["off", "flexible", "full", "strict", "origin_pull"])),
    ("tls_1_3", r#""on""#, Allowed::One(&["on", "off", "zrt"])),
    ("tls_client_auth", r#""off""#, ON_OFF),
    ("true_client_ip_header", r#""off""#, ON_OFF),
    ("waf", r#""off""#, ON_OFF),
    ("webp", r#""off""#, ON_OFF),
    ("websockets", r#""on""#, ON_OFF),
];

/// What a setting is before anybody changes it; none for a setting that does not exist.
pub fn default_of(setting: &str) -> Option<Value> {
    let (_, default, _) = ALL.iter().find(|(name, _, _)| *name == setting)?;
    serde_json::from_str(default).ok()
}

/// The value as Cloudflare keeps it.
///
/// # Errors
/// When the setting does not take it; the text says what it takes.
pub fn accept(setting: &str, value: &Value) -> Result<Value, String> {
    let Some((_, _, allowed)) = ALL.iter().find(|(name, _, _)| *name == setting) else {
        return Err(format!("Undefined zone setting: {setting}"));
    };
    let invalid =
        |takes: String| Err(format!("Invalid value for zone setting {setting}: it takes {takes}"));
    match allowed {
        Allowed::One(texts) => match value.as_str() {
            Some(text) if texts.contains(&text) => Ok(json!(text)),
            _ => invalid(texts.join(", ")),
        },
        Allowed::Number(numbers) => match value.as_i64() {
            Some(number) if numbers.contains(&number) => Ok(json!(number)),
            _ => invalid(format!("one of {numbers:?}")),
        },
        Allowed::Between(low, high) => match value.as_i64() {
            Some(number) if (*low..=*high).contains(&number) => Ok(json!(number)),
            _ => invalid(format!("a number from {low} to {high}")),
        },
        Allowed::Some(texts) => {
            let items = value.as_array().map(Vec::as_slice);
            let fits = |item: &Value| {
                item.as_str().is_some_and(|item| texts.is_empty() || texts.contains(&item))
            };
            match items {
                Some(items) if items.iter().all(fits) => Ok(value.clone()),
                _ => invalid("a list of texts".to_owned()),
            }
        }
        Allowed::Object if value.is_object() => Ok(value.clone()),
        Allowed::Object => invalid("an object".to_owned()),
    }
}
