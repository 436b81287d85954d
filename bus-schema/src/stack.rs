//! What the provisioner keeps of a stack: its declaration, what was last seen of it, and the
//! journal of the run under way.
//!
//! All three stand in one record, so that one compare-and-set on its revision orders every write
//! about a stack and fences a holder that has been overtaken.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::Record;
use crate::stream::Bucket;
use crate::{
    EnvironmentName, Generation, Ignored, InstanceId, IntentId, Origin, PathName, Pause, Place,
    PlanApplied, PlanFailed, PlanId, PlanStale, PlanSuperseded, Properties, ResourceAddress,
    RunStuck, StackName,
};

/// A stack as the provisioner knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StackState {
    /// Which stack.
    pub stack: StackName,
    /// The environment it is in.
    pub environment: EnvironmentName,
    /// The golden path it follows.
    pub path: PathName,
    /// Its generation.
    pub generation: Generation,
    /// The intent whose plan was applied last; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// That intent's sequence in the `SWARM` stream; 0 before the first.
    #[serde(default)]
    pub order: u64,
    /// Its resources; empty once retired.
    pub resources: BTreeMap<ResourceAddress, ResourceState>,
    /// The run under way, or stuck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What became of the last plan, so that its redelivery says the same again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Outcome>,
    /// Plans before the last that failed lately, oldest first: a failed plan leaves no other trace in
    /// this record, and one delivered again must not be begun again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<PlanFailed>,
    /// Nothing of the stack is changed while this is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// Plans that came while the stack was left alone, by their sequence in the `SWARM` stream: each
    /// gets its turn when it is left alone no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<u64>,
    /// Sequence in the `SWARM` stream of the last request to leave it alone, or no longer, that was
    /// heeded: what comes late does not undo what came after it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub heeded: u64,
    /// What was said of fields that are somebody else's, by resource and field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored: BTreeMap<ResourceAddress, BTreeMap<String, Ignored>>,
    /// Ids of objects of ours that were deleted lately, oldest first: a listing that lags behind can
    /// show one still, and is not believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<String>,
    /// When this was written; a pause and what is ignored aside.
    pub updated_at: jiff::Timestamp,
}

impl Record for StackState {
    const BUCKET: Bucket = Bucket::STACKS;
    const PREFIX: &'static str = "stack";
    type Key = StackName;
}

impl StackState {
    /// How many ids of deleted objects are remembered.
    pub const MOST_DELETED: usize = 32;
    /// How many failed plans are remembered besides the last plan.
    pub const MOST_FAILED: usize = 8;
    /// Longest reason that is remembered of one, in characters.
    const LONGEST_REASON: usize = 2_000;

    /// Records what became of a plan. The one before it is remembered where it failed: of one that
    /// was applied the generation tells that it is past.
    pub fn conclude(&mut self, outcome: Outcome) {
        self.failed.retain(|failed| failed.plan != *outcome.plan());
        let before = self.last.replace(outcome);
        if let Some(Outcome::Failed(mut failed)) = before
            && self.last.as_ref().is_some_and(|last| *last.plan() != failed.plan)
        {
            if let Some((end, _)) = failed.reason.char_indices().nth(Self::LONGEST_REASON) {
                failed.reason.truncate(end);
            }
            self.failed.push(failed);
            let surplus = self.failed.len().saturating_sub(Self::MOST_FAILED);
            self.failed.drain(..surplus);
        }
    }

    /// The fields of a resource that are somebody else's: nobody compares them with what is declared.
    pub fn ignored_of(&self, resource: &ResourceAddress) -> BTreeSet<String> {
        let said = self.ignored.get(resource).into_iter().flatten();
        said.filter(|(_, ignored)| !ignored.lifted).map(|(field, _)| field.clone()).collect()
    }

    /// Takes over what was seen of resources since; `None` where one is not there.
    pub fn overlay<'it>(
        &mut self,
        seen: impl IntoIterator<Item = (&'it ResourceAddress, &'it Option<Properties>)>,
    ) {
        for (address, properties) in seen {
            let Some(resource) = self.resources.get_mut(address) else { continue };
            resource.observed.clone_from(properties);
            if properties.is_none() {
                resource.cloud_id = None;
                resource.outputs.clear();
            }
        }
    }

    /// Remembers that an object was deleted or made anew, from how it was and how it is now.
    pub fn note_deleted(&mut self, was: Option<&ResourceState>, is: Option<&ResourceState>) {
        // What is always there is not deleted.
        let id = |it: &ResourceState| it.cloud_id.clone().filter(|_| it.prior.is_none());
        let (was, is) = (was.and_then(id), is.and_then(id));
        self.deleted.retain(|id| Some(id) != was.as_ref() && Some(id) != is.as_ref());
        if let Some(was) = was.filter(|was| Some(was) != is.as_ref()) {
            self.deleted.push(was);
            let surplus = self.deleted.len().saturating_sub(Self::MOST_DELETED);
            self.deleted.drain(..surplus);
        }
    }

    /// What became of a plan, where that is remembered.
    pub fn outcome_of(&self, plan: &PlanId) -> Option<Outcome> {
        if let Some(last) = self.last.as_ref().filter(|last| last.plan() == plan) {
            return Some(last.clone());
        }
        let failed = self.failed.iter().find(|failed| failed.plan == *plan)?;
        Some(Outcome::Failed(failed.clone()))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One resource of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceState {
    /// Where it lives.
    pub place: Place,
    /// As declared, references unresolved.
    pub declared: Properties,
    /// As last seen; absent where it was found gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Properties>,
    /// The cloud's id for it, where it has one; kept where it was found gone, since a listing that
    /// lags behind can leave out what is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// What others may refer to, by name, for example `id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// What must exist before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ResourceAddress>,
    /// For what is always there, as a zone's setting: its fields before it was first declared, which
    /// a delete puts back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Properties>,
}

/// The journal of one plan being applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The plan.
    pub plan: PlanId,
    /// The plan's sequence in the `SWARM` stream, to read it again after a crash.
    pub sequence: u64,
    /// The intent it serves.
    pub intent: IntentId,
    /// Why there is such a plan.
    #[serde(default, skip_serializing_if = "Origin::is_intent")]
    pub origin: Origin,
    /// The process at work. Another may take the run over once this one's [`Session`] has ended.
    pub holder: InstanceId,
    /// Each change that was begun.
    pub steps: BTreeMap<ResourceAddress, Step>,
    /// Why it is being undone; absent while it goes forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The resource at which it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<ResourceAddress>,
    /// Whether an undo failed: nothing goes on until a person has been here.
    #[serde(default)]
    pub stuck: bool,
    /// Whether its holder has left it, between two changes, since the stack is to be left alone:
    /// whoever comes next may go on with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resting: bool,
    /// When it began.
    pub started_at: jiff::Timestamp,
}

/// One change of a run, as far as it has got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// How far.
    pub state: StepState,
    /// The object as it was before this change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ResourceState>,
    /// The object as this change left it; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ResourceState>,
    /// What the cloud said, where it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a change has got. Written before the call, and again after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// The call is about to be made, or was made and its outcome is not known.
    Started,
    /// It took effect.
    Done,
    /// The cloud refused it; it had no effect.
    Refused,
    /// Its undoing is about to be called, or was called and its outcome is not known.
    Undoing,
    /// It was undone.
    Undone,
    /// It could not be undone.
    Stuck,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Applied.
    Applied(PlanApplied),
    /// Rolled back.
    Failed(PlanFailed),
    /// To be planned again.
    Stale(PlanStale),
    /// Overtaken.
    Superseded(PlanSuperseded),
    /// Neither applied nor rolled back.
    Stuck(RunStuck),
}

impl Outcome {
    /// The plan it is about.
    pub const fn plan(&self) -> &PlanId {
        match self {
            Self::Applied(it) => &it.plan,
            Self::Failed(it) => &it.plan,
            Self::Stale(it) => &it.plan,
            Self::Superseded(it) => &it.plan,
            Self::Stuck(it) => &it.plan,
        }
    }

    /// Why there was such a plan.
    pub const fn origin(&self) -> Origin {
        match self {
            Self::Applied(it) => it.origin,
            Self::Failed(it) => it.origin,
            Self::Stale(it) => it.origin,
            Self::Superseded(it) => it.origin,
            Self::Stuck(it) => it.origin,
        }
    }
}

/// A provisioner is alive: kept with a time to live and renewed while the process works, so that it
/// ends by itself soon after the process does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Which process.
    pub instance: InstanceId,
    /// When it began.
    pub started_at: jiff::Timestamp,
}

impl Record for Session {
    const BUCKET: Bucket = Bucket::STACKS;
    const PREFIX: &'static str = "session";
    type Key = InstanceId;
}

/// Which stacks hold an object that cannot carry an ownership marker and is always there, as a
/// zone's setting. They share it while they agree; the last one to go puts `prior` back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The resources that declare it, one per stack.
    pub holders: Vec<ResourceAddress>,
    /// The fields they agree on.
    pub properties: Properties,
    /// The fields before the first of them came.
    pub prior: Properties,
}

impl Record for Claim {
    const BUCKET: Bucket = Bucket::STACKS;
    const PREFIX: &'static str = "claim";
    /// Kind, place and natural key, hashed: see the provisioner.
    type Key = String;
}
