//! Scripts to the files workerd is started with. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::code::{Code, Module};
use crate::store::{Binding, Script};

/// Which Worker the router hands a request to.
pub(super) const CHOICE: &str = "x-sandbox-worker";
/// Set by the router on an answer that is its own: 500 for an exception, 503 for no such Worker.
pub(super) const FAILURE: &str = "x-sandbox-failure";
/// JSON that becomes `request.cf`.
pub(super) const CF: &str = "x-sandbox-cf";
/// Which service of the backplane a subrequest is for: `kv`, `r2`, `cache` or `outbound`.
pub(super) const SERVICE: &str = "x-sandbox-service";
/// What of that service: a namespace's id, or `account/bucket`.
pub(super) const TARGET: &str = "x-sandbox-target";
/// Shows the backplane that a subrequest is from our workerd.
pub(super) const KEY: &str = "x-sandbox-key";

/// Scripts without a date behave as at Workers' first dated behaviour.
const FIRST_DATE: &str = "2021-11-02";

/// Where bindings lead and what opens them.
#[derive(Debug, Clone)]
pub(super) struct Backplane {
    pub(super) address: SocketAddr,
    pub(super) key: String,
}

/// What one workerd is started with.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// Paths relative to the configuration, with their content.
    pub(super) files: Vec<(String, Bytes)>,
}

impl Config {
    /// The configuration's own name among the files.
    pub(super) const NAME: &str = "config.capnp";

    /// Serves these scripts, each with its account's id, behind the router.
    pub(super) fn serving(
        scripts: &[(String, Script)],
        backplane: &Backplane,
    ) -> Result<Self, String> {
        let mut writer = Writer::new(scripts, backplane);
        writer.file("router.js", Bytes::from_static(include_bytes!("router.js")));
        let mut bindings = Vec::new();
        for (index, (account, script)) in scripts.iter().enumerate() {
            let bound = script.bindings.iter().map(|binding| writer.binding(account, binding));
            let bound: Vec<String> = bound.collect();
            writer.worker(index, &Code::from(script), &bound)?;
            let name = text(&choice(account, &script.name));
            bindings.push(format!("(name={name}, service=\"w-{index}\")"));
        }
        writer.services.push(format!(
            "(name=\"router\", worker=(modules=[(name=\"router.js\", esModule=embed \"router.js\")], \
             compatibilityDate=\"2025-01-01\", bindings=[{}]))",
            bindings.join(", ")
        ));
        Ok(writer.finish(&format!(
            "(name=\"http\", address=\"127.0.0.1:0\", service=\"router\", http=(\
             forwardedProtoHeader=\"x-forwarded-proto\", cfBlobHeader=\"{CF}\"))"
        )))
    }

    /// Compiles one script and no more. The one test in it passes, so that workerd's exit is about
    /// the script alone.
    pub(super) fn checking(code: &Code) -> Result<Self, String> {
        let nowhere =
            Backplane { address: SocketAddr::from(([127, 0, 0, 1], 9)), key: String::new() };
        let mut writer = Writer::new(&[], &nowhere);
        writer.worker(0, code, &[])?;
        writer.file("pass.js", Bytes::from_static(b"export default { test() {} };"));
        writer.services.push(
            "(name=\"pass\", worker=(modules=[(name=\"pass.js\", esModule=embed \"pass.js\")], \
             compatibilityDate=\"2025-01-01\"))"
                .to_owned(),
        );
        Ok(writer.finish(""))
    }

    /// The same for the same files.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (name, content) in &self.files {
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name);
            digest.update((content.len() as u64).to_le_bytes());
            digest.update(content);
        }
        digest.finalize().into()
    }
}

/// The router's name for a script.
pub(super) fn choice(account: &str, script: &str) -> String {
    format!("{account}/{script}")
}

struct Writer<'a> {
    backplane: &'a Backplane,
    /// The service of each script.
    scripts: BTreeMap<String, usize>,
    files: Vec<(String, Bytes)>,
    services: Vec<String>,
    externals: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    fn new(scripts: &[(String, Script)], backplane: &'a Backplane) -> Self {
        let names = scripts.iter().enumerate();
        let mut writer = Self {
            backplane,
            scripts: names.map(|(at, (account, s))| (choice(account, &s.name), at)).collect(),
            files: Vec::new(),
            services: Vec::new(),
            externals: BTreeSet::new(),
        };
        writer.external("outbound", "");
        writer.external("cache", "");
        writer
    }

    fn file(&mut self, name: &str, content: Bytes) {
        self.files.push((name.to_owned(), content));
    }

    /// A service of the backplane, named once however often it is bound.
    fn external(&mut self, service: &str, target: &str) -> String {
        let name =
            if target.is_empty() { service.to_owned() } else { format!("{service}-{target}") };
        if self.externals.insert(name.clone()) {
            let Backplane { address, key } = self.backplane;
            let (quoted, target) = (text(&name), text(target));
            self.services.push(format!(
                "(name={quoted}, external=(address=\"{address}\", http=(\
                 forwardedProtoHeader=\"x-forwarded-proto\", injectRequestHeaders=[\
                 (name=\"{SERVICE}\", value=\"{service}\"), (name=\"{TARGET}\", value={target}), \
                 (name=\"{KEY}\", value=\"{key}\")])))"
            ));
        }
        name
    }

    fn worker(&mut self, index: usize, code: &Code, bindings: &[String]) -> Result<(), String> {
        let mut modules = Vec::new();
        let (main, others): (Vec<&Module>, Vec<&Module>) =
            code.modules.iter().partition(|module| module.name == code.main);
        if main.is_empty() {
            return Err(format!("the main module \"{}\" is not among the modules", code.main));
        }
        for (at, module) in main.into_iter().chain(others).enumerate() {
            let Some(kind) = module_kind(module, at == 0)? else { continue };
            let path = format!("w-{index}-{at}");
            modules.push(format!("(name={}, {kind}=embed \"{path}\")", text(&module.name)));
            self.file(&path, module.content.clone());
        }
        let date = match code.compatibility_date.as_str() {
            "" => FIRST_DATE,
            date => date,
        };
        let flags: Vec<String> = code.compatibility_flags.iter().map(|flag| text(flag)).collect();
        self.services.push(format!(
            "(name=\"w-{index}\", worker=(modules=[{}], compatibilityDate={}, \
             compatibilityFlags=[{}], bindings=[{}], globalOutbound=\"outbound\", \
             cacheApiOutbound=\"cache\"))",
            modules.join(", "),
            text(date),
            flags.join(", "),
            bindings.join(", "),
        ));
        Ok(())
    }

    fn binding(&mut self, account: &str, binding: &Binding) -> String {
        let value = match binding {
            Binding::KvNamespace { namespace_id, .. } => {
                format!("kvNamespace={}", text(&self.external("kv", namespace_id)))
            }
            Binding::R2Bucket { bucket_name, .. } => {
                let target = format!("{account}/{bucket_name}");
                format!("r2Bucket={}", text(&self.external("r2", &target)))
            }
            Binding::PlainText { text: value, .. } | Binding::SecretText { text: value, .. } => {
                format!("text={}", text(value))
            }
            Binding::Json { json, .. } => format!("json={}", text(&json.to_string())),
            Binding::Service { service, .. } => {
                let service = self.scripts.get(&choice(account, service));
                let service = service.map_or("missing".to_owned(), |index| format!("w-{index}"));
                format!("service=\"{service}\"")
            }
        };
        format!("(name={}, {value})", text(binding.name()))
    }

    fn finish(mut self, socket: &str) -> Config {
        self.file("missing.js", Bytes::from_static(include_bytes!("missing.js")));
        self.services.push(
            "(name=\"missing\", worker=(modules=[(name=\"missing.js\", esModule=embed \
             \"missing.js\")], compatibilityDate=\"2025-01-01\"))"
                .to_owned(),
        );
        let services = self.services.join(",\n");
        let config = format!(
            "using Workerd = import \"/workerd/workerd.capnp\";\n\
             const config :Workerd.Config = (services=[\n{services}\n], sockets=[{socket}]);\n"
        );
        self.file(Config::NAME, config.into());
        Config { files: self.files }
    }
}

/// How workerd calls a module of that content type; none for what does not run.
fn module_kind(module: &Module, main: bool) -> Result<Option<&'static str>, String> {
    let content_type = module.content_type.split(';').next().unwrap_or_default().trim();
    Ok(Some(match content_type {
        "application/javascript+module" | "text/javascript+module" => "esModule",
        "application/javascript" | "text/javascript" | "application/x-javascript" => {
            if main {
                "esModule"
            } else {
                "commonJsModule"
            }
        }
        "application/wasm" => "wasm",
        "text/plain" => "text",
        "application/json" => "json",
        "application/octet-stream" => "data",
        "application/source-map" => return Ok(None),
        other => {
            return Err(format!(
                "the module \"{}\" has a type that cannot run here: {other}",
                module.name
            ));
        }
    }))
}

/// A capnp string.
fn text(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            control if control.is_ascii_control() => {
                quoted.extend(["\\x", &hex::encode([control as u8])]);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
