//! One encoding for all messages and records.
//!
//! Out: MessagePack with field names, so that an older reader skips what it does not know. In:
//! MessagePack or JSON, so that a person with `nats pub` needs nothing else. A message over
//! [`MAX_BYTES`], nested deeper than [`MAX_DEPTH`], or followed by more bytes is refused before
//! anything of its size is allocated.

use serde::{Serialize, de::DeserializeOwned};

/// Largest message taken, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting taken.
pub const MAX_DEPTH: usize = 64;
/// Media type of MessagePack.
pub const MESSAGEPACK: &str = "application/msgpack";
/// Media type of JSON.
pub const JSON: &str = "application/json";

/// How bytes are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// MessagePack with field names.
    MessagePack,
    /// JSON, UTF-8.
    Json,
}

impl Encoding {
    /// The encoding the `Content-Type` header names; without one, JSON if the first byte that is
    /// not white space opens an object, and MessagePack otherwise (no MessagePack map starts with
    /// `{`: 0x7b is a positive integer).
    ///
    /// # Errors
    /// When the header names neither.
    pub fn of(content_type: Option<&str>, bytes: &[u8]) -> Result<Self, DecodeError> {
        let Some(named) = content_type else {
            let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
            return Ok(if first == Some(&b'{') { Self::Json } else { Self::MessagePack });
        };
        let media = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media.as_str() {
            MESSAGEPACK | "application/x-msgpack" | "application/vnd.msgpack" => {
                Ok(Self::MessagePack)
            }
            JSON | "text/json" => Ok(Self::Json),
            _ => Err(DecodeError::UnknownContentType {
                content_type: named.chars().take(80).collect(),
            }),
        }
    }
}

/// Bytes that are not the message they should be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Over [`MAX_BYTES`].
    #[error("{bytes} bytes, at most {MAX_BYTES} are taken")]
    TooLarge {
        /// How many there were.
        bytes: usize,
    },
    /// Over [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More bytes after the message.
    #[error("{bytes} more bytes after the message")]
    TrailingBytes {
        /// How many more.
        bytes: usize,
    },
    /// A `Content-Type` that is neither MessagePack nor JSON.
    #[error("content type `{content_type}` is neither {MESSAGEPACK} nor {JSON}")]
    UnknownContentType {
        /// What was named, cut to 80 characters.
        content_type: String,
    },
    /// Not MessagePack, or not of the message's shape.
    #[error("not this message in MessagePack")]
    MessagePack(#[source] rmp_serde::decode::Error),
    /// Not JSON, or not of the message's shape.
    #[error("not this message in JSON")]
    Json(#[source] serde_json::Error),
}

/// A value that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Over [`MAX_BYTES`].
    #[error("{bytes} bytes encoded, at most {MAX_BYTES} are sent")]
    TooLarge {
        /// How many there would be.
        bytes: usize,
    },
    /// A value MessagePack cannot express.
    #[error("not expressible in MessagePack")]
    MessagePack(#[source] rmp_serde::encode::Error),
}

/// Encodes in MessagePack with field names.
///
/// # Errors
/// When the result would be over [`MAX_BYTES`] or the value has no such encoding.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let bytes = rmp_serde::to_vec_named(value).map_err(EncodeError::MessagePack)?;
    if bytes.len() > MAX_BYTES {
        return Err(EncodeError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Decodes MessagePack or JSON; `content_type` is the message's header, if it has one.
///
/// # Errors
/// When the bytes are not exactly one value of this type within the limits.
pub fn decode<T: DeserializeOwned>(
    content_type: Option<&str>,
    bytes: &[u8],
) -> Result<T, DecodeError> {
    if bytes.len() > MAX_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    match Encoding::of(content_type, bytes)? {
        Encoding::MessagePack => decode_messagepack(bytes),
        Encoding::Json => decode_json(bytes),
    }
}

fn decode_messagepack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    // A reader that is moved along, not one over the whole slice: what is left tells of trailing bytes.
    let mut rest = bytes;
    let mut reader = rmp_serde::Deserializer::new(&mut rest);
    reader.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut reader).map_err(|error| {
        let too_deep = matches!(error, rmp_serde::decode::Error::DepthLimitExceeded);
        if too_deep { DecodeError::TooDeep } else { DecodeError::MessagePack(error) }
    })?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::TrailingBytes { bytes: rest.len() }) }
}

fn decode_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if json_depth(bytes) > MAX_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<T>();
    let value = values
        .next()
        .unwrap_or_else(|| Err(serde::de::Error::custom("empty")))
        .map_err(DecodeError::Json)?;
    let rest = bytes.get(values.byte_offset()..).unwrap_or_default();
    let trailing = rest.iter().filter(|b| !b.is_ascii_whitespace()).count();
    if trailing > 0 { Err(DecodeError::TrailingBytes { bytes: trailing }) } else { Ok(value) }
}

/// Deepest nesting of brackets outside strings; an upper bound is enough, so invalid JSON may count
/// high.
fn json_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
