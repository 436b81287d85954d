//! Three kinds, one of each way to know whose an object is.

use ::cloud::{
    Catalogue, Description, Field, InvalidProperties, Kind, Observed, Ownership, ScopeLevel,
};
use bus_schema::{Properties, ResourceAddress};

pub(crate) fn catalogue() -> Catalogue {
    Catalogue(&[&Item, &Named, &Setting])
}

/// Carries a marker. Its `name` is what it collides on and cannot be changed.
#[derive(Debug)]
pub(crate) struct Item;
/// Has a name made from ours.
#[derive(Debug)]
pub(crate) struct Named;
/// Is always there.
#[derive(Debug)]
pub(crate) struct Setting;

const fn field(name: &'static str, required: bool, fixed: bool) -> Field {
    Field { name, required, fixed, examples: ["\"a\"", "\"b\""] }
}

const fn description(
    name: &'static str,
    fields: &'static [Field],
    ownership: Ownership,
    outputs: &'static [&'static str],
) -> Description {
    let holds_data = matches!(ownership, Ownership::Named);
    Description {
        name,
        title: name,
        scope: ScopeLevel::Zone,
        fields,
        ownership,
        holds_data,
        outputs,
    }
}

impl Kind for Item {
    fn describe(&self) -> &'static Description {
        static ITEM: Description = description(
            "cloudflare.item",
            &[field("name", true, true), field("value", false, false), field("link", false, false)],
            Ownership::Marked,
            &["id"],
        );
        &ITEM
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        let mut normalised = declared.clone();
        normalised.0.entry("value".to_owned()).or_insert_with(|| "".into());
        Ok(normalised)
    }

    fn key(&self, _: &ResourceAddress, normalised: &Properties) -> String {
        normalised.text("name").unwrap_or_default().to_owned()
    }
}

impl Kind for Named {
    fn describe(&self) -> &'static Description {
        static NAMED: Description = description(
            "cloudflare.named",
            &[field("size", false, false)],
            Ownership::Named,
            &["id"],
        );
        &NAMED
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        Ok(declared.clone())
    }

    fn key(&self, address: &ResourceAddress, _: &Properties) -> String {
        format!("zd-{}-{}", address.stack, address.name)
    }

    fn is_of(&self, address: &ResourceAddress, it: &Properties, observed: &Observed) -> bool {
        observed.key == self.key(address, it)
    }
}

impl Kind for Setting {
    fn describe(&self) -> &'static Description {
        static SETTING: Description = description(
            "cloudflare.setting",
            &[field("setting", true, true), field("value", true, false)],
            Ownership::Claimed,
            &[],
        );
        &SETTING
    }

    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties> {
        Ok(declared.clone())
    }

    fn key(&self, _: &ResourceAddress, normalised: &Properties) -> String {
        normalised.text("setting").unwrap_or_default().to_owned()
    }
}
