//! Accounts, zones, settings, and what is not offered.

use serde_json::json;

use crate::support::{ACCOUNT, Local};

#[tokio::test]
async fn zones_are_found_by_name_and_shown_by_page() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let found = local.get("/zones?name=Example.com").await?.ok()?;
    assert_eq!(found.result()[0]["id"], local.zone().as_str());
    assert_eq!(found.result()[0]["account"]["id"], ACCOUNT);
    let all = local.get("/zones?per_page=5").await?.ok()?;
    assert_eq!(all.body["result_info"]["total_count"], 2);
    assert_eq!(local.get("/zones?per_page=51").await?.status, 400);
    assert_eq!(local.get("/zones/nope").await?.code(), 7003);
    assert_eq!(local.get("/zones?name=other.org").await?.result(), &json!([]));
    assert_eq!(local.get("/accounts").await?.ok()?.result()[0]["id"], ACCOUNT);
    Ok(())
}

#[tokio::test]
async fn a_setting_has_a_default_takes_its_values_and_refuses_others() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let path = local.in_zone("settings/min_tls_version");
    let before = local.get(&path).await?.ok()?;
    assert_eq!(before.result()["value"], "1.0");
    assert!(before.result()["modified_on"].is_null());
    let after = local.patch(&path, json!({"value": "1.2"})).await?.ok()?;
    assert!(after.result()["modified_on"].is_string());
    assert_eq!(local.get(&path).await?.result()["value"], "1.2");
    assert_eq!(local.patch(&path, json!({"value": "9"})).await?.code(), 1007);
    assert_eq!(local.patch(&path, json!({})).await?.status, 400);
    assert_eq!(local.get(&local.in_zone("settings/nope")).await?.code(), 1006);

    let many = json!({"items": [{"id": "ssl", "value": "strict"}, {"id": "brotli", "value": 1}]});
    assert_eq!(local.patch(&local.in_zone("settings"), many).await?.code(), 1007);
    let ssl = local.get(&local.in_zone("settings/ssl")).await?;
    assert_eq!(ssl.result()["value"], "full", "all or none");
    Ok(())
}

#[tokio::test]
async fn what_is_not_offered_is_refused_in_the_clouds_shape() -> anyhow::Result<()> {
    let local = Local::start().await?;
    let nowhere = local.get("/zones/x/page_shield/nothing").await?;
    assert_eq!(nowhere.status, 404);
    assert_eq!(nowhere.body["success"], false);
    assert_eq!(nowhere.body["errors"][1]["code"], 7000);
    assert_eq!(local.delete("/zones").await?.status, 405);
    assert_eq!(local.post("/zones", json!({"name": "new.com"})).await?.status, 501);
    let log = format!("/accounts/{ACCOUNT}/logs/audit?since=2020-01-01&before=2100-01-01");
    local.get(&log).await?.ok()?;
    assert_eq!(local.get(&format!("{log}&actor_email=a@b.c")).await?.status, 501);
    assert!(nowhere.header("cf-ray").ends_with("-ICN"));
    Ok(())
}
