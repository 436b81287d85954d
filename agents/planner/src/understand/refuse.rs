//! Every problem as a sentence for the person who asked, in the language they asked in.

use bus_schema::{PathName, Refusal, RefusalCode, Request};
use policy::{GoldenPath, InvalidValue, Language};

use super::Known;
use super::problem::{Danger, Problem};

pub(crate) fn refusal(
    problem: &Problem,
    request: &Request,
    known: Known<'_>,
    language: Language,
) -> Refusal {
    let nearest = nearest(problem);
    let missing = if let Problem::Missing { parameters, .. } = problem {
        parameters.clone()
    } else {
        Vec::new()
    };
    let example = example(&nearest, request, known, language);
    let reason = match language {
        Language::English => english(problem, known),
        Language::Korean => korean(problem, known),
    };
    Refusal { code: code(problem), reason, missing, nearest, example }
}

fn code(problem: &Problem) -> RefusalCode {
    match problem {
        Problem::Empty => RefusalCode::Empty,
        Problem::Question => RefusalCode::Question,
        Problem::NoPath { .. } => RefusalCode::NoGoldenPath,
        Problem::Elsewhere { .. } => RefusalCode::Unsupported,
        Problem::NotAvailable { .. } => RefusalCode::NotAvailable,
        Problem::OffTopic => RefusalCode::OffTopic,
        Problem::TooVague { .. } => RefusalCode::TooVague,
        Problem::Ambiguous { .. } => RefusalCode::Ambiguous,
        Problem::Several { .. } => RefusalCode::Several,
        Problem::Missing { .. } => RefusalCode::Incomplete,
        Problem::TwoEnvironments(_) | Problem::Contradictory { .. } => RefusalCode::Contradictory,
        Problem::UnknownPath(_)
        | Problem::UnknownParameter { .. }
        | Problem::UnknownEnvironment(_)
        | Problem::Invalid { why: InvalidValue::OtherZone { .. }, .. } => RefusalCode::Unknown,
        Problem::TooLong(_)
        | Problem::TextAndPath
        | Problem::ParametersWithoutPath
        | Problem::Invalid { .. }
        | Problem::Leftover { .. }
        | Problem::Render { .. } => RefusalCode::Invalid,
        Problem::Dangerous { .. } => RefusalCode::Dangerous,
        Problem::Manipulation { .. } => RefusalCode::Manipulation,
    }
}

fn nearest(problem: &Problem) -> Vec<PathName> {
    match problem {
        Problem::NoPath { nearest }
        | Problem::Elsewhere { nearest, .. }
        | Problem::TooVague { nearest }
        | Problem::Ambiguous { nearest }
        | Problem::Several { nearest } => nearest.clone(),
        Problem::UnknownParameter { path, .. }
        | Problem::Missing { path, .. }
        | Problem::Invalid { path, .. }
        | Problem::Leftover { path, .. }
        | Problem::Render { path, .. }
        | Problem::Contradictory { path: Some(path), .. } => vec![path.clone()],
        Problem::Empty
        | Problem::TooLong(_)
        | Problem::TextAndPath
        | Problem::ParametersWithoutPath
        | Problem::UnknownPath(_)
        | Problem::UnknownEnvironment(_)
        | Problem::TwoEnvironments(_)
        | Problem::Question
        | Problem::NotAvailable { .. }
        | Problem::OffTopic
        | Problem::Contradictory { path: None, .. }
        | Problem::Dangerous { .. }
        | Problem::Manipulation { .. } => Vec::new(),
    }
}

/// An intent that works in the environment asked for: the nearest path's first example, else that
/// of any path.
fn example(
    nearest: &[PathName],
    request: &Request,
    known: Known<'_>,
    language: Language,
) -> Option<String> {
    let environment = request
        .environment
        .as_ref()
        .and_then(|name| known.environments.get(name))
        .unwrap_or_else(|| known.environments.default_environment());
    let path: &GoldenPath = nearest
        .iter()
        .find_map(|name| known.paths.get(name))
        .or_else(|| known.paths.iter().find(|path| !path.is_removal()))?;
    path.examples.first().map(|example| example.text(language, environment))
}

fn english(problem: &Problem, known: Known<'_>) -> String {
    match problem {
        Problem::Empty => "Nothing was asked for.".to_owned(),
        Problem::TooLong(bytes) => format!(
            "The text has {bytes} bytes; an intent has {} at most. Say what you want in a sentence or two.",
            super::LONGEST_TEXT
        ),
        Problem::TextAndPath => {
            "An intent is either a text or a golden path with parameters, not both.".to_owned()
        }
        Problem::ParametersWithoutPath => {
            "Parameters were given without a golden path to give them to.".to_owned()
        }
        Problem::UnknownPath(path) => {
            format!("There is no golden path `{path}`. There are: {}.", path_names(known))
        }
        Problem::UnknownParameter { path, name } => format!(
            "Golden path `{path}` has no parameter `{name}`. It has: {}.",
            parameter_names(path, known)
        ),
        Problem::UnknownEnvironment(name) => {
            format!("There is no environment `{name}`. There are: {}.", environment_names(known))
        }
        Problem::TwoEnvironments(names) => {
            format!("It names {} environments: {}. Which one?", names.len(), list(names))
        }
        Problem::Question => {
            "This asks a question; an intent says what there should be.".to_owned()
        }
        Problem::Elsewhere { platform, .. } => {
            format!("No golden path reaches `{platform}`. What there is: {}.", path_titles(known))
        }
        Problem::NotAvailable { path, title } => format!(
            "This asks for {}, golden path `{path}`, which is not available here. What there is: {}.",
            first(&title.en, path),
            path_titles(known)
        ),
        Problem::OffTopic => format!(
            "This is not about infrastructure that can be changed here. What there is: {}.",
            path_titles(known)
        ),
        Problem::TooVague { .. } => format!(
            "It does not say what there should be. What there is: {}. Name what you want, and for which service or hostname.",
            path_titles(known)
        ),
        Problem::NoPath { .. } => {
            format!("No golden path does this. What there is: {}.", path_titles(known))
        }
        Problem::Ambiguous { nearest } => format!(
            "Several golden paths fit about as well: {}. Name the one you mean, or say more.",
            list(nearest)
        ),
        Problem::Several { nearest } => format!(
            "It asks for several things at once: {}. Submit one intent for each.",
            list(nearest)
        ),
        Problem::Contradictory { parameter, values, .. } => {
            format!(
                "It says {} different things of `{parameter}`: {}.",
                values.len(),
                quoted(values)
            )
        }
        Problem::Missing { path, parameters } => format!(
            "For golden path `{path}` it does not say: {}.",
            described(path, parameters, known)
        ),
        Problem::Invalid { path, parameter, why } => {
            format!("`{parameter}` of golden path `{path}`: {why}.")
        }
        Problem::Leftover { path, words } => format!(
            "Golden path `{path}` has no use for `{words}`, and leaving it out would not be what was asked for."
        ),
        Problem::Render { path, error } => format!("Golden path `{path}`: {error}."),
        Problem::Dangerous { danger, words } => {
            let harm = match danger {
                Danger::ProtectionOff => "would take a protection away",
                Danger::DeleteEverything => "would delete more than one named stack",
                Danger::OpenToAll => "would open something to everybody",
            };
            let instead = match danger {
                Danger::DeleteEverything => "Retire stacks one by one, by name.",
                Danger::ProtectionOff | Danger::OpenToAll => "No golden path does that.",
            };
            format!("`{words}` {harm}. {instead}")
        }
        Problem::Manipulation { words } => format!(
            "`{words}` is directed at the swarm rather than at infrastructure; nothing was done."
        ),
    }
}

fn korean(problem: &Problem, known: Known<'_>) -> String {
    match problem {
        Problem::Empty => "요청 내용이 없습니다.".to_owned(),
        Problem::TooLong(bytes) => format!(
            "요청이 {bytes}바이트입니다. 최대 {}바이트이니 한두 문장으로 적어 주세요.",
            super::LONGEST_TEXT
        ),
        Problem::TextAndPath => {
            "요청은 글 또는 골든 패스와 매개변수 중 하나로만 할 수 있습니다.".to_owned()
        }
        Problem::ParametersWithoutPath => "골든 패스 없이 매개변수만 주어졌습니다.".to_owned(),
        Problem::UnknownPath(path) => {
            format!("골든 패스 `{path}`가 없습니다. 있는 것: {}.", path_names(known))
        }
        Problem::UnknownParameter { path, name } => format!(
            "골든 패스 `{path}`에는 매개변수 `{name}`이(가) 없습니다. 있는 것: {}.",
            parameter_names(path, known)
        ),
        Problem::UnknownEnvironment(name) => {
            format!("`{name}` 환경이 없습니다. 있는 환경: {}.", environment_names(known))
        }
        Problem::TwoEnvironments(names) => {
            format!("환경이 {}개 언급되었습니다: {}. 어느 환경인가요?", names.len(), list(names))
        }
        Problem::Question => "질문으로 보입니다. 무엇이 있어야 하는지를 적어 주세요.".to_owned(),
        Problem::Elsewhere { platform, .. } => format!(
            "`{platform}`에 닿는 골든 패스가 없습니다. 할 수 있는 것: {}.",
            path_titles(known)
        ),
        Problem::NotAvailable { path, title } => format!(
            "{} 요청입니다. 골든 패스 `{path}`는 아직 여기에 설치되어 있지 않습니다. 할 수 있는 것: {}.",
            first(&title.ko, path),
            path_titles(known)
        ),
        Problem::OffTopic => format!(
            "여기서 바꿀 수 있는 인프라에 대한 요청이 아닙니다. 할 수 있는 것: {}.",
            path_titles(known)
        ),
        Problem::TooVague { .. } => format!(
            "무엇이 있어야 하는지 알 수 없습니다. 할 수 있는 것: {}. 원하는 것과 서비스 또는 호스트 이름을 적어 주세요.",
            path_titles(known)
        ),
        Problem::NoPath { .. } => {
            format!("이 요청에 맞는 골든 패스가 없습니다. 할 수 있는 것: {}.", path_titles(known))
        }
        Problem::Ambiguous { nearest } => format!(
            "여러 골든 패스가 비슷하게 맞습니다: {}. 하나를 지정하거나 더 자세히 적어 주세요.",
            list(nearest)
        ),
        Problem::Several { nearest } => format!(
            "한 번에 여러 가지를 요청했습니다: {}. 하나씩 나누어 요청해 주세요.",
            list(nearest)
        ),
        Problem::Contradictory { parameter, values, .. } => format!(
            "`{parameter}`에 대해 서로 다른 값이 {}개 있습니다: {}.",
            values.len(),
            quoted(values)
        ),
        Problem::Missing { path, parameters } => {
            format!("골든 패스 `{path}`에 필요한 내용이 빠졌습니다: {}.", list(parameters))
        }
        Problem::Invalid { path, parameter, why } => {
            format!("골든 패스 `{path}`의 `{parameter}`: {}.", korean_why(why))
        }
        Problem::Leftover { path, words } => format!(
            "골든 패스 `{path}`에는 `{words}`을(를) 쓸 곳이 없고, 빼고 진행하면 요청과 달라집니다."
        ),
        Problem::Render { path, error } => {
            format!("골든 패스 `{path}`를 적용할 수 없습니다: {error}.")
        }
        Problem::Dangerous { danger, words } => match danger {
            Danger::ProtectionOff => {
                format!("`{words}`: 보호 장치를 없애는 요청이라 하지 않습니다.")
            }
            Danger::DeleteEverything => format!(
                "`{words}`: 이름을 지정한 스택 하나를 넘어 삭제하는 요청이라 하지 않습니다. 스택을 하나씩 지정해 주세요."
            ),
            Danger::OpenToAll => {
                format!("`{words}`: 모두에게 개방하는 요청이라 하지 않습니다.")
            }
        },
        Problem::Manipulation { words } => format!(
            "`{words}`: 인프라가 아니라 시스템 자체를 향한 지시라서 아무것도 하지 않았습니다."
        ),
    }
}

fn korean_why(why: &InvalidValue) -> String {
    match why {
        InvalidValue::NotA { value, wanted } => format!("`{value}`은(는) 맞지 않습니다 ({wanted})"),
        InvalidValue::TooLittle { value, min } => {
            format!("{value}은(는) 너무 작습니다. 최소 {min}")
        }
        InvalidValue::TooMuch { value, max } => format!("{value}은(는) 너무 큽니다. 최대 {max}"),
        InvalidValue::OverLimit { value, max, environment } => {
            format!("{value}은(는) `{environment}` 환경의 한도 {max}을(를) 넘습니다")
        }
        InvalidValue::Unknown { value, known } => {
            format!("`{value}`은(는) 없습니다. 있는 것: {}", known.join(", "))
        }
        InvalidValue::OtherZone { hostname, environment, zones } => format!(
            "`{hostname}`은(는) `{environment}` 환경의 존에 없습니다. 존: {}",
            zones.join(", ")
        ),
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn quoted(items: &[String]) -> String {
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}

/// What a planned path is called, else its name.
fn first(titles: &[String], path: &PathName) -> String {
    titles.first().map_or_else(|| path.to_string(), Clone::clone)
}

fn path_names(known: Known<'_>) -> String {
    known.paths.iter().map(|path| path.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn path_titles(known: Known<'_>) -> String {
    known
        .paths
        .iter()
        .map(|path| format!("{} ({})", path.title, path.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn parameter_names(path: &PathName, known: Known<'_>) -> String {
    known
        .paths
        .get(path)
        .map(|path| path.parameters.keys().cloned().collect::<Vec<_>>().join(", "))
        .unwrap_or_default()
}

fn environment_names(known: Known<'_>) -> String {
    known.environments.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// `hostname (The hostname to point somewhere.)`
fn described(path: &PathName, parameters: &[String], known: Known<'_>) -> String {
    let path = known.paths.get(path);
    parameters
        .iter()
        .map(|name| {
            let described = path.and_then(|path| path.parameters.get(name));
            match described.map(|parameter| parameter.description.trim().trim_end_matches('.')) {
                Some(description) => format!("`{name}` ({description})"),
                None => format!("`{name}`"),
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}
