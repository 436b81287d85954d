//! Where a parameter's value comes from when nobody gives one, and completing what was given.

use std::collections::BTreeMap;

use bus_schema::{Grounded, Source};
use serde_json::Value;

use crate::parameter::{InvalidValue, Required};
use crate::template::Template;
use crate::{Environment, GoldenPath};

/// Where a parameter's value comes from when nobody gives one.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultValue(pub(crate) From);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum From {
    /// A value the path declares.
    Value(Value),
    /// An entry of the environment; the key may name parameters.
    Environment(Template),
    /// The zone that the hostname in another parameter is in.
    ZoneOf(String),
    /// The service that is reached at the hostname in another parameter.
    ServiceOf(String),
    /// The first of these that has a value.
    FirstOf(Vec<Self>),
}

/// What is wrong with a set of parameters once every default is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Incomplete {
    /// Parameters that must have a value and have none, by name.
    pub missing: Vec<String>,
    /// Parameters whose value does not fit, by name.
    pub invalid: Vec<(String, InvalidValue)>,
}

impl GoldenPath {
    /// Gives every parameter that has no value its default, each with its source, and brings every
    /// value into its one written form.
    ///
    /// # Errors
    /// When a parameter that must have a value has none, or a value does not fit, whoever gave it;
    /// what could be completed is completed all the same.
    pub fn complete(
        &self,
        environment: &Environment,
        parameters: &mut BTreeMap<String, Grounded>,
    ) -> Result<(), Incomplete> {
        let mut problems = Incomplete::default();
        for (name, grounded) in parameters.iter_mut() {
            if let Some(parameter) = self.parameters.get(name) {
                match parameter.check(&grounded.value, environment) {
                    Ok(value) => grounded.value = value,
                    Err(invalid) => problems.invalid.push((name.clone(), invalid)),
                }
            }
        }
        // A default may rest on another parameter's: go round until nothing is added.
        let mut added = true;
        while added {
            added = false;
            for (name, parameter) in &self.parameters {
                if parameters.contains_key(name) || problems.is_invalid(name) {
                    continue;
                }
                let Some(grounded) = parameter
                    .default
                    .as_ref()
                    .and_then(|default| default.0.find(self, name, environment, parameters))
                else {
                    continue;
                };
                match parameter.check(&grounded.value, environment) {
                    Ok(value) => {
                        parameters.insert(name.clone(), Grounded { value, ..grounded });
                        added = true;
                    }
                    Err(invalid) => problems.invalid.push((name.clone(), invalid)),
                }
            }
        }
        for (name, parameter) in &self.parameters {
            let needed = match &parameter.required {
                Required::Always => true,
                Required::Never => false,
                Required::When(condition) => {
                    condition.holds(|name| parameters.get(name).map(|grounded| &grounded.value))
                }
            };
            if needed && !parameters.contains_key(name) && !problems.is_invalid(name) {
                problems.missing.push(name.clone());
            }
        }
        if problems == Incomplete::default() { Ok(()) } else { Err(problems) }
    }
}

impl Incomplete {
    fn is_invalid(&self, name: &str) -> bool {
        self.invalid.iter().any(|(invalid, _)| invalid == name)
    }
}

impl From {
    fn find(
        &self,
        path: &GoldenPath,
        parameter: &str,
        environment: &Environment,
        known: &BTreeMap<String, Grounded>,
    ) -> Option<Grounded> {
        let text_of = |name: &str| known.get(name).and_then(|grounded| grounded.value.as_str());
        let from_environment = |key: String, value: Value| Grounded {
            value,
            source: Source::Environment { environment: environment.name.clone(), key },
        };
        match self {
            Self::Value(value) => Some(Grounded {
                value: value.clone(),
                source: Source::Default {
                    path: path.name.clone(),
                    parameter: parameter.to_owned(),
                },
            }),
            Self::Environment(key) => {
                let key =
                    key.render(&|name| known.get(name).map(|grounded| &grounded.value)).ok()?;
                let key = key.as_str()?.to_owned();
                let value = environment.lookup(&key)?;
                Some(from_environment(key, value))
            }
            Self::ZoneOf(hostname) => {
                let zone = environment.zone_of(text_of(hostname)?)?;
                let index = environment.cloudflare.zones.iter().position(|it| it == zone)?;
                Some(from_environment(format!("cloudflare.zones.{index}"), zone.into()))
            }
            Self::ServiceOf(hostname) => {
                let (name, _) = environment.service_at(text_of(hostname)?)?;
                Some(from_environment(format!("services.{name}"), name.into()))
            }
            Self::FirstOf(choices) => {
                choices.iter().find_map(|choice| choice.find(path, parameter, environment, known))
            }
        }
    }

    /// The value, where the path itself declares it.
    pub(crate) const fn literal(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Environment(_) | Self::ZoneOf(_) | Self::ServiceOf(_) | Self::FirstOf(_) => None,
        }
    }

    /// Every parameter it rests on.
    pub(crate) fn parameters(&self) -> Vec<&str> {
        match self {
            Self::Value(_) => Vec::new(),
            Self::Environment(key) => key.parameters(),
            Self::ZoneOf(name) | Self::ServiceOf(name) => vec![name.as_str()],
            Self::FirstOf(choices) => choices.iter().flat_map(Self::parameters).collect(),
        }
    }
}
