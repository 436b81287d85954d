//! From a person's words, or a program's parameters, to one golden path with every parameter
//! grounded; or a refusal that helps.
//!
//! Pure, and the only way in: a text is cut into tokens ([`text`]), what it mentions is found
//! ([`entities`]), harm and trickery are looked for ([`guard`]), one path is chosen by its own
//! lexicon ([`choose`]), its parameters are filled from the words ([`fill`]) and from declared
//! defaults (the path's own `complete`). Whatever goes wrong is a [`problem::Problem`], put into a
//! sentence of the asker's language in one place ([`refuse`]).
//!
//! Architecture invariant: no value comes from anywhere but the text (with its span), the
//! environment, a declared default, or a structured request. A proposal by somebody else, such as
//! a model, has to pass the same checks.

mod choose;
mod entities;
mod explain;
mod fill;
mod guard;
mod irregular;
mod keys;
mod lexicon;
mod place;
mod problem;
mod quoted;
mod reading;
mod refuse;
mod spelling;
mod stem;
mod structured;
mod text;
mod together;
mod words;

pub use self::explain::{Act, Concern, Explanation, Seen, explain};
use bus_schema::{Grounded, Refusal, Request, Source, StackName, Understanding};
use policy::{Environment, Environments, GoldenPath, GoldenPaths, Language};

use self::fill::Parameters;
use self::keys::Keys;
use self::lexicon::Lexicon;
use self::problem::Problem;
use self::reading::Reading;

/// Longest text taken, in bytes: an intent is a sentence or a few.
pub const LONGEST_TEXT: usize = 4_096;

/// What to do about a request, every parameter grounded.
///
/// # Errors
/// When nothing, or nothing certain, or nothing allowed follows from it: why, in the language it
/// was asked in, with the nearest golden paths and an example that works.
pub fn understand(
    request: &Request,
    environments: &Environments,
    paths: &GoldenPaths,
) -> Result<Understanding, Refusal> {
    let words = request.text.as_deref().filter(|text| !text.trim().is_empty());
    let language = language_of(request);
    let read = words.filter(|it| it.len() <= LONGEST_TEXT);
    let (reading, lexicon) = match read.map(|it| Reading::of(it, environments, paths)) {
        Some((reading, lexicon)) => (Some(reading), lexicon),
        None => (None, Lexicon::of(paths, &[], &Keys::of(&[]))),
    };
    let known = Known { environments, paths, lexicon: &lexicon };
    let understood = match (words, &request.path) {
        (Some(_), Some(_)) => Err(Problem::TextAndPath),
        (_, None) if !request.parameters.is_empty() => Err(Problem::ParametersWithoutPath),
        (Some(words), None) => match &reading {
            Some(reading) => from_words(request, reading, known),
            None => Err(Problem::TooLong(words.len())),
        },
        (None, Some(path)) => structured::read(request, path, known),
        (None, None) => Err(Problem::Empty),
    };
    understood.map_err(|problem| refuse::refusal(&problem, request, known, language))
}

/// The language somebody asked in, and is answered in.
pub(crate) fn language_of(request: &Request) -> Language {
    match &request.text {
        Some(words) if text::Text::of(words).is_korean() => Language::Korean,
        Some(_) | None => Language::English,
    }
}

/// What there is to choose from.
#[derive(Clone, Copy)]
struct Known<'a> {
    environments: &'a Environments,
    paths: &'a GoldenPaths,
    lexicon: &'a Lexicon<'a>,
}

fn from_words(
    request: &Request,
    reading: &Reading<'_>,
    known: Known<'_>,
) -> Result<Understanding, Problem> {
    if reading.text.tokens.is_empty() {
        return Err(Problem::Empty);
    }
    guard::check(reading, known)?;
    match one_intent(request, reading, known) {
        // Said in one's own words and contradicted, or added to, in somebody else's.
        Err(
            problem @ (Problem::Several { .. }
            | Problem::Ambiguous { .. }
            | Problem::Contradictory { .. }
            | Problem::TwoEnvironments(_)
            | Problem::Leftover { .. }
            | Problem::NotAvailable { .. }
            | Problem::Elsewhere { .. }
            | Problem::Invalid { .. }),
        ) => {
            let own = quoted::without(reading);
            own.and_then(|own| meant(request, &own, known).ok()).ok_or(problem)
        }
        other => other,
    }
}

/// What the words want; two values of one thing may be one value of each of two.
fn one_intent(
    request: &Request,
    reading: &Reading<'_>,
    known: Known<'_>,
) -> Result<Understanding, Problem> {
    let problem = match meant(request, reading, known) {
        Ok(understood) => return Ok(understood),
        Err(problem) => problem,
    };
    let two = matches!(problem, Problem::Contradictory { .. } | Problem::TwoEnvironments(_));
    match two.then(|| choose::twice(reading, known)).flatten() {
        Some(nearest) => Err(Problem::Several { nearest }),
        None => Err(problem),
    }
}

/// What the words want, once they are known to be harmless.
fn meant(
    request: &Request,
    reading: &Reading<'_>,
    known: Known<'_>,
) -> Result<Understanding, Problem> {
    let environment = place::environment(reading, request.environment.as_ref(), known)?;
    let path = choose::path(reading, environment, known)?;
    guard::check_path(reading, path, known)?;
    let filled = fill::from_words(reading, path, environment)?;
    let stack = match (&request.stack, path.is_removal()) {
        (Some(stack), _) => Some(stack.clone()),
        (None, true) => None,
        (None, false) => place::stack(reading)?,
    };
    let parameters = fill::with_stack(path, filled, request.stack.as_ref())?;
    let named = !reading.entities.names().is_empty()
        || !reading.stacks.is_empty()
        || parameters.values().any(|it| is_a_service(it, environment));
    let understood = finish(path, environment, parameters, stack);
    let chats = || !reading.mentions_of(&known.lexicon.chatter).is_empty();
    let wishes = || reading.classes.contains_key("requests");
    let praises = || reading.classes.contains_key("praise");
    match understood {
        // `the firewall training room` names a thing of ours and wants nothing of it.
        Err(Problem::Missing { .. }) if !named && chats() => Err(Problem::OffTopic),
        // `thanks for the talk on firewalls, the 10k rps graph was great`.
        Ok(_) if !named && !wishes() && praises() => Err(Problem::OffTopic),
        understood => understood,
    }
}

/// Whether the words say a service of that environment.
fn is_a_service(grounded: &Grounded, environment: &Environment) -> bool {
    matches!(grounded.source, Source::Words { .. })
        && grounded.value.as_str().is_some_and(|name| environment.services.contains_key(name))
}

/// Defaults, checks and the stack's name: the same for words and for programs.
fn finish(
    path: &GoldenPath,
    environment: &Environment,
    mut parameters: Parameters,
    stack: Option<StackName>,
) -> Result<Understanding, Problem> {
    path.complete(environment, &mut parameters)
        .map_err(|incomplete| Problem::of_incomplete(path, incomplete))?;
    let stack = match stack {
        Some(stack) => stack,
        None => path
            .stack_name(environment, &parameters)
            .map_err(|error| Problem::Render { path: path.name.clone(), error })?,
    };
    // What renders now renders when it is planned: limits of the environment show here.
    path.render(&stack, environment, &parameters)
        .map_err(|error| Problem::Render { path: path.name.clone(), error })?;
    Ok(Understanding {
        path: path.name.clone(),
        stack,
        environment: environment.name.clone(),
        parameters,
    })
}
