//! The Workers of the shipped golden path, as they answer at the edge.

mod edge_support;

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::StatusCode;
use edge_support::{ACCOUNT, Local, script};
use sandbox::store::{Binding, Bucket, Namespace, R2Object, now};
use serde_json::json;

const NAMESPACE: &str = "11111111111111111111111111111111";

fn kv() -> Binding {
    Binding::KvNamespace { name: "KV".to_owned(), namespace_id: NAMESPACE.to_owned() }
}

fn prefix(text: &str) -> Binding {
    Binding::PlainText { name: "PREFIX".to_owned(), text: text.to_owned() }
}

async fn serving(source: &str, bindings: Vec<Binding>) -> anyhow::Result<Local> {
    let local = Local::with_workers().await?;
    let namespace = Namespace {
        id: NAMESPACE.to_owned(),
        title: "store".to_owned(),
        values: BTreeMap::default(),
    };
    let bucket = Bucket {
        name: "files".to_owned(),
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
    let mut worker = script("template", source);
    "2026-10-01".clone_into(&mut worker.compatibility_date);
    worker.bindings = bindings;
    local.deploy(worker);
    local.route("api.example.com/*", "template");
    Ok(local)
}

#[tokio::test]
async fn redirects_follow_the_map() -> anyhow::Result<()> {
    let source = include_str!("../../golden-paths/workers/redirects.js");
    let local = serving(source, vec![kv()]).await?;
    local.store.kv_put(
        NAMESPACE,
        "/docs",
        Bytes::from_static(b"https://docs.example.net/start"),
        Some(json!({"status": 301})),
        None,
    );
    let known = local.get("https://api.example.com/docs/").await?;
    assert_eq!(known.status, StatusCode::MOVED_PERMANENTLY, "{}", known.text());
    assert_eq!(known.header("location"), "https://docs.example.net/start");
    assert_eq!(local.get("https://api.example.com/x").await?.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn objects_are_served_whole_in_part_and_not_again() -> anyhow::Result<()> {
    let source = include_str!("../../golden-paths/workers/objects.js");
    let bucket = Binding::R2Bucket { name: "BUCKET".to_owned(), bucket_name: "files".to_owned() };
    let local = serving(source, vec![bucket, prefix("/o/")]).await?;
    let mut object = R2Object::new("a b.txt", Bytes::from_static(b"0123456789"));
    object.http_metadata.insert("contentType".to_owned(), "text/plain".to_owned());
    assert!(local.store.r2_put(ACCOUNT, "files", object));
    let url = "http://api.example.com/o/a%20b.txt";

    let whole = local.get(url).await?;
    assert_eq!((whole.status, whole.text().as_str()), (StatusCode::OK, "0123456789"));
    assert_eq!(whole.header("content-type"), "text/plain");
    let part = local.send("GET", url, &[("range", "bytes=2-4")]).await?;
    assert_eq!((part.status, part.text().as_str()), (StatusCode::PARTIAL_CONTENT, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let outside = local.send("GET", url, &[("range", "bytes=20-")]).await?;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    for (name, value) in [
        ("if-none-match", whole.header("etag")),
        ("if-modified-since", whole.header("last-modified")),
    ] {
        let again = local.send("GET", url, &[(name, value)]).await?;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{name}: {value}");
    }
    let other = local.send("GET", url, &[("if-match", "\"other\"")]).await?;
    assert_eq!(other.status, StatusCode::PRECONDITION_FAILED);
    let head = local.send("HEAD", url, &[]).await?;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, "10"));
    let none = local.get("http://api.example.com/o/none").await?;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn the_json_api_keeps_items_for_who_may_write() -> anyhow::Result<()> {
    let source = include_str!("../../golden-paths/workers/json-api.js");
    let local = serving(source, vec![kv(), prefix("/v1/")]).await?;
    let url = "http://api.example.com/v1/items/one";
    let token = [("authorization", "Bearer 0123456789abcdef")];
    let stranger = local.send_body("PUT", url, &token, "{}").await?;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN, "{}", stranger.text());
    // SHA-256 of the token.
    let known = "token:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    local.store.kv_put(NAMESPACE, known, Bytes::new(), None, None);
    let stored = local.send_body("PUT", url, &token, "{\"a\": [1, \"é\"]}").await?;
    assert_eq!(stored.status, StatusCode::OK, "{}", stored.text());
    assert_eq!(local.get(url).await?.json(), json!({"a": [1, "é"]}));
    let list = local.get("http://api.example.com/v1/items").await?;
    assert_eq!(list.json(), json!({"items": [{"id": "one"}], "cursor": null}));
    let deleted = local.send("DELETE", url, &token).await?;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(local.get(url).await?.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn headers_are_added_to_what_the_origin_says() -> anyhow::Result<()> {
    let source = include_str!("../../golden-paths/workers/headers.js");
    let local = serving(source, Vec::new()).await?;
    let answer = local.get("https://api.example.com/page").await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.json()["path"], "/page");
    Ok(())
}
