//! The codec takes what it should and nothing else.

#[allow(dead_code, reason = "each test file uses its part of the samples")]
mod support;

use bus_schema::codec::{self, DecodeError, MAX_BYTES, MAX_DEPTH};
use bus_schema::*;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use support::for_every_sample;

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    codec::decode(None, bytes)
}

#[test]
fn the_least_anybody_must_send_is_enough() {
    let json: IntentSubmitted = decode(br#" {"text":"Cache the API"} "#).unwrap();
    let packed: IntentSubmitted =
        decode(&rmp_serde::to_vec_named(&json!({"text": "Cache the API"})).unwrap()).unwrap();
    assert_eq!(json.request.text.as_deref(), Some("Cache the API"));
    assert_eq!(json, packed);
}

#[test]
fn trailing_bytes_are_refused() {
    let mut bytes = codec::encode(&support::applied()).unwrap();
    bytes.extend([0xc0, 0xc0]);
    assert!(matches!(decode::<PlanApplied>(&bytes), Err(DecodeError::TrailingBytes { bytes: 2 })));
    assert!(matches!(
        decode::<IntentSubmitted>(br#"{"text":"a"} {"text":"b"}"#),
        Err(DecodeError::TrailingBytes { .. })
    ));
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let bytes = vec![b'{'; MAX_BYTES + 1];
    assert!(matches!(decode::<IntentSubmitted>(&bytes), Err(DecodeError::TooLarge { .. })));
    let text = "x".repeat(MAX_BYTES);
    assert!(matches!(
        codec::encode(&json!({ "text": text })),
        Err(codec::EncodeError::TooLarge { .. })
    ));
}

#[test]
fn deep_nesting_is_refused() {
    let deep = MAX_DEPTH + 1;
    let json =
        format!(r#"{{"text":"a","parameters":{{"x":{}{}}}}}"#, "[".repeat(deep), "]".repeat(deep));
    assert!(matches!(decode::<IntentSubmitted>(json.as_bytes()), Err(DecodeError::TooDeep)));

    let mut packed = vec![0x81, 0xaa];
    packed.extend(b"parameters");
    packed.extend([0x81, 0xa1, b'x']);
    packed.extend(vec![0x91; 100_000]);
    packed.push(0xc0);
    assert!(matches!(decode::<IntentSubmitted>(&packed), Err(DecodeError::TooDeep)));
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    // A map, an array and a string that claim 4 GiB each and end at once.
    for lie in [
        [0xdf, 0xff, 0xff, 0xff, 0xff],
        [0xdd, 0xff, 0xff, 0xff, 0xff],
        [0xdb, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(decode::<IntentSubmitted>(&lie).is_err());
        assert!(decode::<StackState>(&lie).is_err());
        let mut inside = vec![0x81, 0xaa];
        inside.extend(b"parameters");
        inside.extend([0x81, 0xa1, b'x']);
        inside.extend(lie);
        assert!(decode::<IntentSubmitted>(&inside).is_err());
    }
}

#[test]
fn an_unknown_content_type_is_refused_by_name() {
    let refused = codec::decode::<IntentSubmitted>(Some("application/xml"), b"<a/>").unwrap_err();
    assert!(refused.to_string().contains("application/xml"), "{refused}");
}

#[test]
fn an_older_reader_accepts_a_newer_writers_field() {
    fn with_more(value: &impl Serialize) -> Vec<u8> {
        let mut value = serde_json::to_value(value).unwrap();
        value["a_field_of_next_year"] = json!({ "deep": [1, 2, 3] });
        rmp_serde::to_vec_named(&value).unwrap()
    }
    fn read<T: serde::de::DeserializeOwned>(_: &T, bytes: &[u8]) -> T {
        codec::decode(None, bytes).unwrap()
    }
    macro_rules! check {
        ($name:literal, $value:expr) => {
            let sample = $value;
            assert_eq!(read(&sample, &with_more(&sample)), sample, $name);
        };
    }
    for_every_sample!(check);
}

/// Any JSON value of moderate size, as properties and parameters hold.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1.0e9..1.0e9_f64).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Replaces text and numbers anywhere in a sample by others: a value of the same shape and other
/// content. Fields whose text has a form are left as they are.
fn vary(value: &mut Value, text: &str, number: u64, free: &Value) {
    const FORMED: &[&str] = &[
        "intent",
        "id",
        "plan",
        "stack",
        "environment",
        "path",
        "origin",
        "resource",
        "address",
        "place",
        "kind",
        "kinds",
        "action",
        "code",
        "phase",
        "state",
        "from",
        "what",
        "outcome",
        "holder",
        "instance",
        "by",
        "failed_at",
        "submitted_at",
        "since",
        "started_at",
        "updated_at",
        "depends_on",
        "waits_for",
        "holders",
        "nearest",
        "scope",
        "drift",
        "said",
        "at",
        "until",
        "due_at",
        "again_at",
        "looked_at",
        "changed_at",
        "detected_at",
        "resolved_at",
    ];
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if matches!(name.as_str(), "value" | "content") {
                    *field = free.clone();
                } else if !FORMED.contains(&name.as_str()) || field.is_object() {
                    vary(field, text, number, free);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| vary(item, text, number, free)),
        Value::String(it) => text.clone_into(it),
        Value::Number(it) if it.is_u64() => *it = number.into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #[test]
    fn every_type_survives_the_round_trip(text in ".{0,40}", number in 0..u64::from(u32::MAX), free in any_value()) {
        fn round<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
            sample: &T, text: &str, number: u64, free: &Value,
        ) -> Result<(), TestCaseError> {
            let mut value = serde_json::to_value(sample).unwrap();
            vary(&mut value, text, number, free);
            let varied: T = serde_json::from_value(value).unwrap();
            let packed: T = codec::decode(Some(codec::MESSAGEPACK), &codec::encode(&varied).unwrap()).unwrap();
            prop_assert_eq!(&packed, &varied);
            let json: T = codec::decode(None, &serde_json::to_vec(&varied).unwrap()).unwrap();
            prop_assert_eq!(&json, &varied);
            Ok(())
        }
        macro_rules! check {
            ($name:literal, $value:expr) => { round(&$value, &text, number, &free)?; };
        }
        for_every_sample!(check);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        fn read<T: serde::de::DeserializeOwned>(_: &T, bytes: &[u8]) {
            for content_type in [None, Some(codec::JSON), Some(codec::MESSAGEPACK)] {
                drop(codec::decode::<T>(content_type, bytes));
            }
        }
        macro_rules! check {
            ($name:literal, $value:expr) => { read(&$value, &bytes); };
        }
        for_every_sample!(check);
    }

    #[test]
    fn damaged_messages_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        fn read<T: Serialize + serde::de::DeserializeOwned>(sample: &T, at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let whole = codec::encode(sample).unwrap();
            let short = &whole[..cut.index(whole.len())];
            assert!(codec::decode::<T>(None, short).is_err());
            let mut damaged = whole.clone();
            damaged[at.index(whole.len())] = byte;
            drop(codec::decode::<T>(None, &damaged));
            // Damaged and cut it may mean something, as an empty map does.
            drop(codec::decode::<T>(None, &damaged[..cut.index(whole.len())]));
        }
        macro_rules! check {
            ($name:literal, $value:expr) => { read(&$value, at, byte, cut); };
        }
        for_every_sample!(check);
    }

    #[test]
    fn a_plans_id_rests_on_its_content_alone(number in 1..u64::MAX, key in "[a-z]{1,6}") {
        let plan = support::plan();
        let again: Plan = codec::decode(None, &codec::encode(&plan).unwrap()).unwrap();
        prop_assert_eq!(plan.id(), again.id());
        let mut other = plan.clone();
        other.order = other.order.wrapping_add(number);
        prop_assert_ne!(plan.id(), other.id());
        let mut other = plan.clone();
        other.changes[0].after.as_mut().unwrap().0.insert(format!("x-{key}"), json!(number));
        prop_assert_ne!(plan.id(), other.id());
    }
}
