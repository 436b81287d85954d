//! What the tests stand on: a cloud and records in memory, both of which can be made to fail or to
//! die at any call, and plans made by the real `diff`.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod cloud;
pub(crate) mod kinds;
pub(crate) mod records;
pub(crate) mod scene;
pub(crate) mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::cloud::Catalogue;
use bus_schema::{
    Generation, InstanceId, IntentId, Origin, Outcome, Place, Plan, PlanProposed, Properties,
    Resource, ResourceAddress, ResumeRequested, StackState,
};
use provisioner::applier::Applier;
use provisioner::clouds::Clouds;
use provisioner::saga::Saga;
use provisioner::turn::{Arrival, TurnError};

use self::cloud::{FakeCloud, Life, World};
use self::records::{FakeRecords, Shelf};

pub(crate) const STACK: &str = "edge";

pub(crate) fn zone(name: &str) -> Place {
    Place::Zone(name.to_owned())
}

pub(crate) fn address(local: &str) -> ResourceAddress {
    address_in(STACK, local)
}

pub(crate) fn address_in(stack: &str, local: &str) -> ResourceAddress {
    format!("{stack}/cloudflare.{local}").parse().unwrap()
}

pub(crate) fn properties(fields: &[(&str, &str)]) -> Properties {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

pub(crate) fn resource(local: &str, fields: &[(&str, &str)], depends_on: &[&str]) -> Resource {
    Resource {
        address: address(local),
        place: zone("example.com"),
        properties: properties(fields),
        depends_on: depends_on.iter().map(|local| address(local)).collect(),
    }
}

/// A plan from what is recorded to what is wanted, for the intent with this order.
pub(crate) fn plan(state: Option<&StackState>, desired: &[Resource], order: u64) -> PlanProposed {
    plan_of(state, desired, order, kinds::catalogue())
}

/// The same of other kinds.
pub(crate) fn plan_of(
    state: Option<&StackState>,
    desired: &[Resource],
    order: u64,
    catalogue: Catalogue,
) -> PlanProposed {
    let named = desired.first().map(|resource| &resource.address.stack);
    let stack = named.or(state.map(|state| &state.stack)).unwrap().clone();
    let diff = ::cloud::diff(&stack, state, desired, catalogue).unwrap();
    let from = state.map_or(Generation::default(), |state| state.generation);
    PlanProposed::new(Plan {
        intent: IntentId::of_stream_sequence(order),
        order,
        stack,
        environment: "prod".parse().unwrap(),
        path: "edge-cache".parse().unwrap(),
        origin: Origin::Intent,
        from,
        to: if diff.changes.is_empty() { from } else { from.next() },
        parameters: BTreeMap::new(),
        changes: diff.changes,
        unchanged: diff.unchanged,
        excluded: Vec::new(),
        remedy: None,
    })
}

/// One swarm: its cloud, its records, and the plans that were published.
#[derive(Debug, Clone, Default)]
pub(crate) struct Site {
    pub(crate) world: Arc<std::sync::Mutex<World>>,
    pub(crate) shelf: Arc<std::sync::Mutex<Shelf>>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self::default();
        site.world.lock().unwrap().settings();
        site
    }

    /// The same site as it is now, apart from the original.
    pub(crate) fn copy(&self) -> Self {
        Self {
            world: Arc::new(std::sync::Mutex::new(self.world.lock().unwrap().clone())),
            shelf: Arc::new(std::sync::Mutex::new(self.shelf.lock().unwrap().clone())),
        }
    }

    pub(crate) fn state(&self) -> Option<StackState> {
        self.state_of(STACK)
    }

    pub(crate) fn state_of(&self, stack: &str) -> Option<StackState> {
        self.shelf.lock().unwrap().stacks.get(stack).map(|(state, _)| state.clone())
    }

    /// Publishes a plan, giving its sequence.
    pub(crate) fn publish(&self, proposed: &PlanProposed) -> u64 {
        let mut kept = self.shelf.lock().unwrap();
        kept.plans.push(proposed.clone());
        u64::try_from(kept.plans.len()).unwrap()
    }

    /// A provisioner process.
    pub(crate) fn process(&self, name: &str) -> Process {
        let life = Life::default();
        self.shelf.lock().unwrap().sessions.insert(name.to_owned());
        let records = Arc::new(FakeRecords::new(self.shelf.clone(), life.clone()));
        let cloud = Arc::new(FakeCloud::new(self.world.clone(), life.clone()));
        let saga = Saga {
            records: records.clone(),
            clouds: Clouds::new(vec![cloud.clone()]),
            catalogue: kinds::catalogue(),
            parallelism: 4,
            patience: Duration::from_secs(600),
            lag: Duration::from_secs(2),
        };
        let me = InstanceId::new(name).unwrap();
        let turn = Duration::from_secs(1);
        Process { applier: Applier { me, saga, turn }, life, records, cloud, site: self.clone() }
    }

    /// Applies with a process that nothing happens to.
    pub(crate) async fn apply(&self, name: &str, desired: &[Resource], order: u64) -> Outcome {
        self.propose(name, &plan(self.state().as_ref(), desired, order)).await
    }

    /// The same with a plan made already.
    pub(crate) async fn propose(&self, name: &str, proposed: &PlanProposed) -> Outcome {
        let sequence = self.publish(proposed);
        let process = self.process(name);
        process.turn(proposed, sequence).await.unwrap().unwrap().pop().unwrap()
    }
}

/// A provisioner process that can be killed.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) applier: Applier,
    pub(crate) life: Life,
    pub(crate) records: Arc<FakeRecords>,
    pub(crate) cloud: Arc<FakeCloud>,
    pub(crate) site: Site,
}

impl Process {
    /// One turn; `None` where the process was killed in it.
    pub(crate) async fn turn(
        &self,
        proposed: &PlanProposed,
        sequence: u64,
    ) -> Option<Result<Vec<Outcome>, TurnError>> {
        let arrival = Arrival { proposed, sequence, at: jiff::Timestamp::now() };
        self.until_killed(self.applier.turn(arrival)).await
    }

    /// Handles a request to go on with a stuck run; `None` where the process was killed in it.
    pub(crate) async fn resume(
        &self,
        proposed: &PlanProposed,
    ) -> Option<Result<Option<Outcome>, TurnError>> {
        let (stack, plan) = (proposed.plan.stack.clone(), proposed.id.clone());
        let asked = ResumeRequested { stack, plan, by: None };
        self.until_killed(self.applier.resumed(&asked)).await
    }

    pub(crate) async fn until_killed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            biased;
            () = self.life.died() => None,
            done = work => Some(done),
        };
        if done.is_none() {
            let me = self.applier.me.to_string();
            self.site.shelf.lock().unwrap().sessions.remove(&me);
        }
        done
    }
}
