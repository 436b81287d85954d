//! Which message goes to which handler.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bus_schema::stream::Consumer;
use bus_schema::{Message, Received, StackName, codec, header};
use futures::future::BoxFuture;

use crate::delivery::raw::Raw;
use crate::{HandleError, Outbox};

/// The handlers of an agent, by consumer and message type.
///
/// The crate's example `echo` is a whole agent with one.
pub struct Routes<A> {
    families: BTreeMap<&'static str, Family<A>>,
}

impl<A> fmt::Debug for Routes<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.families.keys()).finish()
    }
}

impl<A> Default for Routes<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Send + Sync + 'static> Routes<A> {
    /// Adds the handler of one type of message that the consumer delivers.
    ///
    /// Types that share a consumer are told apart by the `Zerodrift-Type` header. A message
    /// without one goes to the only handler there is, or to the only one whose subjects fit.
    #[must_use]
    pub fn on<M, H, F>(mut self, consumer: Consumer, handler: H) -> Self
    where
        M: Message,
        H: Fn(Arc<A>, Received<M>, Outbox) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), HandleError>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let route = Route {
            kind: M::TYPE,
            fits: |subject| M::FILTER.matches(subject),
            prepare: Box::new(move |raw| prepare(raw, &handler)),
        };
        self.families
            .entry(consumer.name)
            .or_insert_with(|| Family { consumer, routes: Vec::new() })
            .routes
            .push(route);
        self
    }
}

impl<A> Routes<A> {
    /// None yet.
    pub const fn new() -> Self {
        Self { families: BTreeMap::new() }
    }

    /// The handlers of each consumer.
    pub(crate) fn into_families(self) -> impl Iterator<Item = Family<A>> {
        self.families.into_values()
    }
}

/// The handlers of one consumer.
pub(crate) struct Family<A> {
    pub(crate) consumer: Consumer,
    routes: Vec<Route<A>>,
}

struct Route<A> {
    kind: &'static str,
    fits: fn(&str) -> bool,
    prepare: Box<Prepare<A>>,
}

type Prepare<A> = dyn Fn(&Raw) -> Result<Prepared<A>, Undeliverable> + Send + Sync;
type Run<A> = Box<dyn FnOnce(Arc<A>, Outbox) -> BoxFuture<'static, Result<(), HandleError>> + Send>;

/// A decoded message, ready for its handler.
pub(crate) struct Prepared<A> {
    pub(crate) kind: &'static str,
    pub(crate) stack: Option<StackName>,
    pub(crate) intent: Option<String>,
    pub(crate) run: Run<A>,
}

/// A message that no handler can be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undeliverable {
    #[error("cannot be decoded as {kind}")]
    Undecodable { kind: &'static str, source: codec::DecodeError },
    #[error("no handler for type `{kind}`; {consumer} takes {known}")]
    UnknownType { kind: String, consumer: &'static str, known: String },
    #[error("its type is not said (header {}); {consumer} takes {known}", header::TYPE)]
    Untyped { consumer: &'static str, known: String },
    #[error("it belongs on subject `{belongs}`")]
    WrongSubject { belongs: String },
}

impl<A> Family<A> {
    /// Finds the handler and decodes the message for it.
    pub(crate) fn prepare(&self, raw: &Raw) -> Result<Prepared<A>, Undeliverable> {
        (self.route(raw)?.prepare)(raw)
    }

    fn route(&self, raw: &Raw) -> Result<&Route<A>, Undeliverable> {
        let consumer = self.consumer.name;
        if let Some(kind) = raw.header(header::TYPE) {
            return self.routes.iter().find(|route| route.kind == kind).ok_or_else(|| {
                let kind = kind.chars().take(80).collect();
                Undeliverable::UnknownType { kind, consumer, known: self.known() }
            });
        }
        let mut fitting = self.routes.iter().filter(|route| (route.fits)(raw.subject()));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Undeliverable::Untyped { consumer, known: self.known() }),
        }
    }

    fn known(&self) -> String {
        self.routes.iter().map(|route| route.kind).collect::<Vec<_>>().join(", ")
    }
}

fn prepare<A, M, H, F>(raw: &Raw, handler: &Arc<H>) -> Result<Prepared<A>, Undeliverable>
where
    A: Send + Sync + 'static,
    M: Message,
    H: Fn(Arc<A>, Received<M>, Outbox) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), HandleError>> + Send + 'static,
{
    let message: M = codec::decode(raw.header(header::CONTENT_TYPE), raw.payload())
        .map_err(|source| Undeliverable::Undecodable { kind: M::TYPE, source })?;
    // Permissions are by subject: what is said about one stack under another's name is not taken.
    let belongs = message.subject();
    if belongs.as_str() != raw.subject() {
        return Err(Undeliverable::WrongSubject { belongs: belongs.to_string() });
    }
    let stack = message.stack().cloned();
    let intent = message.intent().map(|intent| intent.to_string());
    let received = raw.received(message);
    let handler = Arc::clone(handler);
    let run: Run<A> = Box::new(move |agent, outbox| Box::pin(handler(agent, received, outbox)));
    Ok(Prepared { kind: M::TYPE, stack, intent, run })
}
