//! From an understanding and what is known of the stack to a plan. Pure.

use bus_schema::{
    EnvironmentName, Generation, IntentId, Origin, PathName, Plan, Refusal, RefusalCode, Resource,
    StackName, StackState, Understanding,
};
use cloud::{Catalogue, DiffError};
use policy::{Language, RenderError};
use runtime::chain;

use crate::Library;

/// An intent that was understood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) intent: IntentId,
    /// Its place in the stream.
    pub(crate) order: u64,
    pub(crate) understanding: &'a Understanding,
    /// Whether a plan for it was proposed before.
    pub(crate) again: bool,
}

/// What follows from an intent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Planned {
    Plan(Box<Plan>),
    /// A later intent's plan was applied already.
    Superseded {
        by: Option<IntentId>,
    },
}

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unplannable {
    #[error("there is no stack `{0}`")]
    NoSuchStack(StackName),
    #[error("stack `{0}` holds nothing any more")]
    EmptyStack(StackName),
    #[error("stack `{stack}` follows golden path `{path}`")]
    OtherPath { stack: StackName, path: PathName },
    #[error("stack `{stack}` is in environment `{environment}`")]
    OtherEnvironment { stack: StackName, environment: EnvironmentName },
    #[error("there is no golden path `{0}` any more")]
    NoSuchPath(PathName),
    #[error("there is no environment `{0}` any more")]
    NoSuchEnvironment(EnvironmentName),
    #[error("golden path `{path}` does not render")]
    Render { path: PathName, source: Box<RenderError> },
    #[error("golden path `{path}` makes what cannot be")]
    Diff { path: PathName, source: Box<DiffError> },
}

/// The plan that leads from what is known of the stack to what was asked.
///
/// # Errors
/// When what was asked does not fit what is there.
pub(crate) fn plan(
    asked: Asked<'_>,
    library: &Library,
    catalogue: Catalogue,
    stack: Option<&StackState>,
) -> Result<Planned, Unplannable> {
    let Asked { intent, order, understanding, again } = asked;
    if let Some(later) = stack.filter(|stack| stack.order > order) {
        return Ok(Planned::Superseded { by: later.intent });
    }
    let name = &understanding.stack;
    let path = library
        .paths
        .get(&understanding.path)
        .ok_or_else(|| Unplannable::NoSuchPath(understanding.path.clone()))?;
    let mut environment = understanding.environment.clone();
    let desired = if path.is_removal() {
        // Its own plan may have emptied it before this was recorded.
        let emptied = again || stack.is_some_and(|stack| stack.intent == Some(intent));
        match stack {
            Some(stack) if emptied || !stack.resources.is_empty() => {
                environment = stack.environment.clone();
            }
            Some(_) => return Err(Unplannable::EmptyStack(name.clone())),
            None => return Err(Unplannable::NoSuchStack(name.clone())),
        }
        Vec::new()
    } else {
        fits(understanding, stack)?;
        declared(understanding, library)?
    };
    let diff = cloud::diff(name, stack, &desired, catalogue)
        .map_err(|error| Unplannable::Diff { path: path.name.clone(), source: Box::new(error) })?;
    let from = stack.map_or(Generation::default(), |stack| stack.generation);
    Ok(Planned::Plan(Box::new(Plan {
        intent,
        order,
        stack: name.clone(),
        environment,
        path: path.name.clone(),
        origin: Origin::Intent,
        from,
        to: if diff.changes.is_empty() { from } else { from.next() },
        parameters: understanding.parameters.clone(),
        changes: diff.changes,
        unchanged: diff.unchanged,
        excluded: Vec::new(),
        remedy: None,
    })))
}

/// A stack keeps to its golden path and its environment while it holds anything: a stack of that
/// name elsewhere is somebody else's.
fn fits(understanding: &Understanding, stack: Option<&StackState>) -> Result<(), Unplannable> {
    let Some(stack) = stack.filter(|stack| !stack.resources.is_empty()) else { return Ok(()) };
    if stack.path != understanding.path {
        return Err(Unplannable::OtherPath {
            stack: stack.stack.clone(),
            path: stack.path.clone(),
        });
    }
    if stack.environment != understanding.environment {
        return Err(Unplannable::OtherEnvironment {
            stack: stack.stack.clone(),
            environment: stack.environment.clone(),
        });
    }
    Ok(())
}

fn declared(
    understanding: &Understanding,
    library: &Library,
) -> Result<Vec<Resource>, Unplannable> {
    let path = library
        .paths
        .get(&understanding.path)
        .ok_or_else(|| Unplannable::NoSuchPath(understanding.path.clone()))?;
    let environment = library
        .environments
        .get(&understanding.environment)
        .ok_or_else(|| Unplannable::NoSuchEnvironment(understanding.environment.clone()))?;
    path.render(&understanding.stack, environment, &understanding.parameters)
        .map_err(|error| Unplannable::Render { path: path.name.clone(), source: Box::new(error) })
}

impl Unplannable {
    /// For the person who asked, in their language.
    pub(crate) fn refusal(&self, path: &PathName, language: Language) -> Refusal {
        let reason = match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        };
        let code = match self {
            Self::NoSuchStack(_)
            | Self::EmptyStack(_)
            | Self::NoSuchPath(_)
            | Self::NoSuchEnvironment(_) => RefusalCode::Unknown,
            Self::OtherPath { .. }
            | Self::OtherEnvironment { .. }
            | Self::Render { .. }
            | Self::Diff { .. } => RefusalCode::Invalid,
        };
        Refusal { code, reason, missing: Vec::new(), nearest: vec![path.clone()], example: None }
    }

    fn english(&self) -> String {
        match self {
            Self::NoSuchStack(stack) => {
                format!("There is no stack `{stack}`; `zerodrift status` lists those there are.")
            }
            Self::EmptyStack(stack) => {
                format!("Stack `{stack}` was retired already; it holds nothing any more.")
            }
            Self::OtherPath { stack, path } => format!(
                "Stack `{stack}` follows golden path `{path}`. Give this one another name, or retire that one first."
            ),
            Self::OtherEnvironment { stack, environment } => format!(
                "Stack `{stack}` is in environment `{environment}`. Give this one another name."
            ),
            Self::NoSuchPath(path) => format!("There is no golden path `{path}` any more."),
            Self::NoSuchEnvironment(name) => format!("There is no environment `{name}` any more."),
            Self::Render { .. } | Self::Diff { .. } => format!("{}.", chain(self)),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NoSuchStack(stack) => {
                format!(
                    "스택 `{stack}`이(가) 없습니다. `zerodrift status`로 목록을 볼 수 있습니다."
                )
            }
            Self::EmptyStack(stack) => {
                format!("스택 `{stack}`은(는) 이미 제거되어 남은 것이 없습니다.")
            }
            Self::OtherPath { stack, path } => format!(
                "스택 `{stack}`은(는) 골든 패스 `{path}`를 따릅니다. 다른 이름을 쓰거나 먼저 제거해 주세요."
            ),
            Self::OtherEnvironment { stack, environment } => format!(
                "스택 `{stack}`은(는) `{environment}` 환경에 있습니다. 다른 이름을 써 주세요."
            ),
            Self::NoSuchPath(path) => format!("골든 패스 `{path}`가 더 이상 없습니다."),
            Self::NoSuchEnvironment(name) => format!("`{name}` 환경이 더 이상 없습니다."),
            Self::Render { .. } | Self::Diff { .. } => {
                format!("적용할 수 없습니다: {}.", chain(self))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bus_schema::Request;

    use super::*;

    fn library() -> Library {
        Library::load(None, None).unwrap()
    }

    fn understood(library: &Library, text: &str) -> Understanding {
        let request = Request { text: Some(text.to_owned()), ..Request::default() };
        crate::understand(&request, &library.environments, &library.paths).unwrap()
    }

    fn planned(text: &str, order: u64) -> Plan {
        let library = library();
        let understanding = understood(&library, text);
        let intent = IntentId::of_stream_sequence(order);
        let asked = Asked { intent, order, understanding: &understanding, again: false };
        match plan(asked, &library, cloud::cloudflare::catalogue(), None).unwrap() {
            Planned::Plan(plan) => *plan,
            Planned::Superseded { .. } => panic!("there is no stack"),
        }
    }

    #[test]
    fn planning_the_same_again_gives_the_same_plan() {
        let text = "Secure edge cache for API with DDoS guardrails";
        assert_eq!(planned(text, 1).id(), planned(text, 1).id());
        assert_ne!(planned(text, 1).id(), planned(text, 2).id());
    }

    #[test]
    fn every_example_of_every_path_is_planned_so_that_nothing_comes_before_what_it_needs() {
        let library = library();
        let environment = library.environments.default_environment();
        for path in library.paths.iter().filter(|path| !path.is_removal()) {
            for example in &path.examples {
                let plan = planned(&example.text(Language::English, environment), 1);
                assert!(!plan.changes.is_empty(), "{}", example.en);
                let mut made = Vec::new();
                for change in &plan.changes {
                    assert!(change.waits_for.iter().all(|it| made.contains(it)), "{}", example.en);
                    made.push(change.resource.clone());
                }
            }
        }
    }
}
