//! A request as it comes in: what the rules see of it, and what of it goes on.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Version, header};
use serde_json::json;

use crate::rules;

/// Says who the client is; for tests, believed from anybody.
const CLIENT: &str = "x-sandbox-client-ip";
/// Says where the client is, as `KR`; likewise.
const COUNTRY: &str = "x-sandbox-country";
/// `https` here stands for TLS, which the edge does not speak.
pub(super) const PROTO: &str = "x-forwarded-proto";

/// Headers that are about one connection, not about the message.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// How the names begin that a client could pretend with.
const OURS: [&str; 6] =
    ["x-sandbox-", "cf-connecting-", "cf-ipcountry", "cf-ray", "cf-visitor", "true-client-ip"];

/// One visit of a client.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// What rules see, and the rest of the edge with them.
    pub(super) request: rules::Request,
    /// Names this answer, in `cf-ray`.
    pub(super) ray: String,
}

impl Visit {
    /// Reads what came from `peer`, and takes from the headers what must not go on.
    pub(super) fn of(peer: IpAddr, request: &mut Request<Body>) -> Self {
        let tls = text(request.headers(), PROTO) == Some("https");
        let client = text(request.headers(), CLIENT).and_then(|ip| ip.parse().ok()).unwrap_or(peer);
        let country = text(request.headers(), COUNTRY).unwrap_or("XX").to_ascii_uppercase();
        let ours = |name: &HeaderName| OURS.iter().any(|prefix| name.as_str().starts_with(prefix));
        let pretended: Vec<HeaderName> =
            request.headers().keys().filter(|name| ours(name)).cloned().collect();
        for name in pretended {
            request.headers_mut().remove(name);
        }
        strip(request.headers_mut());
        let host = text(request.headers(), "host").or_else(|| request.uri().host());
        let host = host.unwrap_or_default().to_owned();
        Self {
            ray: format!("{:016x}-ZDR", rand::random::<u64>()),
            request: rules::Request {
                method: request.method().to_string(),
                tls,
                host: bare(&host),
                path: request.uri().path().to_owned(),
                query: request.uri().query().unwrap_or_default().to_owned(),
                version: version(request.version()).to_owned(),
                headers: headers(request.headers()),
                client,
                country,
            },
        }
    }

    /// What `request.cf` is in a Worker, as JSON.
    pub(super) fn cf(&self) -> String {
        json!({
            "colo": "ZDR",
            "country": self.request.country,
            "httpProtocol": self.request.version,
            "tlsVersion": if self.request.tls { "TLSv1.3" } else { "" },
        })
        .to_string()
    }

    /// What Cloudflare tells those behind it of the client.
    pub(super) fn introduce(&self, headers: &mut HeaderMap) {
        let scheme = if self.request.tls { "https" } else { "http" };
        let client = self.request.client.to_string();
        let forwarded = match text(headers, "x-forwarded-for") {
            Some(before) => format!("{before}, {client}"),
            None => client.clone(),
        };
        let told = [
            ("cf-connecting-ip", client),
            ("cf-ipcountry", self.request.country.clone()),
            ("cf-ray", self.ray.clone()),
            ("cf-visitor", json!({"scheme": scheme}).to_string()),
            ("x-forwarded-for", forwarded),
            (PROTO, scheme.to_owned()),
        ];
        for (name, value) in told {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

/// Takes out what is about the connection.
pub(super) fn strip(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// A header that is plain text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Lower-case, without port and final dot.
pub(super) fn bare(host: &str) -> String {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    without_port.trim_end_matches('.').to_ascii_lowercase()
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}
