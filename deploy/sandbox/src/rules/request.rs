//! What the rules see of a request.

use std::net::IpAddr;

/// A request as it stands at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// For example `GET`.
    pub method: String,
    /// Whether it came, or is to be taken as having come, over TLS.
    pub tls: bool,
    /// Lower-cased, without a port.
    pub host: String,
    /// With its leading `/`.
    pub path: String,
    /// Without `?`; empty where there is none.
    pub query: String,
    /// For example `HTTP/1.1`.
    pub version: String,
    /// In order, names lower-cased; a name may come more than once.
    pub headers: Vec<(String, String)>,
    /// The client's address.
    pub client: IpAddr,
    /// ISO 3166-1 alpha-2, or `XX` where nobody knows.
    pub country: String,
}

impl Request {
    /// The first header of that name, which is lower-case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Path and query.
    pub fn uri(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    /// Scheme, host, path and query.
    pub fn full_uri(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.uri())
    }

    /// The query's parameters as written, not decoded.
    pub(super) fn arguments(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// The cookies as written.
    pub(super) fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter().filter(|(name, _)| name == "cookie");
        let pairs = headers.flat_map(|(_, value)| value.split(';'));
        pairs.filter_map(|pair| pair.trim().split_once('='))
    }
}
