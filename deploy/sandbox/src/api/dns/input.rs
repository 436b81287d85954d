//! What a client sends of a DNS record, and the record it becomes: validated and normalised as
//! Cloudflare does. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::envelope::Failure;
use crate::store::{DnsRecord, Zone, new_id, now};

/// A record as sent; in a PATCH what is missing stays.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Input {
    /// In a batch: which record.
    #[serde(default)]
    pub(super) id: Option<String>,
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    content: Option<String>,
    ttl: Option<f64>,
    proxied: Option<bool>,
    priority: Option<u16>,
    // Told apart: left out, and sent as null to remove it.
    #[serde(default, deserialize_with = "present")]
    comment: Option<Value>,
    tags: Option<Vec<String>>,
    settings: Option<Map<String, Value>>,
    data: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A validation error in Cloudflare's shape: the general code above the particular one.
fn invalid(code: u32, message: &str) -> Failure {
    Failure::new(400, 1004, "DNS Validation Error").chain(code, message)
}

impl Input {
    /// A new record.
    pub(super) fn create(self, zone: &Zone) -> Result<DnsRecord, Failure> {
        let blank = DnsRecord {
            id: new_id(),
            name: String::new(),
            kind: String::new(),
            content: String::new(),
            proxiable: false,
            proxied: false,
            ttl: 1,
            priority: None,
            settings: Map::new(),
            meta: Map::new(),
            comment: None,
            tags: Vec::new(),
            created_on: now(),
            modified_on: now(),
        };
        self.over(blank, zone)
    }

    /// The record that replaces another: what is missing falls back to its default.
    pub(super) fn replace(self, old: &DnsRecord, zone: &Zone) -> Result<DnsRecord, Failure> {
        let mut record = self.create(zone)?;
        record.id.clone_from(&old.id);
        record.created_on = old.created_on;
        Ok(record)
    }

    /// The record with what was sent put over it.
    pub(super) fn over(self, mut record: DnsRecord, zone: &Zone) -> Result<DnsRecord, Failure> {
        if self.data.is_some() {
            return Err(Failure::unsupported("DNS records made of `data`"));
        }
        record.kind = self.kind.unwrap_or(record.kind).to_ascii_uppercase();
        if let Some(name) = self.name {
            record.name = name_in(&name, zone)?;
        }
        if record.name.is_empty() {
            return Err(invalid(9000, "DNS name is required."));
        }
        let content = self.content.unwrap_or(record.content);
        record.content = content_of(&record.kind, &content, zone)?;
        record.priority = self.priority.or(record.priority);
        if record.kind == "MX" && record.priority.is_none() {
            return Err(invalid(9100, "priority is required for MX records."));
        }
        record.proxiable = matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME");
        record.proxied = self.proxied.unwrap_or(record.proxied);
        if record.proxied && !record.proxiable {
            return Err(invalid(9004, "This record type cannot be proxied."));
        }
        if record.proxied && private(&record.content) {
            let message = format!("Target {} is not allowed for a proxied record.", record.content);
            return Err(invalid(9003, &message));
        }
        let ttl = match self.ttl {
            Some(ttl) => seconds(ttl)?,
            None => record.ttl,
        };
        record.ttl = if record.proxied { 1 } else { ttl };
        if let Some(comment) = self.comment {
            record.comment =
                comment.as_str().filter(|comment| !comment.is_empty()).map(ToOwned::to_owned);
        }
        if record.comment.as_ref().is_some_and(|comment| comment.chars().count() > 500) {
            return Err(invalid(9211, "Comment is longer than 500 characters."));
        }
        record.tags = self.tags.unwrap_or(record.tags);
        record.settings = self.settings.unwrap_or(record.settings);
        record.modified_on = now();
        Ok(record)
    }
}

/// Seconds as Cloudflare takes them; some clients send `1.0`.
fn seconds(ttl: f64) -> Result<u32, Failure> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the range is checked next"
    )]
    let ttl = ttl as u32;
    if ttl == 1 || (30..=86_400).contains(&ttl) {
        Ok(ttl)
    } else {
        Err(invalid(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic."))
    }
}

/// A name lower-cased and made absolute, without the last dot.
pub(super) fn name_in(name: &str, zone: &Zone) -> Result<String, Failure> {
    let bad = || invalid(9000, "DNS name is invalid.");
    let trimmed = name.trim().trim_end_matches('.');
    if trimmed.is_empty() {
        return Err(bad());
    }
    if trimmed == "@" {
        return Ok(zone.name.clone());
    }
    let ascii = idna::domain_to_ascii(trimmed).map_err(|_| bad())?;
    let absolute = if zone.covers(&ascii) { ascii } else { format!("{ascii}.{}", zone.name) };
    if host(absolute.strip_prefix("*.").unwrap_or(&absolute)) { Ok(absolute) } else { Err(bad()) }
}

fn host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.len() <= 253 && name.split('.').all(label)
}

fn content_of(kind: &str, content: &str, zone: &Zone) -> Result<String, Failure> {
    let content = content.trim();
    let target = |code: u32, what: &str| {
        if content == "@" {
            return Ok(zone.name.clone());
        }
        let name = content.trim_end_matches('.').to_ascii_lowercase();
        if name.contains('.') && host(&name) { Ok(name) } else { Err(invalid(code, what)) }
    };
    match kind {
        "A" => content
            .parse::<Ipv4Addr>()
            .map(|address| address.to_string())
            .map_err(|_| invalid(9005, "Content for A record must be a valid IPv4 address.")),
        "AAAA" => content
            .parse::<Ipv6Addr>()
            .map(|address| address.to_string())
            .map_err(|_| invalid(9006, "Content for AAAA record must be a valid IPv6 address.")),
        "CNAME" => target(9007, "Content for CNAME record is invalid."),
        "MX" => target(9009, "Content for MX record must be a hostname."),
        "NS" => target(9008, "Content for NS record must be a hostname."),
        "TXT" if content.is_empty() => Err(invalid(9019, "Content for TXT record is required.")),
        "TXT" => Ok(quoted(content)),
        "" => Err(invalid(9002, "DNS record type is required.")),
        "CAA" | "CERT" | "DNSKEY" | "DS" | "HTTPS" | "LOC" | "NAPTR" | "PTR" | "SMIMEA" | "SRV"
        | "SSHFP" | "SVCB" | "TLSA" | "URI" => {
            Err(Failure::unsupported(&format!("DNS records of type {kind}")))
        }
        _ => Err(invalid(9001, "DNS record type is invalid.")),
    }
}

/// TXT content as quoted strings of at most 255 bytes, as Cloudflare keeps it; what comes quoted
/// stays.
fn quoted(content: &str) -> String {
    if content.len() >= 2 && content.starts_with('"') && content.ends_with('"') {
        return content.to_owned();
    }
    let mut strings = vec![String::new()];
    for character in content.chars() {
        if strings.last().is_some_and(|last| last.len() + character.len_utf8() > 255) {
            strings.push(String::new());
        }
        if let Some(last) = strings.last_mut() {
            last.push(character);
        }
    }
    let each: Vec<String> =
        strings.iter().map(|string| format!("\"{}\"", string.replace('"', "\\\""))).collect();
    each.join(" ")
}

/// Addresses that the edge could never reach.
fn private(content: &str) -> bool {
    match content.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
        }
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unspecified(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(json: &str) -> Result<DnsRecord, Failure> {
        let input: Input = serde_json::from_str(json).unwrap();
        input.create(&Zone::new("example.com", "a"))
    }

    #[test]
    fn names_are_lower_cased_and_made_absolute() {
        let name = |name: &str| {
            made(&format!(r#"{{"type":"a","name":"{name}","content":"203.0.113.1"}}"#))
                .map(|record| record.name)
        };
        assert_eq!(name("API").unwrap(), "api.example.com");
        assert_eq!(name("Api.Example.com.").unwrap(), "api.example.com");
        assert_eq!(name("@").unwrap(), "example.com");
        assert_eq!(name("*").unwrap(), "*.example.com");
        assert_eq!(name("_dmarc").unwrap(), "_dmarc.example.com");
        assert_eq!(name("münchen").unwrap(), "xn--mnchen-3ya.example.com");
        assert!(name("a b").is_err());
        assert!(name("a..b").is_err());
        assert!(name(&"x".repeat(64)).is_err());
    }

    #[test]
    fn proxied_forces_an_automatic_ttl() {
        let record =
            made(r#"{"type":"A","name":"x","content":"203.0.113.1","ttl":300,"proxied":true}"#);
        assert_eq!(record.unwrap().ttl, 1);
    }

    #[test]
    fn content_is_checked_and_written_canonically() {
        let content = |kind: &str, content: &str| {
            made(&serde_json::json!({"type": kind, "name": "x", "content": content}).to_string())
                .map(|record| record.content)
        };
        assert_eq!(content("AAAA", "2001:DB8:0:0::1").unwrap(), "2001:db8::1");
        assert_eq!(content("CNAME", "Target.Example.NET.").unwrap(), "target.example.net");
        assert_eq!(content("TXT", "v=spf1 -all").unwrap(), "\"v=spf1 -all\"");
        assert_eq!(content("TXT", "\"kept\"").unwrap(), "\"kept\"");
        assert!(content("TXT", &"x".repeat(300)).unwrap().contains("\" \""));
        assert!(content("A", "2001:db8::1").is_err());
        assert!(content("SRV", "x").is_err());
        assert!(content("NOPE", "x").is_err());
    }
}
