//! Cloudflare: its kinds and their calls, behind [`Cloud`].

mod api;
mod audit;
mod budget;
mod client;
mod contents;
mod expression;
mod failure;
mod fields;
mod kinds;
mod multipart;
mod names;
mod request;

pub use audit::{Write, author};
pub use client::{BuildError, Limits, counted};

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bus_schema::{KindName, Place, Resource};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use self::api::Api;
use self::client::Client;
use self::contents::Contents;
use self::kinds::Operations;
use self::request::Request;
use crate::error::{Attempt, Error};
use crate::kind::{Catalogue, Ownership, ScopeLevel};
use crate::{Cloud, Observed};

/// Where Cloudflare's own API is.
pub const API: &str = "https://api.cloudflare.com/client/v4";

/// Calls in any 5 minutes that Cloudflare grants a token where nothing else was agreed.
pub const RATE: NonZeroU32 = match NonZeroU32::new(1_200) {
    Some(rate) => rate,
    None => NonZeroU32::MIN,
};

/// Every kind of Cloudflare's there is, for those who decide and hold no credential.
pub const fn catalogue() -> Catalogue {
    Catalogue(kinds::KINDS)
}

/// A zone, as it was found.
#[derive(Debug, Clone)]
struct Zone {
    id: String,
    /// The id of the account it belongs to.
    account: String,
}

/// Cloudflare, with one token.
#[derive(Debug)]
pub struct Cloudflare {
    client: Client,
    /// Zones by name, as found.
    zones: Mutex<HashMap<String, Zone>>,
    contents: Contents,
}

impl Cloudflare {
    /// A client of the API at `base` (see [`API`]) that keeps within the [`Limits`] there are where
    /// nothing else is said; nothing is called yet.
    ///
    /// # Errors
    /// When the base or the token cannot be used.
    pub fn new(base: Url, token: &SecretString) -> Result<Self, BuildError> {
        Self::with_limits(base, token, Limits::default())
    }

    /// The same within other limits.
    ///
    /// # Errors
    /// When the base or the token cannot be used.
    pub fn with_limits(
        base: Url,
        token: &SecretString,
        limits: Limits,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            client: Client::new(base, token, limits)?,
            zones: Mutex::default(),
            contents: Contents::default(),
        })
    }

    /// The kind, and what its calls are made with.
    async fn on(&self, attempt: Attempt) -> Result<(&'static dyn Operations, Api<'_>), Error> {
        let Some(kind) = kinds::operations(attempt.kind()) else {
            let reason = "Cloudflare has no such kind".to_owned();
            return Err(Error::Unsupported { attempt, reason });
        };
        let api = match (kind.describe().scope, attempt.place().clone()) {
            (ScopeLevel::Account, Place::Account(id)) => {
                Api::in_account(&self.client, &self.contents, &id, attempt)
            }
            (ScopeLevel::Zone, Place::Zone(name)) => {
                let zone = self.zone(&name, &attempt).await?;
                Api::in_zone(&self.client, &self.contents, &zone.id, attempt)
            }
            (ScopeLevel::Account | ScopeLevel::Zone, _) => {
                let reason = "the kind does not live in such a place".to_owned();
                return Err(Error::Unsupported { attempt, reason });
            }
        };
        Ok((kind, api))
    }

    async fn zone(&self, name: &str, attempt: &Attempt) -> Result<Zone, Error> {
        let known = self.zones.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(zone) = known {
            return Ok(zone);
        }
        let request = Request::new(Method::GET, vec!["zones".to_owned()], attempt.clone());
        let found: Value =
            self.client.call(request.query("name", name)).await?.result.unwrap_or_default();
        let text = |zone: &Value, pointer: &str| {
            zone.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
        };
        let zone = found
            .as_array()
            .into_iter()
            .flatten()
            .find(|zone| zone.get("name").and_then(Value::as_str) == Some(name))
            .and_then(|zone| {
                let account = text(zone, "/account/id").unwrap_or_default();
                Some(Zone { id: text(zone, "/id")?, account })
            });
        let Some(zone) = zone else {
            let message = format!("the token sees no zone named {name}");
            return Err(failure::absent(attempt.clone(), message));
        };
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.insert(name.to_owned(), zone.clone());
        Ok(zone)
    }

    /// Forgets the id of a zone that is gone: one made anew under the name has another.
    fn checked<T>(&self, place: &Place, result: Result<T, Error>) -> Result<T, Error> {
        if let (Place::Zone(name), Err(Error::NotFound { .. })) = (place, &result) {
            self.zones.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
        result
    }
}

#[async_trait]
impl Cloud for Cloudflare {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    async fn list(&self, kind: &KindName, place: &Place) -> Result<Vec<Observed>, Error> {
        let (kind, api) = self.on(Attempt::on_scope("list", kind, place)).await?;
        self.checked(place, kind.list(&api).await)
    }

    async fn read(
        &self,
        kind: &KindName,
        place: &Place,
        id: &str,
    ) -> Result<Option<Observed>, Error> {
        let (kind, api) = self.on(Attempt::on_object("read", kind, place, id)).await?;
        self.checked(place, kind.read(&api, id).await)
    }

    async fn unowned(
        &self,
        kind: &KindName,
        place: &Place,
    ) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let (kind, api) = self.on(Attempt::on_scope("list", kind, place)).await?;
        self.checked(place, kind.unowned(&api).await)
    }

    async fn create(&self, resource: &Resource) -> Result<Observed, Error> {
        let Resource { address, place, .. } = resource;
        let (kind, api) = self.on(Attempt::on_resource("create", address, place)).await?;
        self.checked(place, api.whole(kind.create(&api, resource).await))
    }

    async fn update(&self, resource: &Resource, id: &str) -> Result<Observed, Error> {
        let Resource { address, place, .. } = resource;
        let (kind, api) = self.on(Attempt::on_resource("update", address, place)).await?;
        self.checked(place, api.whole(kind.update(&api, resource, id).await))
    }

    async fn delete(&self, kind: &KindName, place: &Place, id: &str) -> Result<(), Error> {
        let (kind, api) = self.on(Attempt::on_object("delete", kind, place, id)).await?;
        if kind.describe().ownership == Ownership::Claimed {
            let reason = "it is always there; set it to what it was before".to_owned();
            return Err(Error::Unsupported { attempt: api.attempt().clone(), reason });
        }
        self.checked(place, kind.delete(&api, id).await)
    }
}
