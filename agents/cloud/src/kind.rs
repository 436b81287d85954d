//! What a kind of cloud object is: where it lives, which of its fields we own, how they are
//! normalised. No I/O.

use std::fmt;

use bus_schema::{KindName, Properties, ResourceAddress, ResourceName, StackName};

use crate::Observed;

/// A kind of cloud object. It describes itself, so that tests and watchers are made from the
/// description and a new kind is covered by existing.
pub trait Kind: fmt::Debug + Send + Sync {
    /// What it is.
    fn describe(&self) -> &'static Description;

    /// The declared fields as the cloud will show them: defaults filled in, names lower-cased and
    /// made absolute, sets sorted. Applying it twice changes nothing more. Strings that hold
    /// references (`${…}`) pass through. A field left out of the result is left to the cloud: it is
    /// neither sent nor compared.
    ///
    /// # Errors
    /// When a field is missing, unknown, or outside its bounds; the error names it.
    fn normalise(&self, declared: &Properties) -> Result<Properties, InvalidProperties>;

    /// What makes an object with these normalised fields the same object to the cloud, whatever its
    /// id; equal to [`crate::Observed::key`] of that object.
    fn key(&self, address: &ResourceAddress, normalised: &Properties) -> String;

    /// Whether an object that somebody else made can become ours as it is, with its name.
    ///
    /// # Errors
    /// With why not, for a person.
    fn importable(&self) -> Result<(), &'static str> {
        match self.describe().ownership {
            Ownership::Marked => Ok(()),
            Ownership::Named => Err("its name is what makes it a stack's, and cannot be changed"),
            Ownership::Claimed => Err("it is always there, and shared: ask for the value you want"),
        }
    }

    /// Whether an object found in the resource's place is the resource, by what the object itself
    /// shows. For [`Ownership::Claimed`] this says only that it is the object meant.
    fn is_of(
        &self,
        address: &ResourceAddress,
        normalised: &Properties,
        observed: &Observed,
    ) -> bool {
        match self.describe().ownership {
            Ownership::Marked => observed.owner.as_ref().is_some_and(|owner| owner.is(address)),
            Ownership::Named | Ownership::Claimed => observed.key == self.key(address, normalised),
        }
    }
}

/// What a kind is.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// For example `cloudflare.dns_record`.
    pub name: &'static str,
    /// For people, for example `DNS record`.
    pub title: &'static str,
    /// What one listing covers.
    pub scope: ScopeLevel,
    /// Every field we own.
    pub fields: &'static [Field],
    /// How one knows whose an object is.
    pub ownership: Ownership,
    /// Whether deleting one loses what cannot be made again, as stored data.
    pub holds_data: bool,
    /// What others may refer to once it is made.
    pub outputs: &'static [&'static str],
}

impl Description {
    /// One field, by name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A field we own.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in [`Properties`].
    pub name: &'static str,
    /// Whether a declaration must have it.
    pub required: bool,
    /// Whether the cloud cannot change it, so that a difference means a replacement.
    pub fixed: bool,
    /// Two valid declared values as JSON, for tests: the first as in [`Description`]'s example, the
    /// second different from it after normalisation. Empty strings where a test must make them, as
    /// for references.
    pub examples: [&'static str; 2],
}

/// What one listing covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScopeLevel {
    /// An account.
    Account,
    /// A zone.
    Zone,
}

/// How one knows whose an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// A field of the object carries a [`Marker`].
    Marked,
    /// It carries no marker, and a name no one else gives by chance: made by us from the stack's and
    /// the resource's names, its own or that of what it points to.
    Named,
    /// It cannot carry one and is always there, as a zone's setting: who holds it is recorded by us
    /// alone, and several stacks may hold it while they agree.
    Claimed,
}

/// Says in the cloud whose an object is: `zerodrift:<stack>/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker {
    /// The stack that owns it.
    pub stack: StackName,
    /// Its name there.
    pub name: ResourceName,
}

impl Marker {
    /// The marker of a resource.
    pub fn of(address: &ResourceAddress) -> Self {
        Self { stack: address.stack.clone(), name: address.name.clone() }
    }

    /// Whether this is the marker of that resource; the kind is known from where it was found.
    pub fn is(&self, address: &ResourceAddress) -> bool {
        self.stack == address.stack && self.name == address.name
    }

    /// Reads a marker anywhere in a text, such as a comment somebody added to.
    pub fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("zerodrift:")?;
        let token = rest.split(|c: char| c.is_whitespace() || c == ')' || c == ',').next()?;
        let (stack, name) = token.split_once('/')?;
        Some(Self { stack: stack.parse().ok()?, name: name.parse().ok()? })
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "zerodrift:{}/{}", self.stack, self.name)
    }
}

/// Declared fields that do not fit their kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: field `{field}` {reason}")]
pub struct InvalidProperties {
    /// The kind.
    pub kind: &'static str,
    /// The field.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

/// Every kind there is, by name. Pure: has no access to any cloud.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue(pub &'static [&'static dyn Kind]);

impl Catalogue {
    /// One kind, by name.
    pub fn get(&self, name: &KindName) -> Option<&'static dyn Kind> {
        self.0.iter().copied().find(|kind| kind.describe().name == name.as_str())
    }
}
