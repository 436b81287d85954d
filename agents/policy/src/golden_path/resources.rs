//! Reading the resources of a golden path: templates, conditions, references.

use std::collections::{BTreeMap, BTreeSet};

use bus_schema::{KindName, ResourceName};

use super::ResourceTemplate;
use super::read::{Declared, check_condition, must_declare, template};
use crate::Condition;
use crate::reference::{self, Local};
use crate::template::{Attachments, Template};
use crate::yaml::{At, Fields, Node, Reader};

/// Reads the resources of a path; what each names must be declared or be there.
pub(super) fn read(
    reader: &mut Reader,
    fields: &mut Fields<'_>,
    declared: &Declared,
    attachments: &Attachments<'_>,
) -> Vec<ResourceTemplate> {
    let mut resources: Vec<ResourceTemplate> = Vec::new();
    let Some(node) = fields.need(reader, "resources") else { return resources };
    let Some(items) = reader.list(node, "resources") else { return resources };
    for (i, item) in items.iter().enumerate() {
        let path = format!("resources[{i}]");
        resources.extend(read_resource(reader, item, &path, declared, attachments));
    }
    // Where one is not right, what refers to it is not blamed as well.
    if resources.len() < items.len() {
        return resources;
    }
    let there: BTreeSet<Local> =
        resources.iter().map(|it| Local { kind: it.kind.clone(), name: it.name.clone() }).collect();
    for (i, resource) in resources.iter().enumerate() {
        let literals = resource.properties.values().flat_map(Template::literals);
        let referred = literals.flat_map(|text| reference::in_text(text).unwrap_or_default());
        for local in resource.depends_on.iter().cloned().chain(referred) {
            if !there.contains(&local) {
                let message = format!("refers to `{local}`, which the path does not have");
                reader.wrong(resource.at, &format!("resources[{i}]"), message);
            }
        }
        let twin = resources.iter().take(i).any(|earlier| {
            earlier.kind == resource.kind
                && earlier.name == resource.name
                && (earlier.when.is_none() || resource.when.is_none())
        });
        if twin {
            let message = format!("`{}/{}` is there twice", resource.kind, resource.name);
            reader.wrong(resource.at, &format!("resources[{i}].name"), message);
        }
    }
    resources
}

fn read_resource(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    declared: &Declared,
    attachments: &Attachments<'_>,
) -> Option<ResourceTemplate> {
    let mut fields = reader.map(node, path)?;
    let at = |field: &str| format!("{path}.{field}");
    let kind: Option<KindName> =
        fields.need(reader, "kind").and_then(|node| reader.name(node, &at("kind")));
    let name: Option<ResourceName> =
        fields.need(reader, "name").and_then(|node| reader.name(node, &at("name")));
    let place = fields.need(reader, "place").and_then(|node| {
        let text = reader.text(node, &at("place"))?;
        if text != "account" && !text.starts_with("zone/") {
            reader.wrong(node.at, &at("place"), "should be `account` or `zone/<name>`");
        }
        template(reader, node, &at("place"), &text, declared)
    });
    let when = fields.take("when").and_then(|node| {
        let text = reader.text(node, &at("when"))?;
        match Condition::parse(&text) {
            Ok(condition) => {
                check_condition(reader, node.at, &at("when"), &condition, declared);
                Some(condition)
            }
            Err(message) => {
                reader.wrong(node.at, &at("when"), message);
                None
            }
        }
    });
    let properties = fields
        .need(reader, "properties")
        .and_then(|node| read_properties(reader, node, &at("properties"), declared, attachments));
    let mut depends_on = Vec::new();
    if let Some(node) = fields.take("depends_on") {
        for text in reader.texts(node, &at("depends_on")).unwrap_or_default() {
            match Local::parse(&text) {
                Ok(local) => depends_on.push(local),
                Err(message) => reader.wrong(node.at, &at("depends_on"), message),
            }
        }
    }
    fields.end(reader, &["kind", "name", "place", "when", "properties", "depends_on"]);
    Some(ResourceTemplate {
        at: node.at,
        kind: kind?,
        name: name?,
        place: place?,
        when,
        properties: properties?,
        depends_on,
    })
}

fn read_properties(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    declared: &Declared,
    attachments: &Attachments<'_>,
) -> Option<BTreeMap<String, Template>> {
    let mut fields = reader.map(node, path)?;
    let mut properties = BTreeMap::new();
    for (name, node) in fields.rest() {
        let path = format!("{path}.{name}");
        let mut wrong: Vec<(At, String)> = Vec::new();
        let template =
            Template::read(node, attachments, &mut |node, text| wrong.push((node.at, text)));
        for literal in template.literals() {
            if let Err(message) = reference::in_text(literal) {
                wrong.push((node.at, message));
            }
        }
        for (at, message) in wrong {
            reader.wrong(at, &path, message);
        }
        for parameter in template.parameters() {
            must_declare(reader, node.at, &path, parameter, declared);
        }
        properties.insert(name.to_owned(), template);
    }
    Some(properties)
}
