//! DNS records.

use serde_json::{Value, json};

use crate::support::Local;

fn a(name: &str, content: &str) -> Value {
    json!({"type": "A", "name": name, "content": content})
}

#[tokio::test]
async fn a_record_is_made_read_changed_and_removed() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let records = local.in_zone("dns_records");
    let made = local
        .post(
            &records,
            json!({"type": "A", "name": "API", "content": "203.0.113.1", "ttl": 300,
                "comment": "mine"}),
        )
        .await?
        .ok()?;
    assert_eq!(made.result()["name"], "api.example.com");
    assert_eq!(made.result()["ttl"], 300);
    let path = format!("{records}/{}", made.result()["id"].as_str().unwrap_or_default());

    let patched = local.patch(&path, json!({"proxied": true})).await?.ok()?;
    assert_eq!(patched.result()["ttl"], 1, "proxied forces an automatic ttl");
    assert_eq!(patched.result()["comment"], "mine", "what is left out of a PATCH stays");
    assert_ne!(patched.result()["modified_on"], made.result()["modified_on"]);
    assert_eq!(patched.result()["created_on"], made.result()["created_on"]);

    let put = local.put(&path, a("api", "203.0.113.2")).await?.ok()?;
    assert_eq!(put.result()["proxied"], false, "what is left out of a PUT falls back");
    assert!(put.result()["comment"].is_null());

    assert_eq!(local.delete(&path).await?.ok()?.result()["id"], made.result()["id"]);
    assert_eq!(local.get(&path).await?.code(), 81_044);
    assert_eq!(local.delete(&path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn records_that_stand_against_each_other_are_refused() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let records = local.in_zone("dns_records");
    local.post(&records, a("x", "203.0.113.1")).await?.ok()?;
    assert_eq!(local.post(&records, a("X", "203.0.113.1")).await?.code(), 81_058);
    local.post(&records, a("x", "203.0.113.2")).await?.ok()?;
    let cname = json!({"type": "CNAME", "name": "x", "content": "t.example.org"});
    assert_eq!(local.post(&records, cname).await?.code(), 81_053);
    let cname = json!({"type": "CNAME", "name": "y", "content": "t.example.org"});
    local.post(&records, cname).await?.ok()?;
    assert_eq!(local.post(&records, a("y", "203.0.113.1")).await?.code(), 81_054);
    let bad = local.post(&records, a("z", "not an address")).await?;
    assert_eq!((bad.status.as_u16(), bad.code()), (400, 1004));
    assert_eq!(bad.body["errors"][0]["error_chain"][0]["code"], 9005);
    Ok(())
}

#[tokio::test]
async fn records_are_listed_by_filter_and_page() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let records = local.in_zone("dns_records");
    for number in 1..=7 {
        let mut record = a(&format!("n{number}"), &format!("203.0.113.{number}"));
        record["comment"] = json!(format!("zerodrift:edge/n{number}"));
        local.post(&records, record).await?.ok()?;
    }
    let mut seen = std::collections::BTreeSet::new();
    for page in 1..=3 {
        let shown = local.get(&format!("{records}?per_page=3&page={page}")).await?.ok()?;
        assert_eq!(shown.body["result_info"]["total_pages"], 3);
        for record in shown.result().as_array().into_iter().flatten() {
            seen.insert(record["name"].to_string());
        }
    }
    assert_eq!(seen.len(), 7);
    for filter in [
        "name=n3.example.com",
        "name=N3",
        "content=203.0.113.3",
        "comment.contains=n3",
        "comment=zerodrift:edge/n3",
        "search=n3.ex",
    ] {
        let found = local.get(&format!("{records}?{filter}")).await?.ok()?;
        assert_eq!(found.body["result_info"]["total_count"], 1, "{filter}");
    }
    let none = local.get(&format!("{records}?type=TXT")).await?.ok()?;
    assert_eq!(none.result(), &json!([]));
    assert_eq!(local.get(&format!("{records}?tag=x")).await?.status, 501);
    Ok(())
}

#[tokio::test]
async fn a_batch_is_done_whole_or_not_at_all() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let records = local.in_zone("dns_records");
    let old = local.post(&records, a("old", "203.0.113.1")).await?.ok()?;
    let batch = format!("{records}/batch");
    let bad = json!({"deletes": [{"id": old.result()["id"]}], "posts": [a("new", "nonsense")]});
    assert_eq!(local.post(&batch, bad).await?.status, 400);
    let names = async || -> anyhow::Result<Value> {
        Ok(local.get(&records).await?.ok()?.result()[0]["name"].clone())
    };
    assert_eq!(names().await?, "old.example.com");
    let good = json!({"deletes": [{"id": old.result()["id"]}], "posts": [a("new", "203.0.113.9")]});
    let done = local.post(&batch, good).await?.ok()?;
    assert_eq!(done.result()["posts"][0]["name"], "new.example.com");
    assert_eq!(names().await?, "new.example.com");
    Ok(())
}
