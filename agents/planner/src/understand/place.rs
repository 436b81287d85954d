//! Which environment and which stack a text speaks of.

use bus_schema::{EnvironmentName, StackName};
use policy::Environment;

use super::Known;
use super::entities::Found;
use super::problem::Problem;
use super::reading::Reading;
use super::text::{Script, Token};
use super::words::{Term, is_particle};

/// The environment: as given, else as the words name it, else the one whose zone a host of the text
/// is in, else the default one.
///
/// # Errors
/// When one is named that does not exist, or several are.
pub(crate) fn environment<'k>(
    reading: &Reading<'_>,
    given: Option<&EnvironmentName>,
    known: Known<'k>,
) -> Result<&'k Environment, Problem> {
    let mut named = named_environments(reading, known);
    if let Some(name) = given {
        let environment = known
            .environments
            .get(name)
            .ok_or_else(|| Problem::UnknownEnvironment(name.to_string()))?;
        if !named.iter().any(|other| other.name == environment.name) {
            named.push(environment);
        }
    }
    match named.as_slice() {
        [] => {
            if let Some(unknown) =
                unknown_environment(reading).or_else(|| undeclared(reading, known))
            {
                return Err(Problem::UnknownEnvironment(unknown));
            }
            Ok(by_zone(reading, known).unwrap_or_else(|| known.environments.default_environment()))
        }
        [environment] => Ok(environment),
        several => {
            Err(Problem::TwoEnvironments(several.iter().map(|it| it.name.clone()).collect()))
        }
    }
}

fn named_environments<'k>(reading: &Reading<'_>, known: Known<'k>) -> Vec<&'k Environment> {
    // A stack's name may end in an environment's: that says where it is, not where it should be.
    let reading = reading.without_stacks();
    known
        .environments
        .iter()
        .filter(|environment| {
            let words =
                std::iter::once(environment.name.as_str()).chain(environment.aliases.iter());
            reading.mentions(words).iter().any(|mention| !mention.negated)
        })
        .collect()
}

/// `in the qa environment`, `qa 환경에`: somebody names one that there is not.
fn unknown_environment(reading: &Reading<'_>) -> Option<String> {
    const NOT_NAMES: [&str; 14] = [
        "the", "this", "that", "our", "my", "your", "an", "a", "each", "every", "any", "same",
        "right", "new",
    ];
    const LEADS: [&str; 10] = ["in", "on", "to", "for", "the", "our", "my", "into", "of", "at"];
    let word = |at: Option<usize>| at.and_then(|at| reading.words.get(at));
    reading.words.iter().enumerate().find_map(|(at, environment)| {
        let korean = environment.form.starts_with("환경");
        let english = matches!(environment.form.as_str(), "environment" | "env");
        let name = word(at.checked_sub(1))?;
        // `print environment variables` names none.
        let leads = word(at.checked_sub(2)).is_some_and(|lead| LEADS.contains(&lead.form.as_str()));
        let is_name = name.clause == environment.clause
            && name.script == Script::Latin
            && !NOT_NAMES.contains(&name.form.as_str())
            && name.form.bytes().all(|b| b.is_ascii_alphanumeric());
        (is_name && (korean || english && leads)).then(|| reading.text.slice(name.span).to_owned())
    })
}

/// `in dev`, `개발 환경`, `개발에`: what people call environments, and nobody declared.
fn undeclared(reading: &Reading<'_>, known: Known<'_>) -> Option<String> {
    const PLACES: [&str; 5] = ["환경", "서버", "쪽", "존", "에서"];
    reading.mentions_of(&known.lexicon.environments).into_iter().find_map(|mention| {
        let next = reading.after(mention.span).next().map_or("", |word| word.form.as_str());
        let before = reading.before(mention.span).next().map_or("", |word| word.form.as_str());
        let word = reading.words.iter().find(|word| word.span.overlaps(mention.span))?;
        let korean = word.script == Script::Hangul
            && (PLACES.iter().any(|place| next.starts_with(place))
                || ["계", "에", "에서", "용", "쪽"].iter().any(|end| word.form.ends_with(end)));
        let english = word.script == Script::Latin
            && (matches!(next, "environment" | "env" | "zone" | "cluster")
                || matches!(before, "in" | "on" | "to" | "for") && next.is_empty());
        (korean || english).then(|| reading.text.slice(mention.span).to_owned())
    })
}

fn by_zone<'k>(reading: &Reading<'_>, known: Known<'k>) -> Option<&'k Environment> {
    let has_zone = |environment: &Environment| {
        reading.entities.hosts.iter().any(|host| environment.zone_of(&host.value).is_some())
    };
    if has_zone(known.environments.default_environment()) {
        return None;
    }
    let mut others = known.environments.iter().filter(|environment| has_zone(environment));
    match (others.next(), others.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The stack that a text names for what it wants made; `None` where the path shall name it.
///
/// # Errors
/// When it names two.
pub(crate) fn stack(reading: &Reading<'_>) -> Result<Option<StackName>, Problem> {
    let names: Vec<StackName> = beside_the_word(reading).into_iter().map(|it| it.value).collect();
    one(names)
}

/// # Errors
/// When there are two.
pub(crate) fn one(mut names: Vec<StackName>) -> Result<Option<StackName>, Problem> {
    names.sort();
    names.dedup();
    match names.as_slice() {
        [] => Ok(None),
        [name] => Ok(Some(name.clone())),
        several => Err(Problem::Contradictory {
            path: None,
            parameter: "stack".to_owned(),
            values: several.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// Every stack named: beside the word stack, else, where something is to be removed, whatever has a
/// hyphen as the names of stacks do.
pub(crate) fn stack_names(reading: &Reading<'_>, removal: &[Term]) -> Vec<Found<StackName>> {
    let named = beside_the_word(reading);
    let removes = removal.iter().any(|term| term.find(&reading.words, 0).is_some());
    if !named.is_empty() || !removes {
        return named;
    }
    let protections = ["rate limit", "edge rule", "set up", "built in"].map(Term::of);
    reading
        .text
        .tokens
        .iter()
        .filter(|token| token.form.contains('-'))
        .filter(|token| {
            let words: Vec<_> = reading
                .words
                .iter()
                .filter(|word| word.span.overlaps(token.span))
                .cloned()
                .collect();
            !words.is_empty()
                && protections
                    .iter()
                    .all(|term| term.len() != words.len() || term.at(&words, 0).is_none())
        })
        .filter_map(|token| stack_name(reading, token))
        .collect()
}

fn beside_the_word(reading: &Reading<'_>) -> Vec<Found<StackName>> {
    const NOT_NAMES: [&str; 18] = [
        "the", "this", "that", "a", "an", "my", "our", "new", "whole", "entire", "existing", "for",
        "in", "to", "with", "and", "of", "on",
    ];
    let tokens = &reading.text.tokens;
    let mut found: Vec<Found<StackName>> = Vec::new();
    let mut take = |token: Option<&Token>, clause: usize| {
        let name = token
            .filter(|token| token.clause == clause && !NOT_NAMES.contains(&token.form.as_str()))
            .and_then(|token| stack_name(reading, token));
        let taken = name.is_some();
        found.extend(name);
        taken
    };
    for (at, token) in tokens.iter().enumerate() {
        let korean = token
            .form
            .strip_prefix("스택")
            .is_some_and(|rest| rest.is_empty() || is_particle(rest));
        if token.form != "stack" && !korean {
            continue;
        }
        let next = tokens.get(at + 1);
        let called = next.is_some_and(|next| matches!(next.form.as_str(), "named" | "called"));
        let after = if called { tokens.get(at + 2) } else { next };
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        // `retire the edge-cache-api stack` and `retire stack edge-cache-api`: what has a hyphen is
        // the name; without one, English puts it after and Korean before.
        let hyphened = |token: Option<&Token>| token.is_some_and(|it| it.form.contains('-'));
        let (first, second) = if hyphened(before) && !called || (korean && !hyphened(after)) {
            (before, after)
        } else {
            (after, before)
        };
        if !take(first, token.clause) && (hyphened(second) || korean) {
            take(second, token.clause);
        }
    }
    found
}

fn stack_name(reading: &Reading<'_>, token: &Token) -> Option<Found<StackName>> {
    let noise = &reading.entities.noise;
    if noise.iter().any(|(_, noise)| noise.overlaps(token.span))
        || token.script != Script::Latin
        || token.torn
    {
        return None;
    }
    StackName::new(token.form.clone()).ok().map(|value| Found { value, span: token.span })
}
