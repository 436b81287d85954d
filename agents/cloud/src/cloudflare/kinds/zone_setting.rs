//! A zone's setting: always there, has a value, cannot be marked.

use std::collections::BTreeMap;

use bus_schema::{Properties, ResourceAddress};
use serde_json::Value;

use super::Projected;
use crate::cloudflare::fields::{Fields, properties};
use crate::kind::{Description, Field, InvalidProperties, Kind, Ownership, ScopeLevel};

/// One setting of a zone, such as `ssl` or `security_level`.
#[derive(Debug)]
pub(crate) struct ZoneSetting;

static DESCRIPTION: Description = Description {
    name: "cloudflare.zone_setting",
    title: "Zone setting",
    scope: ScopeLevel::Zone,
    fields: &[
        Field {
            name: "setting",
            required: true,
            fixed: true,
            examples: ["\"min_tls_version\"", "\"ssl\""],
        },
        Field { name: "value", required: true, fixed: false, examples: ["\"1.2\"", "\"1.3\""] },
    ],
    ownership: Ownership::Claimed,
    holds_data: false,
    outputs: &[],
};

impl Kind for ZoneSetting {
    fn describe(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let fields = Fields::new(&DESCRIPTION, declared)?;
        let setting = fields.text("setting")?.to_ascii_lowercase();
        if !setting.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
            return Err(fields.invalid("setting", "must be a setting's id, such as `ssl`"));
        }
        let value = fields.get("value").cloned().unwrap_or_default();
        Ok(properties([("setting", setting.into()), ("value", value)]))
    }

    fn key(&self, _: &ResourceAddress, normalised: &Properties) -> String {
        normalised.text("setting").unwrap_or_default().to_owned()
    }
}

/// The setting as Cloudflare shows it.
pub(crate) fn project(setting: &Value) -> Option<Projected> {
    let id = setting.get("id")?.as_str()?;
    let value = setting.get("value").cloned().unwrap_or_default();
    Some(Projected {
        id: id.to_owned(),
        key: id.to_owned(),
        owner: None,
        properties: properties([("setting", id.into()), ("value", value)]),
        outputs: BTreeMap::new(),
        modified_at: super::text(setting, "modified_on"),
    })
}
