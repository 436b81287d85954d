//! The bytes of every message are pinned: a change that breaks a reader in the field fails here.
//!
//! The files in `golden/` are what an agent of this version writes. They change only together with
//! a new version in the message's wire name, or when a field is added.

#[allow(dead_code, reason = "each test file uses its part of the samples")]
mod support;

use std::path::Path;

use bus_schema::codec;
use support::for_every_sample;

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.msgpack.hex"))
}

#[test]
fn every_message_is_written_as_pinned() {
    macro_rules! check {
        ($name:literal, $value:expr) => {
            let written = hex::encode(codec::encode(&$value).unwrap());
            let pinned = std::fs::read_to_string(golden($name)).unwrap_or_default();
            assert_eq!(
                written,
                pinned.trim(),
                "{}: other bytes than golden/{}.msgpack.hex",
                $name,
                $name
            );
        };
    }
    for_every_sample!(check);
}

#[test]
fn every_pinned_message_is_read() {
    fn read<T: serde::de::DeserializeOwned>(_: &T, name: &str) -> T {
        let bytes = hex::decode(std::fs::read_to_string(golden(name)).unwrap().trim()).unwrap();
        codec::decode(None, &bytes).unwrap()
    }
    macro_rules! check {
        ($name:literal, $value:expr) => {
            let sample = $value;
            assert_eq!(read(&sample, $name), sample);
        };
    }
    for_every_sample!(check);
}

#[test]
fn every_message_is_also_read_as_json() {
    fn read<T: serde::de::DeserializeOwned>(_: &T, json: &[u8]) -> T {
        codec::decode(None, json).unwrap()
    }
    macro_rules! check {
        ($name:literal, $value:expr) => {
            let sample = $value;
            assert_eq!(read(&sample, &serde_json::to_vec(&sample).unwrap()), sample, $name);
        };
    }
    for_every_sample!(check);
}

#[test]
fn a_plan_id_does_not_change() {
    assert_eq!(
        support::plan().id().as_str(),
        std::fs::read_to_string(golden("plan-id").with_file_name("plan-id.txt")).unwrap().trim()
    );
}
