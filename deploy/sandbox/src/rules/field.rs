//! The fields there are: name, type, and how each is read from a request.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Request;
use super::ast::Type;

/// A field of a request.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    /// Gateway's fields are checked and never evaluated: they read as missing.
    pub(super) read: fn(&Request) -> Datum,
}

/// A value read from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Datum {
    /// An absent header, say. Every test of it is false but `ne`, as on Cloudflare.
    Missing,
    Bool(bool),
    Int(i64),
    Text(String),
    Address(IpAddr),
    Array(Vec<Datum>),
    Map(BTreeMap<String, Vec<String>>),
}

impl Datum {
    fn map<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            map.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        Self::Map(map)
    }

    fn names<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self::Array(pairs.map(|(name, _)| Self::Text(name.to_owned())).collect())
    }

    fn values<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self::Array(pairs.map(|(_, value)| Self::Text(value.to_owned())).collect())
    }
}

fn headers(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// These read as empty, not missing, where the header is absent.
fn header(request: &Request, name: &str) -> Datum {
    Datum::Text(request.header(name).unwrap_or_default().to_owned())
}

fn extension(request: &Request) -> Datum {
    let file = request.path.rsplit('/').next().unwrap_or_default();
    Datum::Text(file.rsplit_once('.').map_or(String::new(), |(_, end)| end.to_lowercase()))
}

const fn field(name: &'static str, kind: Type, read: fn(&Request) -> Datum) -> Field {
    Field { name, kind, read }
}

const fn unread(name: &'static str, kind: Type) -> Field {
    Field { name, kind, read: |_| Datum::Missing }
}

/// The fields of a zone's rules.
pub(super) static ZONE: [Field; 29] = [
    field("http.host", Type::Text, |r| Datum::Text(r.host.clone())),
    field("http.request.method", Type::Text, |r| Datum::Text(r.method.clone())),
    field("http.request.uri", Type::Text, |r| Datum::Text(r.uri())),
    field("http.request.uri.path", Type::Text, |r| Datum::Text(r.path.clone())),
    field("http.request.uri.path.extension", Type::Text, extension),
    field("http.request.uri.query", Type::Text, |r| Datum::Text(r.query.clone())),
    field("http.request.uri.args", Type::Map, |r| Datum::map(r.arguments())),
    field("http.request.uri.args.names", Type::Texts, |r| Datum::names(r.arguments())),
    field("http.request.uri.args.values", Type::Texts, |r| Datum::values(r.arguments())),
    field("http.request.full_uri", Type::Text, |r| Datum::Text(r.full_uri())),
    field("http.request.version", Type::Text, |r| Datum::Text(r.version.clone())),
    field("http.request.headers", Type::Map, |r| Datum::map(headers(r))),
    field("http.request.headers.names", Type::Texts, |r| Datum::names(headers(r))),
    field("http.request.headers.values", Type::Texts, |r| Datum::values(headers(r))),
    field("http.request.cookies", Type::Map, |r| Datum::map(r.cookies())),
    field("http.user_agent", Type::Text, |r| header(r, "user-agent")),
    field("http.referer", Type::Text, |r| header(r, "referer")),
    field("http.cookie", Type::Text, |r| header(r, "cookie")),
    field("http.x_forwarded_for", Type::Text, |r| header(r, "x-forwarded-for")),
    // Nothing here normalises a URI, so that raw fields are the same.
    field("raw.http.request.uri", Type::Text, |r| Datum::Text(r.uri())),
    field("raw.http.request.uri.path", Type::Text, |r| Datum::Text(r.path.clone())),
    field("raw.http.request.uri.query", Type::Text, |r| Datum::Text(r.query.clone())),
    field("raw.http.request.full_uri", Type::Text, |r| Datum::Text(r.full_uri())),
    field("ip.src", Type::Address, |r| Datum::Address(r.client)),
    field("ip.src.country", Type::Text, |r| Datum::Text(r.country.clone())),
    field("ip.geoip.country", Type::Text, |r| Datum::Text(r.country.clone())),
    field("ssl", Type::Bool, |r| Datum::Bool(r.tls)),
    // Cloudflare itself answers 0 since it retired the score.
    field("cf.threat_score", Type::Int, |_| Datum::Int(0)),
    field("cf.client.bot", Type::Bool, |_| Datum::Bool(false)),
];

/// The fields of Gateway's DNS rules.
pub(super) static GATEWAY_DNS: [Field; 10] = [
    unread("dns.fqdn", Type::Text),
    unread("dns.domains", Type::Texts),
    unread("dns.query_rtype", Type::Text),
    unread("dns.location", Type::Text),
    unread("dns.src_ip", Type::Address),
    unread("dns.src.geo.country", Type::Text),
    unread("dns.security_category", Type::Ints),
    unread("dns.content_category", Type::Ints),
    unread("dns.app.ids", Type::Ints),
    unread("dns.resolved_ips", Type::Texts),
];

/// The fields of Gateway's HTTP rules.
pub(super) static GATEWAY_HTTP: [Field; 12] = [
    unread("http.request.host", Type::Text),
    unread("http.request.domains", Type::Texts),
    unread("http.request.uri", Type::Text),
    unread("http.request.uri.path", Type::Text),
    unread("http.request.uri.query", Type::Text),
    unread("http.request.method", Type::Text),
    unread("http.request.referer", Type::Text),
    unread("http.request.uri.security_category", Type::Ints),
    unread("http.request.uri.content_category", Type::Ints),
    unread("http.conn.hostname", Type::Text),
    unread("http.src.geo.country", Type::Text),
    unread("app.ids", Type::Ints),
];

/// Fields Cloudflare has and this account's plan would not, with what they need.
pub(super) const NOT_ENTITLED: [(&str, &str); 4] = [
    ("cf.bot_management.", "Bot Management"),
    ("cf.waf.", "WAF Attack Score"),
    ("http.request.body.", "an Enterprise plan"),
    ("ip.src.is_in_european_union", "a Business plan"),
];
