//! The clouds this provisioner may write to.

use std::sync::Arc;

use bus_schema::KindName;
use cloud::{Cloud, Error};
use futures::{StreamExt, TryStreamExt, stream};

use crate::preflight::{Scope, Survey};

/// The clouds by name.
#[derive(Debug, Clone, Default)]
pub struct Clouds(pub Vec<Arc<dyn Cloud>>);

impl Clouds {
    /// The cloud of a kind.
    pub fn of(&self, kind: &KindName) -> Option<&Arc<dyn Cloud>> {
        self.0.iter().find(|cloud| cloud.name() == kind.cloud())
    }

    /// Lists every scope, `parallelism` at once. A scope of a cloud that is not configured is left
    /// out: its changes say so themselves.
    ///
    /// # Errors
    /// With the first listing that failed.
    pub async fn survey(
        &self,
        scopes: impl IntoIterator<Item = Scope>,
        parallelism: usize,
    ) -> Result<Survey, Error> {
        let listings = scopes.into_iter().filter_map(|scope| {
            let cloud = Arc::clone(self.of(&scope.0)?);
            Some(async move {
                let listing = cloud.list(&scope.0, &scope.1).await?;
                Ok::<_, Error>((scope, listing))
            })
        });
        let listed = stream::iter(listings).buffer_unordered(parallelism.max(1)).try_collect();
        listed.await.map(Survey)
    }
}
