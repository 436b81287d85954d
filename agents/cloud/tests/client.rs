//! The client against a server that behaves as told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bus_schema::{Place, Resource};
use cloud::cloudflare::{Cloudflare, Limits};
use cloud::{Cloud, Effect, Error, Retry};
use secrecy::SecretString;
use serde_json::json;
use support::{Server, account, client, envelope, kind, namespace, ok, refused};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant as Clock;

#[tokio::test]
async fn a_refusal_says_what_who_and_why() {
    let server = Server::start(|_, _| refused(400, 10_019, "title is not valid")).await;
    let error = server.cloudflare().create(&namespace()).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }));
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(error.took_effect(), Effect::No);
    assert_eq!(
        error.to_string(),
        "could not create edge-api/cloudflare.kv_namespace/cache in \
         account/0123456789abcdef0123456789abcdef: refused with HTTP 400: title is not valid \
         (code 10019, at /content) [request 8f3a-ICN]"
    );
}

#[tokio::test]
async fn each_case_is_told_from_the_others() {
    type Is = fn(&Error) -> bool;
    let cases: [(u16, i64, Is); 8] = [
        (401, 10_000, |it| matches!(it, Error::Unauthorised { .. })),
        (403, 9_109, |it| matches!(it, Error::Unauthorised { .. })),
        (400, 10_014, |it| matches!(it, Error::Conflict { .. })),
        (409, 1, |it| matches!(it, Error::Conflict { .. })),
        (404, 10_013, |it| matches!(it, Error::NotFound { .. })),
        (400, 7_003, |it| matches!(it, Error::NotFound { .. })),
        (400, 1_004, |it| matches!(it, Error::Refused { .. })),
        (500, 1, |it| matches!(it, Error::OutcomeUnknown { .. })),
    ];
    for (status, code, is) in cases {
        let server = Server::start(move |_, _| refused(status, code, "no")).await;
        let error = server.cloudflare().create(&namespace()).await.unwrap_err();
        assert!(is(&error), "{status} {code} became {error:?}");
        assert_eq!(server.requests(), 1, "a POST is not repeated after {status}");
    }
}

#[tokio::test]
async fn every_page_is_read() {
    let server = Server::start(|_, request| {
        let page: u64 = query(request, "page").parse().unwrap();
        let result = json!([{ "id": format!("{page}"), "title": format!("t{page}") }]);
        let info = json!({ "page": page, "per_page": 1, "total_pages": 3, "total_count": 3 });
        envelope(StatusCode::OK, &json!({ "success": true, "result": result, "result_info": info }))
    })
    .await;
    let listed = server.cloudflare().list(&kind("kv_namespace"), &account()).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["t1", "t2", "t3"]);
}

#[tokio::test]
async fn a_cursor_is_followed_to_its_end() {
    let server = Server::start(|_, request| {
        let (name, cursor) = if query(request, "cursor").is_empty() { ("a", "n=1&x") } else { ("b", "") };
        assert!(["", "n=1&x"].contains(&query(request, "cursor").as_str()));
        let result = json!({ "buckets": [{ "name": name, "storage_class": "Standard", "location": "enam" }] });
        envelope(StatusCode::OK, &json!({ "success": true, "result": result, "result_info": { "cursor": cursor } }))
    })
    .await;
    let listed = server.cloudflare().list(&kind("r2_bucket"), &account()).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(listed[0].properties.text("location"), Some("ENAM"));
}

fn query(request: &Request, name: &str) -> String {
    let url: url::Url = format!("http://x{}", request.uri()).parse().unwrap();
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[tokio::test]
async fn over_the_limit_it_waits_as_long_as_it_is_told_to() {
    let server = Server::start(|n, _| {
        if n > 0 {
            return ok(&json!({ "id": "1", "title": "zd-edge-api-cache" }));
        }
        let mut answer = refused(429, 971, "over the limit");
        answer.headers_mut().insert("retry-after", "1".parse().unwrap());
        answer
    })
    .await;
    let begun = Clock::now();
    // A POST as well: 429 says that nothing was done.
    server.cloudflare().create(&namespace()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn told_to_wait_long_it_says_so_and_holds_back_the_rest() {
    let server = Server::start(|_, _| {
        let mut answer = refused(429, 971, "over the limit");
        answer.headers_mut().insert("retry-after", "300".parse().unwrap());
        answer
    })
    .await;
    let cloudflare = server.cloudflare();
    for _ in 0..2 {
        let error = cloudflare.create(&namespace()).await.unwrap_err();
        assert!(matches!(error.retry(), Retry::After(wait) if wait > Duration::from_secs(290)));
        assert_eq!(error.took_effect(), Effect::No);
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_read_is_repeated_when_the_cloud_fails() {
    let server = Server::start(|n, _| match n {
        0 => StatusCode::BAD_GATEWAY.into_response(),
        _ => ok(&json!([])),
    })
    .await;
    let listed = server.cloudflare().list(&kind("kv_namespace"), &account()).await.unwrap();
    assert!(listed.is_empty());
    assert_eq!(server.requests(), 2);
}

/// A server that reads one request on each connection and closes it without an answer.
async fn resetting() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            drop(stream);
        }
    });
    (address, requests)
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_not_repeated() {
    let (address, requests) = resetting().await;
    let error = client(address).create(&namespace()).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");
    assert_eq!(error.took_effect(), Effect::Unknown);
    assert!(matches!(error.retry(), Retry::After(_)));
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_the_same_twice_is_repeated_when_its_answer_is_lost() {
    let (address, requests) = resetting().await;
    let cloudflare = client(address);
    let error = cloudflare.update(&namespace(), "1").await.unwrap_err();
    assert_eq!(error.took_effect(), Effect::Unknown);
    assert_eq!(requests.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn nobody_there_is_no_effect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(address).create(&namespace()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(error.took_effect(), Effect::No);
}

#[tokio::test]
async fn an_answer_that_is_no_envelope_is_not_understood() {
    let server = Server::start(|_, _| (StatusCode::OK, "<html>hello</html>").into_response()).await;
    let error = server.cloudflare().create(&namespace()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidResponse { .. }), "{error:?}");
    assert_eq!(error.took_effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_token_away() {
    let server = Server::start(|_, _| {
        (StatusCode::FOUND, [("location", "/elsewhere")], Body::empty()).into_response()
    })
    .await;
    server.cloudflare().create(&namespace()).await.unwrap_err();
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_zone_is_looked_up_once_and_again_when_it_is_gone() {
    let server = Server::start(|n, request| match (n, request.uri().path()) {
        (_, "/client/v4/zones") => ok(&json!([{ "id": format!("z{n}"), "name": "example.com" }])),
        (1 | 2 | 5, _) => ok(&json!([])),
        _ => refused(404, 7_003, "Could not route"),
    })
    .await;
    let (cloudflare, zone) = (server.cloudflare(), Place::Zone("example.com".to_owned()));
    cloudflare.list(&kind("worker_route"), &zone).await.unwrap();
    cloudflare.list(&kind("worker_route"), &zone).await.unwrap();
    assert_eq!(server.requests(), 3);
    cloudflare.list(&kind("worker_route"), &zone).await.unwrap_err();
    cloudflare.list(&kind("worker_route"), &zone).await.unwrap();
    assert_eq!(server.requests(), 6);
}

#[tokio::test]
async fn a_zone_the_token_does_not_see_is_named() {
    let server = Server::start(|_, _| ok(&json!([]))).await;
    let zone = Place::Zone("example.com".to_owned());
    let error = server.cloudflare().list(&kind("dns_record"), &zone).await.unwrap_err();
    assert!(error.to_string().contains("the token sees no zone named example.com"), "{error}");
}

#[tokio::test]
async fn two_first_rules_of_a_phase_do_not_wipe_each_other_out() {
    // The first look finds no entry point; by the time it is to be made somebody has made it.
    let server = Server::start(|n, request| {
        let theirs = json!({ "id": "t", "ref": "theirs", "expression": "true", "action": "block" });
        match (n, request.method().as_str(), request.uri().path()) {
            (0, ..) => ok(&json!([{ "id": "z", "name": "example.com" }])),
            (1, "GET", _) => refused(404, 10_003, "no entry point"),
            (2, "POST", "/client/v4/zones/z/rulesets") => refused(400, 20_217, "exists"),
            (3, "GET", _) => ok(&json!({ "id": "r", "rules": [theirs] })),
            (4, "POST", "/client/v4/zones/z/rulesets/r/rules") => {
                let ours = json!({ "id": "o", "ref": "zerodrift_edge_api_admin" });
                ok(&json!({ "id": "r", "rules": [theirs, ours] }))
            }
            (n, method, path) => panic!("request {n} was {method} {path}"),
        }
    })
    .await;
    let rule = Resource {
        address: "edge-api/cloudflare.waf_rule/admin".parse().unwrap(),
        place: Place::Zone("example.com".to_owned()),
        ..namespace()
    };
    let made = server.cloudflare().create(&rule).await.unwrap();
    assert_eq!(made.id, "o");
}

#[tokio::test]
async fn a_token_no_header_can_carry_is_refused_at_once() {
    let base: url::Url = "http://127.0.0.1:1/client/v4".parse().unwrap();
    let error = Cloudflare::new(base, &SecretString::from("a\nb")).unwrap_err();
    assert_eq!(error.to_string(), "the API token has characters that a token cannot have");
}

#[tokio::test]
async fn a_burst_is_not_slowed_down() {
    let server = Server::start(|_, _| ok(&json!([]))).await;
    let cloudflare = server.cloudflare();
    let begun = Clock::now();
    for _ in 0..50 {
        cloudflare.list(&kind("kv_namespace"), &account()).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_half_answer_is_a_lost_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"success\":";
            if stream.read(&mut buffer).await.is_ok() && stream.write_all(half).await.is_ok() {
                drop(stream);
            }
        }
    });
    let error = client(address).create(&namespace()).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");
}

#[tokio::test]
async fn a_change_not_answered_in_time_may_have_been_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/client/v4", listener.local_addr().unwrap()).parse().unwrap();
    // Connections are taken and nothing is ever said.
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    });
    let limits = Limits { timeout: Duration::from_millis(100), ..Limits::default() };
    let cloudflare = Cloudflare::with_limits(base, &SecretString::from("a-token"), limits).unwrap();
    let began = Clock::now();
    let error = cloudflare.create(&namespace()).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");
    assert_eq!(error.took_effect(), Effect::Unknown);
    let error = cloudflare.list(&kind("kv_namespace"), &account()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "as long as it is told, not half a minute");
    silent.abort();
}

#[tokio::test]
async fn a_refusal_after_a_call_that_took_effect_does_not_hide_it() {
    // The upload is taken; reading back what it became is not let through any more.
    let server = Server::start(|_, request| match request.method().as_str() {
        "PUT" => ok(&json!({})),
        _ => refused(404, 10_007, "no such script"),
    })
    .await;
    let script = Resource {
        address: "edge-api/cloudflare.worker_script/site".parse().unwrap(),
        ..namespace()
    };
    let error = server.cloudflare().create(&script).await.unwrap_err();
    assert!(matches!(error, Error::Unfinished { .. }), "{error:?}");
    assert_eq!((error.took_effect(), error.retry()), (Effect::Unknown, Retry::Never));
    assert!(matches!(error.innermost(), Error::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_repetition_that_is_refused_does_not_hide_the_call_before_it() {
    let server = Server::start(|n, request| match (n, request.method().as_str()) {
        (0, "GET") => ok(&json!({ "id": "x", "title": "zd-edge-api-cache" })),
        (0 | 1, "PUT") => refused(500, 1, "no telling"),
        _ => refused(400, 10_019, "no more"),
    })
    .await;
    let error = server.cloudflare().update(&namespace(), "x").await.unwrap_err();
    assert_eq!(error.took_effect(), Effect::Unknown, "{error:?}");
    assert!(matches!(error.innermost(), Error::Refused { .. }), "{error:?}");
}
