//! A type for every identity, each valid by construction.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A name that does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a {what}: {rule}")]
pub struct InvalidName {
    /// What was wanted, for example `stack name`.
    pub what: &'static str,
    /// What was given, cut to 80 characters.
    pub value: String,
    /// What such a name looks like.
    pub rule: &'static str,
}

impl InvalidName {
    fn new(what: &'static str, value: &str, rule: &'static str) -> Self {
        Self { what, value: value.chars().take(80).collect(), rule }
    }
}

/// `[a-z0-9]` and inner `-`: what is safe as one subject token, one KV key token and one DNS label.
fn is_label(value: &str, longest: usize) -> bool {
    !value.is_empty()
        && value.len() <= longest
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $pattern:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(#[schemars(regex(pattern = $pattern))] String);

        impl $type {
            /// The name, if it is valid.
            ///
            /// # Errors
            /// When the value does not fit; the error states the rule.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidName> {
                let value = value.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&value) { Ok(Self(value)) } else { Err(InvalidName::new($what, &value, $rule)) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> { Self::new(value) }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self { name.0 }
        }

        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> { Self::new(value) }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    };
}

name!(
    /// The named set of resources in one environment that intents own, for example `edge-api`.
    StackName, "stack name", "1 to 40 of a-z, 0-9 and inner hyphens",
    "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", |v| is_label(v, 40)
);
name!(
    /// A mapping from a name to cloud accounts, zones and limits, for example `prod`.
    EnvironmentName, "environment name", "1 to 32 of a-z, 0-9 and inner hyphens",
    "^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$", |v| is_label(v, 32)
);
name!(
    /// A golden path, for example `edge-cache`.
    PathName, "golden path name", "1 to 32 of a-z, 0-9 and inner hyphens",
    "^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$", |v| is_label(v, 32)
);
impl PathName {
    /// What an imported stack is said to follow: no golden path that anybody can ask for.
    pub fn imported() -> Self {
        Self("imported".to_owned())
    }
}

name!(
    /// A resource within its stack and kind, for example `api`.
    ResourceName, "resource name", "1 to 40 of a-z, 0-9 and inner hyphens",
    "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", |v| is_label(v, 40)
);
name!(
    /// A kind of cloud object, `<cloud>.<kind>`, for example `cloudflare.dns_record`.
    KindName, "kind", "<cloud>.<kind> of a-z, 0-9 and inner underscores",
    "^[a-z0-9]{1,20}\\.[a-z0-9]([a-z0-9_]{0,38}[a-z0-9])?$", |v| v.split_once('.').is_some_and(|(cloud, kind)| {
        is_label(cloud, 20) && !cloud.contains('-') && !kind.contains('-') && is_label(&kind.replace('_', "-"), 40)
    })
);
name!(
    /// The SHA-256 of a plan's canonical encoding, in lower-case hexadecimal.
    PlanId, "plan id", "64 hexadecimal digits",
    "^[0-9a-f]{64}$", |v| v.len() == 64 && v.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);
name!(
    /// One running process of an agent; new at every start.
    InstanceId, "instance id", "1 to 64 of a-z, 0-9 and inner hyphens",
    "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", |v| is_label(v, 64)
);

impl KindName {
    /// The part before the dot, for example `cloudflare`.
    pub fn cloud(&self) -> &str {
        self.0.split_once('.').map_or("", |(cloud, _)| cloud)
    }

    /// The part after the dot, for example `dns_record`.
    pub fn local(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, kind)| kind)
    }
}

impl PlanId {
    pub(crate) fn of_digest(sha256: [u8; 32]) -> Self {
        Self(hex::encode(sha256))
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// What a person or a system asked for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "Uuid")]
pub struct IntentId(Uuid);

impl IntentId {
    /// A fresh id, ordered by time.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of an intent whose submitter gave none: derived from its place in the stream, so that
    /// every delivery of it gets the same one.
    pub fn of_stream_sequence(sequence: u64) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("intent/{sequence}").as_bytes()))
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for IntentId {
    type Err = InvalidName;
    fn from_str(value: &str) -> Result<Self, InvalidName> {
        Uuid::try_parse(value).map(Self).map_err(|_| {
            InvalidName::new(
                "intent id",
                value,
                "a UUID, for example 018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55",
            )
        })
    }
}

impl TryFrom<String> for IntentId {
    type Error = InvalidName;
    fn try_from(value: String) -> Result<Self, InvalidName> {
        value.parse()
    }
}

impl From<IntentId> for String {
    fn from(id: IntentId) -> Self {
        id.to_string()
    }
}

/// Root of every derived id; drawn once, never to change: a new value would make every handler
/// repeat its effects under new names.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_7c1e_8a54_4b8e_9f0a_2d1c_5e37_9b60);

/// The `Nats-Msg-Id` of a message.
///
/// What a handler emits is named after what it handled, so handling a message again emits the same
/// messages again, and the stream drops the second copy while its window lasts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// The id a message arrived with.
    pub fn given(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id of a message that arrived without one.
    pub fn of_stream_sequence(stream: &str, sequence: u64) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{stream}/{sequence}").as_bytes()).to_string())
    }

    /// The id of what is emitted while handling the message `self`: `name` tells one emission of a
    /// handler from another.
    #[must_use]
    pub fn derive(&self, name: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{}\n{name}", self.0).as_bytes()).to_string())
    }

    /// The id as the header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Version of a stack's declaration: 0 before the first plan, one more for each that is applied.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

/// `<stack>/<kind>/<name>`, for example `edge-api/cloudflare.dns_record/api`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ResourceAddress {
    /// The stack that owns the resource.
    pub stack: StackName,
    /// What it is.
    pub kind: KindName,
    /// Which one of its kind in its stack.
    pub name: ResourceName,
}

impl ResourceAddress {
    /// The address of one resource.
    pub const fn new(stack: StackName, kind: KindName, name: ResourceName) -> Self {
        Self { stack, kind, name }
    }

    /// The address within its stack, `<kind>/<name>`: what references between resources use.
    pub fn local(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.stack, self.kind, self.name)
    }
}

impl FromStr for ResourceAddress {
    type Err = InvalidName;
    fn from_str(value: &str) -> Result<Self, InvalidName> {
        let mut parts = value.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(stack), Some(kind), Some(name), None) => {
                Ok(Self { stack: stack.parse()?, kind: kind.parse()?, name: name.parse()? })
            }
            _ => Err(InvalidName::new("resource address", value, "<stack>/<kind>/<name>")),
        }
    }
}

impl TryFrom<String> for ResourceAddress {
    type Error = InvalidName;
    fn try_from(value: String) -> Result<Self, InvalidName> {
        value.parse()
    }
}

impl From<ResourceAddress> for String {
    fn from(address: ResourceAddress) -> Self {
        address.to_string()
    }
}
