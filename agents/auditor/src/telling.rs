//! Announces what is recorded. An announcement is kept until it was made, and carries the same id
//! whenever it is: so none is lost and none is taken for two.

use bus_schema::{Announcement, Finding, IntentState, MessageId, StackObservation};
use runtime::{BusError, Revision, StoreError};
use tracing::{Instrument, Span};

use crate::findings;
use crate::watching::{ATTEMPTS, Watching};

impl Watching {
    /// Makes the announcements that an observation owes, and notes that they were made. Where that
    /// fails, whoever finds them owed later makes them.
    pub(crate) async fn tell(
        &self,
        mut observation: StackObservation,
        mut revision: Revision,
    ) -> Result<(), StoreError> {
        let said = observation.unsaid.clone();
        for announcement in &said {
            runtime::failpoint!("auditor::before_announcement");
            if let Err(error) = self.announce(announcement).await {
                let stack = &observation.stack;
                tracing::warn!(%stack, error = runtime::chain(&error), "announced later");
                return Ok(());
            }
            runtime::failpoint!("auditor::announced");
        }
        for _ in 0..ATTEMPTS {
            let Some(next) = findings::without_said(&observation, &said) else { return Ok(()) };
            match self.observed.update(&next.stack, &next, revision).await {
                Err(StoreError::Conflict { .. }) => {
                    let Some(read) = self.observed.get(&next.stack).await? else { return Ok(()) };
                    (observation, revision) = read;
                }
                other => return other.map(drop),
            }
        }
        Err(StoreError::Conflict { key: observation.stack.to_string() })
    }

    async fn announce(&self, announcement: &Announcement) -> Result<u64, BusError> {
        let (finding, what) = match announcement {
            Announcement::Found(it) => (&it.finding, "drift found"),
            Announcement::Resolved(it) => (&it.finding, "drift resolved"),
        };
        let id = MessageId::given(finding.id.as_str()).derive(what);
        let span = self.span(finding, what).await;
        let sent = async {
            match announcement {
                Announcement::Found(it) => self.bus.publish(it, &id).await,
                Announcement::Resolved(it) => self.bus.publish(it, &id).await,
            }
        };
        let sequence = sent.instrument(span.clone()).await?;
        span.in_scope(|| match announcement {
            Announcement::Found(it) => tracing::info!(
                stack = %it.stack, finding = %finding.id, drift = %finding.drift,
                object = finding.object, by = finding.by, "drift found"
            ),
            Announcement::Resolved(it) => tracing::info!(
                stack = %it.stack, finding = %finding.id, object = finding.object,
                became = it.became.as_ref().map(tracing::field::display), "drift resolved"
            ),
        });
        Ok(sequence)
    }

    /// The span of an announcement: a part of the look, linked to the intent that declared the
    /// resource; and in that intent's trace one that leads here.
    async fn span(&self, finding: &Finding, what: &'static str) -> Span {
        let span = tracing::info_span!(
            "finding",
            otel.name = what,
            zerodrift.finding = %finding.id,
            zerodrift.drift = %finding.drift,
            zerodrift.resource = finding.resource.as_ref().map(tracing::field::display),
            zerodrift.intent = finding.intent.map(tracing::field::display),
        );
        let Some(declared) = self.declared_by(finding).await else { return span };
        runtime::link(&span, &declared);
        let there = tracing::info_span!(
            parent: None,
            "finding",
            otel.name = what,
            zerodrift.finding = %finding.id,
        );
        runtime::join(&there, &declared);
        if let Some(here) = runtime::traceparent(&span) {
            runtime::link(&there, &here);
        }
        // It has no length: it is a sign on the way.
        there.in_scope(|| ());
        span
    }

    /// The trace of the intent that declared what was found changed.
    async fn declared_by(&self, finding: &Finding) -> Option<String> {
        let intents = self.bus.store::<IntentState>();
        let (state, _) = intents.get(&finding.intent?).await.ok()??;
        state.traceparent
    }
}
