//! Bytes that may be many: in the state's file while few, in files of their own when not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// Some bytes, cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    bytes: Bytes,
    /// The SHA-256 of the bytes, for those with a file of their own.
    file: Option<String>,
}

impl Blob {
    /// Longer ones, in bytes, have a file of their own.
    const INLINE: usize = 4 * 1024;

    /// Takes the bytes.
    pub fn new(bytes: Bytes) -> Self {
        let file = (bytes.len() > Self::INLINE).then(|| hex::encode(Sha256::digest(&bytes)));
        Self { bytes, file }
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The name of their file, if they have one.
    pub(super) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Puts in the bytes that were read from the file.
    pub(super) fn fill(&mut self, bytes: Bytes) {
        self.bytes = bytes;
    }
}

impl From<Bytes> for Blob {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.file {
            Some(file) => serializer.serialize_str(&format!("sha256:{file}")),
            None => serializer.serialize_str(&format!("base64:{}", STANDARD.encode(&self.bytes))),
        }
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Some(file) = text.strip_prefix("sha256:") {
            return Ok(Self { bytes: Bytes::new(), file: Some(file.to_owned()) });
        }
        let encoded = text
            .strip_prefix("base64:")
            .ok_or_else(|| de::Error::custom("neither `sha256:` nor `base64:`"))?;
        Ok(Self { bytes: STANDARD.decode(encoded).map_err(de::Error::custom)?.into(), file: None })
    }
}
