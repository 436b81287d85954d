//! Says that this process is alive, for as long as it is.
//!
//! One key with a time to live a process, renewed well within it. A run whose holder's key has ended
//! may be taken over. The key fences nothing: the journal's compare-and-set does.

use std::time::Duration;

use bus_schema::{InstanceId, Session};
use runtime::{Bus, CancellationToken, Revision, Store, StoreError};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// Renewals within one time to live.
const RENEWALS: u32 = 3;

/// The session of this process, renewed in the background.
#[derive(Debug)]
pub struct OpenSession {
    stop: CancellationToken,
    renewal: Mutex<Option<JoinHandle<()>>>,
}

impl OpenSession {
    /// Opens this process's session; it ends `ttl` after the process does.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn open(bus: &Bus, ttl: Duration) -> Result<Self, StoreError> {
        let session = Session { instance: bus.instance().clone(), started_at: runtime::now() };
        let kept = Kept { store: bus.store(), key: bus.instance().clone(), session, ttl };
        let revision = kept.store.put_for(&kept.key, &kept.session, ttl, None).await?;
        runtime::failpoint!("session::opened");
        let stop = CancellationToken::new();
        let renewal = tokio::spawn(kept.renew(revision, stop.clone()));
        Ok(Self { stop, renewal: Mutex::new(Some(renewal)) })
    }

    /// Ends the session at once, so that nobody waits for it.
    pub async fn close(&self) {
        self.stop.cancel();
        if let Some(renewal) = self.renewal.lock().await.take()
            && let Err(error) = renewal.await
        {
            tracing::warn!(%error, "the session was not closed");
        }
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Kept {
    store: Store<Session>,
    key: InstanceId,
    session: Session,
    ttl: Duration,
}

impl Kept {
    async fn renew(self, revision: Revision, stop: CancellationToken) {
        let mut revision = Some(revision);
        let mut ticks = tokio::time::interval(self.ttl / RENEWALS);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            runtime::failpoint!("session::before_renewal");
            match self.store.put_for(&self.key, &self.session, self.ttl, revision).await {
                Ok(renewed) => {
                    runtime::failpoint!("session::after_renewal");
                    revision = Some(renewed);
                }
                Err(error) => {
                    tracing::warn!(error = %runtime::chain(&error), "the session was not renewed");
                    // It may have ended, or an answer may have been lost: start from what is there.
                    revision = match self.store.get(&self.key).await {
                        Ok(found) => found.map(|(_, revision)| revision),
                        Err(_) => revision,
                    };
                }
            }
        }
        runtime::failpoint!("session::before_end");
        if let Some(revision) = revision
            && let Err(error) = self.store.delete(&self.key, revision).await
        {
            tracing::debug!(error = %runtime::chain(&error), "the session ends by its time");
        }
    }
}
