//! What the auditor saw, and what was done about it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Difference, Filter, Generation, IntentId, InvalidName, KindName, Message, Place,
    ResourceAddress, StackName, Subject,
};

/// What one listing covers: a kind in a place. The unit of watching.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Scope {
    /// What is listed.
    pub kind: KindName,
    /// Where.
    pub place: Place,
}

impl Scope {
    /// A kind in a place.
    pub const fn new(kind: KindName, place: Place) -> Self {
        Self { kind, place }
    }

    /// A short name made of the scope alone, safe as a key.
    pub fn token(&self) -> String {
        short(&self.to_string())
    }
}

/// `<cloud>.<kind>.account.<id>` or `<cloud>.<kind>.zone.<name>`: what follows `swarm.hint.`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, place } = self;
        match place {
            Place::Account(id) => write!(f, "{kind}.account.{id}"),
            Place::Zone(name) => write!(f, "{kind}.zone.{name}"),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = InvalidName;
    fn from_str(value: &str) -> Result<Self, InvalidName> {
        let mut parts = value.splitn(4, '.');
        let (cloud, kind, level, name) = (parts.next(), parts.next(), parts.next(), parts.next());
        let place = match (level, name) {
            (Some("account"), Some(id)) if !id.is_empty() => Some(Place::Account(id.to_owned())),
            (Some("zone"), Some(name)) if !name.is_empty() => Some(Place::Zone(name.to_owned())),
            _ => None,
        };
        let kind = cloud.zip(kind).map(|(cloud, kind)| format!("{cloud}.{kind}").parse());
        match (kind, place) {
            (Some(Ok(kind)), Some(place)) => Ok(Self { kind, place }),
            _ => Err(InvalidName {
                what: "scope",
                value: value.chars().take(80).collect(),
                rule: "<cloud>.<kind>.account.<id> or <cloud>.<kind>.zone.<name>",
            }),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidName;
    fn try_from(value: String) -> Result<Self, InvalidName> {
        value.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// The first 16 hexadecimal digits of a text's SHA-256.
fn short(text: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(text.as_bytes()));
    digits.truncate(16);
    digits
}

/// One sort of trouble with one thing: the same when it comes again, so that recurrence is counted.
/// Made of the scope, the resource or object, and the names of the fields.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Signature(String);

impl Signature {
    /// Of trouble with `object` (a resource's address, or the key of what nobody owns).
    pub fn of(scope: &Scope, object: &str, drift: Drift, differences: &[Difference]) -> Self {
        let mut fields: Vec<&str> = differences.iter().map(|it| it.field.as_str()).collect();
        fields.sort_unstable();
        Self(short(&format!("{scope}\n{object}\n{drift}\n{}", fields.join(","))))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One occurrence of trouble, from when it was detected until it is resolved.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct FindingId(String);

impl FindingId {
    /// The occurrence of this trouble that was detected at this moment.
    pub fn of(signature: &Signature, detected_at: jiff::Timestamp) -> Self {
        Self(short(&format!("{signature}\n{detected_at}")))
    }

    /// What a person gave on a command line; whether there is such a finding is another question.
    pub fn given(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// In what way something is not as declared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Fields differ.
    Changed,
    /// It is not there.
    Missing,
    /// It carries a stack's mark, and the stack declares no such thing: a copy, or something left.
    Surplus,
    /// Nobody owns it.
    Unmanaged,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Surplus => "surplus",
            Self::Unmanaged => "unmanaged",
        })
    }
}

/// What was seen, where, against which declaration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// This occurrence.
    pub id: FindingId,
    /// What it has in common with other occurrences.
    pub signature: Signature,
    /// In what way.
    pub drift: Drift,
    /// Where it was seen.
    pub scope: Scope,
    /// The resource; absent where nobody owns the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceAddress>,
    /// The object, as people know it: a record's name, a rule's description.
    pub object: String,
    /// The cloud's id for the object, where one is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// Each field that is not as declared: `after` is declared, `before` is observed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// The generation it was held against.
    #[serde(default)]
    pub generation: Generation,
    /// The intent that declared it, so that a repair leads back to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// When it was changed, where the cloud tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<jiff::Timestamp>,
    /// Who changed it, where the cloud's audit log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it was detected.
    pub detected_at: jiff::Timestamp,
}

impl Finding {
    /// The moment of change where the cloud tells it, else of detection: what time to repair is
    /// counted from.
    pub fn since(&self) -> jiff::Timestamp {
        self.changed_at.map_or(self.detected_at, |changed| changed.min(self.detected_at))
    }
}

/// A stack's resource is not as declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftFound {
    /// The stack.
    pub stack: StackName,
    /// What was seen.
    pub finding: Finding,
}

impl Message for DriftFound {
    const TYPE: &'static str = "swarm.finding.v1.drift";
    const FILTER: Filter = Filter::FINDING_DRIFT;
    const SUBJECT: &'static str = "swarm.finding.drift.{stack}";
    fn subject(&self) -> Subject {
        Subject::finding_drift(&self.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        self.finding.intent
    }
}

/// What had been found is no longer so: it was seen as declared again, or is declared no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingResolved {
    /// The stack.
    pub stack: StackName,
    /// What had been seen.
    pub finding: Finding,
    /// The generation at which it is resolved.
    pub generation: Generation,
    /// When it was seen so.
    pub resolved_at: jiff::Timestamp,
    /// The finding it went on as, announced next: the resource is not as declared still, in another
    /// way or with other values. Absent where it is as declared again, or declared no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub became: Option<FindingId>,
}

impl Message for FindingResolved {
    const TYPE: &'static str = "swarm.finding.v1.resolved";
    const FILTER: Filter = Filter::FINDING_RESOLVED;
    const SUBJECT: &'static str = "swarm.finding.resolved.{stack}";
    fn subject(&self) -> Subject {
        Subject::finding_resolved(&self.stack)
    }
    fn stack(&self) -> Option<&StackName> {
        Some(&self.stack)
    }
    fn intent(&self) -> Option<IntentId> {
        self.finding.intent
    }
}

/// Somebody saw, or was told, that something changed: look there. It says nothing more; the facts
/// are read from the cloud.
///
/// On `swarm.hint.<cloud>.<kind>.zone.<name>` or `swarm.hint.<cloud>.<kind>.account.<id>`, for
/// example `{"scope": "cloudflare.dns_record.zone.example.com"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hint {
    /// Where to look.
    pub scope: Scope,
    /// Who says so, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Message for Hint {
    const TYPE: &'static str = "swarm.hint.v1.given";
    const FILTER: Filter = Filter::HINT;
    const SUBJECT: &'static str = "swarm.hint.{scope}";
    fn subject(&self) -> Subject {
        Subject::hint(&self.scope)
    }
    fn stack(&self) -> Option<&StackName> {
        None
    }
    fn intent(&self) -> Option<IntentId> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_back_from_its_name() {
        for name in [
            "cloudflare.dns_record.zone.www.example.com",
            "cloudflare.gateway_rule.account.0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(name.parse::<Scope>().unwrap().to_string(), name);
        }
        for wrong in ["", "cloudflare", "cloudflare.dns_record", "cloudflare.dns_record.zone."] {
            let error = wrong.parse::<Scope>().unwrap_err();
            assert!(error.to_string().contains("<cloud>.<kind>.account.<id>"), "{error}");
        }
    }

    #[test]
    fn a_signature_is_the_same_when_the_same_fields_differ_again() {
        let scope: Scope = "cloudflare.dns_record.zone.example.com".parse().unwrap();
        let differs = |field: &str, value: i64| Difference {
            field: field.to_owned(),
            before: Some(value.into()),
            after: None,
        };
        let once = [differs("ttl", 1), differs("content", 2)];
        let again = [differs("content", 9), differs("ttl", 8)];
        let object = "edge-api/cloudflare.dns_record/api";
        let of = |it: &[Difference]| Signature::of(&scope, object, Drift::Changed, it);
        assert_eq!(of(&once), of(&again));
        assert_ne!(of(&once), of(&once[..1]));
    }
}
