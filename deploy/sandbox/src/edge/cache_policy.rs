//! What may be cached and for how long: from cache rules, the request, and what the origin says.
//! No I/O.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

use super::visit::text;
use crate::rules::Request;

/// What Cloudflare caches without being asked, by the path's extension (its documented list).
const EXTENSIONS: [&str; 60] = [
    "7z", "apk", "avi", "avif", "bin", "bmp", "bz2", "class", "css", "csv", "dmg", "doc", "docx",
    "ejs", "eot", "eps", "exe", "flac", "gif", "gz", "ico", "iso", "jar", "jpeg", "jpg", "js",
    "mid", "midi", "mkv", "mp3", "mp4", "ogg", "otf", "pdf", "pict", "pls", "png", "ppt", "pptx",
    "ps", "rar", "svg", "svgz", "swf", "tar", "tif", "tiff", "ttf", "wasm", "webm", "webp", "woff",
    "woff2", "xls", "xlsx", "xz", "zip", "zst", "jsonld", "mjs",
];

/// What cache rules ask for; later rules win, setting by setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CacheSettings {
    cache: Option<bool>,
    edge: Option<Ttl>,
    browser: Option<Ttl>,
}

/// How a time to live is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ttl {
    /// The origin says it; where it does not, this.
    Origin(Option<Duration>),
    /// This, whatever the origin says.
    Fixed(Duration),
    /// The origin says it; where it does not, nothing is kept.
    OriginOnly,
}

impl CacheSettings {
    /// Reads a rule's `action_parameters`. What the edge could not follow is an error.
    pub(super) fn of(parameters: &Value) -> Result<Self, String> {
        let mut settings = Self::default();
        for (name, value) in parameters.as_object().into_iter().flatten() {
            match name.as_str() {
                "cache" => {
                    settings.cache = Some(value.as_bool().ok_or("`cache` is not true or false")?);
                }
                "edge_ttl" => settings.edge = Some(Ttl::of(name, value)?),
                "browser_ttl" => settings.browser = Some(Ttl::of(name, value)?),
                // Nothing here is served stale, revalidated, or given an error page.
                "serve_stale" | "respect_strong_etags" | "origin_error_page_passthru" => {}
                other => {
                    return Err(format!("the sandbox does not follow `{other}` of cache rules"));
                }
            }
        }
        Ok(settings)
    }

    /// With what a later rule asks for.
    pub(super) fn then(self, later: &Self) -> Self {
        Self {
            cache: later.cache.or(self.cache),
            edge: later.edge.or(self.edge),
            browser: later.browser.or(self.browser),
        }
    }
}

impl Ttl {
    fn of(name: &str, value: &Value) -> Result<Self, String> {
        let seconds = value.get("default").and_then(Value::as_u64).map(Duration::from_secs);
        if value.get("status_code_ttl").is_some_and(|by_status| !by_status.is_null()) {
            return Err(format!("the sandbox does not follow `{name}.status_code_ttl`"));
        }
        match value.get("mode").and_then(Value::as_str).unwrap_or_default() {
            "respect_origin" => Ok(Self::Origin(seconds)),
            "override_origin" => {
                seconds.map(Self::Fixed).ok_or_else(|| format!("`{name}.default` is missing"))
            }
            "bypass_by_default" if name == "edge_ttl" => Ok(Self::OriginOnly),
            "bypass" if name == "browser_ttl" => Ok(Self::Fixed(Duration::ZERO)),
            other => Err(format!("`{name}.mode` cannot be `{other}`")),
        }
    }
}

/// Whether a request may be answered from the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eligible {
    /// Yes.
    Yes,
    /// A rule says no.
    Bypass,
    /// It is not of a kind that is cached.
    Dynamic,
}

/// Judges a request.
pub(super) fn eligible(settings: &CacheSettings, request: &Request) -> Eligible {
    let file = request.path.rsplit('/').next().unwrap_or_default();
    let extension = file.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    match settings.cache {
        _ if !matches!(request.method.as_str(), "GET" | "HEAD") => Eligible::Dynamic,
        Some(true) => Eligible::Yes,
        Some(false) => Eligible::Bypass,
        None if extension.is_some_and(|end| EXTENSIONS.contains(&end.as_str())) => Eligible::Yes,
        None => Eligible::Dynamic,
    }
}

/// How long an answer is kept; none where it is not kept at all.
pub(super) fn lifetime(
    settings: &CacheSettings,
    request: &Request,
    status: u16,
    headers: &HeaderMap,
) -> Option<Duration> {
    // Cloudflare's defaults by status, in seconds.
    let by_status = Duration::from_secs(match status {
        200 | 206 | 301 => 7200,
        302 | 303 => 1200,
        404 | 410 => 180,
        403 => 60,
        _ => return None,
    });
    if let Some(Ttl::Fixed(fixed)) = settings.edge {
        return (!fixed.is_zero()).then_some(fixed);
    }
    let control = text(headers, "cache-control").map(str::to_ascii_lowercase);
    let directives = || control.as_deref().unwrap_or_default().split(',').map(str::trim);
    let has = |name: &str| directives().any(|directive| directive == name);
    let number = |name: &str| {
        let found =
            directives().find_map(|directive| directive.strip_prefix(name)?.strip_prefix('='));
        found.and_then(|seconds| seconds.trim_matches('"').parse().ok()).map(Duration::from_secs)
    };
    let shared = number("s-maxage");
    let private = request.header("authorization").is_some()
        && !(has("public") || has("must-revalidate") || shared.is_some());
    if has("no-store") || has("no-cache") || has("private") || private {
        return None;
    }
    if headers.contains_key(header::SET_COOKIE) {
        return None;
    }
    let said = shared.or_else(|| number("max-age")).or_else(|| expires(headers));
    let found = match (said, settings.edge) {
        (Some(said), _) => said,
        (None, Some(Ttl::OriginOnly)) => return None,
        (None, Some(Ttl::Origin(Some(default)))) => default,
        (None, _) => by_status,
    };
    (!found.is_zero()).then_some(found)
}

fn expires(headers: &HeaderMap) -> Option<Duration> {
    let at = rfc2822::parse(text(headers, "expires")?).ok()?.timestamp();
    let left = at.duration_since(Timestamp::now());
    Some(left.try_into().unwrap_or(Duration::ZERO))
}

/// What browsers are told of an answer that is kept: as a rule says, else as the origin says, else
/// the zone's `browser_cache_ttl`, in seconds; 0 leaves it to the origin.
pub(super) fn tell_browser(settings: &CacheSettings, zone_default: u64, headers: &mut HeaderMap) {
    let seconds = match settings.browser {
        Some(Ttl::Fixed(fixed)) if fixed.is_zero() => {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            return;
        }
        Some(Ttl::Fixed(fixed)) => fixed.as_secs(),
        Some(Ttl::Origin(_) | Ttl::OriginOnly) => return,
        None if zone_default == 0 || headers.contains_key(header::CACHE_CONTROL) => return,
        None => zone_default,
    };
    if let Ok(value) = HeaderValue::from_str(&format!("max-age={seconds}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        Request {
            method: "GET".to_owned(),
            tls: false,
            host: "example.com".to_owned(),
            path: "/a.css".to_owned(),
            query: String::new(),
            version: "HTTP/1.1".to_owned(),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            client: [192, 0, 2, 1].into(),
            country: "XX".to_owned(),
        }
    }

    fn kept(rule: &Value, headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let settings = CacheSettings::of(rule).expect("settings");
        let headers = headers
            .iter()
            .map(|(n, v)| (n.parse().expect("a name"), HeaderValue::from_static(v)))
            .collect();
        lifetime(&settings, &request(&[]), 200, &headers).map(|kept| kept.as_secs())
    }

    #[test]
    fn the_origin_is_respected_unless_overridden() {
        let none = || json!({});
        assert_eq!(kept(&none(), &[]), Some(7200));
        assert_eq!(kept(&none(), &[("cache-control", "public, Max-Age=60")]), Some(60));
        assert_eq!(kept(&none(), &[("cache-control", "max-age=60, s-maxage=5")]), Some(5));
        assert_eq!(kept(&none(), &[("cache-control", "no-store")]), None);
        assert_eq!(kept(&none(), &[("cache-control", "max-age=0")]), None);
        assert_eq!(kept(&none(), &[("set-cookie", "a=b")]), None);
        assert_eq!(kept(&none(), &[("expires", "Sun, 06 Nov 1994 08:49:37 GMT")]), None);
        let fixed = || json!({"edge_ttl": {"mode": "override_origin", "default": 30}});
        assert_eq!(
            kept(&fixed(), &[("cache-control", "no-store"), ("set-cookie", "a=b")]),
            Some(30)
        );
        let default = json!({"edge_ttl": {"mode": "respect_origin", "default": 30}});
        assert_eq!(kept(&default, &[]), Some(30));
        let only = || json!({"edge_ttl": {"mode": "bypass_by_default"}});
        assert_eq!(kept(&only(), &[]), None);
        assert_eq!(kept(&only(), &[("cache-control", "max-age=9")]), Some(9));
    }

    #[test]
    fn what_is_meant_for_one_user_is_not_kept() {
        let settings = CacheSettings::default();
        let authorized = request(&[("authorization", "Bearer x")]);
        let mut headers = HeaderMap::new();
        assert_eq!(lifetime(&settings, &authorized, 200, &headers), None);
        headers.insert("cache-control", HeaderValue::from_static("public, max-age=5"));
        assert!(lifetime(&settings, &authorized, 200, &headers).is_some());
    }

    #[test]
    fn failures_are_not_kept_and_absence_is_for_a_while() {
        let at = |status| {
            let kept =
                lifetime(&CacheSettings::default(), &request(&[]), status, &HeaderMap::new());
            kept.map(|kept| kept.as_secs())
        };
        assert_eq!([at(500), at(502), at(404), at(301)], [None, None, Some(180), Some(7200)]);
    }

    #[test]
    fn later_rules_win_setting_by_setting() {
        let first = json!({"cache": true, "edge_ttl": {"mode": "override_origin", "default": 5}});
        let first = CacheSettings::of(&first).expect("settings");
        let second = CacheSettings::of(&json!({"cache": false})).expect("settings");
        let both = first.clone().then(&second);
        assert_eq!((both.cache, both.edge), (Some(false), first.edge));
    }

    #[test]
    fn a_setting_that_cannot_be_followed_is_an_error() {
        for parameters in [
            json!({"cache_key": {}}),
            json!({"cache": "yes"}),
            json!({"edge_ttl": {"mode": "override_origin"}}),
            json!({"edge_ttl": {"mode": "nonsense", "default": 1}}),
            json!({"edge_ttl": {"mode": "respect_origin", "status_code_ttl": [{}]}}),
        ] {
            assert!(CacheSettings::of(&parameters).is_err(), "{parameters}");
        }
    }
}
