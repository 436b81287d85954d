//! Everything that happens, as it happens: the stream's messages, intents' records and stacks'
//! journals, in one order.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull::OrderedConfig};
use async_nats::jetstream::kv::{Entry, Operation, Watch};
use bus_schema::stream::SWARM;
use bus_schema::{FindingResolved, IntentId, IntentState, Record, StackName, StackState, codec};
use futures::stream::{BoxStream, SelectAll};
use futures::{Stream, StreamExt as _};

use crate::Failure;
use crate::failure::Explain as _;
use crate::output::timeline::{self, Event};
use crate::swarm::Swarm;
use crate::swarm::news::{News, Said};

/// How long is waited for what happened before what was heard first: the three sources are not
/// ordered among each other.
const SETTLE: Duration = Duration::from_millis(30);

/// What to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Whatever happens from now on.
    Everything,
    /// One intent, from its place in the stream where that is known.
    Intent(IntentId, Option<u64>),
}

/// Everything that happens.
pub(crate) struct Feed {
    sources: SelectAll<BoxStream<'static, Heard>>,
    follow: Follow,
    /// Revision and record of each stack as last heard.
    stacks: HashMap<StackName, (u64, StackState)>,
}

/// What happened in one moment.
#[derive(Debug, Default)]
pub(crate) struct Moment {
    /// In order.
    pub(crate) events: Vec<Event>,
    /// The record of the intent followed, where it is new.
    pub(crate) intent: Option<IntentState>,
    /// Findings that ended.
    pub(crate) resolved: Vec<FindingResolved>,
}

#[derive(Debug)]
enum Heard {
    News(Box<News>),
    Intent(Box<IntentState>, jiff::Timestamp),
    Stack(Box<StackState>, u64, jiff::Timestamp),
}

impl Swarm {
    /// Begins to follow.
    pub(crate) async fn follow(&self, follow: Follow) -> Result<Feed, Failure> {
        let what = "the swarm cannot be followed";
        let advice = "has this NATS server been prepared? `zerodrift bootstrap` does it";
        let mut sources = SelectAll::new();
        let deliver_policy = match follow {
            Follow::Everything | Follow::Intent(_, None) => DeliverPolicy::New,
            Follow::Intent(_, Some(start_sequence)) => {
                DeliverPolicy::ByStartSequence { start_sequence }
            }
        };
        let stream = self.bus.jetstream().get_stream(SWARM.name).await.or_advise(what, advice)?;
        let config = OrderedConfig { deliver_policy, ..OrderedConfig::default() };
        let messages = stream.create_consumer(config).await.or_advise(what, advice)?;
        sources.push(news(messages.messages().await.or_advise(what, advice)?).boxed());

        let watch = async |bucket: &str, keys: String| -> Result<Watch, Failure> {
            let store = self.bus.jetstream().get_key_value(bucket).await.or_advise(what, advice)?;
            store.watch(keys).await.or_advise(what, advice)
        };
        let intents = match follow {
            Follow::Everything => format!("{}.>", IntentState::PREFIX),
            Follow::Intent(intent, _) => IntentState::key(&intent),
        };
        let intents = watch(IntentState::BUCKET.name, intents).await?;
        sources.push(
            records::<IntentState>(intents)
                .map(|(record, _, at)| Heard::Intent(Box::new(record), at))
                .boxed(),
        );
        let stacks = watch(StackState::BUCKET.name, format!("{}.>", StackState::PREFIX)).await?;
        sources.push(
            records::<StackState>(stacks)
                .map(|(record, revision, at)| Heard::Stack(Box::new(record), revision, at))
                .boxed(),
        );

        // Read after the watches began, so that nothing is lost in between.
        let known = self.bus.store::<StackState>().list().await.or_advise(what, advice)?;
        let stacks = known
            .into_iter()
            .map(|entry| (entry.record.stack.clone(), (entry.revision.0, entry.record)))
            .collect();
        Ok(Feed { sources, follow, stacks })
    }
}

impl Feed {
    /// What happens next. Comes back with nothing where that was not about what is followed.
    pub(crate) async fn next(&mut self) -> Result<Moment, Failure> {
        let gone = || Failure::new("the connection to the swarm is gone");
        let mut heard = vec![self.sources.next().await.ok_or_else(gone)?];
        while let Ok(Some(more)) = tokio::time::timeout(SETTLE, self.sources.next()).await {
            heard.push(more);
        }
        let mut moment = Moment::default();
        for heard in heard {
            self.take(heard, &mut moment);
        }
        moment.events.retain(|event| match self.follow {
            Follow::Everything => true,
            Follow::Intent(intent, _) => event.intent == Some(intent),
        });
        moment.events.sort_by_key(|event| event.at);
        Ok(moment)
    }

    fn take(&mut self, heard: Heard, moment: &mut Moment) {
        match heard {
            Heard::News(news) => {
                moment.events.push(timeline::of_news(&news));
                if let Said::Resolved(ended) = news.said {
                    moment.resolved.push(*ended);
                }
            }
            Heard::Intent(state, at) => {
                moment.events.extend(timeline::of_intent(&state, at));
                if self.follow != Follow::Everything {
                    moment.intent = Some(*state);
                }
            }
            Heard::Stack(state, revision, at) => {
                let known = self.stacks.get(&state.stack);
                if known.is_none_or(|(seen, _)| *seen < revision) {
                    let before = known.map(|(_, before)| before);
                    moment.events.extend(timeline::of_stack(before, &state, at));
                    self.stacks.insert(state.stack.clone(), (revision, *state));
                }
            }
        }
    }
}

fn news(
    messages: async_nats::jetstream::consumer::pull::Ordered,
) -> impl Stream<Item = Heard> + Send + 'static {
    // An error is a gap in the connection, after which the client goes on where it was.
    messages.filter_map(|message| async {
        let message = message.ok()?;
        let info = message.info().ok()?;
        let (sequence, at) = (info.stream_sequence, super::stored_at(info.published));
        let headers = message.headers.as_ref();
        News::read(sequence, at, &message.subject, headers, &message.payload)
            .map(Box::new)
            .map(Heard::News)
    })
}

fn records<R: Record>(
    watch: Watch,
) -> impl Stream<Item = (R, u64, jiff::Timestamp)> + Send + 'static {
    // The same: after a missed heartbeat the watch goes on by itself.
    watch.filter_map(|entry| async {
        let Entry { value, revision, created, operation, .. } = entry.ok()?;
        let record = codec::decode(None, &value).ok()?;
        (operation == Operation::Put).then(|| (record, revision, super::stored_at(created)))
    })
}
