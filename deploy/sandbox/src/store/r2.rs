//! R2 buckets and their objects.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::world::{new_id, now, stable_id};
use super::{Blob, Store};

/// An R2 bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bucket {
    /// Unique in the account.
    pub name: String,
    /// When it was made.
    pub creation_date: Timestamp,
    /// Upper-case, for example `WEUR`.
    pub location: String,
    /// `Standard` or `InfrequentAccess`.
    pub storage_class: String,
    /// By key.
    pub objects: BTreeMap<String, R2Object>,
}

/// An object in a bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct R2Object {
    /// Unique in the bucket.
    pub key: String,
    /// 32 hexadecimal digits; new with each write.
    pub version: String,
    /// 32 hexadecimal digits that follow from the bytes. R2's is their MD5; here it is the head of
    /// their SHA-256.
    pub etag: String,
    /// When it was written.
    pub uploaded: Timestamp,
    /// `contentType`, `cacheControl`, … as R2's bindings name them.
    #[serde(default)]
    pub http_metadata: BTreeMap<String, String>,
    /// Free.
    #[serde(default)]
    pub custom_metadata: BTreeMap<String, String>,
    /// `Standard` or `InfrequentAccess`.
    pub storage_class: String,
    /// The bytes.
    pub body: Blob,
}

impl R2Object {
    /// An object made now.
    pub fn new(key: &str, body: Bytes) -> Self {
        Self {
            key: key.to_owned(),
            version: new_id(),
            etag: etag(&body),
            uploaded: now(),
            http_metadata: BTreeMap::new(),
            custom_metadata: BTreeMap::new(),
            storage_class: "Standard".to_owned(),
            body: Blob::new(body),
        }
    }

    /// In bytes.
    pub fn size(&self) -> usize {
        self.body.bytes().len()
    }
}

fn etag(body: &Bytes) -> String {
    use sha2::{Digest as _, Sha256};
    stable_id(&hex::encode(Sha256::digest(body)))
}

/// A page of objects.
#[derive(Debug, Clone)]
pub struct R2Page {
    /// In the order of their keys.
    pub objects: Vec<R2Object>,
    /// With a delimiter: the prefixes that stand for more objects.
    pub prefixes: BTreeSet<String>,
    /// The key or prefix to go on after, if there are more.
    pub next: Option<String>,
}

impl Bucket {
    /// Up to `limit` objects and prefixes, after `after` if given.
    pub fn list(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> R2Page {
        let mut page = R2Page { objects: Vec::new(), prefixes: BTreeSet::new(), next: None };
        let mut last: Option<String> = None;
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let found = self
            .objects
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix));
        for (key, object) in found {
            let shared = delimiter.filter(|d| !d.is_empty()).and_then(|delimiter| {
                let rest = key.get(prefix.len()..)?;
                let end = rest.find(delimiter)? + prefix.len() + delimiter.len();
                key.get(..end)
            });
            // Going on after a prefix passes by everything it stands for.
            if shared.is_some_and(|shared| after == Some(shared) || page.prefixes.contains(shared))
            {
                continue;
            }
            if page.objects.len() + page.prefixes.len() >= limit {
                page.next = last;
                return page;
            }
            if let Some(shared) = shared {
                page.prefixes.insert(shared.to_owned());
                last = Some(shared.to_owned());
            } else {
                page.objects.push(object.clone());
                last = Some(key.clone());
            }
        }
        page
    }
}

/// What the edge does with R2; scripts name a bucket of their own account.
impl Store {
    /// An object with its body.
    pub fn r2_get(&self, account: &str, bucket: &str, key: &str) -> Option<R2Object> {
        self.read(|world| {
            world.accounts.get(account)?.buckets.get(bucket)?.objects.get(key).cloned()
        })
    }

    /// Writes an object; false when there is no such bucket.
    pub fn r2_put(&self, account: &str, bucket: &str, object: R2Object) -> bool {
        self.write_data(|world| match world.bucket_mut(account, bucket) {
            Some(bucket) => {
                bucket.objects.insert(object.key.clone(), object);
                true
            }
            None => false,
        })
    }

    /// Removes an object; whether there was one.
    pub fn r2_delete(&self, account: &str, bucket: &str, key: &str) -> bool {
        self.write_data(|world| {
            world
                .bucket_mut(account, bucket)
                .is_some_and(|bucket| bucket.objects.remove(key).is_some())
        })
    }

    /// A page of objects; none when there is no such bucket.
    pub fn r2_list(
        &self,
        account: &str,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Option<R2Page> {
        self.read(|world| {
            let bucket = world.accounts.get(account)?.buckets.get(bucket)?;
            Some(bucket.list(prefix, delimiter, after, limit))
        })
    }
}
