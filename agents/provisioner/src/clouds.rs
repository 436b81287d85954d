//! The clouds this provisioner may write to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bus_schema::KindName;
use cloud::{Cloud, Error, Observed};
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::preflight::{Scope, Survey};

/// How long the listing before it may keep the next one of its scope waiting.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The clouds by name. Plans that ask for the same scope at once share a listing: at any time at most
/// one is under way and one is to come, however many plans wait.
#[derive(Debug, Clone, Default)]
pub struct Clouds {
    clouds: Vec<Arc<dyn Cloud>>,
    lines: Arc<Lines>,
}

/// A listing that several wait for.
type Listing = Shared<BoxFuture<'static, Result<Arc<Vec<Observed>>, Arc<Error>>>>;
type Lines = Mutex<HashMap<Scope, Line>>;

/// Those who want a scope listed.
#[derive(Debug, Default)]
struct Line {
    /// Held by the listing under way.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The listing that has not begun: what it shows is newer than the wish of whoever joins it.
    next: Option<Listing>,
}

impl Clouds {
    /// These clouds, each with a name of its own.
    pub fn new(clouds: Vec<Arc<dyn Cloud>>) -> Self {
        Self { clouds, lines: Arc::default() }
    }

    /// The cloud of a kind.
    pub fn of(&self, kind: &KindName) -> Option<&Arc<dyn Cloud>> {
        self.clouds.iter().find(|cloud| cloud.name() == kind.cloud())
    }

    /// Lists every scope, `parallelism` at once; each listing begins after this was called. A scope
    /// of a cloud that is not configured is left out: its changes say so themselves.
    ///
    /// # Errors
    /// With the first listing that failed.
    pub async fn survey(
        &self,
        scopes: impl IntoIterator<Item = Scope>,
        parallelism: usize,
    ) -> Result<Survey, Arc<Error>> {
        let listings = scopes.into_iter().filter_map(|scope| {
            let cloud = Arc::clone(self.of(&scope.0)?);
            let listing = self.listing(cloud, scope.clone());
            Some(async move { Ok::<_, Arc<Error>>((scope, listing.await?)) })
        });
        let listed = stream::iter(listings).buffer_unordered(parallelism.max(1)).try_collect();
        listed.await.map(Survey)
    }

    /// The scope's next listing; in a trace it is a part of whoever comes to wait for it first.
    fn listing(&self, cloud: Arc<dyn Cloud>, scope: Scope) -> Listing {
        let mut lines = locked(&self.lines);
        let line = lines.entry(scope.clone()).or_default();
        let turn = Arc::clone(&line.turn);
        let lines: Weak<Lines> = Arc::downgrade(&self.lines);
        let begin = || {
            let listing = async move {
                // One that hangs must not hold up the others for as long.
                let _turn = tokio::time::timeout(LONGEST_WAIT, turn.lock()).await;
                if let Some(lines) = lines.upgrade()
                    && let Some(line) = locked(&lines).get_mut(&scope)
                {
                    line.next = None;
                }
                cloud.list(&scope.0, &scope.1).await.map(Arc::new).map_err(Arc::new)
            };
            listing.boxed().shared()
        };
        line.next.get_or_insert_with(begin).clone()
    }
}

fn locked(lines: &Lines) -> MutexGuard<'_, HashMap<Scope, Line>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
