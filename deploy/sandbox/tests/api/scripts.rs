//! Worker scripts and routes.

use serde_json::{Value, json};

use crate::support::{ACCOUNT, Answer, Local};

const GOOD: &str = "export default { fetch() { return new Response('hello') } }";

fn at(path: &str) -> String {
    format!("/accounts/{ACCOUNT}/workers/{path}")
}

async fn upload(local: &Local, name: &str, metadata: Value, code: &str) -> anyhow::Result<Answer> {
    send(local, "PUT", &format!("scripts/{name}"), metadata, code).await
}

async fn send(
    local: &Local,
    method: &str,
    path: &str,
    mut metadata: Value,
    code: &str,
) -> anyhow::Result<Answer> {
    metadata["main_module"] = json!("worker.js");
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\
         Content-Type: application/json\r\n\r\n{metadata}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"worker.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\n{code}\r\n--b--\r\n"
    );
    let kind = [("content-type", "multipart/form-data; boundary=b"), ("user-agent", "wrangler/4")];
    local.raw(method, &at(path), &kind, body.into_bytes()).await
}

#[tokio::test]
async fn a_script_is_uploaded_read_and_removed() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let kv = format!("/accounts/{ACCOUNT}/storage/kv/namespaces");
    let kv = local.post(&kv, json!({"title": "t"})).await?.ok()?.result()["id"].clone();
    let buckets = format!("/accounts/{ACCOUNT}/r2/buckets");
    local.post(&buckets, json!({"name": "objects"})).await?.ok()?;
    assert_eq!(local.get(&at("services/w")).await?.code(), 10_090);

    let metadata = json!({"compatibility_date": "2025-01-01", "tags": ["zerodrift:s/w"], "bindings": [
        {"type": "r2_bucket", "name": "A", "bucket_name": "objects"},
        {"type": "kv_namespace", "name": "B", "namespace_id": kv},
        {"type": "secret_text", "name": "S", "text": "hush"},
    ]});
    let first = upload(&local, "w", metadata.clone(), GOOD).await?.ok()?;
    let settings = local.get(&at("scripts/w/settings")).await?.ok()?;
    assert_eq!(settings.result()["bindings"][0]["name"], "B", "bindings come back reordered");
    assert_eq!(settings.result()["tags"], json!(["zerodrift:s/w"]));
    assert!(!settings.text.contains("hush"), "a secret is never shown");
    let content = local.get(&at("scripts/w")).await?.ok()?;
    assert!(content.text.contains(GOOD));
    assert_eq!(content.header("cf-entrypoint"), "worker.js");

    let kept = json!({"keep_bindings": ["secret_text"]});
    let second = upload(&local, "w", kept, &format!("{GOOD}\n")).await?.ok()?;
    assert_ne!(first.result()["etag"], second.result()["etag"]);
    let secrets = local.get(&at("scripts/w/secrets")).await?.ok()?;
    assert_eq!(secrets.result()[0]["name"], "S");
    let deployments = local.get(&at("scripts/w/deployments")).await?.ok()?;
    assert_eq!(deployments.result()["deployments"].as_array().map(Vec::len), Some(2));

    local.delete(&at("scripts/w")).await?.ok()?;
    assert_eq!(local.get(&at("scripts/w/settings")).await?.code(), 10_007);
    assert_eq!(local.delete(&at("scripts/w")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn an_upload_that_could_not_run_is_refused() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let with = |binding: Value| json!({"bindings": [binding]});
    let missing = json!({"type": "kv_namespace", "name": "A", "namespace_id": "none"});
    assert_eq!(upload(&local, "w", with(missing), GOOD).await?.code(), 10_041);
    let missing = json!({"type": "r2_bucket", "name": "A", "bucket_name": "none"});
    assert_eq!(upload(&local, "w", with(missing), GOOD).await?.code(), 10_085);
    let unknown = json!({"type": "queue", "name": "A"});
    assert_eq!(upload(&local, "w", with(unknown), GOOD).await?.status, 501);
    assert_eq!(upload(&local, "Not-A-Name", json!({}), GOOD).await?.code(), 10_016);
    assert_eq!(upload(&local, "w", json!({"migrations": {}}), GOOD).await?.status, 501);
    assert_eq!(local.get(&at("scripts")).await?.ok()?.result(), &json!([]));
    Ok(())
}

#[tokio::test]
async fn code_that_does_not_compile_is_refused_with_its_error() -> anyhow::Result<()> {
    let local = Local::with_workerd().await?;
    let bad = upload(&local, "w", json!({}), "export default {").await?;
    assert_eq!((bad.status.as_u16(), bad.code()), (400, 10_021));
    assert!(bad.text.contains("SyntaxError"), "{}", bad.text);
    upload(&local, "w", json!({}), GOOD).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_route_leads_to_a_script_that_is_there() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let routes = local.in_zone("workers/routes");
    let route = json!({"pattern": "api.example.com/*", "script": "w"});
    assert_eq!(local.post(&routes, route.clone()).await?.code(), 10_007);
    upload(&local, "w", json!({}), GOOD).await?.ok()?;
    let made = local.post(&routes, route.clone()).await?.ok()?;
    assert_eq!(local.post(&routes, route).await?.code(), 10_020);
    let elsewhere = json!({"pattern": "example.org/*", "script": "w"});
    assert_eq!(local.post(&routes, elsewhere).await?.code(), 10_022);
    let path = format!("{routes}/{}", made.result()["id"].as_str().unwrap_or_default());
    let changed = json!({"pattern": "api.example.com/v2/*", "script": "w"});
    local.put(&path, changed).await?.ok()?;
    assert_eq!(local.get(&path).await?.result()["pattern"], "api.example.com/v2/*");
    local.delete(&path).await?.ok()?;
    assert_eq!(local.get(&path).await?.code(), 10_009);
    Ok(())
}

#[tokio::test]
async fn a_version_serves_once_it_is_deployed() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let early = send(&local, "POST", "scripts/w/versions", json!({}), GOOD).await?;
    assert_eq!(early.code(), 10_007, "a version is one of a script that is there");
    let first = upload(&local, "w", json!({}), GOOD).await?.ok()?;
    assert_eq!(first.result()["last_deployed_from"], "wrangler");

    let text = json!({"bindings": [{"type": "plain_text", "name": "T", "text": "t"}]});
    let code = format!("{GOOD}\n// second");
    let second = send(&local, "POST", "scripts/w/versions", text, &code).await?.ok()?;
    assert_eq!(second.result()["number"], 2);
    let still = local.get(&at("scripts/w/settings")).await?.ok()?;
    assert_eq!(still.result()["bindings"], json!([]), "what is uploaded does not serve yet");

    let deploy = |version: &Value, percentage: u8| {
        let versions = json!([{"version_id": version, "percentage": percentage}]);
        json!({"strategy": "percentage", "versions": versions, "annotations": {"workers/message": "m"}})
    };
    let path = at("scripts/w/deployments");
    local.post(&path, deploy(&second.result()["id"], 100)).await?.ok()?;
    assert!(local.get(&at("scripts/w")).await?.ok()?.text.contains("// second"));
    let now = local.get(&at("scripts/w/settings")).await?.ok()?;
    assert_eq!(now.result()["bindings"][0]["name"], "T");
    let shown = local.get(&path).await?.ok()?;
    let newest = &shown.result()["deployments"][0];
    assert_eq!(newest["versions"][0]["version_id"], second.result()["id"]);
    assert_eq!(newest["annotations"]["workers/message"], "m");

    let versions = local.get(&at("scripts/w/versions")).await?.ok()?;
    let oldest = &versions.result()["items"][1]["id"];
    local.post(&path, deploy(oldest, 100)).await?.ok()?;
    assert!(!local.get(&at("scripts/w")).await?.ok()?.text.contains("// second"));
    assert_eq!(local.post(&path, deploy(oldest, 50)).await?.status, 400);
    assert_eq!(local.post(&path, deploy(&json!("none"), 100)).await?.code(), 10_007);
    let two = json!({"strategy": "percentage", "versions": [
        {"version_id": oldest, "percentage": 50},
        {"version_id": second.result()["id"], "percentage": 50},
    ]});
    assert_eq!(local.post(&path, two).await?.status, 501);
    Ok(())
}

#[tokio::test]
async fn the_calls_of_a_wrangler_deploy_are_answered() -> anyhow::Result<()> {
    let local = Local::start().await?;
    upload(&local, "w", json!({}), GOOD).await?.ok()?;
    local.get(&at("services/w")).await?.ok()?;
    local.get(&at("subdomain")).await?.ok()?;
    assert_eq!(local.get(&at("scripts/w/subdomain")).await?.result()["enabled"], false);
    let on = json!({"enabled": true, "previews_enabled": true});
    local.post(&at("scripts/w/subdomain"), on).await?.ok()?;
    let routes = json!([{"pattern": "example.com/*", "zone_name": "example.com"}]);
    local.put(&at("scripts/w/routes"), routes).await?.ok()?;
    let shown = local.get(&local.in_zone("workers/routes")).await?.ok()?;
    assert_eq!(shown.result()[0]["script"], "w");
    let domain =
        json!({"hostname": "www.example.com", "service": "w", "environment": "production"});
    local.put(&at("domains"), domain).await?.ok()?;
    local.put(&at("scripts/w/secrets"), json!({"name": "K", "text": "v"})).await?.ok()?;
    local.delete(&at("services/w?force=true")).await?.ok()?;
    assert_eq!(local.get(&at("domains")).await?.ok()?.result(), &json!([]));
    Ok(())
}
