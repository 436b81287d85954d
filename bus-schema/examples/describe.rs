//! Writes the wire's description: `asyncapi.json` and one JSON Schema per type into `schema/`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(here.join("schema"))?;
    for described in bus_schema::document::described() {
        let text = serde_json::to_string_pretty(&described.schema)? + "\n";
        std::fs::write(here.join("schema").join(described.name + ".json"), text)?;
    }
    let text = serde_json::to_string_pretty(&bus_schema::document::asyncapi())? + "\n";
    std::fs::write(here.join("asyncapi.json"), text)?;
    Ok(())
}
