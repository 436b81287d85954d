//! Whatever is asked, no value comes from nowhere.

#[path = "intents/said.rs"]
mod said;

use std::sync::OnceLock;

use bus_schema::{Request, Source};
use policy::Shipped;
use proptest::prelude::*;
use serde_json::json;

fn shipped() -> &'static Shipped {
    static SHIPPED: OnceLock<Shipped> = OnceLock::new();
    #[expect(clippy::panic, reason = "a test's own set-up")]
    SHIPPED.get_or_init(|| {
        policy::shipped(&|_, _| Ok(())).unwrap_or_else(|problems| panic!("{problems}"))
    })
}

fn library() -> &'static planner::Library {
    static LIBRARY: OnceLock<planner::Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let Shipped { environments, paths } = shipped().clone();
        planner::Library { environments, paths }
    })
}

fn ask(text: &str) -> Result<bus_schema::Understanding, bus_schema::Refusal> {
    let Shipped { environments, paths } = shipped();
    let request = Request { text: Some(text.to_owned()), ..Request::default() };
    planner::understand(&request, environments, paths)
}

/// Every value from words points at exactly those words; every other one says whose it is.
fn grounded(text: &str) -> Result<(), TestCaseError> {
    let Ok(understanding) = ask(text) else { return Ok(()) };
    for (name, grounded) in &understanding.parameters {
        match &grounded.source {
            Source::Words { start, end, text: words } => {
                prop_assert_eq!(text.get(*start..*end), Some(words.as_str()), "{}", name);
                prop_assert!(!words.trim().is_empty(), "{} from nothing", name);
                let said = said::is_said(text, name, grounded, library());
                prop_assert!(said, "{} is {} in {:?}", name, grounded.value, words);
            }
            Source::Environment { environment, key } => {
                prop_assert_eq!(environment, &understanding.environment);
                prop_assert!(!key.is_empty());
            }
            Source::Default { path, parameter } => {
                prop_assert_eq!(path, &understanding.path);
                prop_assert_eq!(parameter, name);
            }
            Source::Given => prop_assert!(false, "{} was not given", name),
        }
    }
    Ok(())
}

/// Pieces that intents are made of, so that arbitrary texts are often nearly understood.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "Secure",
        "edge",
        "cache",
        "for",
        "API",
        "with",
        "DDoS",
        "guardrails",
        "Scale",
        "prod",
        "staging",
        "to",
        "10k",
        "RPS",
        "WAF",
        "Point",
        "docs.example.com",
        "203.0.113.20",
        "worker",
        "redirect",
        "map",
        "at",
        "go.example.com",
        "JSON",
        "KV",
        "R2",
        "files",
        "Block",
        "allow",
        "bad.example",
        "gateway",
        "retire",
        "stack",
        "edge-cache-api",
        "운영",
        "앞에",
        "캐시와",
        "방어를",
        "붙여줘",
        "초당",
        "1만",
        "요청까지",
        "연결해줘",
        "을",
        "으로",
        "차단해줘",
        "스택을",
        "제거해줘",
        "not",
        "without",
        "5 minutes",
        "ttl",
        "/objects",
        ",",
        ".",
        "예제.example.com",
        "https://api.example.com/v1",
        "-5",
        "called",
        "\"x y\"",
        "２０k",
        "e\u{301}",
        "\u{1100}\u{1161}",
        "\u{200b}",
    ])
    .prop_map(str::to_owned);
    prop_oneof![9 => known, 1 => "\\PC{0,8}"]
}

/// Understood, each along a path of its own.
const INTENTS: [&str; 8] = [
    "Secure edge cache for API with DDoS guardrails",
    "Scale prod to 10k RPS with WAF",
    "Point docs.example.com to 203.0.113.20",
    "Deploy a worker with a redirect map at go.example.com",
    "Block gambling.example and bad.example at the gateway",
    "운영 API 앞에 캐시와 DDoS 방어를 붙여줘",
    "docs.example.com 을 203.0.113.20 으로 연결해줘",
    "www.example.com을 초당 2만5천 요청까지 방화벽으로 보호해줘",
];

/// What people write around an intent, which says nothing of what they want.
const ASIDES: [&str; 12] = [
    "Hi team, {}",
    "Hello,\n\n{}\n\nThanks,\nMaria",
    "OPS-511: {}",
    "{}. See ticket INC-48213.",
    "{} (approved on 2026-12-09, budget $2,000)",
    "{}. My number is 555-0142.",
    "We had 3 outages and 12% of sessions were lost. {}",
    "안녕하세요. {}",
    "[SEC-901] {}",
    "{}. 감사합니다.",
    "12월 4일 회의에서 이야기한 건입니다. {}",
    "{}. 예산은 120만 원입니다.",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn arbitrary_text_never_panics_and_never_invents(text in "\\PC{0,200}") {
        grounded(&text)?;
    }

    #[test]
    fn arbitrary_sentences_of_known_words_never_invent(pieces in prop::collection::vec(piece(), 1..14), join in prop::sample::select(vec![" ", "", ", "])) {
        grounded(&pieces.join(join))?;
    }

    #[test]
    fn changing_the_number_changes_exactly_that_value(rps in 1_u64..=100_000) {
        let base = ask("Scale prod to 10000 RPS with WAF").unwrap();
        for text in [
            format!("Scale prod to {rps} RPS with WAF"),
            format!("prod를 초당 {rps} 요청까지 WAF와 함께 확장해줘"),
        ] {
            let mut other = ask(&text).unwrap();
            prop_assert_eq!(&other.parameters["rps"].value, &json!(rps));
            let values = |it: &bus_schema::Understanding| it
                .parameters
                .iter()
                .filter(|(name, _)| *name != "rps")
                .map(|(name, grounded)| (name.clone(), grounded.value.clone()))
                .collect::<Vec<_>>();
            prop_assert_eq!(values(&base), values(&other));
            other.parameters = base.parameters.clone();
            prop_assert_eq!(&other, &base);
        }
    }

    #[test]
    fn changing_the_hostname_changes_the_hostname(label in "[a-z]([a-z0-9]{0,10}[a-z0-9])?") {
        let host = format!("{label}.example.com");
        let it = ask(&format!("Point {host} to 203.0.113.20")).unwrap();
        prop_assert_eq!(&it.parameters["hostname"].value, &json!(host));
        prop_assert_eq!(&it.parameters["target"].value, &json!("203.0.113.20"));
    }

    #[test]
    fn what_does_not_matter_changes_nothing(
        at in 0..INTENTS.len(),
        aside in prop::sample::select(ASIDES.to_vec()),
    ) {
        let intent = INTENTS[at];
        let base = ask(intent).unwrap();
        let other = ask(&aside.replace("{}", intent)).unwrap();
        prop_assert_eq!((&base.path, &base.stack, &base.environment), (&other.path, &other.stack, &other.environment));
        let values = |it: &bus_schema::Understanding| it
            .parameters
            .iter()
            .map(|(name, grounded)| (name.clone(), grounded.value.clone()))
            .collect::<Vec<_>>();
        prop_assert_eq!(values(&base), values(&other));
    }

    #[test]
    fn mutated_intents_never_panic_and_never_invent(
        at in 0..INTENTS.len(),
        place in any::<prop::sample::Index>(),
        with in "\\PC{0,3}",
        cut in 0_usize..4,
    ) {
        let mut chars: Vec<char> = INTENTS[at].chars().collect();
        let place = place.index(chars.len());
        let end = (place + cut).min(chars.len());
        chars.splice(place..end, with.chars());
        grounded(&chars.into_iter().collect::<String>())?;
    }

    #[test]
    fn asking_twice_is_understood_alike(pieces in prop::collection::vec(piece(), 1..12)) {
        let text = pieces.join(" ");
        prop_assert_eq!(ask(&text), ask(&text));
    }
}
