//! Any expression is refused with its place, or holds or does not hold for a request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sandbox::rules::{self, Characteristic, Expression, PHASES, Request};

fn request() -> Request {
    Request {
        tls: true,
        method: "POST".to_owned(),
        host: "api.example.com".to_owned(),
        path: "/v1/items/7.json".to_owned(),
        query: "a=1&a=2&empty&q=%ED%95%9C".to_owned(),
        version: "HTTP/1.1".to_owned(),
        headers: vec![
            ("cookie".to_owned(), "session=abc; theme=dark".to_owned()),
            ("x-api-key".to_owned(), "한글".to_owned()),
            ("user-agent".to_owned(), "curl/8".to_owned()),
        ],
        client: [203, 0, 113, 9].into(),
        country: "KR".to_owned(),
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let request = request();
    for phase in PHASES {
        if rules::validate(phase, text).is_ok() {
            assert!(Expression::parse(text).is_ok(), "what may be saved can be followed: {text}");
        }
    }
    for filter in ["dns", "http"] {
        drop(rules::validate_gateway(&[filter], text));
    }
    match Expression::parse(text) {
        Ok(expression) => assert_eq!(expression.matches(&request), expression.matches(&request)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(characteristic) = Characteristic::parse(text) {
        drop(characteristic.value(&request));
    }
});
