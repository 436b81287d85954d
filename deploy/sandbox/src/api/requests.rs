//! How often each call was made, for tests that count.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// Counts by method, path template and status; status 0 is a connection closed on purpose.
#[derive(Debug, Default)]
pub(super) struct Requests {
    counts: Mutex<BTreeMap<(String, String, u16), u64>>,
}

impl Requests {
    /// Counts one.
    pub(super) fn count(&self, method: &str, template: &str, status: u16) {
        let key = (method.to_owned(), template.to_owned(), status);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(key).or_default() += 1;
    }

    /// Every count.
    pub(super) fn show(&self) -> Value {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let total: u64 = counts.values().sum();
        let each: Vec<Value> = counts
            .iter()
            .map(|((method, path, status), count)| {
                json!({"method": method, "path": path, "status": status, "count": count})
            })
            .collect();
        json!({"total": total, "requests": each})
    }

    /// Begins anew.
    pub(super) fn clear(&self) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
