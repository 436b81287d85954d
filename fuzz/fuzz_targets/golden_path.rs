//! Any file in the folder of golden paths or environments is loaded, or refused with what is wrong
//! and where.
#![no_main]

use bus_schema::{KindName, Properties};
use libfuzzer_sys::fuzz_target;
use policy::{Environments, GoldenPaths};

/// Whether a kind takes these fields, as the planner asks it.
fn check(kind: &KindName, properties: &Properties) -> Result<(), String> {
    let kind = cloud::cloudflare::catalogue().get(kind).ok_or_else(|| "no such kind".to_owned())?;
    kind.normalise(properties).map(drop).map_err(|error| error.to_string())
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match GoldenPaths::load([("fuzzed.yaml", text)], &check) {
        Ok(paths) => drop(paths.iter().count()),
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
    match Environments::load([("fuzzed.yaml", text)]) {
        Ok(environments) => drop(environments.iter().count()),
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
});
