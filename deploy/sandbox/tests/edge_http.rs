//! What a visitor of the edge sees of rules, limits, cache and origins.

mod edge_support;

use axum::http::StatusCode;
use edge_support::{Local, origins};
use sandbox::edge::Options;
use serde_json::json;

const CUSTOM: &str = "http_request_firewall_custom";
const LIMITS: &str = "http_ratelimit";
const CACHE: &str = "http_request_cache_settings";

#[tokio::test]
async fn a_blocked_request_is_told_so_and_others_pass() -> anyhow::Result<()> {
    let local = Local::start().await?;
    local.rules(
        CUSTOM,
        &[
            json!({"expression": "http.request.uri.path contains \"/admin\"", "action": "block"}),
            json!({"expression": "ip.src.country eq \"KP\"", "action": "managed_challenge"}),
            json!({"expression": "http.user_agent contains \"bad\"", "action": "block",
                "action_parameters": {"response": {
                    "status_code": 418, "content": "{\"no\":1}", "content_type": "application/json"}}}),
        ],
    )?;

    let blocked = local.get("http://api.example.com/admin/x").await?;
    assert_eq!(blocked.status, StatusCode::FORBIDDEN);
    assert_eq!(blocked.header("cf-mitigated"), "block");
    assert_eq!(blocked.header("server"), "cloudflare");
    assert!(blocked.text().contains("you have been blocked"), "{}", blocked.text());
    assert!(blocked.text().contains(blocked.header("cf-ray")));

    let challenged =
        local.send("GET", "http://api.example.com/", &[("x-sandbox-country", "KP")]).await?;
    assert_eq!(challenged.status, StatusCode::FORBIDDEN);
    assert_eq!(challenged.header("cf-mitigated"), "challenge");

    let own = local.send("GET", "http://api.example.com/", &[("user-agent", "bad bot")]).await?;
    assert_eq!((own.status.as_u16(), own.text().as_str()), (418, "{\"no\":1}"));

    let passed = local.get("http://api.example.com/").await?;
    assert_eq!(passed.status, StatusCode::OK);
    assert_eq!(passed.json()["host"], "api.example.com");
    Ok(())
}

#[tokio::test]
async fn a_skipped_request_passes_the_rules_after_it_and_the_limits() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let trusted = "ip.src in {198.51.100.0/24}";
    local.rules(
        CUSTOM,
        &[
            json!({"expression": trusted, "action": "skip",
                "action_parameters": {"ruleset": "current", "phases": [LIMITS]}}),
            json!({"expression": "true", "action": "block"}),
        ],
    )?;
    local.rules(LIMITS, &[limit(0)])?;
    let from = |ip| [("x-sandbox-client-ip", ip)];
    let trusted = local.send("GET", "http://api.example.com/", &from("198.51.100.7")).await?;
    assert_eq!(trusted.status, StatusCode::OK);
    let other = local.send("GET", "http://api.example.com/", &from("198.51.101.7")).await?;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    Ok(())
}

fn limit(requests: u64) -> serde_json::Value {
    json!({"expression": "starts_with(http.request.uri.path, \"/\")", "action": "block",
        "ratelimit": {"characteristics": ["cf.colo.id", "ip.src"], "period": 60,
            "requests_per_period": requests, "mitigation_timeout": 30}})
}

#[tokio::test]
async fn a_burst_is_stopped_for_its_sender_alone() -> anyhow::Result<()> {
    let local = Local::start().await?;
    local.rules(LIMITS, &[limit(5)])?;
    for number in 0..8 {
        let answer = local.get("http://api.example.com/").await?;
        let wanted = if number < 5 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(answer.status, wanted, "request {number}");
        if number >= 5 {
            let wait: u64 = answer.header("retry-after").parse()?;
            assert!((1..=60).contains(&wait), "{wait}");
            assert!(answer.text().contains("1015"));
        }
    }
    let other = local
        .send("GET", "http://api.example.com/", &[("x-sandbox-client-ip", "192.0.2.9")])
        .await?;
    assert_eq!(other.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_cached_answer_comes_from_the_cache() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let cached = json!({"expression": "http.host eq \"api.example.com\"", "action": "set_cache_settings",
        "action_parameters": {"cache": true,
            "edge_ttl": {"mode": "override_origin", "default": 300},
            "browser_ttl": {"mode": "override_origin", "default": 30}}});
    let bypassed = json!({"expression": "starts_with(http.request.uri.path, \"/live\")",
        "action": "set_cache_settings", "action_parameters": {"cache": false}});
    local.rules(CACHE, &[cached, bypassed])?;

    let first = local.get("http://api.example.com/item?id=1").await?;
    assert_eq!(first.header("cf-cache-status"), "MISS");
    assert_eq!(first.header("cache-control"), "max-age=30");
    let second = local.get("http://api.example.com/item?id=1").await?;
    assert_eq!(second.header("cf-cache-status"), "HIT");
    assert!(second.header("age").parse::<u64>().is_ok());
    assert_eq!(first.body, second.body);
    let head = local.send("HEAD", "http://api.example.com/item?id=1", &[]).await?;
    assert_eq!((head.header("cf-cache-status"), head.body.len()), ("HIT", 0));

    let other = local.get("http://api.example.com/item?id=2").await?;
    assert_eq!(other.header("cf-cache-status"), "MISS");
    let post = local.send("POST", "http://api.example.com/item?id=1", &[]).await?;
    assert_eq!(post.header("cf-cache-status"), "DYNAMIC");
    for _ in 0..2 {
        let live = local.get("http://api.example.com/live/x").await?;
        assert_eq!(live.header("cf-cache-status"), "BYPASS");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_rule_the_origin_and_the_extension_decide() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let status = async |path: &str| -> anyhow::Result<String> {
        let answer = local.get(&format!("http://api.example.com{path}")).await?;
        Ok(answer.header("cf-cache-status").to_owned())
    };
    assert_eq!(status("/page").await?, "DYNAMIC");
    assert_eq!(status("/private/a.css").await?, "BYPASS");
    assert_eq!(status("/max-age/0/a.css").await?, "BYPASS");
    assert_eq!(status("/max-age/60/a.css").await?, "MISS");
    assert_eq!(status("/max-age/60/a.css").await?, "HIT");
    assert_eq!(status("/a.css").await?, "MISS");
    assert_eq!(status("/a.css").await?, "HIT");
    local.setting("development_mode", "on".into());
    assert_eq!(status("/a.css").await?, "BYPASS");
    Ok(())
}

#[tokio::test]
async fn an_answer_past_its_time_is_fetched_anew() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let url = "http://api.example.com/max-age/1/a.css";
    let first = local.get(url).await?;
    assert_eq!(first.header("cf-cache-status"), "MISS");
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let answer = local.get(url).await?;
        if answer.header("cf-cache-status") == "EXPIRED" {
            assert_ne!(answer.json()["served"], first.json()["served"]);
            return Ok(());
        }
        assert_eq!(answer.header("cf-cache-status"), "HIT");
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "never expired");
    }
}

#[tokio::test]
async fn only_hosts_with_a_proxied_record_are_served() -> anyhow::Result<()> {
    let local = Local::start().await?;
    local.record("direct.example.com", "A", "203.0.113.11", false);
    assert_eq!(local.get("http://example.org/").await?.status.as_u16(), 530);
    assert_eq!(local.get("http://none.example.com/").await?.status.as_u16(), 530);
    let direct = local.get("http://direct.example.com/").await?;
    assert_eq!(direct.status.as_u16(), 421);
    assert!(direct.text().contains("not proxied"));
    Ok(())
}

#[tokio::test]
async fn https_is_asked_for_where_the_zone_wants_it() -> anyhow::Result<()> {
    let local = Local::start().await?;
    local.setting("always_use_https", "on".into());
    let plain = local.get("http://api.example.com/a?b=c").await?;
    assert_eq!(plain.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(plain.header("location"), "https://api.example.com/a?b=c");
    assert_eq!(local.get("https://api.example.com/a").await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_named_origin_gets_the_request_and_says_who_it_is_from() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let origin = axum::Router::new().fallback(|request: axum::extract::Request| async move {
        format!("{:?} {:?}", request.uri(), request.headers())
    });
    tokio::spawn(async move { axum::serve(listener, origin).await });
    let options = Options { origins: origins("203.0.113.10", address), ..Options::default() };
    let local = Local::with(options).await?;
    local.record("www.example.com", "CNAME", "api.example.com", true);
    let sent = [("x-sandbox-client-ip", "192.0.2.9"), ("cf-connecting-ip", "6.6.6.6")];
    let answer = local.send("GET", "http://www.example.com/p?q", &sent).await?;
    for wanted in ["/p?q", "\"www.example.com\"", "\"cf-connecting-ip\": \"192.0.2.9\""] {
        assert!(answer.text().contains(wanted), "{wanted} in {}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn an_origin_that_is_down_is_named() -> anyhow::Result<()> {
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let options = Options { origins: origins("api.example.com", unused), ..Options::default() };
    let local = Local::with(options).await?;
    let answer = local.get("http://api.example.com/").await?;
    assert_eq!(answer.status.as_u16(), 521);
    assert!(answer.text().contains(&unused.to_string()));
    Ok(())
}

#[tokio::test]
async fn without_workerd_a_worker_says_how_to_get_it() -> anyhow::Result<()> {
    let local = Local::start().await?;
    local.route("api.example.com/*", "w");
    let answer = local.get("http://api.example.com/").await?;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("make tools"), "{}", answer.text());
    Ok(())
}
