//! A cloud in memory that can refuse, fail, lose an answer, or be cut off by a kill at any call.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::cloud::{ApiError, Attempt, Cloud, Error, Kind, Marker, Observed, Reply};
use async_trait::async_trait;
use bus_schema::{KindName, Place, Properties, Resource};
use tokio::sync::watch;
use tokio::time::Instant;

use super::kinds;

/// Whether a process still lives, and at which of its points it dies. A point is a moment before or
/// after an effect.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    dead: Arc<watch::Sender<bool>>,
    points: Arc<AtomicUsize>,
    last: Arc<AtomicUsize>,
    halt: Arc<AtomicUsize>,
    halted: Arc<watch::Sender<Halt>>,
}

/// Whether a process has come to the point where it halts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    NotYet,
    Now,
    Over,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            dead: Arc::new(watch::Sender::new(false)),
            points: Arc::default(),
            last: Arc::new(AtomicUsize::new(usize::MAX)),
            halt: Arc::new(AtomicUsize::new(usize::MAX)),
            halted: Arc::new(watch::Sender::new(Halt::NotYet)),
        }
    }
}

impl Life {
    /// Dies at this point.
    pub(crate) fn dies_at(&self, point: usize) {
        self.last.store(point, Ordering::SeqCst);
    }

    /// Halts at this point until told to go on.
    pub(crate) fn halts_at(&self, point: usize) {
        self.halt.store(point, Ordering::SeqCst);
    }

    /// When it halts.
    pub(crate) async fn halts(&self) {
        self.halted.subscribe().wait_for(|it| *it != Halt::NotYet).await.ok();
    }

    /// Goes on, and does not halt any more.
    pub(crate) fn goes_on(&self) {
        self.halt.store(usize::MAX, Ordering::SeqCst);
        self.halted.send_replace(Halt::Over);
    }

    /// Points passed.
    pub(crate) fn points(&self) -> usize {
        self.points.load(Ordering::SeqCst)
    }

    /// Passes a point, or dies at it.
    pub(crate) async fn count(&self) {
        let point = self.points.fetch_add(1, Ordering::SeqCst);
        if point == self.last.load(Ordering::SeqCst) {
            self.dead.send_replace(true);
        }
        if point == self.halt.load(Ordering::SeqCst) {
            self.halted.send_replace(Halt::Now);
            let mut halted = self.halted.subscribe();
            halted.wait_for(|it| *it == Halt::Over).await.ok();
        }
        self.alive().await;
    }

    /// What a dead process does not come back from.
    pub(crate) async fn alive(&self) {
        tokio::task::yield_now().await;
        if *self.dead.borrow() {
            std::future::pending::<()>().await;
        }
    }

    /// When it has died.
    pub(crate) async fn died(&self) {
        let mut dead = self.dead.subscribe();
        if dead.wait_for(|dead| *dead).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What goes wrong with a call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refused for good.
    Refused,
    /// Not available; nothing happens.
    Unavailable,
    /// It takes effect, and the answer is lost.
    Lost,
}

/// The objects there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) objects: Objects,
    next_id: u64,
    /// How often each marked object was made.
    pub(crate) creates: BTreeMap<String, usize>,
    /// Calls that change something, in order.
    pub(crate) log: Vec<String>,
    /// What goes wrong with the nth such call from now on, counted from 0.
    pub(crate) faults: BTreeMap<usize, Fault>,
    /// What goes wrong with every call whose line in the log starts so.
    pub(crate) always: Vec<(String, Fault)>,
    pub(crate) calls: usize,
    /// How far reads lag behind writes.
    pub(crate) lag: Duration,
    /// What there was at another time, and how many listings show that.
    other: (Objects, usize),
    /// What there was before each write, and when that was.
    past: Vec<(Instant, Objects)>,
}

type Objects = BTreeMap<(String, Place), Vec<Observed>>;

impl World {
    /// The settings of a zone, which are always there.
    pub(crate) fn settings(&mut self) {
        for name in ["tls", "http3"] {
            let observed = Observed {
                id: name.to_owned(),
                key: name.to_owned(),
                owner: None,
                properties: super::properties(&[("setting", name), ("value", "off")]),
                outputs: BTreeMap::new(),
                modified_at: None,
            };
            self.scope("cloudflare.setting", &super::zone("example.com")).push(observed);
        }
    }

    pub(crate) fn scope(&mut self, kind: &str, place: &Place) -> &mut Vec<Observed> {
        self.objects.entry((kind.to_owned(), place.clone())).or_default()
    }

    /// Everything there is, without the ids a cloud gives.
    pub(crate) fn picture(&self) -> Vec<String> {
        let all = self.objects.iter().flat_map(|((kind, place), objects)| {
            objects.iter().map(move |it| {
                let owner = it.owner.as_ref().map(ToString::to_string).unwrap_or_default();
                let mut fields = it.properties.clone();
                // A link holds an id.
                if let Some(link) = fields.0.get_mut("link") {
                    let target = link.as_str().unwrap_or_default().to_owned();
                    let known = self.objects.values().flatten().any(|it| it.id == target);
                    *link = if known { "there".into() } else { "dangling".into() };
                }
                format!("{kind} in {place}: {} {owner} {fields:?}", it.key)
            })
        });
        let mut all: Vec<String> = all.collect();
        all.sort();
        all
    }

    /// A scope as reads show it.
    fn shown(&mut self, kind: &str, place: &Place) -> Vec<Observed> {
        if let Some(left) = self.other.1.checked_sub(1) {
            self.other.1 = left;
            let scope = (kind.to_owned(), place.clone());
            return self.other.0.get(&scope).cloned().unwrap_or_default();
        }
        let lag = self.lag;
        self.past.retain(|(at, _)| at.elapsed() < lag);
        let objects = self.past.first().map_or(&self.objects, |(_, objects)| objects);
        objects.get(&(kind.to_owned(), place.clone())).cloned().unwrap_or_default()
    }

    fn fault(&mut self, line: &str) -> Option<Fault> {
        let nth = self.calls;
        self.calls += 1;
        self.log.push(line.to_owned());
        let always = self.always.iter().find(|(start, _)| line.starts_with(start));
        self.faults.get(&nth).copied().or(always.map(|(_, fault)| *fault))
    }

    /// Makes an object as somebody else would, without a marker.
    pub(crate) fn foreign(&mut self, kind: &str, key: &str, properties: Properties) {
        self.next_id += 1;
        let id = format!("foreign-{}", self.next_id);
        let observed = Observed {
            id,
            key: key.to_owned(),
            owner: None,
            properties,
            outputs: BTreeMap::new(),
            modified_at: None,
        };
        self.scope(kind, &super::zone("example.com")).push(observed);
    }

    /// Has so many listings to come show what there was at another time.
    pub(crate) fn show(&mut self, past: &Self, listings: usize) {
        self.other = (past.objects.clone(), listings);
    }

    /// Changes an object's field as somebody else would.
    pub(crate) fn edit(&mut self, key: &str, field: &str, value: &str) {
        for object in self.objects.values_mut().flatten().filter(|it| it.key == key) {
            object.properties.0.insert(field.to_owned(), value.into());
        }
    }
}

/// One process's access to it.
#[derive(Debug)]
pub(crate) struct FakeCloud {
    world: Arc<Mutex<World>>,
    life: Life,
}

impl FakeCloud {
    pub(crate) const fn new(world: Arc<Mutex<World>>, life: Life) -> Self {
        Self { world, life }
    }

    /// A call that changes something: it can fail before its effect or after it, and a kill can
    /// come at either moment.
    async fn change<T>(
        &self,
        attempt: Attempt,
        effect: impl FnOnce(&mut World) -> Result<T, Error> + Send,
    ) -> Result<T, Error>
    where
        T: Send,
    {
        self.life.alive().await;
        self.life.count().await;
        let outcome = {
            let mut world = self.world.lock().unwrap();
            let before = world.objects.clone();
            world.past.push((Instant::now(), before));
            match world.fault(&attempt.to_string()) {
                Some(Fault::Refused) => Err(refused(attempt, 400)),
                Some(Fault::Unavailable) => {
                    let reply = Reply { status: 503, ..Reply::default() };
                    Err(Error::Unavailable { attempt, reply, source: None })
                }
                Some(Fault::Lost) => effect(&mut world).and({
                    let reply = Reply::default();
                    Err(Error::OutcomeUnknown { attempt, reply, source: None })
                }),
                None => effect(&mut world),
            }
        };
        self.life.count().await;
        // A call takes its time; what else is under way goes on meanwhile.
        tokio::task::yield_now().await;
        outcome
    }
}

fn refused(attempt: Attempt, status: u16) -> Error {
    let message = "that will not do".to_owned();
    let errors = vec![ApiError { code: 1004, message, pointer: None }];
    Error::Refused { attempt, reply: Reply { status, errors, request_id: None } }
}

fn kind(name: &KindName) -> &'static dyn Kind {
    kinds::catalogue().get(name).unwrap()
}

#[async_trait]
impl Cloud for FakeCloud {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    async fn list(&self, kind: &KindName, place: &Place) -> Result<Vec<Observed>, Error> {
        self.life.alive().await;
        Ok(self.world.lock().unwrap().shown(kind.as_str(), place))
    }

    async fn read(
        &self,
        kind: &KindName,
        place: &Place,
        id: &str,
    ) -> Result<Option<Observed>, Error> {
        Ok(self.list(kind, place).await?.into_iter().find(|it| it.id == id))
    }

    async fn create(&self, resource: &Resource) -> Result<Observed, Error> {
        let Resource { address, place, properties, .. } = resource.clone();
        let name = address.kind.clone();
        let key = kind(&name).key(&address, &properties);
        let attempt = Attempt::on_resource("create", &address, &place);
        let collision = Attempt::on_resource("create", &address, &place);
        self.change(attempt, move |world| {
            world.next_id += 1;
            let id = format!("id-{}", world.next_id);
            let objects = world.scope(name.as_str(), &place);
            if name.local() == "setting" {
                let object = objects.iter_mut().find(|it| it.key == key).unwrap();
                object.properties = properties;
                return Ok(object.clone());
            }
            if objects.iter().any(|it| it.key == key) {
                let reply = Reply { status: 409, ..Reply::default() };
                return Err(Error::Conflict { attempt: collision, reply });
            }
            let owner = (name.local() == "item").then(|| Marker::of(&address));
            let outputs = BTreeMap::from([("id".to_owned(), id.clone())]);
            let object = Observed { id, key, owner, properties, outputs, modified_at: None };
            objects.push(object.clone());
            *world.creates.entry(address.to_string()).or_default() += 1;
            Ok(object)
        })
        .await
    }

    async fn update(&self, resource: &Resource, id: &str) -> Result<Observed, Error> {
        let Resource { address, place, properties, .. } = resource.clone();
        let attempt = Attempt::on_resource("update", &address, &place);
        let missing = Attempt::on_resource("update", &address, &place);
        let id = id.to_owned();
        self.change(attempt, move |world| {
            let objects = world.scope(address.kind.as_str(), &place);
            let Some(object) = objects.iter_mut().find(|it| it.id == id) else {
                let reply = Reply { status: 404, ..Reply::default() };
                return Err(Error::NotFound { attempt: missing, reply });
            };
            object.properties = properties;
            if address.kind.local() == "item" {
                object.owner = Some(Marker::of(&address));
            }
            Ok(object.clone())
        })
        .await
    }

    async fn delete(&self, kind: &KindName, place: &Place, id: &str) -> Result<(), Error> {
        let attempt = Attempt::on_object("delete", kind, place, id);
        let (kind, place, id) = (kind.clone(), place.clone(), id.to_owned());
        self.change(attempt, move |world| {
            world.scope(kind.as_str(), &place).retain(|it| it.id != id);
            Ok(())
        })
        .await
    }
}
