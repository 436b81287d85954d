//! The state on disk.

use serde_json::json;

use crate::support::{ACCOUNT, Local};

#[tokio::test]
async fn an_answered_write_outlives_the_process() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let record = json!({"type": "A", "name": "x", "content": "203.0.113.1"});
    let base = format!("/accounts/{ACCOUNT}/r2/buckets");
    let body = vec![b'z'; 100_000];
    {
        let local = Local::kept_in(folder.path()).await?;
        local.post(&local.in_zone("dns_records"), record).await?.ok()?;
        local.post(&base, json!({"name": "bucket"})).await?.ok()?;
        let object = format!("{base}/bucket/objects/long");
        local.raw("PUT", &object, &[], body.clone()).await?.ok()?;
        // No orderly stop: a copy of the folder as it is now is what a kill would leave.
    }
    let copy = tempfile::tempdir()?;
    for name in ["state.json", "audit.jsonl"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name))?;
    }
    std::fs::create_dir(copy.path().join("blobs"))?;
    for blob in std::fs::read_dir(folder.path().join("blobs"))? {
        let blob = blob?;
        std::fs::copy(blob.path(), copy.path().join("blobs").join(blob.file_name()))?;
    }
    std::fs::write(copy.path().join("blobs").join("left-over"), "x")?;

    let again = Local::kept_in(copy.path()).await?;
    let records = again.get(&again.in_zone("dns_records")).await?.ok()?;
    assert_eq!(records.result()[0]["name"], "x.example.com");
    let object = again.get(&format!("{base}/bucket/objects/long")).await?.ok()?;
    assert_eq!(object.text.as_bytes(), body);
    let audit = format!("/accounts/{ACCOUNT}/logs/audit?since=2020-01-01&before=2100-01-01");
    let audit = again.get(&audit).await?.ok()?;
    assert_eq!(audit.result().as_array().map(Vec::len), Some(3));
    assert!(!copy.path().join("blobs").join("left-over").exists());
    Ok(())
}

#[tokio::test]
async fn many_writes_at_once_are_all_kept() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::kept_in(folder.path()).await?;
    let records = local.in_zone("dns_records");
    let writes = (0..50).map(|number| {
        let record = json!({"type": "A", "name": format!("n{number}"), "content": "203.0.113.1"});
        local.post(&records, record)
    });
    for answer in futures::future::join_all(writes).await {
        answer?.ok()?;
    }
    let saved = std::fs::read_to_string(folder.path().join("state.json"))?;
    assert_eq!(saved.matches("\"proxiable\"").count(), 50);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_holds_something_else_is_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("state.json"), "not a state")?;
    let error = Local::kept_in(folder.path()).await.err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("is not a sandbox's state")));
    Ok(())
}
