//! Uploaded Workers, in real workerd, seen from outside.

mod edge_support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use edge_support::{ACCOUNT, Local, script, workerd};
use sandbox::store::{Binding, Bucket, Namespace, now};
use sandbox::workers::{Code, check};
use serde_json::json;
use tokio::time::Instant;

const NAMESPACE: &str = "11111111111111111111111111111111";

const BOUND: &str = r#"
export default {
  async fetch(request, env) {
    await env.KV.put("greeting", "hello", { metadata: { lang: "en" } });
    await env.KV.put("a key/with ü", "odd", { expirationTtl: 120 });
    await env.KV.put("gone", "x");
    await env.KV.delete("gone");
    const { value, metadata } = await env.KV.getWithMetadata("greeting");
    const list = await env.KV.list({ prefix: "g" });
    const page = await env.KV.list({ limit: 1 });
    const rest = await env.KV.list({ cursor: page.cursor });
    const bulk = await env.KV.get(["greeting", "gone"]);
    await env.R2.put("dir/photo", "0123456789", {
      httpMetadata: { contentType: "image/png" }, customMetadata: { by: "me" } });
    await env.R2.put("dir/other", "x");
    await env.R2.put("bin", new Uint8Array([0, 255, 10]));
    const object = await env.R2.get("dir/photo");
    const part = await env.R2.get("dir/photo", { range: { offset: 2, length: 3 } });
    const head = await env.R2.head("dir/photo");
    const listed = await env.R2.list({ delimiter: "/", limit: 2 });
    const refused = await env.R2.put("dir/photo", "new", { onlyIf: { etagMatches: "nope" } });
    const unchanged = await env.R2.get("dir/photo", { onlyIf: { etagDoesNotMatch: head.etag } });
    await env.R2.delete("dir/other");
    return Response.json({
      value, metadata, missing: await env.KV.get("nope"), odd: await env.KV.get("a key/with ü"),
      keys: list.keys.map((key) => key.name), rest: rest.keys.map((key) => key.name),
      bulk: Object.fromEntries(bulk),
      object: await object.text(), type: object.httpMetadata.contentType, by: head.customMetadata.by,
      part: await part.text(), size: head.size,
      bytes: [...new Uint8Array(await (await env.R2.get("bin")).arrayBuffer())],
      listed: listed.objects.map((o) => o.key), prefixes: listed.delimitedPrefixes,
      refused: refused === null, unchanged: unchanged.body === undefined,
      deleted: await env.R2.get("dir/other"), text: env.TEXT, json: env.JSON.a,
      other: await (await env.OTHER.fetch("http://other/")).text(),
    });
  },
};"#;

fn bound() -> sandbox::store::Script {
    let mut script = script("bound", BOUND);
    script.bindings = vec![
        Binding::KvNamespace { name: "KV".to_owned(), namespace_id: NAMESPACE.to_owned() },
        Binding::R2Bucket { name: "R2".to_owned(), bucket_name: "photos".to_owned() },
        Binding::PlainText { name: "TEXT".to_owned(), text: "a \"quoted\"\n\\ ü".to_owned() },
        Binding::Json { name: "JSON".to_owned(), json: json!({"a": 1}) },
        Binding::Service {
            name: "OTHER".to_owned(),
            service: "other".to_owned(),
            environment: None,
        },
    ];
    script
}

fn provide(local: &Local) {
    let namespace =
        Namespace { id: NAMESPACE.to_owned(), title: "kv".to_owned(), values: BTreeMap::default() };
    let bucket = Bucket {
        name: "photos".to_owned(),
        creation_date: now(),
        location: "WEUR".to_owned(),
        storage_class: "Standard".to_owned(),
        objects: BTreeMap::default(),
    };
    local.store.write(|world| {
        for account in world.accounts.values_mut() {
            account.namespaces.insert(namespace.id.clone(), namespace.clone());
            account.buckets.insert(bucket.name.clone(), bucket.clone());
        }
    });
}

#[tokio::test]
async fn a_worker_uses_its_kv_and_r2() -> anyhow::Result<()> {
    let local = Local::with_workers().await?;
    provide(&local);
    local.deploy(script("other", "export default { fetch() { return new Response('other') } }"));
    local.deploy(bound());
    local.route("api.example.com/*", "bound");
    let answer = local.get("http://api.example.com/").await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({
            "value": "hello", "metadata": {"lang": "en"}, "missing": null, "odd": "odd",
            "keys": ["greeting"], "rest": ["greeting"],
            "bulk": {"greeting": "hello", "gone": null},
            "object": "0123456789", "type": "image/png", "by": "me", "part": "234", "size": 10,
            "bytes": [0, 255, 10],
            "listed": ["bin"], "prefixes": ["dir/"], "refused": true, "unchanged": true,
            "deleted": null, "text": "a \"quoted\"\n\\ ü", "json": 1, "other": "other",
        })
    );
    let kept = local.store.kv_get(NAMESPACE, "greeting").expect("the value is in the store");
    assert_eq!(kept.value.bytes().as_ref(), b"hello");
    assert!(local.store.r2_get(ACCOUNT, "photos", "dir/photo").is_some());
    local.edge.stop().await;
    Ok(())
}

fn numbered(number: usize) -> sandbox::store::Script {
    let source = format!("export default {{ fetch() {{ return new Response('v{number}') }} }}");
    script("w", &source)
}

#[tokio::test]
async fn no_request_fails_while_a_worker_is_replaced() -> anyhow::Result<()> {
    let local = Arc::new(Local::with_workers().await?);
    local.deploy(numbered(0));
    local.route("api.example.com/*", "w");
    assert_eq!(local.get("http://api.example.com/").await?.text(), "v0");

    let done = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let visitors: Vec<_> = (0..4)
        .map(|_| {
            let (local, done, served) = (local.clone(), done.clone(), served.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let answer = local.get("http://api.example.com/").await?;
                    anyhow::ensure!(answer.status == StatusCode::OK, "{}", answer.text());
                    served.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for number in 1..=4 {
        local.deploy(numbered(number));
        let deadline = Instant::now() + Duration::from_secs(30);
        let wanted = format!("v{number}");
        while local.get("http://api.example.com/").await?.text() != wanted {
            anyhow::ensure!(Instant::now() < deadline, "{wanted} never served");
        }
    }
    done.store(true, Ordering::Relaxed);
    for visitor in visitors {
        visitor.await??;
    }
    assert!(served.load(Ordering::Relaxed) > 100, "{served:?} requests while replacing");
    Ok(())
}

#[tokio::test]
async fn a_workers_fetch_reaches_the_origin_and_its_answer_streams() -> anyhow::Result<()> {
    let local = Local::with_workers().await?;
    local.deploy(script(
        "proxy",
        "export default { async fetch(request) {
            const up = await fetch(request);
            const r = new Response(up.body, up);
            r.headers.set('x-worker', `${request.url} ${request.cf.country} ${request.redirect}`);
            return r;
        } }",
    ));
    local.route("api.example.com/*", "proxy");
    let sent = [("x-sandbox-country", "KR"), ("x-sandbox-client-ip", "192.0.2.9")];
    let answer = local.send("GET", "https://api.example.com/p?q=1", &sent).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("x-worker"), "https://api.example.com/p?q=1 KR manual");
    assert_eq!(answer.json()["origin"], "sandbox echo");
    assert_eq!(answer.json()["path"], "/p");
    assert_eq!(answer.header("cf-cache-status"), "DYNAMIC");
    Ok(())
}

#[tokio::test]
async fn rules_stand_before_workers() -> anyhow::Result<()> {
    let local = Local::with_workers().await?;
    local.deploy(numbered(1));
    local.route("api.example.com/*", "w");
    local.rules(
        "http_request_firewall_custom",
        &[json!({"expression": "http.request.uri.path eq \"/no\"", "action": "block"})],
    )?;
    assert_eq!(local.get("http://api.example.com/no").await?.status, StatusCode::FORBIDDEN);
    assert_eq!(local.get("http://api.example.com/yes").await?.text(), "v1");
    Ok(())
}

#[tokio::test]
async fn an_exception_is_cloudflares_1101_with_its_reason() -> anyhow::Result<()> {
    let local = Local::with_workers().await?;
    local.deploy(script("w", "export default { fetch() { throw new Error('out of tea') } }"));
    local.route("api.example.com/*", "w");
    let answer = local.get("http://api.example.com/").await?;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        answer.text().contains("1101") && answer.text().contains("out of tea"),
        "{}",
        answer.text()
    );
    Ok(())
}

#[tokio::test]
async fn a_broken_script_takes_no_other_down() -> anyhow::Result<()> {
    let local = Local::with_workers().await?;
    local.deploy(script("broken", "export default { fetch( }"));
    local.deploy(numbered(1));
    local.route("api.example.com/*", "w");
    local.route("api.example.com/broken", "broken");
    assert_eq!(local.get("http://api.example.com/").await?.text(), "v1");
    let broken = local.get("http://api.example.com/broken").await?;
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(broken.text().contains("SyntaxError"), "{}", broken.text());
    Ok(())
}

#[tokio::test]
async fn a_bad_script_is_found_before_it_is_saved() -> anyhow::Result<()> {
    let workerd = workerd()?;
    let judge = async |source: &str| check(Some(&workerd), &Code::from(&script("w", source))).await;
    assert_eq!(judge("export default { fetch() {} }").await, Ok(()));
    assert_eq!(judge("addEventListener('fetch', () => {})").await, Ok(()));
    let bad = judge("const a = ;").await.expect_err("a syntax error");
    assert!(bad.starts_with("Uncaught SyntaxError: Unexpected token ';'"), "{bad}");
    assert!(bad.contains("worker.js:1"), "{bad}");
    let thrown = judge("throw new Error('at start')").await.expect_err("an exception");
    assert!(thrown.starts_with("Uncaught Error: at start"), "{thrown}");
    let missing = judge("import './nope.js'; export default {}").await.expect_err("no module");
    assert!(missing.contains("No such module \"nope.js\""), "{missing}");
    let mut dated = script("w", "export default { fetch() {} }");
    dated.compatibility_date = "2999-01-01".to_owned();
    let dated = check(Some(&workerd), &Code::from(&dated)).await.expect_err("a date to come");
    assert!(dated.contains("compatibility date"), "{dated}");
    Ok(())
}
