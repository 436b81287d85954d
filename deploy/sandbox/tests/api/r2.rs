//! R2 buckets and objects.

use serde_json::json;

use crate::support::{ACCOUNT, Local};

#[tokio::test]
async fn a_bucket_is_made_listed_and_removed_when_empty() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let base = format!("/accounts/{ACCOUNT}/r2/buckets");
    let made = local.post(&base, json!({"name": "one", "locationHint": "weur"})).await?.ok()?;
    assert_eq!(made.result()["location"], "WEUR", "comes back in upper case");
    assert_eq!(local.post(&base, json!({"name": "one"})).await?.code(), 10_004);
    assert_eq!(local.post(&base, json!({"name": "No_Good"})).await?.code(), 10_005);
    local.post(&base, json!({"name": "two"})).await?.ok()?;
    let first = local.get(&format!("{base}?per_page=1")).await?.ok()?;
    assert_eq!(first.result()["buckets"][0]["name"], "one");
    let cursor = first.body["result_info"]["cursor"].as_str().unwrap_or_default();
    let second = local.get(&format!("{base}?per_page=1&cursor={cursor}")).await?.ok()?;
    assert_eq!(second.result()["buckets"][0]["name"], "two");
    assert!(second.body["result_info"]["cursor"].is_null());

    let object = format!("{base}/one/objects/dir/file.txt");
    let kind = [("content-type", "text/plain")];
    local.raw("PUT", &object, &kind, b"content".to_vec()).await?.ok()?;
    let read = local.get(&object).await?.ok()?;
    assert_eq!((read.text.as_str(), read.header("content-type")), ("content", "text/plain"));
    let listed = local.get(&format!("{base}/one/objects?delimiter=/")).await?.ok()?;
    assert_eq!(listed.body["result_info"]["delimited"], json!(["dir/"]));
    let full = local.delete(&format!("{base}/one")).await?;
    assert_eq!((full.status.as_u16(), full.code()), (409, 10_008));
    local.delete(&object).await?.ok()?;
    assert_eq!(local.get(&object).await?.code(), 10_007);

    let class = [("cf-r2-storage-class", "InfrequentAccess")];
    let edited = local.raw("PATCH", &format!("{base}/one"), &class, Vec::new()).await?.ok()?;
    assert_eq!(edited.result()["storage_class"], "InfrequentAccess");
    local.delete(&format!("{base}/one")).await?.ok()?;
    assert_eq!(local.get(&format!("{base}/one")).await?.code(), 10_006);
    Ok(())
}
