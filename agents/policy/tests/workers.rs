//! The shipped Worker templates, run by the real workerd over storage in memory. What each must do
//! is written in JavaScript, in `workers/tests.js`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// Where `deploy/tools/install` puts workerd, below the workspace.
const INSTALLED: &str = ".tools/node_modules/@cloudflare/workerd-linux-64/bin/workerd";

fn workerd() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("ZERODRIFT_WORKERD") {
        return Some(given.into());
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join(INSTALLED))
        .find(|file| file.exists());
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&paths)
        .map(|folder| folder.join("workerd"))
        .find(|file| file.exists());
    installed.or(on_path)
}

#[tokio::test]
async fn every_worker_template_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workers");
    for entry in std::fs::read_dir(fixtures).unwrap() {
        let file = entry.unwrap().path();
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let mut templates = 0;
    for (name, text) in policy::shipped_golden_path_files() {
        if let Some(script) = name.strip_prefix("workers/") {
            std::fs::write(folder.path().join(script), text).unwrap();
            templates += 1;
        }
    }
    let workerd = workerd().expect("workerd is not here: `make tools` installs it");
    let running = tokio::process::Command::new(workerd)
        .args(["test", "config.capnp"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), running)
        .await
        .expect("workerd ends by itself")
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("[ PASS ]").count(), templates, "one test a template:\n{said}");
}
