//! Proving a golden path by its examples: what they say is completed, rendered and checked.

use std::collections::BTreeMap;

use bus_schema::{Grounded, Source};
use serde_json::Value;

use super::read::literal;
use super::{CheckKind, GoldenPath};
use crate::yaml::{At, Reader};
use crate::{Environment, Incomplete, ParameterType};

/// Notes whatever is wrong with what the path makes of its examples.
pub(super) fn check(
    reader: &mut Reader,
    at: At,
    path: &GoldenPath,
    environment: &Environment,
    check: &CheckKind<'_>,
) {
    for (name, parameter) in &path.parameters {
        if let Some(value) = literal(parameter) {
            if let Err(invalid) = parameter.check(value, environment) {
                reader.wrong(at, &format!("parameters.{name}.default"), invalid.to_string());
            }
        }
    }
    for (i, example) in path.examples.iter().enumerate() {
        let field = format!("examples[{i}]");
        let Some(given) = complete(reader, at, &field, path, environment, &example.parameters)
        else {
            continue;
        };
        render(reader, at, &field, path, environment, &given, check);
        for (name, value) in variations(path) {
            let mut other = example.parameters.clone();
            let label = format!("{field} with {name} = {value}");
            other.insert(name, value);
            // A variation may need a parameter that the example does not say: nothing to prove.
            let mut parameters = given_by(&other);
            if path.complete(environment, &mut parameters).is_ok() {
                render(reader, at, &label, path, environment, &parameters, check);
            }
        }
    }
}

type Parameters = BTreeMap<String, Grounded>;

fn given_by(values: &BTreeMap<String, Value>) -> Parameters {
    values
        .iter()
        .map(|(name, value)| {
            (name.clone(), Grounded { value: value.clone(), source: Source::Given })
        })
        .collect()
}

/// Every value of every parameter that has but a few.
fn variations(path: &GoldenPath) -> Vec<(String, Value)> {
    let mut variations = Vec::new();
    for (name, parameter) in &path.parameters {
        match &parameter.takes {
            ParameterType::Choice(choices) => variations.extend(
                choices.iter().map(|choice| (name.clone(), Value::from(choice.value.as_str()))),
            ),
            ParameterType::Boolean { .. } => {
                variations.extend([true, false].map(|value| (name.clone(), value.into())));
            }
            ParameterType::Hostname
            | ParameterType::UrlPath
            | ParameterType::Address
            | ParameterType::Integer { .. }
            | ParameterType::Duration { .. }
            | ParameterType::Domains { .. }
            | ParameterType::Zone
            | ParameterType::Service
            | ParameterType::Stack
            | ParameterType::Text { .. } => {}
        }
    }
    variations
}

fn complete(
    reader: &mut Reader,
    at: At,
    field: &str,
    path: &GoldenPath,
    environment: &Environment,
    values: &BTreeMap<String, Value>,
) -> Option<Parameters> {
    let mut parameters = given_by(values);
    let Err(Incomplete { missing, invalid }) = path.complete(environment, &mut parameters) else {
        return Some(parameters);
    };
    for name in missing {
        reader.wrong(at, field, format!("leaves parameter `{name}` without a value"));
    }
    for (name, invalid) in invalid {
        reader.wrong(at, &format!("{field}.parameters.{name}"), invalid.to_string());
    }
    None
}

fn render(
    reader: &mut Reader,
    at: At,
    label: &str,
    path: &GoldenPath,
    environment: &Environment,
    parameters: &Parameters,
    check: &CheckKind<'_>,
) {
    let rendered = path
        .stack_name(environment, parameters)
        .and_then(|stack| path.render(&stack, environment, parameters));
    let resources = match rendered {
        Ok(resources) => resources,
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            reader.wrong(at, label, format!("{error}{cause}"));
            return;
        }
    };
    for resource in resources {
        if let Err(message) = check(&resource.address.kind, &resource.properties) {
            let template = path.resources.iter().position(|template| {
                template.kind == resource.address.kind && template.name == resource.address.name
            });
            let (at, field) = template
                .and_then(|i| path.resources.get(i).map(|it| (it.at, format!("resources[{i}]"))))
                .unwrap_or_else(|| (at, label.to_owned()));
            reader.wrong(at, &field, format!("{message} (by {label})"));
        }
    }
}
