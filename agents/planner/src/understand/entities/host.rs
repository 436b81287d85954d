//! Hosts, IP addresses and URL paths.

use std::net::IpAddr;

use super::{Entities, Found};
use crate::understand::text::{Script, Span, Text, Token};

/// Ends of file names, none of which is a top-level domain.
pub(super) const FILE_ENDS: [&str; 17] = [
    "zip", "csv", "log", "md", "xlsx", "js", "mjs", "ts", "html", "css", "json", "yaml", "yml",
    "txt", "pdf", "png", "jpg",
];

pub(super) fn read(text: &Text<'_>, token: &Token, entities: &mut Entities) {
    let mail = text.original.get(..token.span.start).is_some_and(|before| before.ends_with('@'));
    if token.script != Script::Latin || mail {
        return;
    }
    if token.torn {
        entities.hosts.extend(in_another_script(text, token));
        return;
    }
    let (scheme, rest) = match token.form.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, token.form.as_str()),
    };
    if rest.starts_with('/') && is_signature(text, token) {
        return;
    }
    if rest.starts_with('/') {
        entities.paths.push(Found { value: rest.to_owned(), span: token.span });
        return;
    }
    if let Ok(address) = rest.trim_end_matches(':').parse::<IpAddr>() {
        entities.addresses.push(Found { value: address, span: token.span });
        return;
    }
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, (!path.is_empty()).then(|| format!("/{path}"))),
        None => (rest, None),
    };
    let name = authority.split(':').next().unwrap_or_default();
    let span = part(text, token, name);
    if let Ok(address) = name.parse::<IpAddr>() {
        entities.addresses.push(Found { value: address, span });
    } else if is_host(name, scheme) {
        entities.hosts.push(Found { value: name.to_owned(), span });
    } else {
        return;
    }
    if let Some(path) = path {
        let span = part(text, token, &path);
        entities.paths.push(Found { value: path, span });
    }
}

/// `/Joana` at the beginning of a line: who writes, and no path.
fn is_signature(text: &Text<'_>, token: &Token) -> bool {
    let before = text.original.get(..token.span.start).unwrap_or_default();
    let name = text.slice(token.span).trim_start_matches('/');
    before.ends_with('\n')
        && name.starts_with(char::is_uppercase)
        && name.chars().all(char::is_alphabetic)
}

/// `예제.example.com`: a name whose first labels are in another script, as the DNS writes it
/// (RFC 5891). One whose last label is might end in a particle, and is none.
fn in_another_script(text: &Text<'_>, token: &Token) -> Option<Found<String>> {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let before = text.original.get(..token.span.start)?;
    let start = before.char_indices().rev().take_while(|(_, c)| letter(*c)).last()?.0;
    let span = Span { start, end: token.span.end };
    let written = text.slice(span);
    let after = text.original.get(span.end..)?.chars().next();
    if written.starts_with(['.', '-']) || after == Some('.') {
        return None;
    }
    let value = idna::domain_to_ascii_strict(written).ok()?;
    is_host(&value, false).then_some(Found { value, span })
}

/// Where that part of a token stands; the whole token where it is written in another form.
fn part(text: &Text<'_>, token: &Token, part: &str) -> Span {
    let raw = text.slice(token.span).to_ascii_lowercase();
    raw.find(part).map_or(token.span, |at| {
        let start = token.span.start + at;
        Span { start, end: start + part.len() }
    })
}

fn is_host(name: &str, scheme: bool) -> bool {
    let bare = name.strip_prefix("*.").unwrap_or(name);
    let labels: Vec<&str> = bare.split('.').collect();
    let Some(last) = labels.last() else { return false };
    let top = last.starts_with("xn--")
        || (last.len() >= 2 && last.bytes().all(|b| b.is_ascii_lowercase()));
    labels.len() >= 2
        && bare.len() <= 253
        && top
        && (scheme || !FILE_ENDS.contains(last))
        && labels.iter().all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<(String, String)> {
        let text = Text::of(text);
        Entities::of(&text)
            .hosts
            .into_iter()
            .map(|host| (host.value, text.slice(host.span).to_owned()))
            .collect()
    }

    #[test]
    fn hosts_are_found_where_they_stand() {
        assert_eq!(
            hosts(
                "https://Api.Example.com:8443/v1?x=1 과 docs.example.com을, node.js e.g. me@example.org"
            ),
            [
                ("api.example.com".to_owned(), "Api.Example.com".to_owned()),
                ("docs.example.com".to_owned(), "docs.example.com".to_owned()),
            ]
        );
    }

    #[test]
    fn a_name_in_another_script_is_one_where_it_is_seen_to_end() {
        assert_eq!(
            hosts("예제.example.com을 www.example.한국"),
            [("xn--2j5b21b.example.com".to_owned(), "예제.example.com".to_owned())]
        );
    }

    #[test]
    fn addresses_and_paths_are_told_from_hosts() {
        let text = Text::of("Point https://203.0.113.20/health and 2001:db8::1 at /assets/");
        let entities = Entities::of(&text);
        assert_eq!(entities.hosts, []);
        let addresses: Vec<String> =
            entities.addresses.iter().map(|found| found.value.to_string()).collect();
        assert_eq!(addresses, ["203.0.113.20", "2001:db8::1"]);
        let paths: Vec<&str> = entities.paths.iter().map(|found| found.value.as_str()).collect();
        assert_eq!(paths, ["/health", "/assets/"]);
    }
}
