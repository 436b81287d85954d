//! What a person who configures an agent meets.

use std::time::Duration;

use runtime::config::load_from;
use runtime::{Key, LogFormat, Settings, Values};

#[derive(Debug)]
struct Own {
    token_file: String,
    parallelism: u64,
}

impl Settings for Own {
    const KEYS: &'static [Key] = &[
        Key::new("TOKEN_FILE", "Where the token is"),
        Key::new("PARALLELISM", "Calls at once").or("8"),
    ];

    fn read(values: &mut Values<'_>) -> Self {
        Self {
            token_file: values.text("TOKEN_FILE"),
            parallelism: values.number("PARALLELISM", 1..=32),
        }
    }
}

#[test]
fn the_environment_prevails_over_the_file_and_the_file_over_defaults() {
    let environment = [("ZERODRIFT_NATS_URL", "nats://a:1,nats://b:2"), ("ZERODRIFT_LOG", "")];
    let file = "nats_url = \"nats://c:3\"\ndrain_seconds = 3\nlog_format = \"text\"\n\
                token_file = \"/t\"";
    let (common, own) = load_from::<Own>(&environment, Some(file)).unwrap();
    assert_eq!(common.nats.url, "nats://a:1,nats://b:2");
    assert_eq!(common.drain, Duration::from_secs(3));
    assert_eq!(common.log_format, LogFormat::Text);
    assert_eq!(common.log, "info,async_nats=warn");
    assert_eq!(common.otlp_endpoint, None);
    assert_eq!((own.token_file.as_str(), own.parallelism), ("/t", 8));
}

#[test]
fn every_mistake_is_told_at_once() {
    let environment = [
        ("ZERODRIFT_CONCURRENCY", "many"),
        ("ZERODRIFT_DRAIN_SECONDS", "0"),
        ("ZERODRIFT_HTTP_ADDRESS", "here"),
        ("ZERODRIFT_LOG_FORMAT", "xml"),
        ("ZERODRIFT_LOG", "info,=,"),
        ("ZERODRIFT_OTLP_ENDPOINT", "collector:4318"),
        ("ZERODRIFT_NATS_NKEY_FILE", "a"),
        ("ZERODRIFT_NATS_CREDENTIALS", "b"),
        ("ZERODRIFT_NATS_TLS_CERT", "c"),
        ("ZERODRIFT_PARALLELISM", "33"),
    ];
    let mistakes = load_from::<Own>(&environment, Some("natsurl = \"x\"\nlog = [1]")).unwrap_err();
    let told = mistakes.to_string();
    for expected in [
        "the file: `log` must be a string, a number, or true or false",
        "the file: `natsurl` is no key; --help lists all there are",
        "NATS_NKEY_FILE and ZERODRIFT_NATS_CREDENTIALS exclude each other",
        "NATS_TLS_CERT and ZERODRIFT_NATS_TLS_KEY go together",
        "OTLP_ENDPOINT: `collector:4318` is no http(s) URL",
        "ZERODRIFT_LOG: `info,=,` is no filter",
        "LOG_FORMAT: `xml` is neither json nor text",
        "HTTP_ADDRESS: `here` does not fit",
        "DRAIN_SECONDS: `0` is not a whole number from 1 to 300",
        "CONCURRENCY: `many` is not a whole number from 1 to 1024",
        "TOKEN_FILE is required and not set",
        "PARALLELISM: `33` is not a whole number from 1 to 32",
    ] {
        assert!(told.contains(expected), "{expected:?} is not in:\n{told}");
    }
    assert_eq!(mistakes.iter().count(), 12);
}

#[test]
fn no_password_is_ever_shown() {
    let environment = [("ZERODRIFT_NATS_URL", "nats://me:secret@a:4222,b,tls://x:secret@[")];
    let mistakes = load_from::<()>(&environment, None).unwrap_err();
    assert!(!mistakes.to_string().contains("secret"), "{mistakes}");
    let settings = runtime::NatsSettings::at("nats://me:secret@a:4222, b");
    assert_eq!(settings.servers(), "nats://a:4222,b");
    assert!(!format!("{settings:?}").contains("secret"));
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_line() {
    let mistakes = load_from::<()>(&[], Some("log = \"info\"\nlog format = 1")).unwrap_err();
    assert!(mistakes.iter().next().unwrap().starts_with("the file:2: "), "{mistakes}");
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    assert!(load_from::<()>(&[("ZERODRIFT_WORKERD", "/usr/bin/workerd")], None).is_ok());
}
