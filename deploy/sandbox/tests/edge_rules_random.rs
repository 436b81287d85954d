//! The rules language on random expressions: no text upsets it, and it evaluates what is meant.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use sandbox::rules::{Characteristic, Expression, Request, validate, validate_gateway};

const PHASE: &str = "http_request_firewall_custom";

/// An expression as the test itself understands it.
#[derive(Debug, Clone)]
enum Meant {
    Host { equal: bool, text: String },
    PathContains(String),
    MethodIn(Vec<String>),
    QueryLength { operator: &'static str, number: i64 },
    AnyHeader(String),
    Country { prefix: String },
    Tls,
    Constant(bool),
    Not(Box<Meant>),
    And(Vec<Meant>),
    Or(Vec<Meant>),
    Xor(Vec<Meant>),
}

fn meant() -> impl Strategy<Value = Meant> {
    let text = "[a-c\"\\\\é ]{0,3}";
    let leaf = prop_oneof![
        (any::<bool>(), text).prop_map(|(equal, text)| Meant::Host { equal, text }),
        text.prop_map(Meant::PathContains),
        vec(prop_oneof![Just("GET".to_owned()), Just("POST".to_owned())], 1..3)
            .prop_map(Meant::MethodIn),
        (prop::sample::select(vec!["eq", "ne", "lt", "le", "gt", "ge"]), -1_i64..6)
            .prop_map(|(operator, number)| Meant::QueryLength { operator, number }),
        text.prop_map(Meant::AnyHeader),
        "[a-z]{0,2}".prop_map(|prefix| Meant::Country { prefix }),
        Just(Meant::Tls),
        any::<bool>().prop_map(Meant::Constant),
    ];
    leaf.prop_recursive(5, 48, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| Meant::Not(Box::new(one))),
            vec(inner.clone(), 2..4).prop_map(Meant::And),
            vec(inner.clone(), 2..4).prop_map(Meant::Or),
            vec(inner, 2..4).prop_map(Meant::Xor),
        ]
    })
}

fn asked() -> impl Strategy<Value = Request> {
    let text = "[a-c\"\\\\é ]{0,3}";
    let headers = vec(text.prop_map(|value| ("x-a".to_owned(), value)), 0..3);
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PUT")];
    (text, text, method, "[a-c]{0,6}", headers, any::<bool>(), "[A-Z]{2}").prop_map(
        |(host, path, method, query, headers, tls, country)| Request {
            method: method.to_owned(),
            tls,
            host,
            path: format!("/{path}"),
            query,
            version: "HTTP/1.1".to_owned(),
            headers,
            client: IpAddr::from([192, 0, 2, 1]),
            country,
        },
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Meant {
    /// In the rules language.
    fn written(&self) -> String {
        let joined = |operands: &[Self], word: &str| {
            let operands: Vec<String> =
                operands.iter().map(|operand| format!("({})", operand.written())).collect();
            operands.join(&format!(" {word} "))
        };
        match self {
            Self::Host { equal: true, text } => format!("http.host eq {}", quoted(text)),
            Self::Host { equal: false, text } => format!("http.host != {}", quoted(text)),
            Self::PathContains(text) => format!("http.request.uri.path contains {}", quoted(text)),
            Self::MethodIn(methods) => {
                let methods: Vec<String> = methods.iter().map(|method| quoted(method)).collect();
                format!("http.request.method in {{{}}}", methods.join(" "))
            }
            Self::QueryLength { operator, number } => {
                format!("len(http.request.uri.query) {operator} {number}")
            }
            Self::AnyHeader(text) => {
                format!("any(http.request.headers[\"x-a\"][*] eq {})", quoted(text))
            }
            Self::Country { prefix } => {
                format!("starts_with(lower(ip.src.country), {})", quoted(prefix))
            }
            Self::Tls => "ssl".to_owned(),
            Self::Constant(value) => value.to_string(),
            Self::Not(one) => format!("not ({})", one.written()),
            Self::And(operands) => joined(operands, "and"),
            Self::Or(operands) => joined(operands, "||"),
            Self::Xor(operands) => joined(operands, "xor"),
        }
    }

    fn is_true(&self, request: &Request) -> bool {
        match self {
            Self::Host { equal, text } => (request.host == *text) == *equal,
            Self::PathContains(text) => request.path.contains(text.as_str()),
            Self::MethodIn(methods) => methods.contains(&request.method),
            Self::QueryLength { operator, number } => {
                let length = i64::try_from(request.query.len()).unwrap_or(i64::MAX);
                match *operator {
                    "eq" => length == *number,
                    "ne" => length != *number,
                    "lt" => length < *number,
                    "le" => length <= *number,
                    "gt" => length > *number,
                    _ => length >= *number,
                }
            }
            Self::AnyHeader(text) => request.headers.iter().any(|(_, value)| value == text),
            Self::Country { prefix } => request.country.to_lowercase().starts_with(prefix.as_str()),
            Self::Tls => request.tls,
            Self::Constant(value) => *value,
            Self::Not(one) => !one.is_true(request),
            Self::And(operands) => operands.iter().all(|one| one.is_true(request)),
            Self::Or(operands) => operands.iter().any(|one| one.is_true(request)),
            Self::Xor(operands) => {
                operands.iter().fold(false, |odd, one| odd ^ one.is_true(request))
            }
        }
    }
}

/// Text made of the language's own pieces gets further into the parser than any text would.
fn almost() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "[*]",
        "[0]",
        "[\"x\"]",
        ",",
        "not",
        "!",
        "and",
        "or",
        "xor",
        "eq",
        "in",
        "contains",
        "wildcard",
        "strict",
        "~",
        "http.host",
        "ssl",
        "ip.src",
        "len(",
        "any(",
        "lower(",
        "concat(",
        "http.request.headers",
        "\"a\"",
        "r\"b\"",
        "r#\"",
        "\"\\",
        "$l",
        "1",
        "-1",
        "0x",
        "1..2",
        "1.2.3.4",
        "1.2.3.4/8",
        "::1/128",
        "..",
        "é",
        "\0",
        "\n",
        "cf.threat_score",
    ]);
    (vec(piece, 0..24), any::<bool>())
        .prop_map(|(pieces, apart)| pieces.join(if apart { " " } else { "" }))
}

proptest! {
    #[test]
    fn no_text_upsets_the_parser(text in any::<String>()) {
        let seen = (validate(PHASE, &text), validate_gateway(&["dns"], &text));
        drop((seen, Expression::parse(&text), Characteristic::parse(&text)));
    }

    #[test]
    fn no_almost_right_text_upsets_parser_or_evaluation(text in almost(), request in asked()) {
        if let Ok(expression) = Expression::parse(&text) {
            expression.matches(&request);
        }
        if let Err(refused) = validate(PHASE, &text) {
            prop_assert!(refused.contains("Filter parsing error"));
        }
    }

    #[test]
    fn evaluation_is_what_is_meant(meant in meant(), request in asked()) {
        let written = meant.written();
        prop_assume!(written.chars().count() <= 4096);
        let expression = Expression::parse(&written);
        let expression = expression.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(expression.matches(&request), meant.is_true(&request), "{}", written);
    }
}
