//! What is kept in the swarm's shared memory.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::stream::Bucket;

/// A value kept in a KV bucket, bound to the bucket and the form of its keys.
pub trait Record: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The bucket that holds it.
    const BUCKET: Bucket;
    /// First token of its keys: tells records of one bucket apart.
    const PREFIX: &'static str;
    /// Which one.
    type Key: fmt::Display + Send + Sync;

    /// The key in the bucket, `<prefix>.<key>`.
    fn key(key: &Self::Key) -> String {
        format!("{}.{key}", Self::PREFIX)
    }
}
