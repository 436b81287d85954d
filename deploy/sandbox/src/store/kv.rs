//! KV namespaces and their values.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Blob, Store};

/// A KV namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Namespace {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Unique in the account.
    pub title: String,
    /// By key.
    pub values: BTreeMap<String, KvValue>,
}

/// A value in a namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KvValue {
    /// The value itself.
    pub value: Blob,
    /// At most 1,024 bytes of JSON.
    pub metadata: Option<Value>,
    /// Seconds since 1970 after which it is gone.
    pub expiration: Option<i64>,
}

/// A key as a listing shows it.
#[derive(Debug, Clone, Serialize)]
pub struct KvKey {
    /// The key.
    pub name: String,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<i64>,
    /// As it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// A page of keys.
#[derive(Debug, Clone)]
pub struct KvPage {
    /// In the order of their bytes.
    pub keys: Vec<KvKey>,
    /// The key to go on after, if there are more.
    pub next: Option<String>,
}

impl KvValue {
    fn live(&self) -> bool {
        self.expiration.is_none_or(|at| at > Timestamp::now().as_second())
    }
}

impl Namespace {
    /// The value of a key that has not expired.
    pub fn get(&self, key: &str) -> Option<&KvValue> {
        self.values.get(key).filter(|value| value.live())
    }

    /// Up to `limit` live keys with the prefix, after `after` if given.
    pub fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> KvPage {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let mut found = self
            .values
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(_, value)| value.live());
        let keys: Vec<KvKey> = found
            .by_ref()
            .take(limit)
            .map(|(name, value)| KvKey {
                name: name.clone(),
                expiration: value.expiration,
                metadata: value.metadata.clone(),
            })
            .collect();
        let next = found.next().and_then(|_| keys.last().map(|key| key.name.clone()));
        KvPage { keys, next }
    }
}

/// What the edge does with KV; a namespace's id is unique over accounts.
impl Store {
    /// The value of a key, if the namespace has it.
    pub fn kv_get(&self, namespace: &str, key: &str) -> Option<KvValue> {
        self.read(|world| world.namespace(namespace)?.get(key).cloned())
    }

    /// Sets a key; false when there is no such namespace.
    pub fn kv_put(
        &self,
        namespace: &str,
        key: &str,
        value: Bytes,
        metadata: Option<Value>,
        expiration: Option<i64>,
    ) -> bool {
        let value = KvValue { value: Blob::new(value), metadata, expiration };
        self.write_data(|world| match world.namespace_mut(namespace) {
            Some(namespace) => {
                namespace.values.insert(key.to_owned(), value);
                true
            }
            None => false,
        })
    }

    /// Removes a key; whether there was one.
    pub fn kv_delete(&self, namespace: &str, key: &str) -> bool {
        self.write_data(|world| {
            world
                .namespace_mut(namespace)
                .is_some_and(|namespace| namespace.values.remove(key).is_some())
        })
    }

    /// A page of keys; none when there is no such namespace.
    pub fn kv_list(
        &self,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Option<KvPage> {
        self.read(|world| Some(world.namespace(namespace)?.list(prefix, after, limit)))
    }
}
