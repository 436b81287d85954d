//! What a listing leaves out of its objects, as last read, so that it is not read again while it has
//! not changed: every call counts against the token's budget, and a look should cost by its scope and
//! not by what is in it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

/// Bytes of sources kept at most; beyond, all are forgotten and read again.
const MOST: usize = 64 * 1024 * 1024;
/// Details kept at most; beyond, likewise.
const MOST_DETAILS: usize = 20_000;
/// How long an object must not have changed before its details are kept: what is read of it sooner
/// may be from before the change that the listing shows already.
const AT_REST: SignedDuration = SignedDuration::from_secs(90);
/// How long details are believed, should there be a change that the listing does not show.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Sources by script (`<account>/<name>`), each with the entity tag it was read with.
    sources: Mutex<HashMap<String, (String, String)>>,
    details: Mutex<HashMap<String, Details>>,
}

#[derive(Debug)]
struct Details {
    /// When the listing said that the object was last changed.
    version: String,
    read_at: Instant,
    value: Value,
}

impl Contents {
    /// The details of an object, by its path, that the listing says was last changed at `version`.
    pub(super) fn details(&self, path: &str, version: &str) -> Option<Value> {
        let known = self.details.lock().unwrap_or_else(PoisonError::into_inner);
        let details = known.get(path)?;
        let fresh = details.version == version && details.read_at.elapsed() < LONGEST;
        fresh.then(|| details.value.clone())
    }

    /// Remembers details, where the object has been at rest.
    pub(super) fn put_details(&self, path: String, version: &str, value: &Value) {
        let changed_at = version.split('/').next().and_then(|it| it.parse::<Timestamp>().ok());
        if changed_at.is_none_or(|it| Timestamp::now().duration_since(it) < AT_REST) {
            return;
        }
        let mut known = self.details.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_DETAILS {
            known.clear();
        }
        let read_at = Instant::now();
        known.insert(path, Details { version: version.to_owned(), read_at, value: value.clone() });
    }

    /// The source of a script that has this tag now.
    pub(super) fn get(&self, script: &str, tag: &str) -> Option<String> {
        let known = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(script).filter(|(read, _)| read == tag).map(|(_, content)| content.clone())
    }

    /// Remembers a source by the tag of the answer it came in, not by that of an earlier listing: the
    /// script may have changed in between.
    pub(super) fn put(&self, script: String, tag: String, content: String) {
        let mut known = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: usize = known.values().map(|(_, content)| content.len()).sum();
        if bytes + content.len() > MOST {
            known.clear();
        }
        known.insert(script, (tag, content));
    }
}

/// A tag without the quotes and the mark of weakness it may be written with.
pub(super) fn bare(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_kept_of_what_is_at_rest_and_known_by_their_version() {
        let contents = Contents::default();
        let (old, now) = ("2026-01-01T00:00:00Z/a", Timestamp::now().to_string());
        contents.put_details("one".to_owned(), old, &Value::from(1));
        contents.put_details("two".to_owned(), &now, &Value::from(2));
        contents.put_details("three".to_owned(), "", &Value::from(3));
        assert_eq!(contents.details("one", old), Some(Value::from(1)));
        assert_eq!(contents.details("one", "2026-01-02T00:00:00Z/b"), None);
        assert_eq!(contents.details("two", &now), None);
        assert_eq!(contents.details("three", ""), None);
    }
}
