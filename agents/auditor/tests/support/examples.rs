//! Resources made from the kinds' own descriptions.

use anyhow::Result;
use bus_schema::{Place, Properties, Resource, Scope};
use cloud::Kind;
use cloud::cloudflare::catalogue;
use serde_json::json;

use super::{ACCOUNT, ZONE};

/// A resource with the first example of every field, or the second of the one field named.
pub(crate) fn resource(kind: &dyn Kind, stack: &str, name: &str, second: Option<&str>) -> Resource {
    let seconds: Vec<&str> = second.into_iter().collect();
    resource_with(kind, stack, name, &seconds).unwrap_or_else(|it| panic!("{it}"))
}

/// The same with the second example of several fields, where that is a declaration.
pub(crate) fn resource_with(
    kind: &dyn Kind,
    stack: &str,
    name: &str,
    seconds: &[&str],
) -> Result<Resource> {
    let description = kind.describe();
    let example = |field: &cloud::Field| {
        let which = usize::from(seconds.contains(&field.name));
        match field.examples.get(which).copied().unwrap_or_default() {
            // A route's script must be one of the stack's.
            "" => json!(format!("zd-{stack}-{}", ["one", "two"][which])),
            text => serde_json::from_str(text).unwrap_or_default(),
        }
    };
    let declared: Properties =
        description.fields.iter().map(|field| (field.name.to_owned(), example(field))).collect();
    Ok(Resource {
        address: format!("{stack}/{}/{name}", description.name).parse()?,
        place: place(kind),
        properties: kind.normalise(&declared)?,
        depends_on: Vec::new(),
    })
}

fn place(kind: &dyn Kind) -> Place {
    match kind.describe().scope {
        cloud::ScopeLevel::Account => Place::Account(ACCOUNT.to_owned()),
        cloud::ScopeLevel::Zone => Place::Zone(ZONE.to_owned()),
    }
}

pub(crate) fn scope(kind: &dyn Kind) -> Scope {
    Scope::new(kind.describe().name.parse().unwrap_or_else(|it| panic!("{it}")), place(kind))
}

/// A kind by the part of its name after the dot.
pub(crate) fn kind(name: &str) -> &'static dyn Kind {
    let name = format!("cloudflare.{name}").parse().unwrap_or_else(|it| panic!("{it}"));
    catalogue().get(&name).unwrap_or_else(|| panic!("{name}"))
}

/// A DNS record of a stack.
pub(crate) fn record(stack: &str, name: &str, content: &str) -> Resource {
    let mut resource = resource(kind("dns_record"), stack, name, None);
    let fields = &mut resource.properties.0;
    fields.insert("name".to_owned(), format!("{name}.{stack}.{ZONE}").into());
    fields.insert("content".to_owned(), content.into());
    resource
}
