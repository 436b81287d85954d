//! From a golden path and its parameters to resources.

use std::collections::{BTreeMap, BTreeSet};

use bus_schema::{
    Grounded, InvalidName, KindName, Place, Properties, Resource, ResourceAddress, StackName,
};
use serde_json::Value;

use crate::condition::written;
use crate::filter::fingerprint;
use crate::golden_path::ResourceTemplate;
use crate::template::Template;
use crate::{Environment, GoldenPath, ParameterType, reference};

/// The longest stack name; see [`StackName`].
const LONGEST_STACK_NAME: usize = 40;

/// Parameters that a golden path cannot be rendered with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A text needs a parameter that has no value.
    #[error("parameter `{parameter}` has no value and is needed here")]
    Absent {
        /// Which parameter.
        parameter: String,
    },
    /// A filter does not take the value.
    #[error("parameter `{parameter}` cannot stand here: {reason}")]
    Filter {
        /// Which parameter.
        parameter: String,
        /// Why not.
        reason: String,
    },
    /// A name or place made of the parameters is none.
    #[error("the {what} made from the parameters is not valid")]
    Name {
        /// What it was to be.
        what: &'static str,
        /// What is wrong with it.
        source: InvalidName,
    },
    /// No name for the stack has all its parameters.
    #[error("the stack has no name: give it one, or one of the parameters its name is made of")]
    Nameless,
    /// A place outside the environment.
    #[error("{resource} would be in {place}, which is not of environment `{environment}`")]
    OtherPlace {
        /// Which resource, within its stack.
        resource: String,
        /// Where it would be.
        place: Place,
        /// The environment.
        environment: String,
    },
    /// Two resources of one name.
    #[error("{resource} is there twice with these parameters")]
    Twice {
        /// Which resource, within its stack.
        resource: String,
    },
    /// A reference to a resource that these parameters leave out.
    #[error("{resource} refers to {missing}, which these parameters leave out")]
    Dangling {
        /// Which resource, within its stack.
        resource: String,
        /// What it refers to.
        missing: String,
    },
    /// More resources of a kind than the environment allows.
    #[error("{count} of {kind} are more than environment `{environment}` allows: {max}")]
    OverLimit {
        /// Which kind.
        kind: KindName,
        /// How many there would be.
        count: usize,
        /// How many there may be.
        max: usize,
        /// The environment that says so.
        environment: String,
    },
}

impl GoldenPath {
    /// The stack's name where the intent gives none.
    ///
    /// Outside the default environment it ends in the environment's name, since stacks of all
    /// environments share one set of names; a path whose stack is a parameter names an existing one
    /// and gets no such ending. A name too long is cut and ends in a fingerprint of the whole.
    ///
    /// # Errors
    /// When the parameters do not make a name.
    pub fn stack_name(
        &self,
        environment: &Environment,
        parameters: &BTreeMap<String, Grounded>,
    ) -> Result<StackName, RenderError> {
        let value_of = |name: &str| parameters.get(name).map(|grounded| &grounded.value);
        let template = self
            .stack
            .iter()
            .find(|template| {
                template
                    .parameters()
                    .iter()
                    .all(|name| value_of(name).is_some_and(|v| !v.is_null()))
            })
            .ok_or(RenderError::Nameless)?;
        let mut name = written(&template.render(&value_of)?);
        if !environment.default && !self.names_existing_stack(template) {
            name = format!("{name}-{}", environment.name);
        }
        if name.len() > LONGEST_STACK_NAME {
            let mark = fingerprint(&name);
            let kept: String = name.chars().take(LONGEST_STACK_NAME - 1 - mark.len()).collect();
            name = format!("{}-{mark}", kept.trim_end_matches('-'));
        }
        StackName::new(name).map_err(|source| RenderError::Name { what: "stack's name", source })
    }

    fn names_existing_stack(&self, template: &Template) -> bool {
        matches!(template, Template::Alone(placeholder) if matches!(
            self.parameters.get(&placeholder.parameter).map(|parameter| &parameter.takes),
            Some(ParameterType::Stack)
        ))
    }

    /// The resources these parameters make, in the order the path lists them; `depends_on` holds
    /// what the path says and what the properties refer to.
    ///
    /// # Errors
    /// When a parameter is missing or does not fit; after [`GoldenPath::complete`] only where the
    /// environment's own limits are exceeded.
    pub fn render(
        &self,
        stack: &StackName,
        environment: &Environment,
        parameters: &BTreeMap<String, Grounded>,
    ) -> Result<Vec<Resource>, RenderError> {
        let value_of = |name: &str| parameters.get(name).map(|grounded| &grounded.value);
        let mut resources = Vec::new();
        for template in &self.resources {
            if template.when.as_ref().is_none_or(|when| when.holds(value_of)) {
                resources.push(template.render(stack, environment, &value_of)?);
            }
        }
        let mut there = BTreeSet::new();
        for resource in &resources {
            if !there.insert(&resource.address) {
                return Err(RenderError::Twice { resource: resource.address.local() });
            }
        }
        for resource in &resources {
            if let Some(missing) = resource.depends_on.iter().find(|it| !there.contains(it)) {
                return Err(RenderError::Dangling {
                    resource: resource.address.local(),
                    missing: missing.local(),
                });
            }
        }
        within_limits(environment, &resources)?;
        Ok(resources)
    }
}

impl ResourceTemplate {
    fn render<'v>(
        &self,
        stack: &StackName,
        environment: &Environment,
        value_of: &dyn Fn(&str) -> Option<&'v Value>,
    ) -> Result<Resource, RenderError> {
        let address = ResourceAddress::new(stack.clone(), self.kind.clone(), self.name.clone());
        let place = self.place(environment, value_of)?;
        let ours = match &place {
            Place::Account(id) => *id == environment.cloudflare.account,
            Place::Zone(zone) => environment.cloudflare.zones.contains(zone),
        };
        if !ours {
            return Err(RenderError::OtherPlace {
                resource: address.local(),
                place,
                environment: environment.name.to_string(),
            });
        }
        let mut properties = Properties::default();
        let mut needed: BTreeSet<reference::Local> = self.depends_on.iter().cloned().collect();
        for (field, template) in &self.properties {
            let value = template.render(value_of)?;
            // What is no reference was refused when the path was loaded.
            needed.extend(reference::in_value(&value).unwrap_or_default());
            properties.0.insert(field.clone(), value);
        }
        let depends_on = needed
            .into_iter()
            .map(|local| ResourceAddress::new(stack.clone(), local.kind, local.name))
            .collect();
        Ok(Resource { address, place, properties, depends_on })
    }

    fn place<'v>(
        &self,
        environment: &Environment,
        value_of: &dyn Fn(&str) -> Option<&'v Value>,
    ) -> Result<Place, RenderError> {
        let text = written(&self.place.render(value_of)?);
        if text == "account" {
            return Ok(Place::Account(environment.cloudflare.account.clone()));
        }
        text.parse().map_err(|source| RenderError::Name { what: "place", source })
    }
}

fn within_limits(environment: &Environment, resources: &[Resource]) -> Result<(), RenderError> {
    for (kind, max) in &environment.limits.resources {
        let count = resources.iter().filter(|it| it.address.kind == *kind).count();
        if count > *max {
            return Err(RenderError::OverLimit {
                kind: kind.clone(),
                count,
                max: *max,
                environment: environment.name.to_string(),
            });
        }
    }
    Ok(())
}
