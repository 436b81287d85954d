//! What the planner makes of people's words, with the shipped golden paths and environments.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bus_schema::{Grounded, PathName, Refusal, RefusalCode, Request, Source, Understanding};
use policy::{Language, Shipped};
use serde::Deserialize;
use serde_json::{Value, json};

fn shipped() -> &'static Shipped {
    static SHIPPED: OnceLock<Shipped> = OnceLock::new();
    #[expect(clippy::panic, reason = "a test's own set-up")]
    SHIPPED.get_or_init(|| {
        policy::shipped(&|_, _| Ok(())).unwrap_or_else(|problems| panic!("{problems}"))
    })
}

fn ask(text: &str) -> Result<Understanding, Refusal> {
    let Shipped { environments, paths } = shipped();
    planner::understand(&words(text), environments, paths)
}

fn words(text: &str) -> Request {
    Request { text: Some(text.to_owned()), ..Request::default() }
}

/// One line of `cases/understood.jsonl`.
#[derive(Deserialize)]
struct Understood {
    text: String,
    path: String,
    /// Up to a `*`, where the rest is a fingerprint.
    stack: String,
    environment: String,
    /// Those that matter.
    parameters: BTreeMap<String, Value>,
}

/// One line of `cases/refused.jsonl`.
#[derive(Deserialize)]
struct Refused {
    text: String,
    /// Any of these.
    codes: Vec<RefusalCode>,
    /// Part of the reason, or a missing parameter.
    says: String,
}

#[expect(clippy::expect_used, reason = "a test's own cases")]
fn lines<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn people_are_understood() {
    let mut wrong = Vec::new();
    for case in lines::<Understood>(include_str!("cases/understood.jsonl")) {
        let text = &case.text;
        let it = match ask(text) {
            Ok(understanding) => understanding,
            Err(refusal) => {
                wrong.push(format!("{text}\n   refused: {refusal:?}"));
                continue;
            }
        };
        let value = |name: &str| it.parameters.get(name).map(|grounded| &grounded.value);
        let off: Vec<String> = case
            .parameters
            .iter()
            .filter(|(name, wanted)| value(name) != Some(*wanted))
            .map(|(name, wanted)| format!("{name}: {:?} instead of {wanted}", value(name)))
            .collect();
        let named = match case.stack.strip_suffix('*') {
            Some(start) => it.stack.as_str().starts_with(start),
            None => it.stack.as_str() == case.stack,
        };
        let placed = it.path.as_str() == case.path && it.environment.as_str() == case.environment;
        if !named || !placed || !off.is_empty() {
            wrong.push(format!("{text}\n   {} {} {} {off:?}", it.path, it.stack, it.environment));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_cannot_be_done_is_refused_for_the_right_reason() {
    let mut wrong = Vec::new();
    for Refused { text, codes, says } in lines(include_str!("cases/refused.jsonl")) {
        match ask(&text) {
            Ok(understanding) => wrong.push(format!("{text}\n   understood: {understanding:?}")),
            Err(refusal) => {
                let said = refusal.reason.contains(&says) || refusal.missing.contains(&says);
                if !codes.contains(&refusal.code) || !said {
                    wrong.push(format!("{text}\n   {refusal:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn words_that_only_look_dangerous_are_not() {
    for text in [
        "Stop DDoS attacks on the API: WAF for 1000 rps",
        "retire waf-shield-api",
        "Secure edge cache for the public API",
        "Secure edge cache for API, don't disable the WAF",
        "운영 API 앞에 캐시를 붙이고 WAF는 끄지 말아줘",
    ] {
        assert!(ask(text).is_ok(), "{text}: {:?}", ask(text));
    }
}

#[test]
fn every_example_of_every_path_is_understood_as_that_path() {
    let Shipped { environments, paths } = shipped();
    let mut wrong = Vec::new();
    for environment in environments.iter() {
        for path in paths.iter() {
            for example in &path.examples {
                for language in [Language::English, Language::Korean] {
                    let text = example.text(language, environment);
                    match planner::understand(&words(&text), environments, paths) {
                        Ok(it) if it.path == path.name => {
                            for (name, value) in &example.parameters {
                                let found = it.parameters.get(name);
                                let from_words = matches!(
                                    found.map(|it| &it.source),
                                    Some(Source::Words { .. })
                                );
                                let moved =
                                    value.as_str().is_some_and(|it| it.contains("example.com"));
                                let same = moved || found.is_some_and(|it| same(&it.value, value));
                                if !same || !from_words {
                                    wrong
                                        .push(format!("{text}\n   {name}: {found:?}, not {value}"));
                                }
                            }
                        }
                        other => wrong.push(format!("{text}\n   {other:?}")),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn same(found: &Value, wanted: &Value) -> bool {
    match (found.as_array(), wanted.as_array()) {
        (Some(found), Some(wanted)) => {
            found.len() == wanted.len() && wanted.iter().all(|it| found.contains(it))
        }
        _ => found == wanted,
    }
}

#[test]
fn every_refusal_gives_an_example_that_works() {
    let Shipped { environments, paths } = shipped();
    for text in ["hello", "안녕하세요", "Scale prod with WAF", "Disable the WAF", "Deploy a worker"]
    {
        let refusal = ask(text).expect_err(text);
        let example = refusal.example.expect(text);
        let again = planner::understand(&words(&example), environments, paths);
        assert!(again.is_ok(), "{text} → {example}: {again:?}");
    }
    let refusal = ask("Scale prod with WAF").expect_err("no number");
    assert_eq!(refusal.missing, ["rps"]);
    assert_eq!(refusal.nearest.first().map(PathName::as_str), Some("waf-shield"));
}

#[test]
fn every_value_says_where_it_came_from() {
    let text = "Secure edge cache for API with DDoS guardrails";
    let understanding = ask(text).expect("understood");
    let source = |name: &str| understanding.parameters[name].source.clone();
    assert_eq!(source("service"), Source::Words { start: 22, end: 25, text: "API".to_owned() });
    assert_eq!(
        source("hostname"),
        Source::Environment {
            environment: "prod".parse().expect("a name"),
            key: "services.api.hostname".to_owned()
        }
    );
    assert!(matches!(source("objects"), Source::Default { .. }));
}

#[test]
fn a_request_beside_the_words_prevails_where_they_are_silent_and_must_not_contradict_them() {
    let Shipped { environments, paths } = shipped();
    let staging = Request {
        environment: Some("staging".parse().expect("a name")),
        stack: Some("mine".parse().expect("a name")),
        ..words("Secure edge cache for API")
    };
    let it = planner::understand(&staging, environments, paths).expect("understood");
    assert_eq!((it.environment.as_str(), it.stack.as_str()), ("staging", "mine"));
    let both = Request {
        environment: Some("staging".parse().expect("a name")),
        ..words("Secure edge cache for API in prod")
    };
    let refusal = planner::understand(&both, environments, paths).expect_err("two environments");
    assert_eq!(refusal.code, RefusalCode::Contradictory);
    let retire = Request { stack: Some("mine".parse().expect("a name")), ..words("retire it") };
    let it = planner::understand(&retire, environments, paths).expect("understood");
    assert_eq!(it.stack.as_str(), "mine");
    assert_eq!(it.parameters["stack"].source, Source::Given);
}

#[test]
fn a_program_gives_path_and_parameters() {
    let Shipped { environments, paths } = shipped();
    let request = |path: &str, parameters: Value| Request {
        path: Some(path.parse().expect("a name")),
        parameters: serde_json::from_value(parameters).expect("parameters"),
        ..Request::default()
    };
    let ask = |request: &Request| planner::understand(request, environments, paths);
    let it = ask(&request("waf-shield", json!({"rps": 10_000}))).expect("understood");
    assert_eq!(it.stack.as_str(), "waf-shield-example-com");
    assert_eq!(it.parameters["rps"], Grounded { value: json!(10_000), source: Source::Given });
    assert!(matches!(it.parameters["hostname"].source, Source::Environment { .. }));

    let refused = |parameters| ask(&request("waf-shield", parameters)).expect_err("refused");
    assert_eq!(refused(json!({})).missing, ["rps"]);
    assert_eq!(refused(json!({"rps": "many"})).code, RefusalCode::Invalid);
    let unknown = refused(json!({"rsp": 1}));
    assert_eq!(unknown.code, RefusalCode::Unknown);
    assert!(unknown.reason.contains("rps"), "{}", unknown.reason);
    let nowhere = ask(&request("nowhere", json!({}))).expect_err("refused");
    assert_eq!(nowhere.code, RefusalCode::Unknown);
    assert!(nowhere.reason.contains("edge-cache"), "{}", nowhere.reason);
    let both =
        Request { text: Some("hello".to_owned()), ..request("waf-shield", json!({"rps": 1})) };
    assert_eq!(ask(&both).expect_err("refused").code, RefusalCode::Invalid);
}
