//! One message from its delivery to its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use bus_schema::stream::Consumer;
use futures::FutureExt;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{Instrument, Span};

use super::raw::Raw;
use super::turns::Turn;
use super::{Counts, Shared, dead};
use crate::Outbox;
use crate::retry::{Ended, Verdict, chain, decide, panic_message};
use crate::routes::{Prepared, Undeliverable};
use crate::telemetry::spans;

/// The type of what could not even be told, in telemetry.
const UNKNOWN: &str = "unknown";
/// Redelivery after the dead letter could not be kept.
const DEAD_LETTER_RETRY: Duration = Duration::from_secs(5);

/// One message, delivered to us.
pub(super) struct Handling<A> {
    pub(super) shared: Arc<Shared<A>>,
    pub(super) consumer: Consumer,
    pub(super) message: Message,
    pub(super) raw: Raw,
}

impl<A: Send + Sync + 'static> Handling<A> {
    pub(super) async fn run(self, prepared: Result<Prepared<A>, Undeliverable>, turn: Turn) {
        let handed_back = self.shared.stop.working.clone();
        let settled = {
            let work = self.settle(prepared, turn);
            let alive = self.keep_alive();
            tokio::select! {
                biased;
                () = work => true,
                () = handed_back.cancelled() => false,
                () = alive => false,
            }
        };
        if !settled {
            tracing::info!(sequence = self.raw.sequence(), "handed back");
            hand_back(&self.message).await;
        }
    }

    /// Tells the server, time and again, that the message is worked on. Never ends.
    async fn keep_alive(&self) {
        let mut beat = tokio::time::interval(self.consumer.ack_wait / 3);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is immediate, and the message was delivered just now.
        beat.tick().await;
        loop {
            beat.tick().await;
            if let Err(error) = self.message.ack_with(AckKind::Progress).await {
                tracing::debug!(%error, "cannot say that it is worked on");
            }
        }
    }

    async fn settle(&self, prepared: Result<Prepared<A>, Undeliverable>, mut turn: Turn) {
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(undeliverable) => {
                let span = spans::process(&self.consumer, &self.raw, UNKNOWN, None);
                return self.bury(UNKNOWN, &chain(&undeliverable)).instrument(span).await;
            }
        };
        let kind = prepared.kind;
        let Some(_slot) = self.slot(&mut turn).await else {
            return hand_back(&self.message).await;
        };
        let span = spans::process(&self.consumer, &self.raw, kind, prepared.intent.as_deref());
        let most = u64::try_from(self.consumer.max_deliver).unwrap_or(u64::MAX);
        if self.raw.delivery() > most {
            let reason = format!(
                "delivered {most} times and never answered for: whoever handled it has died of it, \
                 or was stopped each time"
            );
            return self.bury(kind, &reason).instrument(span).await;
        }
        let counts = &self.shared.counts;
        counts.under_way.fetch_add(1, Ordering::Relaxed);
        crate::failpoint!("delivery::before_handler");
        let began = Instant::now();
        let ended = self.handle(prepared).instrument(span.clone()).await;
        counts.under_way.fetch_sub(1, Ordering::Relaxed);
        self.shared.bus.meters().took(&self.consumer, kind, began.elapsed());
        crate::failpoint!("delivery::handled");
        let (verdict, reason) = decide(ended, self.raw.delivery(), most);
        if let Some(reason) = &reason {
            spans::fail(&span, "handler", reason);
        }
        self.carry_out(verdict, kind, reason).instrument(span).await;
        drop(turn);
    }

    /// A place at work, once it is this message's turn; none where the request to stop came first.
    async fn slot(&self, turn: &mut Turn) -> Option<SemaphorePermit<'_>> {
        let at_work = async {
            turn.come().await;
            self.shared.slots.acquire().await.ok()
        };
        self.shared.stop.taking.run_until_cancelled(at_work).await.flatten()
    }

    async fn handle(&self, prepared: Prepared<A>) -> Ended {
        let outbox = Outbox::new(self.shared.bus.clone(), self.raw.id());
        let agent = Arc::clone(&self.shared.agent);
        let handler = async { (prepared.run)(agent, outbox).await };
        match AssertUnwindSafe(handler).catch_unwind().await {
            Ok(Ok(())) => Ended::Handled,
            Ok(Err(error)) => Ended::Failed(error),
            Err(panic) => Ended::Panicked(panic_message(panic.as_ref())),
        }
    }

    async fn carry_out(&self, verdict: Verdict, kind: &'static str, reason: Option<String>) {
        match verdict {
            Verdict::Ack => {
                Counts::add(&self.shared.counts.handled);
                self.shared.bus.meters().handled(&self.consumer, kind);
                self.acknowledge().await;
            }
            Verdict::Again(delay) => {
                let reason = reason.unwrap_or_default();
                let delivery = self.raw.delivery();
                tracing::warn!(kind, delivery, ?delay, reason, "will be handled again");
                Counts::add(&self.shared.counts.retried);
                self.shared.bus.meters().retried(&self.consumer, kind);
                crate::failpoint!("delivery::before_nak");
                self.answer(AckKind::Nak(Some(delay))).await;
                crate::failpoint!("delivery::after_nak");
            }
            Verdict::Later(delay) => {
                tracing::debug!(kind, ?delay, "to be looked at later");
                crate::failpoint!("delivery::before_nak");
                self.answer(AckKind::Nak(Some(delay))).await;
                crate::failpoint!("delivery::after_nak");
            }
            Verdict::Dead(reason) => self.bury(kind, &reason).await,
        }
    }

    /// Keeps a copy with the reason, then is done with the message. Where the copy cannot be kept,
    /// the message stays.
    async fn bury(&self, kind: &'static str, reason: &str) {
        spans::fail(&Span::current(), "dead_letter", reason);
        crate::failpoint!("delivery::before_dead_letter");
        match dead::keep(&self.shared.bus, &self.consumer, &self.raw, reason).await {
            Ok(()) => {
                crate::failpoint!("delivery::after_dead_letter");
                let (subject, sequence) = (self.raw.subject(), self.raw.sequence());
                tracing::error!(kind, subject, sequence, reason, "given up; see `zerodrift dead`");
                Counts::add(&self.shared.counts.dead_lettered);
                self.shared.bus.meters().dead_lettered(&self.consumer, kind);
                self.acknowledge().await;
            }
            Err(error) => {
                tracing::error!(kind, reason, error = chain(&error), "cannot keep a dead letter");
                self.answer(AckKind::Nak(Some(DEAD_LETTER_RETRY))).await;
            }
        }
    }

    /// Acknowledges and waits for the server's word that it knows. Without it the message comes
    /// again, and handling it again changes nothing.
    async fn acknowledge(&self) {
        crate::failpoint!("delivery::before_ack");
        if let Err(error) = self.message.double_ack().await {
            tracing::warn!(%error, sequence = self.raw.sequence(), "acknowledgement not confirmed");
        }
        crate::failpoint!("delivery::after_ack");
    }

    async fn answer(&self, kind: AckKind) {
        if let Err(error) = self.message.ack_with(kind).await {
            tracing::warn!(%error, sequence = self.raw.sequence(), "cannot answer for a message");
        }
    }
}

/// Gives a message back for somebody else to take at once.
pub(super) async fn hand_back(message: &Message) {
    if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
        tracing::warn!(%error, "cannot hand a message back");
    }
}
