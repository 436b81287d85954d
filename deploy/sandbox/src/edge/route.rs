//! Which Worker route a URL falls under. No I/O.

use crate::rules::Request;
use crate::store::Route;

/// The route that wins for a request: of those that match, the most specific. One without a script
/// wins too, and means that no Worker answers.
pub(super) fn choose<'a>(routes: &'a [Route], request: &Request) -> Option<&'a Route> {
    let matching = routes.iter().filter(|route| Pattern::of(&route.pattern).matches(request));
    matching.max_by_key(|route| Pattern::of(&route.pattern).specificity())
}

/// `[scheme://]host[/path]`; `*` may begin the host and end the path. The query is no part of it.
#[derive(Debug)]
struct Pattern<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    path: &'a str,
}

impl<'a> Pattern<'a> {
    fn of(pattern: &'a str) -> Self {
        let (scheme, rest) = match pattern.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, pattern),
        };
        let at = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        Self { scheme, host, path: if path.is_empty() { "/" } else { path } }
    }

    fn matches(&self, request: &Request) -> bool {
        let scheme = if request.tls { "https" } else { "http" };
        let host = match self.host.strip_prefix('*') {
            Some(end) => request.host.ends_with(&end.to_ascii_lowercase()),
            None => request.host.eq_ignore_ascii_case(self.host),
        };
        let path = match self.path.strip_suffix('*') {
            Some(start) => request.path.starts_with(start),
            None => request.path == self.path,
        };
        host && path && self.scheme.is_none_or(|wanted| wanted == scheme)
    }

    /// Greater is more specific: a whole host before a part of one, then the longer, then a whole
    /// path before a part of one, then the longer.
    fn specificity(&self) -> (bool, usize, bool, usize, bool) {
        let whole_path = !self.path.ends_with('*');
        let whole_host = !self.host.starts_with('*');
        (whole_host, self.host.len(), whole_path, self.path.len(), self.scheme.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> Request {
        let url = url::Url::parse(url).expect("a URL");
        Request {
            method: "GET".to_owned(),
            tls: url.scheme() == "https",
            host: url.host_str().unwrap_or_default().to_owned(),
            path: url.path().to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
            version: "HTTP/1.1".to_owned(),
            headers: Vec::new(),
            client: [192, 0, 2, 1].into(),
            country: "XX".to_owned(),
        }
    }

    fn routes(patterns: &[&str]) -> Vec<Route> {
        let route = |pattern: &&str| Route {
            id: String::new(),
            pattern: (*pattern).to_owned(),
            script: Some((*pattern).to_owned()),
        };
        patterns.iter().map(route).collect()
    }

    #[test]
    fn the_most_specific_route_wins() {
        let routes = routes(&[
            "*example.com/*",
            "*.example.com/*",
            "api.example.com/*",
            "api.example.com/v1/*",
            "api.example.com/v1/exact",
            "https://api.example.com/tls/*",
        ]);
        for (url, wins) in [
            ("http://example.com/", Some("*example.com/*")),
            ("http://www.example.com/", Some("*.example.com/*")),
            ("http://api.example.com/x", Some("api.example.com/*")),
            ("http://api.example.com/v1/x?y=z", Some("api.example.com/v1/*")),
            ("http://api.example.com/v1/exact", Some("api.example.com/v1/exact")),
            ("https://api.example.com/tls/x", Some("https://api.example.com/tls/*")),
            ("http://api.example.com/tls/x", Some("api.example.com/*")),
            ("http://example.org/", None),
        ] {
            let chosen = choose(&routes, &request(url)).map(|route| route.pattern.as_str());
            assert_eq!(chosen, wins, "{url}");
        }
    }

    #[test]
    fn a_host_alone_is_its_root() {
        let routes = routes(&["example.com"]);
        assert!(choose(&routes, &request("http://example.com/")).is_some());
        assert!(choose(&routes, &request("http://example.com/x")).is_none());
    }
}
