//! Reading one parameter of a golden path.

use serde_json::Value;

use super::{Choice, Parameter, ParameterType, Required, Roles, Unit};
use crate::default::{DefaultValue, From};
use crate::template::{Attachments, Template, is_parameter_name};
use crate::yaml::{Content, Fields, Node, Reader};
use crate::{Condition, Words};

const TYPES: [&str; 12] = [
    "address", "boolean", "choice", "domains", "duration", "hostname", "integer", "service",
    "stack", "text", "url_path", "zone",
];

impl Parameter {
    pub(crate) fn read(reader: &mut Reader, node: &Node, path: &str) -> Option<Self> {
        let mut fields = reader.map(node, path)?;
        let at = |field: &str| format!("{path}.{field}");
        let description = fields
            .need(reader, "description")
            .and_then(|node| reader.text(node, &at("description")));
        let takes = read_type(reader, &mut fields);
        let default =
            fields.take("default").and_then(|node| read_default(reader, node, &at("default")));
        let required =
            fields.take("required").and_then(|node| read_required(reader, node, &at("required")));
        let roles = fields.take("roles").and_then(|node| read_roles(reader, node, &at("roles")));
        let takes_only = takes.as_ref().map_or(&[][..], own_fields);
        let known: Vec<&str> = ["type", "description", "default", "required", "roles"]
            .into_iter()
            .chain(takes_only.iter().copied())
            .collect();
        fields.end(reader, &known);
        Some(Self {
            description: description?,
            takes: takes?,
            default: default.map(DefaultValue),
            required: required.unwrap_or(Required::Never),
            roles: roles.unwrap_or_default(),
            at: node.at,
        })
    }
}

const fn own_fields(takes: &ParameterType) -> &'static [&'static str] {
    match takes {
        ParameterType::Integer { .. } => &["min", "max", "unit"],
        ParameterType::Duration { .. } => &["min", "max"],
        ParameterType::Choice(_) => &["values"],
        ParameterType::Boolean { .. } => &["yes", "no"],
        ParameterType::Domains { .. } | ParameterType::Text { .. } => &["max"],
        ParameterType::Hostname
        | ParameterType::UrlPath
        | ParameterType::Address
        | ParameterType::Zone
        | ParameterType::Service
        | ParameterType::Stack => &[],
    }
}

fn read_type(reader: &mut Reader, fields: &mut Fields<'_>) -> Option<ParameterType> {
    let path = fields.path("type");
    let node = fields.need(reader, "type")?;
    let name = reader.text(node, &path)?;
    Some(match name.as_str() {
        "hostname" => ParameterType::Hostname,
        "url_path" => ParameterType::UrlPath,
        "address" => ParameterType::Address,
        "zone" => ParameterType::Zone,
        "service" => ParameterType::Service,
        "stack" => ParameterType::Stack,
        "integer" => {
            let (min, max) = bounds(reader, fields)?;
            ParameterType::Integer { min, max, unit: unit(reader, fields)? }
        }
        "duration" => {
            let (min, max) = bounds(reader, fields)?;
            ParameterType::Duration { min, max }
        }
        "choice" => ParameterType::Choice(choices(reader, fields)?),
        "boolean" => {
            let [yes, no] = ["yes", "no"].map(|field| {
                let path = fields.path(field);
                fields.take(field).and_then(|node| Words::read(reader, node, &path))
            });
            ParameterType::Boolean { yes: yes.unwrap_or_default(), no: no.unwrap_or_default() }
        }
        "domains" => ParameterType::Domains { max: most(reader, fields)? },
        "text" => ParameterType::Text { max: most(reader, fields)? },
        _ => {
            let known = crate::yaml::listed(&TYPES);
            reader.wrong(node.at, &path, format!("`{name}` is not a type; there are {known}"));
            return None;
        }
    })
}

fn bounds(reader: &mut Reader, fields: &mut Fields<'_>) -> Option<(i64, i64)> {
    let [min, max] = ["min", "max"].map(|field| {
        let path = fields.path(field);
        fields.need(reader, field).and_then(|node| reader.integer(node, &path))
    });
    let (min, max) = (min?, max?);
    if min > max {
        reader.wrong(fields.at(), &fields.path("min"), format!("{min} is above `max`, {max}"));
        return None;
    }
    Some((min, max))
}

fn most(reader: &mut Reader, fields: &mut Fields<'_>) -> Option<usize> {
    let path = fields.path("max");
    let node = fields.need(reader, "max")?;
    let max = reader.integer(node, &path)?;
    match usize::try_from(max) {
        Ok(max) if (1..=1_000).contains(&max) => Some(max),
        _ => {
            reader.wrong(node.at, &path, "must be from 1 to 1000");
            None
        }
    }
}

fn unit(reader: &mut Reader, fields: &mut Fields<'_>) -> Option<Unit> {
    let path = fields.path("unit");
    let Some(node) = fields.take("unit") else { return Some(Unit::Count) };
    match reader.text(node, &path)?.as_str() {
        "count" => Some(Unit::Count),
        "requests_per_second" => Some(Unit::RequestsPerSecond),
        other => {
            let message =
                format!("`{other}` is not a unit; there are `count` and `requests_per_second`");
            reader.wrong(node.at, &path, message);
            None
        }
    }
}

fn choices(reader: &mut Reader, fields: &mut Fields<'_>) -> Option<Vec<Choice>> {
    let path = fields.path("values");
    let node = fields.need(reader, "values")?;
    let mut values = reader.map(node, &path)?;
    let mut choices = Vec::new();
    for (value, node) in values.rest() {
        let path = format!("{path}.{value}");
        let Some(mut fields) = reader.map(node, &path) else { continue };
        let title = fields
            .need(reader, "title")
            .and_then(|node| reader.text(node, &format!("{path}.title")));
        let words = fields
            .need(reader, "words")
            .and_then(|node| Words::read(reader, node, &format!("{path}.words")));
        fields.end(reader, &["title", "words"]);
        if let (Some(title), Some(words)) = (title, words) {
            choices.push(Choice { value: value.to_owned(), title, words });
        }
    }
    if choices.is_empty() {
        reader.wrong(node.at, &path, "needs at least one value");
        return None;
    }
    Some(choices)
}

fn read_required(reader: &mut Reader, node: &Node, path: &str) -> Option<Required> {
    if let Content::Scalar(Value::Bool(required)) = node.content {
        return Some(if required { Required::Always } else { Required::Never });
    }
    let text = reader.text(node, path)?;
    match Condition::parse(&text) {
        Ok(condition) => Some(Required::When(condition)),
        Err(message) => {
            reader.wrong(node.at, path, message);
            None
        }
    }
}

fn read_roles(reader: &mut Reader, node: &Node, path: &str) -> Option<Roles> {
    let mut fields = reader.map(node, path)?;
    let [before, after, near, loosely] = ["before", "after", "near", "loosely"].map(|field| {
        let path = fields.path(field);
        let words = fields.take(field).and_then(|node| Words::read(reader, node, &path));
        words.unwrap_or_default()
    });
    fields.end(reader, &["before", "after", "near", "loosely"]);
    Some(Roles { before, after, near, loosely })
}

/// A scalar or a list is the value itself; a mapping says where to look.
fn read_default(reader: &mut Reader, node: &Node, path: &str) -> Option<From> {
    let Content::Map(entries) = &node.content else {
        return Some(From::Value(node.to_value()));
    };
    let [(source, inner)] = entries.as_slice() else {
        reader.wrong(node.at, path, SOURCES);
        return None;
    };
    let path = format!("{path}.{source}");
    match source.as_str() {
        "value" => Some(From::Value(inner.to_value())),
        "environment" => read_key(reader, inner, &path),
        "zone_of" => reader.text(inner, &path).map(From::ZoneOf),
        "service_of" => reader.text(inner, &path).map(From::ServiceOf),
        "first_of" => {
            let items = reader.list(inner, &path)?;
            let mut choices = Vec::with_capacity(items.len());
            for (i, item) in items.iter().enumerate() {
                choices.push(read_default(reader, item, &format!("{path}[{i}]"))?);
            }
            Some(From::FirstOf(choices))
        }
        _ => {
            reader.wrong(inner.at, &path, SOURCES);
            None
        }
    }
}

const SOURCES: &str = "says where a default comes from: exactly one of `value`, `environment`, \
                       `zone_of`, `service_of` and `first_of`";

fn read_key(reader: &mut Reader, node: &Node, path: &str) -> Option<From> {
    let key = reader.text(node, path)?;
    let parts: Vec<&str> = key.split('.').collect();
    let known = match parts.as_slice() {
        ["services", name, "hostname" | "origin"] => !name.is_empty(),
        ["cloudflare", "zones", index] => index.parse::<usize>().is_ok(),
        ["cloudflare", "account"] | ["limits", "requests_per_second"] | ["name"] => true,
        ["defaults", name] => is_parameter_name(name),
        _ => false,
    };
    if !known {
        let message = format!(
            "`{key}` is not an entry of an environment; there are `services.<name>.hostname`, \
             `services.<name>.origin`, `cloudflare.zones.<n>`, `cloudflare.account`, \
             `limits.requests_per_second`, `defaults.<name>` and `name`"
        );
        reader.wrong(node.at, path, message);
        return None;
    }
    match Template::parse(&key, &Attachments::new()) {
        Ok(template) => Some(From::Environment(template)),
        Err(message) => {
            reader.wrong(node.at, path, message);
            None
        }
    }
}
