//! KV namespaces and values.

use serde_json::json;

use crate::support::{ACCOUNT, Local};

async fn namespace(local: &Local, title: &str) -> anyhow::Result<String> {
    let base = format!("/accounts/{ACCOUNT}/storage/kv/namespaces");
    let made = local.post(&base, json!({"title": title})).await?.ok()?;
    Ok(format!("{base}/{}", made.result()["id"].as_str().unwrap_or_default()))
}

#[tokio::test]
async fn titles_are_unique() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let first = namespace(&local, "one").await?;
    let base = format!("/accounts/{ACCOUNT}/storage/kv/namespaces");
    assert_eq!(local.post(&base, json!({"title": "one"})).await?.code(), 10_014);
    assert_eq!(local.post(&base, json!({"title": ""})).await?.code(), 10_019);
    local.put(&first, json!({"title": "two"})).await?.ok()?;
    let listed = local.get(&base).await?.ok()?;
    assert_eq!(listed.result()[0]["title"], "two");
    assert_eq!(listed.body["result_info"]["total_count"], 1);
    local.delete(&first).await?.ok()?;
    assert_eq!(local.get(&first).await?.code(), 10_013);
    Ok(())
}

#[tokio::test]
async fn values_are_written_read_listed_and_removed() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let kv = namespace(&local, "n").await?;
    let key = format!("{kv}/values/a%2Fb%20c");
    local.raw("PUT", &key, &[], b"\x00raw".to_vec()).await?.ok()?;
    assert_eq!(local.get(&key).await?.ok()?.text, "\0raw");
    let form = "--b\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nv\r\n\
                --b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"m\":1}\r\n--b--\r\n";
    let kind = [("content-type", "multipart/form-data; boundary=b")];
    local.raw("PUT", &format!("{kv}/values/form"), &kind, form.into()).await?.ok()?;
    let metadata = local.get(&format!("{kv}/metadata/form")).await?.ok()?;
    assert_eq!(metadata.result(), &json!({"m": 1}));
    let short = format!("{kv}/values/x?expiration_ttl=5");
    assert_eq!(local.raw("PUT", &short, &[], b"v".to_vec()).await?.code(), 10_034);

    let both = format!("{kv}/values/both?expiration=4102444800&expiration_ttl=3600");
    local.raw("PUT", &both, &[], b"v".to_vec()).await?.ok()?;
    let end = local.get(&format!("{kv}/values/both")).await?.ok()?.header("expiration").to_owned();
    assert!(end.parse::<i64>()? < 4_102_444_800, "the length of a life wins over its end");

    let pairs: Vec<_> =
        (0..25).map(|n| json!({"key": format!("k{n:02}"), "value": format!("{n}")})).collect();
    local.put(&format!("{kv}/bulk"), json!(pairs)).await?.ok()?;
    let (mut cursor, mut seen) = (String::new(), 0);
    loop {
        let path = format!("{kv}/keys?prefix=k&limit=10&cursor={cursor}");
        let page = local.get(&path).await?.ok()?;
        seen += page.result().as_array().map_or(0, Vec::len);
        cursor = page.body["result_info"]["cursor"].as_str().unwrap_or_default().to_owned();
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, 25);
    let read =
        local.post(&format!("{kv}/bulk/get"), json!({"keys": ["k03", "none"]})).await?.ok()?;
    assert_eq!(read.result()["values"], json!({"k03": "3", "none": null}));
    local.post(&format!("{kv}/bulk/delete"), json!(["k03"])).await?.ok()?;
    assert_eq!(local.get(&format!("{kv}/values/k03")).await?.code(), 10_009);
    local.delete(&key).await?.ok()?;
    assert_eq!(local.get(&key).await?.status, 404);
    Ok(())
}
