//! The parameters of a golden path, from the words of a text.
//!
//! A value goes to the parameter whose role words stand beside it, else to the only parameter of
//! its type. A parameter with two values is a contradiction; a value that no parameter takes is
//! said, never passed over: part of what was asked would not happen.

mod background;
mod named;
mod roles;
mod values;

use std::collections::BTreeMap;

use bus_schema::{Grounded, Source, StackName};
use policy::{Environment, GoldenPath, ParameterType};
use serde_json::Value;

use super::place;
use super::problem::Problem;
use super::reading::Reading;
use super::text::Span;

/// Parameters by name, each with its source.
pub(crate) type Parameters = BTreeMap<String, Grounded>;

/// Everything the words say of the path's parameters.
///
/// # Errors
/// When they say two things of one, or something that the path has no use for.
pub(crate) fn from_words(
    reading: &Reading<'_>,
    path: &GoldenPath,
    environment: &Environment,
) -> Result<Parameters, Problem> {
    let mut said = Said::new(reading, path);
    stack(&mut said)?;
    let leftover = values::read(&mut said, environment);
    named::read(&mut said, environment);
    said.let_ours_be_the_hostname(environment);
    said.let_hostname_prevail(environment);
    said.let_the_longer_name_prevail();
    match leftover {
        // Where it is not said what to remove, that is what matters.
        Some(words) if !path.is_removal() => {
            Err(Problem::Leftover { path: path.name.clone(), words })
        }
        _ => said.grounded(),
    }
}

/// The stack given beside the text, where the path takes one as a parameter.
///
/// # Errors
/// When the words name another.
pub(crate) fn with_stack(
    path: &GoldenPath,
    mut parameters: Parameters,
    given: Option<&StackName>,
) -> Result<Parameters, Problem> {
    let Some((name, given)) = stack_parameter(path).zip(given) else { return Ok(parameters) };
    if let Some(said) = parameters.get(name).filter(|it| it.value.as_str() != Some(given.as_str()))
    {
        return Err(Problem::Contradictory {
            path: Some(path.name.clone()),
            parameter: name.to_owned(),
            values: vec![shown(&said.value), given.to_string()],
        });
    }
    parameters
        .entry(name.to_owned())
        .or_insert_with(|| Grounded { value: given.as_str().into(), source: Source::Given });
    Ok(parameters)
}

fn stack_parameter(path: &GoldenPath) -> Option<&str> {
    path.parameters
        .iter()
        .find(|(_, parameter)| matches!(parameter.takes, ParameterType::Stack))
        .map(|(name, _)| name.as_str())
}

fn stack(said: &mut Said<'_, '_>) -> Result<(), Problem> {
    let Some(parameter) = stack_parameter(said.path) else { return Ok(()) };
    let reading = said.reading;
    // Beside one that is to go, others may be named that are to stay.
    let kept: Vec<Span> = reading
        .stacks
        .iter()
        .map(|it| it.span)
        .filter(|span| place::is_kept(reading, *span))
        .collect();
    let all_kept = kept.len() == reading.stacks.len();
    let meant: Vec<_> =
        reading.stacks.iter().filter(|it| all_kept || !kept.contains(&it.span)).collect();
    place::one(meant.iter().map(|it| it.value.clone()).collect())?;
    for name in meant {
        said.say(parameter, name.value.as_str().into(), name.span);
    }
    Ok(())
}

/// What the words say of each parameter, as far as it has been read.
pub(crate) struct Said<'r, 't> {
    pub(crate) reading: &'r Reading<'t>,
    pub(crate) path: &'r GoldenPath,
    values: BTreeMap<&'r str, Vec<(Value, Span)>>,
}

impl<'r, 't> Said<'r, 't> {
    fn new(reading: &'r Reading<'t>, path: &'r GoldenPath) -> Self {
        Self { reading, path, values: BTreeMap::new() }
    }

    pub(crate) fn say(&mut self, parameter: &'r str, value: Value, span: Span) {
        let values = self.values.entry(parameter).or_default();
        // Said twice is said once.
        if !values.iter().any(|(known, _)| *known == value) {
            values.push((value, span));
        }
    }

    /// One more member of a list; its words are all from the first member to the last.
    pub(crate) fn add(&mut self, parameter: &'r str, member: Value, span: Span) {
        let values = self.values.entry(parameter).or_default();
        match values.first_mut() {
            Some((Value::Array(members), all)) => {
                members.push(member);
                *all = all.join(span);
            }
            _ => values.push((Value::Array(vec![member]), span)),
        }
    }

    pub(crate) fn says(&self, parameter: &str) -> bool {
        self.values.contains_key(parameter)
    }

    /// Names of the parameters whose type is such a one.
    pub(crate) fn of_type(&self, is: impl Fn(&ParameterType) -> bool) -> Vec<&'r str> {
        let path = self.path;
        path.parameters
            .iter()
            .filter(|(_, parameter)| is(&parameter.takes))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// `download our photos from press.example.com`: where no other hostname is said, the one of
    /// ours is where people reach it, not where it comes from.
    fn let_ours_be_the_hostname(&mut self, environment: &Environment) {
        let hostnames = self.of_type(|it| matches!(it, ParameterType::Hostname));
        let [hostname] = hostnames.as_slice() else { return };
        if self.says(hostname) {
            return;
        }
        for address in self.of_type(|it| matches!(it, ParameterType::Address)) {
            let Some(values) = self.values.get_mut(address) else { continue };
            let ours = values.iter().position(|(value, _)| {
                value.as_str().is_some_and(|name| environment.zone_of(name).is_some())
            });
            if let Some(at) = ours {
                let (value, span) = values.remove(at);
                self.say(hostname, value, span);
                return;
            }
        }
    }

    /// A service beside a hostname of its own says what the hostname is for, and nothing that rests
    /// on the service (its origin, the name of its stack) may follow from it.
    fn let_hostname_prevail(&mut self, environment: &Environment) {
        let hostnames: Vec<Value> = self
            .of_type(|it| matches!(it, ParameterType::Hostname))
            .into_iter()
            .filter_map(|name| self.values.get(name))
            .flatten()
            .map(|(value, _)| value.clone())
            .collect();
        let elsewhere = |service: &Value| {
            let service = service.as_str().and_then(|name| environment.services.get(name));
            service.is_some_and(|service| {
                hostnames.iter().any(|hostname| *hostname != service.hostname.as_str())
            })
        };
        for name in self.of_type(|it| matches!(it, ParameterType::Service)) {
            if let Some(values) = self.values.get_mut(name) {
                values.retain(|(service, _)| !elsewhere(service));
            }
        }
    }

    /// `careers.example.org … example.org is our sister company's`: the name of the zone says
    /// nothing new.
    fn let_the_longer_name_prevail(&mut self) {
        for name in self.of_type(|it| matches!(it, ParameterType::Hostname)) {
            let Some(values) = self.values.get_mut(name) else { continue };
            let all: Vec<String> =
                values.iter().filter_map(|(value, _)| value.as_str()).map(str::to_owned).collect();
            let holds = |outer: &str| {
                all.iter().any(|inner| {
                    inner.strip_suffix(outer).is_some_and(|label| label.ends_with('.'))
                })
            };
            values.retain(|(value, _)| !value.as_str().is_some_and(holds));
        }
    }

    fn grounded(self) -> Result<Parameters, Problem> {
        let mut parameters = Parameters::new();
        for (name, values) in self.values {
            match values.as_slice() {
                [] => {}
                [(value, span)] => {
                    let source = Source::Words {
                        start: span.start,
                        end: span.end,
                        text: self.reading.text.slice(*span).to_owned(),
                    };
                    parameters.insert(name.to_owned(), Grounded { value: value.clone(), source });
                }
                several => {
                    return Err(Problem::Contradictory {
                        path: Some(self.path.name.clone()),
                        parameter: name.to_owned(),
                        values: several
                            .iter()
                            .map(|(_, span)| self.reading.text.slice(*span).to_owned())
                            .collect(),
                    });
                }
            }
        }
        Ok(parameters)
    }
}

/// A value for people.
pub(crate) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
