//! The checked-in description of the wire is the one the types give.

use std::path::Path;

use bus_schema::document;
use serde_json::Value;

fn checked_in(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

const WRITE: &str =
    "the description of the wire is not up to date; run `make schema` and commit the result";

#[test]
fn schemas_are_up_to_date() {
    for described in document::described() {
        assert_eq!(
            checked_in(&format!("schema/{}.json", described.name)),
            described.schema,
            "{WRITE}"
        );
    }
}

#[test]
fn asyncapi_is_up_to_date() {
    assert_eq!(checked_in("asyncapi.json"), document::asyncapi(), "{WRITE}");
}
