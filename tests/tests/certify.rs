//! The local Cloudflare, judged by clients nobody here wrote: wrangler and the official Python SDK,
//! both unmodified.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{ACCOUNT, Actor, Sandbox, secs, tool, until};
use tokio::net::TcpListener;
use tokio::process::Command;

#[tokio::test]
async fn the_official_python_sdk_finds_what_it_expects() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let sandbox = Sandbox::start(folder.path()).await?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(tool("venv/bin/python")?)
        .arg(here.join("python/certify.py"))
        .args([ACCOUNT, "example.com"])
        .env("CLOUDFLARE_BASE_URL", format!("{}/client/v4", sandbox.api))
        .env("CLOUDFLARE_API_TOKEN", Actor::SomeoneElse.token())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}\n{}", failed.join("\n"), sandbox.process.log());
    assert!(said.lines().count() > 150, "it checked less than it has:\n{said}");
    Ok(())
}

#[tokio::test]
async fn wrangler_deploys_changes_and_removes_a_worker_and_its_stores() -> anyhow::Result<()> {
    let wrangler = Wrangler::start().await?;

    // Two stores, and a Worker that uses both.
    wrangler.must(&["kv", "namespace", "create", "certify-kv"]).await?;
    let namespaces = wrangler.json(&["kv", "namespace", "list"]).await?;
    assert_eq!(namespaces[0]["title"], "certify-kv");
    let namespace = namespaces[0]["id"].as_str().context("its id")?;
    wrangler.must(&["r2", "bucket", "create", "certify-bucket"]).await?;
    let buckets = wrangler.must(&["r2", "bucket", "list"]).await?;
    assert!(buckets.contains("certify-bucket"), "{buckets}");
    let config = json!({
        "name": "certify", "main": "worker.js", "compatibility_date": "2026-01-01",
        "workers_dev": false,
        "routes": [{"pattern": "worker.example.com/*", "zone_name": "example.com"}],
        "kv_namespaces": [{"binding": "KV", "id": namespace}],
        "r2_buckets": [{"binding": "BUCKET", "bucket_name": "certify-bucket"}],
    });
    wrangler.write(&config, &worker("one"))?;
    let first = version_of(&wrangler.must(&["deploy"]).await?)?;
    wrangler.answers("/", "one").await?;

    // What is put from outside is read through the edge, and the other way round.
    let at = ["--remote", "--namespace-id", namespace];
    wrangler.must(&[&["kv", "key", "put", "greeting", "two words"], &at[..]].concat()).await?;
    assert_eq!(
        wrangler.must(&[&["kv", "key", "get", "greeting"], &at[..]].concat()).await?,
        "two words"
    );
    wrangler.answers("/kv/greeting", "two words").await?;
    let keys = wrangler.json(&[&["kv", "key", "list"], &at[..]].concat()).await?;
    assert_eq!(keys, json!([{"name": "greeting"}]));
    wrangler.must(&[&["kv", "key", "delete", "greeting"], &at[..]].concat()).await?;
    wrangler.refused(&[&["kv", "key", "get", "greeting"], &at[..]].concat(), "404").await?;
    wrangler.answers("/r2/seen", "by the Worker").await?;
    let object = ["r2", "object", "get", "certify-bucket/seen", "--remote", "--pipe"];
    assert_eq!(wrangler.must(&object).await?, "by the Worker");

    // Again: by way of a version that is uploaded, and then deployed.
    wrangler.write(&config, &worker("two"))?;
    let second = version_of(&wrangler.must(&["deploy", "--message", "the second"]).await?)?;
    assert_ne!(first, second);
    wrangler.answers("/", "two").await?;
    let serving = wrangler.json(&["deployments", "status", "--json"]).await?;
    assert_eq!(serving["versions"], json!([{"version_id": second, "percentage": 100}]));
    assert_eq!(serving["annotations"]["workers/message"], "the second");
    wrangler.must(&["rollback", &first, "--message", "back", "--yes"]).await?;
    wrangler.answers("/", "one").await?;

    // What cannot run, and what the sandbox has not, is refused and changes nothing.
    wrangler.write(&config, "throw new Error('at start'); export default {};")?;
    wrangler.refused(&["deploy"], "code: 10021").await?;
    let mut counter = config.clone();
    counter["durable_objects"] = json!({"bindings": [{"name": "DO", "class_name": "Counter"}]});
    counter["migrations"] = json!([{"tag": "v1", "new_sqlite_classes": ["Counter"]}]);
    wrangler.write(&counter, &format!("{} export class Counter {{}}", worker("three")))?;
    wrangler.refused(&["deploy"], "code: 10501").await?;
    wrangler.answers("/", "one").await?;

    // Everything goes again.
    wrangler.write(&config, &worker("one"))?;
    wrangler.must(&["delete", "--force"]).await?;
    wrangler.answers("/", "sandbox echo").await?;
    wrangler.refused(&["r2", "bucket", "delete", "certify-bucket"], "code: 10008").await?;
    wrangler.must(&["r2", "object", "delete", "certify-bucket/seen", "--remote"]).await?;
    wrangler.must(&["r2", "bucket", "delete", "certify-bucket"]).await?;
    wrangler.must(&[&["kv", "namespace", "delete"], &at[1..]].concat()).await?;
    assert_eq!(wrangler.json(&["kv", "namespace", "list"]).await?, json!([]));
    wrangler.stayed_here()
}

/// A Worker that says a text, and reads and writes its stores.
fn worker(text: &str) -> String {
    r#"export default {
        async fetch(request, env) {
            const [kind, key] = new URL(request.url).pathname.slice(1).split("/");
            if (kind === "kv") return new Response(await env.KV.get(key));
            if (kind === "r2") {
                await env.BUCKET.put(key, "by the Worker");
                return new Response((await env.BUCKET.get(key)).body);
            }
            return new Response("TEXT");
        },
    };"#
    .replace("TEXT", text)
}

/// The version a deployment says it made.
fn version_of(said: &str) -> anyhow::Result<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("Current Version ID: "));
    line.map(str::to_owned).with_context(|| format!("no version in:\n{said}"))
}

/// Wrangler with a project, a home and a Cloudflare of its own.
struct Wrangler {
    folder: tempfile::TempDir,
    program: PathBuf,
    sandbox: Sandbox,
    witness: Witness,
}

impl Wrangler {
    async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let sandbox = Sandbox::start(folder.path()).await?;
        let someone = sandbox.as_someone_else();
        let zone = someone.zone("example.com").await?;
        let record = json!({"type": "A", "name": "worker", "content": "203.0.113.5", "ttl": 1, "proxied": true});
        someone.must(Method::POST, &format!("/zones/{zone}/dns_records"), Some(&record)).await?;
        let program = tool("node_modules/.bin/wrangler")?;
        Ok(Self { folder, program, sandbox, witness: Witness::start().await? })
    }

    /// Writes the project.
    fn write(&self, config: &Value, source: &str) -> anyhow::Result<()> {
        std::fs::write(self.folder.path().join("wrangler.json"), config.to_string())?;
        std::fs::write(self.folder.path().join("worker.js"), source)?;
        Ok(())
    }

    /// Runs it; answers whether it succeeded, its standard output and its errors.
    async fn run(&self, arguments: &[&str]) -> anyhow::Result<(bool, String, String)> {
        let home = self.folder.path();
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(home)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .env("TMPDIR", home)
            .env("CI", "1")
            .env("NO_COLOR", "1")
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("CLOUDFLARE_API_BASE_URL", format!("{}/client/v4", self.sandbox.api))
            .env("CLOUDFLARE_API_TOKEN", Actor::SomeoneElse.token())
            .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
            // Whatever is not for this machine goes to the witness. A failing command asks the
            // registry whether it is out of date, whatever it is told: nobody answers there.
            .envs(
                ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"]
                    .map(|name| (name, &self.witness.url)),
            )
            .env("no_proxy", "127.0.0.1")
            .env("NO_PROXY", "127.0.0.1")
            .env("npm_registry", "http://127.0.0.1:1/")
            .kill_on_drop(true)
            .output()
            .await
            .context("run wrangler")?;
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        Ok((output.status.success(), text(&output.stdout), text(&output.stderr)))
    }

    /// A command that must succeed; answers what it printed.
    async fn must(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let (succeeded, said, errors) = self.run(arguments).await?;
        ensure!(
            succeeded,
            "{arguments:?} failed:\n{said}\n{errors}\n{}",
            self.sandbox.process.log()
        );
        Ok(said)
    }

    /// A command that must succeed and print JSON.
    async fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let said = self.must(arguments).await?;
        serde_json::from_str(&said).with_context(|| format!("{arguments:?} printed:\n{said}"))
    }

    /// A command that must fail and say why.
    async fn refused(&self, arguments: &[&str], why: &str) -> anyhow::Result<()> {
        let (succeeded, said, errors) = self.run(arguments).await?;
        ensure!(
            !succeeded && (said + &errors).contains(why),
            "{arguments:?} should fail with {why}:\n{errors}"
        );
        Ok(())
    }

    /// The edge answers with this text, now or as soon as a change has come there.
    async fn answers(&self, path: &str, wanted: &str) -> anyhow::Result<()> {
        until(&format!("{path} answers {wanted}"), secs(5), async || {
            let said = self.sandbox.visit("worker.example.com", path).await?.text().await?;
            Ok(said.contains(wanted).then_some(()))
        })
        .await
    }

    /// Nothing was asked of any other machine.
    fn stayed_here(&self) -> anyhow::Result<()> {
        let calls = self.witness.calls.load(Ordering::SeqCst);
        ensure!(calls == 0, "wrangler called elsewhere {calls} times");
        Ok(())
    }
}

/// A proxy that lets nothing pass and counts who tries.
struct Witness {
    url: String,
    calls: Arc<AtomicUsize>,
}

impl Witness {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(Self { url, calls })
    }
}
