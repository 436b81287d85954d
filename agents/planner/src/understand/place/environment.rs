//! Which environment a text speaks of.

use bus_schema::EnvironmentName;
use policy::Environment;

use crate::understand::Known;
use crate::understand::problem::Problem;
use crate::understand::reading::{Mention, Reading};
use crate::understand::text::{Script, Span, is_hangul};
use crate::understand::words::Word;

/// Words in which an environment's name says something else: `goes live`, `운영팀`.
const NOT_AN_ENVIRONMENT: &str = "not_an_environment";
/// Words that keep away from what stands beside them: `leave production alone`.
const LEAVE_ALONE: &str = "leave_alone";
/// Words with which somebody takes back what he said before them: `stg라고 한 거 잘못 말했어요`.
const SAID_WRONGLY: &str = "said_wrongly";
/// Words with which somebody corrects himself.
const CORRECTION: &str = "correction";
/// Words after which comes what is to be done another time: `before production`.
const ANOTHER_TIME: &str = "another_time";

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
    let mut named = named(reading, known);
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
            let unknown = labelled(reading, known)
                .or_else(|| beside_the_word(reading))
                .or_else(|| undeclared(reading, known));
            if let Some(unknown) = unknown {
                return Err(Problem::UnknownEnvironment(unknown));
            }
            Ok(by_zone(reading, known).unwrap_or_else(|| known.environments.default_environment()))
        }
        [environment] => match by_zone(reading, known) {
            // `prod only: cache www.staging.example.net`.
            Some(other) if other.name != environment.name && !has_zone(reading, environment) => {
                Err(Problem::TwoEnvironments(vec![environment.name.clone(), other.name.clone()]))
            }
            Some(_) | None => Ok(environment),
        },
        several => {
            Err(Problem::TwoEnvironments(several.iter().map(|it| it.name.clone()).collect()))
        }
    }
}

/// The environments that something is wanted of.
fn named<'k>(reading: &Reading<'_>, known: Known<'k>) -> Vec<&'k Environment> {
    // A stack's name may end in an environment's: that says where it is, not where it should be.
    let reading = &reading.without_stacks();
    let mut all: Vec<(&Environment, Mention)> = Vec::new();
    for environment in known.environments.iter() {
        let name = std::iter::once(environment.name.as_str());
        let words = name.chain(environment.aliases.iter());
        all.extend(reading.mentions_of_words(words).into_iter().map(|it| (environment, it)));
    }
    // `pre-production` is not `production`.
    let longer = |span: Span| {
        all.iter().any(|(_, other)| {
            other.span.overlaps(span) && other.span.end - other.span.start > span.end - span.start
        })
    };
    let meant: Vec<(&Environment, Mention)> = all
        .iter()
        .filter(|(_, it)| !longer(it.span) && !reading.is_of_class(NOT_AN_ENVIRONMENT, it.span))
        .copied()
        .collect();
    let names = |environment: &Environment, is: &dyn Fn(&Mention) -> bool| {
        let own = meant.iter().filter(|(it, _)| it.name == environment.name);
        // Who corrects himself says last what he means.
        own.map(|(_, mention)| mention).next_back().is_some_and(is)
    };
    let wanted = |is: &dyn Fn(&Mention) -> bool| -> Vec<&'k Environment> {
        known.environments.iter().filter(|it| names(it, is)).collect()
    };
    let not_denied = wanted(&|mention| !mention.negated);
    // `nobody tests on staging any more; remove it there`: what is denied is not the place.
    if not_denied.is_empty() {
        return wanted(&|mention| !is_denied(reading, mention.span));
    }
    // `staging – sorry, I mean production`.
    let corrections = reading.classes.get(CORRECTION).map_or(&[][..], Vec::as_slice);
    let last = meant.iter().map(|(_, it)| it.span).max();
    let taken_back = |span: Span| {
        last.is_some_and(|last| {
            corrections.iter().any(|it| it.start >= span.end && it.end <= last.start)
        })
    };
    let not_denied: Vec<_> = if meant.iter().all(|(_, it)| taken_back(it.span)) {
        not_denied
    } else {
        wanted(&|mention| !mention.negated && !taken_back(mention.span))
    };
    let all: Vec<Span> = meant.iter().map(|(_, it)| it.span).collect();
    let here = wanted(&|mention| {
        !mention.negated && !taken_back(mention.span) && !is_elsewhere(reading, mention.span, &all)
    });
    if let [only] = not_denied.as_slice() {
        // `old.staging.example.net … before we think about production`.
        let other = by_zone(reading, known).is_some_and(|it| it.name != only.name);
        return if other { here } else { not_denied };
    }
    if here.is_empty() { not_denied } else { here }
}

/// `not on staging`, `스테이징 말고`.
fn is_denied(reading: &Reading<'_>, span: Span) -> bool {
    const NO: [&str; 6] = ["no", "not", "never", "except", "without", "t"];
    let korean = reading.text.slice(span).chars().any(is_hangul);
    korean || reading.before(span).take(3).any(|word| NO.contains(&word.form.as_str()))
}

/// `leave production alone`, `before production`, `운영 적용 전에`.
fn is_elsewhere(reading: &Reading<'_>, span: Span, all: &[Span]) -> bool {
    let mut beside = reading.before(span).take(2).chain(reading.after(span).take(3));
    let clause = |span: Span| reading.text.tokens.iter().find(|it| it.span.overlaps(span));
    let here = clause(span).map(|token| token.clause);
    // Korean says it after what is left: `스테이징은 지우고 운영 건 놔두고`.
    let of_it = |words: Span| {
        let token = clause(words);
        token.map(|token| token.clause) == here
            && (token.is_none_or(|token| token.script == Script::Latin)
                || all.iter().filter(|it| it.start < words.start).max() == Some(&span))
    };
    let left =
        reading.classes.get(LEAVE_ALONE).is_some_and(|spans| spans.iter().any(|it| of_it(*it)));
    // `before we think about production`.
    let before = reading.before(span).take(5).any(|word| word.form == "before");
    let wrong = reading.classes.get(SAID_WRONGLY).is_some_and(|spans| {
        spans
            .iter()
            .any(|it| it.start > span.start && clause(*it).map(|token| token.clause) == here)
    });
    left || wrong || before || beside.any(|word| reading.is_of_class(ANOTHER_TIME, word.span))
}

/// `environment: qa`: a label and a name that there is not.
fn labelled(reading: &Reading<'_>, known: Known<'_>) -> Option<String> {
    reading.words.windows(2).find_map(|pair| {
        let [label, name] = pair else { return None };
        let between = reading.text.original.get(label.span.end..name.span.start)?;
        let is_label = matches!(label.form.as_str(), "environment" | "env" | "환경");
        let labels = between.trim() == ":" || between.trim() == "=";
        let is_known = || known.environments.iter().any(|it| it.name.as_str() == name.form);
        (is_label && labels && !is_known()).then(|| reading.text.slice(name.span).to_owned())
    })
}

/// `in the qa environment`, `qa 환경에`: somebody names one that there is not.
fn beside_the_word(reading: &Reading<'_>) -> Option<String> {
    const NOT_NAMES: [&str; 16] = [
        "the", "this", "that", "our", "my", "your", "an", "a", "each", "every", "any", "same",
        "right", "new", "which", "what",
    ];
    const LEADS: [&str; 10] = ["in", "on", "to", "for", "the", "our", "my", "into", "of", "at"];
    let word = |at: Option<usize>| at.and_then(|at| reading.words.get(at));
    reading.words.iter().enumerate().find_map(|(at, environment)| {
        let korean =
            environment.form.starts_with("환경") && !environment.form.starts_with("환경변수");
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
    reading.mentions_of(&known.lexicon.environments).into_iter().find_map(|mention| {
        let next = reading.after(mention.span).next();
        let before = reading.before(mention.span).next();
        let word = reading.words.iter().find(|word| word.span.overlaps(mention.span))?;
        let is_one = match word.script {
            Script::Hangul => is_korean_place(word, next),
            Script::Latin => is_english_place(word, before, next),
        };
        let is_one = is_one && !reading.is_of_class(NOT_AN_ENVIRONMENT, mention.span);
        is_one.then(|| reading.text.slice(mention.span).to_owned())
    })
}

fn is_korean_place(word: &Word, next: Option<&Word>) -> bool {
    const PLACES: [&str; 5] = ["환경", "서버", "쪽", "존", "에서"];
    const NOT_THERE: [&str; 13] = [
        "앞서", "앞선", "대한", "대해", "필요", "따라", "쓰", "쓸", "사용", "활용", "참여", "들어",
        "맞춰",
    ];
    // `외주개발사에서`, `개발팀에` are people.
    const PEOPLE: [&str; 7] = ["사에", "팀", "자가", "자에", "자들", "자님", "담당"];
    let next = next.map_or("", |word| word.form.as_str());
    let starts = |with: &[&str]| with.iter().any(|it| next.starts_with(it));
    let ends = ["계", "계에", "에", "에서", "용", "쪽", "쪽에"];
    if PEOPLE.iter().any(|it| word.form.contains(it)) {
        return false;
    }
    starts(&PLACES) || ends.iter().any(|end| word.form.ends_with(end)) && !starts(&NOT_THERE)
}

fn is_english_place(word: &Word, before: Option<&Word>, next: Option<&Word>) -> bool {
    // These mean nothing else, whatever follows.
    const ALONE: [&str; 6] = ["dev", "qa", "uat", "sbx", "sandbox", "dr"];
    const PLACES: [&str; 7] =
        ["environment", "env", "zone", "cluster", "server", "servers", "instance"];
    let (next, before) = (next.map_or("", |it| &it.form), before.map_or("", |it| &it.form));
    let leads = matches!(before, "in" | "on" | "to" | "for" | "into" | "our" | "the");
    PLACES.contains(&next)
        || matches!(before, "in" | "on" | "to") && next.is_empty()
        || leads && ALONE.contains(&word.form.as_str())
}

/// The only other environment whose zone a host of the text is in.
fn by_zone<'k>(reading: &Reading<'_>, known: Known<'k>) -> Option<&'k Environment> {
    if has_zone(reading, known.environments.default_environment()) {
        return None;
    }
    let mut others = known.environments.iter().filter(|it| has_zone(reading, it));
    match (others.next(), others.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn has_zone(reading: &Reading<'_>, environment: &Environment) -> bool {
    reading.entities.hosts.iter().any(|host| environment.zone_of(&host.value).is_some())
}
