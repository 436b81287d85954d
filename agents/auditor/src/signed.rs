//! Whether a hint from outside may be believed. Pure.

use std::fmt;

use jiff::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// How far a signed hint's time may be from ours, in seconds.
pub const WINDOW: i64 = 300;
/// What a signature begins with: the version of how it is made.
const VERSION: &str = "v1=";

/// A secret shared with whoever hints.
pub struct Secret(hmac::Key);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A hint that is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The time is missing or is no number.
    #[error("header `zerodrift-timestamp` must be the present in seconds since 1970")]
    Timestamp,
    /// The time is too far from ours.
    #[error("the hint's time is more than {WINDOW} s from ours")]
    OutOfTime,
    /// The signature is missing, or is another.
    #[error(
        "the signature does not fit: it is `v1=` and the hexadecimal HMAC-SHA-256 of `<timestamp>.<body>`"
    )]
    Signature,
}

impl Secret {
    /// From what is kept in its file.
    pub fn new(text: &SecretString) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, text.expose_secret().as_bytes()))
    }

    /// Whether somebody knows the secret, in a time that tells nothing of it: both are signed with
    /// the same key, and signatures are compared in constant time.
    pub fn is(&self, given: &[u8], secret: &SecretString) -> bool {
        let wanted = hmac::sign(&self.0, secret.expose_secret().as_bytes());
        hmac::verify(&self.0, given, wanted.as_ref()).is_ok()
    }

    /// Whether a body was signed with the secret just now.
    ///
    /// # Errors
    /// With what does not fit.
    pub fn check(
        &self,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let written = timestamp.ok_or(Refused::Timestamp)?;
        let seconds: i64 = written.parse().map_err(|_| Refused::Timestamp)?;
        let signature = signature
            .and_then(|text| text.strip_prefix(VERSION))
            .and_then(|text| hex::decode(text).ok())
            .ok_or(Refused::Signature)?;
        let message = [written.as_bytes(), b".", body].concat();
        hmac::verify(&self.0, &message, &signature).map_err(|_| Refused::Signature)?;
        // Only now: whoever does not know the secret need not learn our time.
        if now.as_second().saturating_sub(seconds).saturating_abs() > WINDOW {
            return Err(Refused::OutOfTime);
        }
        Ok(())
    }

    /// The signature of a body, for who hints.
    pub fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let message = [timestamp.as_bytes(), b".", body].concat();
        format!("{VERSION}{}", hex::encode(hmac::sign(&self.0, &message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"scopes":["cloudflare.dns_record.zone.example.com"]}"#;

    fn secret(text: &str) -> Secret {
        Secret::new(&SecretString::from(text))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_was_signed_just_now_is_believed() {
        let ours = secret("s3cret");
        let signature = ours.sign("1000", BODY);
        for now in [700, 1_000, 1_300] {
            assert_eq!(ours.check(Some("1000"), Some(&signature), BODY, at(now)), Ok(()));
        }
        for now in [699, 1_301] {
            let checked = ours.check(Some("1000"), Some(&signature), BODY, at(now));
            assert_eq!(checked, Err(Refused::OutOfTime));
        }
    }

    #[test]
    fn what_was_changed_or_signed_by_others_is_not() {
        let ours = secret("s3cret");
        let signature = ours.sign("1000", BODY);
        let check = |time, signature: Option<&str>, body: &[u8]| {
            ours.check(time, signature, body, at(1_000)).unwrap_err()
        };
        assert_eq!(check(Some("1001"), Some(&signature), BODY), Refused::Signature);
        assert_eq!(check(Some("1000"), Some(&signature), b"{}"), Refused::Signature);
        let theirs = secret("other").sign("1000", BODY);
        assert_eq!(check(Some("1000"), Some(&theirs), BODY), Refused::Signature);
        assert_eq!(check(Some("1000"), Some("v1=zz"), BODY), Refused::Signature);
        assert_eq!(check(Some("1000"), None, BODY), Refused::Signature);
        assert_eq!(check(None, Some(&signature), BODY), Refused::Timestamp);
        assert_eq!(check(Some("-"), Some(&signature), BODY), Refused::Timestamp);
        let far = i64::MIN.to_string();
        let signed = ours.sign(&far, BODY);
        assert_eq!(check(Some(&far), Some(&signed), BODY), Refused::OutOfTime);
    }

    #[test]
    fn a_shared_secret_is_told_from_others() {
        let text = SecretString::from("s3cret");
        let ours = Secret::new(&text);
        assert!(ours.is(b"s3cret", &text));
        assert!(!ours.is(b"s3cre", &text));
        assert!(!ours.is(b"", &text));
    }
}
