//! The clouds, behind one trait.
//!
//! What decides is pure and stands in [`kind`] and [`mod@diff`]: what a kind of object is, which of
//! its fields we own, how the cloud normalises them, and what must change. What does stands in one
//! folder per cloud, behind [`Cloud`]. Kinds are normalised in `<cloud>/kinds/<kind>.rs`.

pub mod cloudflare;
mod compare;
pub mod diff;
pub mod drift;
pub mod error;
mod ignore;
pub mod kind;
mod locate;
mod order;
mod outputs;
pub mod references;

pub use compare::differences;
pub use diff::{Diff, DiffError, diff};
pub use drift::{Drifted, Seen, look};
pub use error::{ApiError, Attempt, Effect, Error, Reply, Retry};
pub use ignore::{compared, yielding};
pub use kind::{
    Catalogue, Description, Field, InvalidProperties, Kind, Marker, Ownership, ScopeLevel,
};

pub use locate::{Sought, locate, shows};
pub use outputs::Outputs;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use bus_schema::{KindName, Place, Properties, Resource};

/// An object as the cloud shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The cloud's id for it, unique in its scope.
    pub id: String,
    /// What makes it the same object to the cloud, whatever its id: a record's type and name, a
    /// script's name, a rule's `ref`. Two objects with one key collide.
    pub key: String,
    /// Who made it, where it says so.
    pub owner: Option<Marker>,
    /// The owned fields, through the kind's projection.
    pub properties: Properties,
    /// What other resources may refer to, for example `id`.
    pub outputs: BTreeMap<String, String>,
    /// When the cloud says it last changed.
    pub modified_at: Option<String>,
}

/// One cloud's API, for all its kinds. Only the provisioner holds one that may write.
#[async_trait]
pub trait Cloud: fmt::Debug + Send + Sync {
    /// The cloud's name, the first part of its kinds' names.
    fn name(&self) -> &'static str;

    /// Every object of one kind in one place, whoever made it.
    async fn list(&self, kind: &KindName, place: &Place) -> Result<Vec<Observed>, Error>;

    /// What objects of a kind in a place carry that the kind does not own, by id: names of fields that
    /// a repair of the object would lose. For what is to be taken over only.
    async fn unowned(
        &self,
        kind: &KindName,
        place: &Place,
    ) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let _ = (kind, place);
        Ok(BTreeMap::new())
    }

    /// One object by the id a listing gave it; `None` when it is gone.
    async fn read(
        &self,
        kind: &KindName,
        place: &Place,
        id: &str,
    ) -> Result<Option<Observed>, Error>;

    /// Makes an object and marks it as ours. References in its properties are resolved already. For
    /// a kind that is always there, sets it.
    async fn create(&self, resource: &Resource) -> Result<Observed, Error>;

    /// Makes the object `id` be as `resource` says, marker included.
    async fn update(&self, resource: &Resource, id: &str) -> Result<Observed, Error>;

    /// Removes the object `id`; one that is gone already is no error. For a kind that is always
    /// there this is refused: what it was before is set by [`Cloud::update`].
    async fn delete(&self, kind: &KindName, place: &Place, id: &str) -> Result<(), Error>;
}
