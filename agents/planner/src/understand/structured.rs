//! A golden path with parameters by name, for programs.

use bus_schema::{Grounded, PathName, Request, Source, Understanding};

use super::fill::{self, Parameters};
use super::problem::Problem;
use super::{Known, finish};

/// # Errors
/// When the path, a parameter or the environment does not exist, or a value does not fit.
pub(crate) fn read(
    request: &Request,
    path: &PathName,
    known: Known<'_>,
) -> Result<Understanding, Problem> {
    let path = known.paths.get(path).ok_or_else(|| Problem::UnknownPath(path.clone()))?;
    let environment = match &request.environment {
        Some(name) => known
            .environments
            .get(name)
            .ok_or_else(|| Problem::UnknownEnvironment(name.to_string()))?,
        None => known.environments.default_environment(),
    };
    let mut parameters = Parameters::new();
    for (name, value) in &request.parameters {
        if !path.parameters.contains_key(name) {
            return Err(Problem::UnknownParameter { path: path.name.clone(), name: name.clone() });
        }
        let grounded = Grounded { value: value.clone(), source: Source::Given };
        parameters.insert(name.clone(), grounded);
    }
    let parameters = fill::with_stack(path, parameters, request.stack.as_ref())?;
    finish(path, environment, parameters, request.stack.clone())
}
