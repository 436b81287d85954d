//! Hosts, addresses, paths and quantities to the parameters that take them.

use policy::{Environment, ParameterType, Unit as Counted};
use serde_json::Value;

use super::{Said, background, roles};
use crate::understand::entities::Unit;
use crate::understand::reading::Reading;
use crate::understand::text::Span;

/// A value that some parameter may take.
pub(super) struct Candidate {
    pub(super) value: Value,
    pub(super) span: Span,
    pub(super) sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Host,
    Address,
    Path,
    /// Requests per second.
    Rate,
    Seconds,
    /// Without a unit.
    Plain,
}

/// Gives back the words of the first value that no parameter takes.
pub(super) fn read(said: &mut Said<'_, '_>, environment: &Environment) -> Option<String> {
    let mut rest = Vec::new();
    let mut all = candidates(said.reading);
    background::drop(said.reading, &mut all);
    let has_rate = all.iter().any(|it| it.sort == Sort::Rate);
    let addressed = all.iter().any(|it| it.sort == Sort::Address);
    let far = farther(said, &all);
    for candidate in all.into_iter().filter(|it| !far.contains(&it.span)) {
        // Beside a number of requests a bare number is none, beside an address a name is no target.
        let bare = has_rate && candidate.sort == Sort::Plain;
        let named = addressed && candidate.sort == Sort::Host;
        let parameter = by_role(said, &candidate).filter(|name| {
            let takes = said.path.parameters.get(*name).map(|it| &it.takes);
            !(bare && matches!(takes, Some(ParameterType::Integer { .. }))
                || named && matches!(takes, Some(ParameterType::Address)))
        });
        match parameter {
            Some(parameter) => say(said, parameter, candidate),
            None => rest.push(candidate),
        }
    }
    let mut leftover = None;
    for candidate in by_type(said, rest, environment) {
        // Numbers and times stand for many things in a text, as in `HTTP/2` or `24 hours a day`;
        // loads and names are part of what is asked for.
        let aside = matches!(candidate.sort, Sort::Plain | Sort::Seconds)
            || candidate.sort == Sort::Path
                && (is_sought(said.reading, candidate.span)
                    || is_example(said.reading, candidate.span)
                    || is_code(said.reading, candidate.span));
        if !aside && leftover.is_none() {
            leftover = Some(said.reading.text.slice(candidate.span).to_owned());
        }
    }
    leftover
}

/// `somebody looks for /.env`: what attackers want is nothing to be served.
fn is_sought(reading: &Reading<'_>, path: Span) -> bool {
    let sentence = |span: Span| {
        reading.text.tokens.iter().find(|it| it.span.overlaps(span)).map(|it| it.sentence)
    };
    // What fails is told as well, and where.
    ["attack", "suffer"]
        .iter()
        .filter_map(|class| reading.classes.get(*class))
        .any(|told| told.iter().any(|it| sentence(*it) == sentence(path)))
}

/// `` `GET /items?id=1` ``: a line of a log.
fn is_code(reading: &Reading<'_>, path: Span) -> bool {
    const METHODS: [&str; 6] = ["get", "post", "put", "delete", "head", "patch"];
    let before = reading.text.original.get(..path.start).unwrap_or_default();
    before.matches('`').count() % 2 == 1
        || reading.before(path).next().is_some_and(|it| METHODS.contains(&it.form.as_str()))
}

/// `somebody sends https://evil.example/login; block evil.example`: where the name is said by itself
/// as well, it is what is meant.
fn is_example(reading: &Reading<'_>, path: Span) -> bool {
    let hosts = &reading.entities.hosts;
    let Some(of) = hosts.iter().find(|it| it.span.end == path.start) else { return false };
    let alone = |span: Span| !reading.entities.paths.iter().any(|it| it.span.start == span.end);
    hosts.iter().any(|it| it.value == of.value && it.span != of.span && alone(it.span))
}

fn candidates(reading: &Reading<'_>) -> Vec<Candidate> {
    let entities = &reading.entities;
    let hosts = entities.hosts.iter().map(|host| Candidate {
        value: host.value.as_str().into(),
        span: host.span,
        sort: Sort::Host,
    });
    let addresses = entities.addresses.iter().map(|address| Candidate {
        value: address.value.to_string().into(),
        span: address.span,
        sort: Sort::Address,
    });
    let paths = entities.paths.iter().filter(|path| path.value != "/").map(|path| Candidate {
        value: path.value.as_str().into(),
        span: path.span,
        sort: Sort::Path,
    });
    let quantities = entities.quantities.iter().map(|quantity| Candidate {
        value: quantity.value.amount.into(),
        span: quantity.span,
        sort: match quantity.value.unit {
            Unit::PerSecond => Sort::Rate,
            Unit::Seconds => Sort::Seconds,
            Unit::Plain => Sort::Plain,
        },
    });
    let mut all: Vec<Candidate> = hosts.chain(addresses).chain(paths).chain(quantities).collect();
    all.sort_by_key(|candidate| candidate.span);
    all
}

/// Whether a parameter of that type takes it where its role words stand beside it.
const fn takes(parameter: &ParameterType, sort: Sort) -> bool {
    match sort {
        Sort::Host => matches!(
            parameter,
            ParameterType::Hostname
                | ParameterType::Address
                | ParameterType::Domains { .. }
                | ParameterType::Zone
        ),
        Sort::Address => matches!(parameter, ParameterType::Address),
        Sort::Path => matches!(parameter, ParameterType::UrlPath),
        Sort::Rate => {
            matches!(parameter, ParameterType::Integer { unit: Counted::RequestsPerSecond, .. })
        }
        Sort::Seconds => matches!(parameter, ParameterType::Duration { .. }),
        Sort::Plain => {
            matches!(parameter, ParameterType::Integer { .. } | ParameterType::Duration { .. })
        }
    }
}

fn by_role<'r>(said: &Said<'r, '_>, candidate: &Candidate) -> Option<&'r str> {
    let path = said.path;
    path.parameters
        .iter()
        .filter(|(_, parameter)| takes(&parameter.takes, candidate.sort))
        // A name of somebody else's is no hostname where there is one of ours.
        .filter(|(_, parameter)| {
            let ours = &said.reading.ours;
            !matches!(parameter.takes, ParameterType::Hostname)
                || ours.is_empty()
                || ours.contains(&candidate.span)
        })
        // `rules.example.com 으로 들어오면 tenant.example.org 가 뜨게`: the only one of ours is the name,
        // and leads to the other.
        .filter(|(_, parameter)| {
            let reading = said.reading;
            !(candidate.sort == Sort::Host
                && matches!(parameter.takes, ParameterType::Address)
                && reading.ours == [candidate.span]
                && reading.entities.hosts.len() > 1)
        })
        .filter_map(|(name, parameter)| {
            let distance = if candidate.sort == Sort::Plain {
                roles::beside(said.reading, parameter, candidate.span)?
            } else {
                roles::distance(said.reading, parameter, candidate.span)?
            };
            Some((distance, name.as_str()))
        })
        .min()
        .map(|(_, name)| name)
}

/// Times that stand farther from the words of their parameter than another one does: in `3 years
/// ago we … keep them 20 minutes` only one is for keeping.
fn farther(said: &Said<'_, '_>, all: &[Candidate]) -> Vec<Span> {
    const MUCH: usize = 4;
    let times: Vec<(&str, usize, Span)> = all
        .iter()
        .filter(|it| it.sort == Sort::Seconds)
        .filter_map(|it| {
            let name = by_role(said, it)?;
            let parameter = said.path.parameters.get(name)?;
            Some((name, roles::distance(said.reading, parameter, it.span)?, it.span))
        })
        .collect();
    let nearer = |name: &str, than: usize| {
        times.iter().any(|(other, distance, _)| *other == name && distance + MUCH <= than)
    };
    // `ttl 60 seconds. and the ttl is to be 10 minutes`: what says so itself is another value.
    let says = |name: &str, span: Span| {
        said.path.parameters.get(name).is_some_and(|it| roles::is_said_of(said.reading, it, span))
    };
    let far =
        times.iter().filter(|(name, distance, span)| nearer(name, *distance) && !says(name, *span));
    far.map(|(_, _, span)| *span).collect()
}

/// What no role word says, to the only parameter of its type; gives back what none takes.
fn by_type(
    said: &mut Said<'_, '_>,
    candidates: Vec<Candidate>,
    environment: &Environment,
) -> Vec<Candidate> {
    let mut rest = Vec::new();
    let (hosts, others): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| candidate.sort == Sort::Host);
    for candidate in others {
        let parameters = said.of_type(|takes_it| takes(takes_it, candidate.sort));
        match (candidate.sort, parameters.as_slice()) {
            // A time is for what its words say, or for nothing.
            (Sort::Plain | Sort::Seconds, _) => rest.push(candidate),
            (_, [only]) => say(said, only, candidate),
            _ => rest.push(candidate),
        }
    }
    rest.extend(hosts_by_type(said, hosts, environment));
    rest
}

/// A host of ours is the hostname, the next one what it points to; any host is a domain of a list.
fn hosts_by_type(
    said: &mut Said<'_, '_>,
    mut hosts: Vec<Candidate>,
    environment: &Environment,
) -> Vec<Candidate> {
    if let [domains] = said.of_type(|it| matches!(it, ParameterType::Domains { .. })).as_slice() {
        for host in hosts {
            say(said, domains, host);
        }
        return Vec::new();
    }
    let ours = |host: &Candidate| {
        host.value.as_str().is_some_and(|name| environment.zone_of(name).is_some())
    };
    if let [hostname] = said.of_type(|it| matches!(it, ParameterType::Hostname)).as_slice()
        && !said.says(hostname)
        && !hosts.is_empty()
    {
        let first = hosts.iter().position(ours).unwrap_or(0);
        let host = hosts.remove(first);
        say(said, hostname, host);
    }
    let mut rest = Vec::new();
    for host in hosts {
        let address = said.of_type(|it| matches!(it, ParameterType::Address));
        let hostname = said.of_type(|it| matches!(it, ParameterType::Hostname));
        match (address.as_slice(), hostname.as_slice()) {
            ([address], _) if !said.says(address) => say(said, address, host),
            // A second host where one is wanted contradicts the first.
            (_, [hostname]) => say(said, hostname, host),
            _ => rest.push(host),
        }
    }
    rest
}

fn say<'r>(said: &mut Said<'r, '_>, parameter: &'r str, candidate: Candidate) {
    let is_list = said
        .path
        .parameters
        .get(parameter)
        .is_some_and(|it| matches!(it.takes, ParameterType::Domains { .. }));
    if is_list {
        said.add(parameter, candidate.value, candidate.span);
    } else {
        said.say(parameter, candidate.value, candidate.span);
    }
}
