//! Proving a golden path by its examples: what they say is completed, rendered and checked.

use std::collections::BTreeMap;

use bus_schema::{Grounded, Source};
use serde_json::Value;

use super::read::literal;
use super::{CheckKind, Example, GoldenPath};
use crate::yaml::{At, Reader};
use crate::{Environment, Incomplete, ParameterType};

/// Notes whatever is wrong with what the path makes of its examples.
pub(super) fn check(
    reader: &mut Reader,
    path: &GoldenPath,
    environment: &Environment,
    check: &CheckKind<'_>,
) {
    for (name, parameter) in &path.parameters {
        if let Some(value) = literal(parameter)
            && let Err(invalid) = parameter.check(value, environment)
        {
            let field = format!("parameters.{name}.default");
            reader.wrong(parameter.at, &field, invalid.to_string());
        }
    }
    if !reader.is_clean() {
        return;
    }
    let mut prover = Prover { reader, path, environment, check };
    for (i, example) in path.examples.iter().enumerate() {
        prover.prove(&format!("examples[{i}]"), example);
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

struct Prover<'a> {
    reader: &'a mut Reader,
    path: &'a GoldenPath,
    environment: &'a Environment,
    check: &'a CheckKind<'a>,
}

impl Prover<'_> {
    /// One example, then every variation of it; these only where the example itself works.
    fn prove(&mut self, field: &str, example: &Example) {
        let Some(parameters) = self.complete(field, example) else { return };
        if !self.render(field, example.at, &parameters) {
            return;
        }
        for (name, value) in variations(self.path) {
            if parameters.get(&name).is_some_and(|grounded| grounded.value == value) {
                continue;
            }
            let label = format!("{field} with {name} = {value}");
            let mut other = example.parameters.clone();
            other.insert(name, value);
            let mut parameters = given_by(&other);
            // A variation may need a parameter that the example does not say: nothing to prove.
            if self.path.complete(self.environment, &mut parameters).is_ok() {
                self.render(&label, example.at, &parameters);
            }
        }
    }

    fn complete(&mut self, field: &str, example: &Example) -> Option<Parameters> {
        let mut parameters = given_by(&example.parameters);
        let Err(Incomplete { missing, invalid }) =
            self.path.complete(self.environment, &mut parameters)
        else {
            return Some(parameters);
        };
        for (name, invalid) in &invalid {
            let field = format!("{field}.parameters.{name}");
            self.reader.wrong(example.at, &field, invalid.to_string());
        }
        // What is missing may be so because of what does not fit.
        if invalid.is_empty() {
            for name in missing {
                let message = format!("leaves parameter `{name}` without a value");
                self.reader.wrong(example.at, field, message);
            }
        }
        None
    }

    /// Whether these parameters make resources that fit their kinds.
    fn render(&mut self, label: &str, at: At, parameters: &Parameters) -> bool {
        let rendered = self
            .path
            .stack_name(self.environment, parameters)
            .and_then(|stack| self.path.render(&stack, self.environment, parameters));
        let resources = match rendered {
            Ok(resources) => resources,
            Err(error) => {
                let cause = std::error::Error::source(&error)
                    .map(|cause| format!(": {cause}"))
                    .unwrap_or_default();
                self.reader.wrong(at, label, format!("{error}{cause}"));
                return false;
            }
        };
        let mut fit = true;
        for resource in resources {
            if let Err(message) = (self.check)(&resource.address.kind, &resource.properties) {
                let template = self.path.resources.iter().enumerate().find(|(_, template)| {
                    template.kind == resource.address.kind && template.name == resource.address.name
                });
                let (at, field) = template.map_or_else(
                    || (at, label.to_owned()),
                    |(i, template)| (template.at, format!("resources[{i}]")),
                );
                self.reader.wrong(at, &field, format!("{message} (by {label})"));
                fit = false;
            }
        }
        fit
    }
}
