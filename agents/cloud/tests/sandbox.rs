//! Every kind against the local Cloudflare, made from the kinds' descriptions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test sets up fails by panicking, as the test does"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bus_schema::{KindName, Place, Properties, Resource};
use cloud::cloudflare::{Cloudflare, catalogue};
use cloud::{
    Cloud, Description, Effect, Error, Kind, Observed, Ownership, ScopeLevel, differences,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
const ZONE: &str = "example.com";
const TOKEN: &str = "a-token-for-tests";

/// A local Cloudflare of its own for each test; ends with it.
struct Sandbox {
    api: String,
    _process: Child,
}

impl Sandbox {
    async fn start() -> Self {
        // For the tests' own calls; the client under test does so for itself.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut process = Command::new(binary())
            .args(["--api", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--account", ACCOUNT])
            .args(["--zone", ZONE, "--token", TOKEN])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = lines.next_line().await.unwrap().expect("the sandbox says where it listens");
        let ready: Value = serde_json::from_str(&ready).unwrap();
        Self { api: ready["api"].as_str().unwrap().to_owned(), _process: process }
    }

    fn cloudflare(&self) -> Cloudflare {
        let base = format!("{}/client/v4", self.api).parse().unwrap();
        Cloudflare::new(base, &SecretString::from(TOKEN)).unwrap()
    }

    /// A call to the sandbox itself.
    async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/__sandbox/{path}", self.api);
        let request = reqwest::Client::new().request(method.parse().unwrap(), url);
        let response = request.json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{method} {path}: {}", response.status());
        response.json().await.unwrap_or_default()
    }

    /// A call as somebody else would make it; answers the result.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/client/v4/{path}", self.api);
        let request = reqwest::Client::new().request(method.parse().unwrap(), url);
        let response = request.bearer_auth(TOKEN).json(body).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["success"], true, "{method} {path}: {answer}");
        answer["result"].clone()
    }
}

/// The sandbox, built into the same target folder as this test.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap_or(Path::new("")).join("zerodrift-sandbox");
    assert!(binary.exists(), "{} is not built; run `make build`", binary.display());
    binary
}

fn place(description: &Description) -> Place {
    match description.scope {
        ScopeLevel::Account => Place::Account(ACCOUNT.to_owned()),
        ScopeLevel::Zone => Place::Zone(ZONE.to_owned()),
    }
}

/// A resource with the first example of every field, or the second of the one field named.
fn resource(kind: &dyn Kind, name: &str, second: Option<&str>) -> Resource {
    let description = kind.describe();
    let example =
        |field: &cloud::Field| match field.examples[usize::from(second == Some(field.name))] {
            "" if second == Some(field.name) => json!("zd-edge-api-two"),
            "" => json!("zd-edge-api-one"),
            text => serde_json::from_str(text).unwrap(),
        };
    let declared: Properties =
        description.fields.iter().map(|field| (field.name.to_owned(), example(field))).collect();
    Resource {
        address: format!("edge-api/{}/{name}", description.name).parse().unwrap(),
        place: place(description),
        properties: kind.normalise(&declared).unwrap(),
        depends_on: Vec::new(),
    }
}

fn kind_name(kind: &dyn Kind) -> KindName {
    kind.describe().name.parse().unwrap()
}

/// What a kind needs to be there first.
async fn prepare(cloudflare: &Cloudflare, kind: &dyn Kind) {
    if kind.describe().name == "cloudflare.worker_route" {
        let script = catalogue().get(&"cloudflare.worker_script".parse().unwrap()).unwrap();
        for name in ["one", "two"] {
            cloudflare.create(&resource(script, name, None)).await.unwrap();
        }
    }
}

async fn ours(cloudflare: &Cloudflare, kind: &dyn Kind, resource: &Resource) -> Option<Observed> {
    let listed = cloudflare.list(&kind_name(kind), &resource.place).await.unwrap();
    let mut ours: Vec<_> = listed
        .into_iter()
        .filter(|it| kind.is_of(&resource.address, &resource.properties, it))
        .collect();
    assert!(ours.len() <= 1, "{ours:?}");
    ours.pop()
}

fn differing(kind: &dyn Kind, declared: &Properties, observed: &Observed) -> Vec<String> {
    let differences = differences(kind, declared, &observed.properties, |_, _| None);
    differences.into_iter().map(|it| it.field).collect()
}

/// A life of one object of each kind: made, listed, read, changed field by field, removed.
#[tokio::test]
async fn every_kind_is_as_it_was_declared_and_then_gone() {
    let sandbox = Sandbox::start().await;
    let cloudflare = sandbox.cloudflare();
    for kind in catalogue().0.iter().copied() {
        prepare(&cloudflare, kind).await;
        let (name, description) = (kind_name(kind), kind.describe());
        let wanted = resource(kind, "main", None);
        let before = ours(&cloudflare, kind, &wanted).await;
        assert_eq!(before.is_some(), description.ownership == Ownership::Claimed, "{name}");

        let made = cloudflare.create(&wanted).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(differing(kind, &wanted.properties, &made), [""; 0], "{name} as made");
        let found = ours(&cloudflare, kind, &wanted).await.expect("it is listed");
        assert_eq!((&found.id, &found.key), (&made.id, &made.key));
        assert_eq!(found.properties, made.properties, "{name} as listed");
        assert_eq!(found.outputs, made.outputs, "{name}");
        let read = cloudflare.read(&name, &wanted.place, &made.id).await.unwrap().unwrap();
        assert_eq!(read.properties, made.properties, "{name} as read");

        for field in description.fields.iter().filter(|field| !field.fixed) {
            let other = resource(kind, "main", Some(field.name));
            let changed =
                cloudflare.update(&other, &made.id).await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(differing(kind, &other.properties, &changed), [""; 0], "{name} as changed");
            let found = ours(&cloudflare, kind, &other).await.expect("it is still listed");
            assert_eq!(found.properties, changed.properties);
            let seen = differing(kind, &wanted.properties, &found);
            assert!(seen.contains(&field.name.to_owned()), "{name}: {} is seen", field.name);
            let back = cloudflare.update(&wanted, &made.id).await.unwrap();
            assert_eq!(differing(kind, &wanted.properties, &back), [""; 0], "{name} put back");
        }

        if description.ownership == Ownership::Claimed {
            let refused = cloudflare.delete(&name, &wanted.place, &made.id).await.unwrap_err();
            assert!(matches!(refused, Error::Unsupported { .. }));
            continue;
        }
        cloudflare.delete(&name, &wanted.place, &made.id).await.unwrap();
        assert!(ours(&cloudflare, kind, &wanted).await.is_none(), "{name} is gone");
        assert!(cloudflare.read(&name, &wanted.place, &made.id).await.unwrap().is_none());
        cloudflare.delete(&name, &wanted.place, &made.id).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_there_already_is_not_made_twice() {
    let sandbox = Sandbox::start().await;
    let cloudflare = sandbox.cloudflare();
    for kind in catalogue().0.iter().copied() {
        if kind.describe().ownership == Ownership::Claimed {
            continue;
        }
        prepare(&cloudflare, kind).await;
        let wanted = resource(kind, "main", None);
        cloudflare.create(&wanted).await.unwrap();
        let again = cloudflare.create(&wanted).await.unwrap_err();
        assert!(matches!(again, Error::Conflict { .. }), "{again}");
        assert!(ours(&cloudflare, kind, &wanted).await.is_some());
    }
}

#[tokio::test]
async fn rules_made_at_once_are_all_there_among_those_of_others() {
    let sandbox = Sandbox::start().await;
    let zone = sandbox.call("GET", "zones", &Value::Null).await[0]["id"].clone();
    let zone = zone.as_str().unwrap();
    let cloudflare = sandbox.cloudflare();
    let kind = catalogue().get(&"cloudflare.waf_rule".parse().unwrap()).unwrap();
    let rules: Vec<_> = (0..6).map(|n| resource(kind, &format!("r{n}"), None)).collect();
    let made = futures::future::join_all(rules.iter().map(|rule| cloudflare.create(rule))).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");

    let entry_point =
        format!("zones/{zone}/rulesets/phases/http_request_firewall_custom/entrypoint");
    let ruleset = sandbox.call("GET", &entry_point, &Value::Null).await;
    let theirs = json!({ "action": "block", "expression": "(ip.src eq 192.0.2.1)", "description": "theirs" });
    let path = format!("zones/{zone}/rulesets/{}/rules", ruleset["id"].as_str().unwrap());
    sandbox.call("POST", &path, &theirs).await;
    for (rule, made) in rules.iter().zip(made) {
        let name = kind_name(kind);
        cloudflare
            .update(
                &resource(kind, rule.address.name.as_str(), Some("action")),
                &made.as_ref().unwrap().id,
            )
            .await
            .unwrap();
        cloudflare.delete(&name, &rule.place, &made.unwrap().id).await.unwrap();
    }
    let left = sandbox.call("GET", &entry_point, &Value::Null).await;
    let left: Vec<_> =
        left["rules"].as_array().unwrap().iter().map(|it| &it["description"]).collect();
    assert_eq!(left, ["theirs"]);
}

#[tokio::test]
async fn a_rule_whose_id_changed_is_still_ours() {
    let sandbox = Sandbox::start().await;
    let zone = sandbox.call("GET", "zones", &Value::Null).await[0]["id"].clone();
    let cloudflare = sandbox.cloudflare();
    let kind = catalogue().get(&"cloudflare.waf_rule".parse().unwrap()).unwrap();
    let wanted = resource(kind, "main", None);
    let made = cloudflare.create(&wanted).await.unwrap();
    // Somebody puts the whole list back, as some tools do, and alters our rule on the way.
    let path = format!(
        "zones/{}/rulesets/phases/http_request_firewall_custom/entrypoint",
        zone.as_str().unwrap()
    );
    let ruleset = sandbox.call("GET", &path, &Value::Null).await;
    let mut rule = ruleset["rules"][0].clone();
    rule["enabled"] = false.into();
    sandbox.call("PUT", &path, &json!({ "rules": [rule] })).await;

    let found = ours(&cloudflare, kind, &wanted).await.unwrap();
    assert_eq!(differing(kind, &wanted.properties, &found), ["enabled"]);
    let back = cloudflare.update(&wanted, &made.id).await.unwrap();
    assert_eq!(differing(kind, &wanted.properties, &back), [""; 0]);
}

#[tokio::test]
async fn a_skip_rule_can_become_a_block_rule() {
    let sandbox = Sandbox::start().await;
    let cloudflare = sandbox.cloudflare();
    let kind = catalogue().get(&"cloudflare.waf_rule".parse().unwrap()).unwrap();
    let block = resource(kind, "main", None);
    let mut skip = block.clone();
    skip.properties.0.insert("action".to_owned(), "skip".into());
    let made = cloudflare.create(&skip).await.unwrap();
    let changed = cloudflare.update(&block, &made.id).await.unwrap();
    assert_eq!(differing(kind, &block.properties, &changed), [""; 0]);
}

#[tokio::test]
async fn a_script_is_read_again_when_somebody_uploads_another() {
    let sandbox = Sandbox::start().await;
    let (mine, theirs) = (sandbox.cloudflare(), sandbox.cloudflare());
    let kind = catalogue().get(&"cloudflare.worker_script".parse().unwrap()).unwrap();
    let wanted = resource(kind, "main", None);
    let made = mine.create(&wanted).await.unwrap();
    for _ in 0..2 {
        let found = ours(&mine, kind, &wanted).await.unwrap();
        assert_eq!(differing(kind, &wanted.properties, &found), [""; 0]);
    }
    let requests = sandbox.control("GET", "requests", &Value::Null).await;
    let reads = |it: &&Value| {
        it["method"] == "GET" && it["path"].as_str().is_some_and(|it| it.ends_with("/{script}"))
    };
    let counted = requests["requests"].as_array().unwrap().iter().find(reads).unwrap();
    assert_eq!(counted["count"], 1, "what has not changed is not read again: {requests}");

    theirs.update(&resource(kind, "main", Some("content")), &made.id).await.unwrap();
    let found = ours(&mine, kind, &wanted).await.unwrap();
    assert_eq!(differing(kind, &wanted.properties, &found), ["content"]);
}

/// What a crash after the call and before the record comes to, too.
#[tokio::test]
async fn an_object_whose_making_got_no_answer_is_found_as_ours() {
    let sandbox = Sandbox::start().await;
    let cloudflare = sandbox.cloudflare();
    for kind in catalogue().0.iter().copied() {
        if kind.describe().ownership == Ownership::Claimed {
            continue;
        }
        prepare(&cloudflare, kind).await;
        let wanted = resource(kind, "main", None);
        for fault in ["reset", "lost"] {
            sandbox.control("POST", "faults", &json!({ "method": "POST", "kind": fault })).await;
            match cloudflare.create(&wanted).await {
                Err(error) => assert_eq!(error.took_effect(), Effect::Unknown, "{error}"),
                // An upload says all there is to say and is made again.
                Ok(_) => assert_eq!(kind.describe().name, "cloudflare.worker_script"),
            }
            sandbox.control("DELETE", "faults", &Value::Null).await;
            let found = ours(&cloudflare, kind, &wanted).await;
            if fault == "lost" {
                let found = found.expect("it was made");
                assert_eq!(differing(kind, &wanted.properties, &found), [""; 0]);
            } else if kind.describe().name == "cloudflare.worker_script" {
                cloudflare
                    .delete(&kind_name(kind), &wanted.place, &found.unwrap().id)
                    .await
                    .unwrap();
            } else {
                assert!(found.is_none(), "{kind:?} was not made");
            }
        }
    }
}
