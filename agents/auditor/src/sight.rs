//! All that the auditor can do to a cloud: look.

use std::fmt;

use async_trait::async_trait;
use bus_schema::Scope;
use cloud::cloudflare::{Cloudflare, Write};
use cloud::{Cloud, Error, Observed};
use jiff::Timestamp;

/// A cloud that can be looked at and not be changed. A trait, so that looks can be tested without
/// one.
#[async_trait]
pub trait Sight: fmt::Debug + Send + Sync {
    /// Everything in a scope, whoever made it.
    async fn list(&self, scope: &Scope) -> Result<Vec<Observed>, Error>;

    /// The calls that changed something in a scope's place, by anybody.
    async fn writes(
        &self,
        scope: &Scope,
        since: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Write>, Error>;
}

#[async_trait]
impl Sight for Cloudflare {
    async fn list(&self, scope: &Scope) -> Result<Vec<Observed>, Error> {
        Cloud::list(self, &scope.kind, &scope.place).await
    }

    async fn writes(
        &self,
        scope: &Scope,
        since: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Write>, Error> {
        Self::writes(self, scope, since, before).await
    }
}
