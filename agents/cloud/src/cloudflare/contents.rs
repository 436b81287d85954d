//! Scripts' sources as last read, so that a listing does not read again what has not changed: every
//! call counts against the token's budget.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Sources kept at most; beyond, all are forgotten and read again.
const MOST: usize = 200;

/// Sources by script (`<account>/<name>`), each with the entity tag it was read with.
#[derive(Debug, Default)]
pub(super) struct Contents(Mutex<HashMap<String, (String, String)>>);

impl Contents {
    /// The source of a script that has this tag now.
    pub(super) fn get(&self, script: &str, tag: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(script).filter(|(read, _)| read == tag).map(|(_, content)| content.clone())
    }

    /// Remembers a source by the tag of the answer it came in, not by that of an earlier listing: the
    /// script may have changed in between.
    pub(super) fn put(&self, script: String, tag: String, content: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(script, (tag, content));
    }
}

/// A tag without the quotes and the mark of weakness it may be written with.
pub(super) fn bare(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}
