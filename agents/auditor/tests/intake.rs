//! Hints over HTTP: what is signed or carries the secret is heeded once, and nothing else is.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

mod support;

use anyhow::{Context, Result};
use auditor::signed::Secret;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};
use support::{Process, World, kind, record, resource, scope};

const SECRET: &str = "what both know";
const CLOUDFLARE: &str = "what Cloudflare knows";

async fn start(world: &World) -> Result<(Process, String)> {
    let secret = world.file("hints.secret", SECRET)?;
    let cloudflare = world.file("cloudflare.secret", CLOUDFLARE)?;
    let auditor = world.auditor(
        "auditor",
        &[
            ("CADENCE_SECONDS", "3600"),
            ("HINTS_ADDRESS", "127.0.0.1:0"),
            ("HINTS_SECRET_FILE", &secret),
            ("CLOUDFLARE_WEBHOOK_SECRET_FILE", &cloudflare),
        ],
    )?;
    let line = auditor.says("taking hints").await?;
    let (_, address) = line.rsplit_once("127.0.0.1:").context("its address")?;
    let port: String = address.chars().take_while(char::is_ascii_digit).collect();
    Ok((auditor, format!("http://127.0.0.1:{port}")))
}

async fn post(url: &str, headers: &[(&str, &str)], body: &Value) -> Result<StatusCode> {
    let mut request = reqwest::Client::new().post(url).body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.send().await?.status())
}

#[tokio::test]
async fn a_signed_hint_is_heeded_once() -> Result<()> {
    let world = World::start().await?;
    world.declare("edge-api", &[record("edge-api", "api", "203.0.113.10")]).await?;
    let (auditor, url) = start(&world).await?;
    let records = scope(kind("dns_record"));
    world.looked(&records, 1).await.with_context(|| auditor.log())?;

    let url = format!("{url}/hints");
    let body = json!({ "scopes": [records] });
    let secret = Secret::new(&SecretString::from(SECRET));
    let now = jiff::Timestamp::now().as_second().to_string();
    let sign = |time: &str, body: &Value| secret.sign(time, body.to_string().as_bytes());
    let headers = |time: &str, signature: &str| {
        [("zerodrift-timestamp", time.to_owned()), ("zerodrift-signature", signature.to_owned())]
    };
    let send = async |time: &str, signature: &str, body: &Value| {
        let headers = headers(time, signature);
        let headers: Vec<(&str, &str)> = headers.iter().map(|it| (it.0, it.1.as_str())).collect();
        post(&url, &headers, body).await
    };
    let signature = sign(&now, &body);
    assert_eq!(post(&url, &[], &body).await?, StatusCode::BAD_REQUEST);
    assert_eq!(send(&now, "v1=00", &body).await?, StatusCode::UNAUTHORIZED);
    let other = json!({ "scopes": [] });
    assert_eq!(send(&now, &signature, &other).await?, StatusCode::UNAUTHORIZED);
    let old = (jiff::Timestamp::now().as_second() - 301).to_string();
    assert_eq!(send(&old, &sign(&old, &body), &body).await?, StatusCode::UNAUTHORIZED);
    let odd = json!({ "scopes": ["nowhere"] });
    assert_eq!(send(&now, &sign(&now, &odd), &odd).await?, StatusCode::BAD_REQUEST);
    assert_eq!(world.watch(&records).await?.context("a watch")?.looks, 1);

    assert_eq!(send(&now, &signature, &body).await?, StatusCode::ACCEPTED);
    world.looked(&records, 2).await.with_context(|| auditor.log())?;
    assert_eq!(send(&now, &signature, &body).await?, StatusCode::CONFLICT);
    Ok(())
}

#[tokio::test]
async fn a_notification_of_cloudflare_s_has_what_it_is_about_looked_at() -> Result<()> {
    let world = World::start().await?;
    let rule = resource(kind("gateway_rule"), "edge-api", "main", None);
    world.declare("edge-api", &[record("edge-api", "api", "203.0.113.10"), rule]).await?;
    let (auditor, url) = start(&world).await?;
    let (records, rules) = (scope(kind("dns_record")), scope(kind("gateway_rule")));
    for scope in [&records, &rules] {
        world.looked(scope, 1).await.with_context(|| auditor.log())?;
    }
    let url = format!("{url}/hints/cloudflare");
    let of_zone = json!({ "name": "WAF", "text": "…", "data": { "zone_name": "example.com" },
        "account_id": support::ACCOUNT, "alert_type": "clickhouse_alert_fw_anomaly" });
    assert_eq!(post(&url, &[], &of_zone).await?, StatusCode::UNAUTHORIZED);
    let wrong = [("cf-webhook-auth", "guess")];
    assert_eq!(post(&url, &wrong, &of_zone).await?, StatusCode::UNAUTHORIZED);
    let right = [("cf-webhook-auth", CLOUDFLARE)];
    assert_eq!(post(&url, &right, &of_zone).await?, StatusCode::ACCEPTED);
    world.looked(&records, 2).await.with_context(|| auditor.log())?;
    assert_eq!(world.watch(&rules).await?.context("a watch")?.looks, 1);

    let of_account = json!({ "name": "test", "account_id": support::ACCOUNT });
    assert_eq!(post(&url, &right, &of_account).await?, StatusCode::ACCEPTED);
    world.looked(&records, 3).await?;
    world.looked(&rules, 2).await?;
    let named = format!("{url}?scope={rules}");
    assert_eq!(post(&named, &right, &of_account).await?, StatusCode::ACCEPTED);
    world.looked(&rules, 3).await?;
    assert_eq!(world.watch(&records).await?.context("a watch")?.looks, 3);
    Ok(())
}
