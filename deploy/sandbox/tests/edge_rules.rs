//! The rules language: what it means and what it refuses.

use std::net::IpAddr;

use sandbox::rules::{
    Characteristic, Expression, Plan, Request, validate, validate_gateway, validate_on,
};

const PHASE: &str = "http_request_firewall_custom";

fn request() -> Request {
    Request {
        method: "GET".to_owned(),
        tls: true,
        host: "api.example.com".to_owned(),
        path: "/v1/Items/a.JSON".to_owned(),
        query: "id=7&id=8&empty".to_owned(),
        version: "HTTP/1.1".to_owned(),
        headers: vec![
            ("host".to_owned(), "api.example.com".to_owned()),
            ("user-agent".to_owned(), "curl/8".to_owned()),
            ("x-key".to_owned(), "One".to_owned()),
            ("x-key".to_owned(), "two".to_owned()),
            ("cookie".to_owned(), "a=1; session=xyz".to_owned()),
        ],
        client: IpAddr::from([198, 51, 100, 7]),
        country: "KR".to_owned(),
    }
}

#[test]
fn expressions_mean_what_cloudflare_says() {
    for expression in [
        "true",
        "ssl",
        "http.host eq \"api.example.com\"",
        "(http.host == \"api.example.com\" && ssl) || false",
        "not http.host eq \"x\" and ssl",
        "!(http.host eq \"x\")",
        "ssl xor false",
        "ssl ^^ ssl ^^ ssl",
        // `and` binds before `xor`, `xor` before `or`.
        "true or false and false",
        "true or true xor true",
        "http.request.method in {\"GET\" \"HEAD\"}",
        "http.request.uri.path contains \"/v1/\"",
        "http.request.uri eq \"/v1/Items/a.JSON?id=7&id=8&empty\"",
        "http.request.full_uri wildcard \"HTTPS://*.example.com/v1/*\"",
        "not http.request.full_uri strict wildcard \"HTTPS://*\"",
        r#"http.request.full_uri strict wildcard r"https://*""#,
        "http.request.uri.path.extension eq \"json\"",
        "lower(http.request.uri.path) eq \"/v1/items/a.json\"",
        "upper(http.request.method) eq \"GET\"",
        "starts_with(http.request.uri.path, \"/v1\")",
        "ends_with(lower(http.request.uri.path), \".json\")",
        "len(http.request.uri.query) gt 4",
        "len(http.request.headers[\"x-key\"]) == 2",
        "url_decode(http.request.uri.query) contains \"id=\"",
        "concat(http.host, \"/x\") eq \"api.example.com/x\"",
        "any(http.request.headers[\"x-key\"][*] eq \"two\")",
        "all(http.request.headers[\"x-key\"][*] ne \"three\")",
        "any(lower(http.request.headers[\"x-key\"][*])[*] eq \"one\")",
        "any(starts_with(http.request.headers[\"x-key\"][*], \"tw\")[*])",
        "not any(http.request.headers[\"absent\"][*] eq \"x\")",
        "http.request.headers[\"x-key\"][0] eq \"One\"",
        "any(http.request.headers.names[*] eq \"x-key\")",
        "any(http.request.uri.args[\"id\"][*] eq \"8\")",
        "any(http.request.uri.args.names[*] in {\"empty\"})",
        "http.request.cookies[\"session\"][0] eq \"xyz\"",
        // What is absent equals nothing, and differs from everything.
        "not http.request.headers[\"absent\"][0] eq \"x\"",
        "http.request.headers[\"absent\"][0] ne \"x\"",
        "http.referer eq \"\"",
        "ip.src eq 198.51.100.7",
        "ip.src in {192.0.2.1 198.51.100.0/24}",
        "ip.src in {198.51.100.1..198.51.100.9 2001:db8::/32}",
        "not ip.src in {2001:db8::1..2001:db8::f ::/0}",
        "ip.src in {0.0.0.0/0}",
        "not ip.src in {198.51.100.8/32}",
        "ip.src.country in {\"KR\" \"JP\"} and ip.geoip.country eq \"KR\"",
        "cf.threat_score le 10 and cf.threat_score in {0..3 7}",
        "http.user_agent ~ r\"^curl/\\d+$\"",
        "http.user_agent matches \"^curl/[0-9]\"",
        "http.user_agent eq \"\\x63url/8\"",
        "http.host eq r#\"api.example.com\"#",
        "http.host gt \"aaa\"",
        "not cf.client.bot",
    ] {
        let read = Expression::parse(expression).unwrap_or_else(|error| panic!("{error}"));
        assert!(read.matches(&request()), "{expression}");
    }
}

#[test]
fn what_is_outside_is_refused_with_the_place_and_the_reason() {
    for (expression, reason) in [
        ("", "expected a condition"),
        ("http.host", "expected a comparison operator"),
        ("http.host eq", "expected a quoted string"),
        ("http.host eq 5", "expected a quoted string"),
        ("http.host eq \"x", "expected a closing"),
        ("http.hots eq \"x\"", "unknown identifier"),
        ("cf.bot_management.score lt 30", "not entitled: the use of field cf.bot_management.score"),
        ("http.request.body.raw contains \"x\"", "not entitled"),
        ("http.user_agent matches \"x\"", "not entitled: the use of operator Matches"),
        ("ssl eq true", "unrecognised input"),
        ("ip.src eq \"1.2.3.4\"", "expected an IP address"),
        ("ip.src gt 1.2.3.4", "cannot be used with an IP address"),
        ("ip.src in {1.2.3.0/33}", "expected values of the field's type"),
        ("ip.src in {1.2.3.4..::1}", "expected values of the field's type"),
        ("ip.src in {1.2.3.4..1.2.3.1}", "expected values of the field's type"),
        ("ip.src in $office", "the list `$office` does not exist"),
        ("http.host in {}", "expected a value in the set"),
        ("cf.threat_score contains 5", "cannot be used with a number"),
        ("regex_replace(http.host, \"a\", \"b\") eq \"x\"", "unknown function"),
        ("lower(http.host, \"x\") eq \"x\"", "takes one string"),
        ("http.request.headers[\"x\"] eq \"y\"", "cannot be compared"),
        ("http.request.headers[\"x\"][*] eq \"y\"", "inside any(…) or all(…)"),
        ("any(http.host eq \"x\")", "takes one test of an array"),
        ("http.host wildcard \"a**\"", "two `*` in a row"),
        ("http.host eq \"x\" http.host eq \"y\"", "unrecognised input"),
        ("(http.host eq \"x\"", "expected `)`"),
        ("http.host eq \"\\n\"", "expected `\\\""),
        ("http.host = \"x\"", "unknown or unsupported comparison operator"),
        ("cf.threat_score & 1 eq 1", "unknown or unsupported comparison operator"),
        ("http.host eq \"x\" §", "unexpected character"),
    ] {
        let refused = validate(PHASE, expression).expect_err(expression);
        assert!(refused.contains("Filter parsing error (1:"), "{refused}");
        assert!(refused.contains(reason), "{expression}: {refused}");
    }
    let refused = validate(PHASE, "ssl and\n  http.hots eq \"x\"").expect_err("unknown field");
    let shown = "Filter parsing error (2:3):\n  http.hots eq \"x\"\n  ^^^^^^^^^ unknown identifier";
    assert!(refused.ends_with(shown), "{refused}");
}

#[test]
fn length_and_depth_have_bounds() {
    let deep = |levels: usize| format!("{}ssl{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(validate(PHASE, &deep(60)), Ok(()));
    assert!(validate(PHASE, &deep(2000)).expect_err("deep").contains("nests deeper"));
    assert!(validate(PHASE, &"!".repeat(4000)).expect_err("deep").contains("nests deeper"));
    let wide = vec!["ssl"; 512].join(" or ");
    assert_eq!(validate(PHASE, &wide), Ok(()));
    let long = vec!["ssl"; 600].join(" or ");
    assert!(validate(PHASE, &long).expect_err("long").contains("4096 characters"));
}

#[test]
fn a_plan_and_a_phase_are_held_to() {
    let regex = "http.user_agent matches \"x\"";
    assert_eq!(validate_on(Plan::Business, PHASE, regex), Ok(()));
    let bad = validate_on(Plan::Business, PHASE, "http.user_agent matches \"(\"");
    assert!(bad.expect_err("a bad regex").contains("invalid regular expression"));
    assert!(validate("http_request_transform", "true").is_err());
}

#[test]
fn gateway_has_fields_and_lists_of_its_own() {
    let list = "$11111111-2222-3333-4444-555555555555";
    for (filter, expression) in [
        ("dns", format!("any(dns.domains[*] in {list})")),
        ("dns", "dns.fqdn == \"example.com\"".to_owned()),
        ("dns", "any(dns.content_category[*] in {85 99})".to_owned()),
        ("dns", "any(dns.domains[*] in {\"example.com\" \"example.org\"})".to_owned()),
        ("http", "http.request.host == \"example.com\"".to_owned()),
        ("http", format!("http.request.host in {list} or http.request.uri matches \".*x\"")),
        ("http", "any(http.request.domains[*] in {\"example.com\"})".to_owned()),
    ] {
        assert_eq!(validate_gateway(&[filter], &expression), Ok(()), "{expression}");
    }
    assert!(validate_gateway(&["dns"], "http.request.host == \"x\"").is_err());
    assert!(validate_gateway(&["l4"], "net.dst.port == 22").is_err());
    assert!(validate(PHASE, "dns.fqdn eq \"x\"").is_err());
}

#[test]
fn requests_are_told_apart_by_characteristics() {
    let value = |characteristic: &str| {
        let characteristic =
            Characteristic::parse(characteristic).unwrap_or_else(|e| panic!("{e}"));
        characteristic.value(&request())
    };
    assert_eq!(value("ip.src"), "198.51.100.7");
    assert_eq!(value("cf.colo.id"), "");
    assert_eq!(value("http.request.headers[\"x-key\"]"), "One");
    assert_eq!(value("http.host"), "api.example.com");
    assert_eq!(value("lower(http.request.uri.path)"), "/v1/items/a.json");
    assert!(Characteristic::parse("http.request.headers").is_err());
    assert!(Characteristic::parse("nonsense").is_err());
}
