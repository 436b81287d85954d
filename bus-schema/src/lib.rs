//! What crosses a process boundary: messages, subjects, streams, buckets, stored records, and the
//! codec they share.
//!
//! There is no I/O here. Every name on the wire (subject, stream, bucket, consumer, header) stands
//! once, in this crate; an agent that needs one asks for it here and never spells it.

pub mod codec;
pub mod document;
mod finding;
pub mod header;
mod id;
pub mod identity;
mod ignore;
mod import;
mod intent;
mod lesson;
mod message;
mod pause;
mod place;
mod plan;
mod properties;
mod provision;
mod record;
mod remedy;
mod resume;
mod source;
mod stack;
pub mod stream;
mod subject;
mod watch;

pub use finding::{Drift, DriftFound, Finding, FindingId, FindingResolved, Hint, Scope, Signature};
pub use id::{
    EnvironmentName, Generation, InstanceId, IntentId, InvalidName, KindName, MessageId, PathName,
    PlanId, ResourceAddress, ResourceName, StackName,
};
pub use ignore::{IgnoreRequested, Ignored};
pub use import::{ImportAnswered, ImportAsked, Imported, NotImported};
pub use intent::{
    IntentPhase, IntentRefused, IntentState, IntentSubmitted, PlanReference, Refusal, RefusalCode,
    Request, Understanding,
};
pub use lesson::{Damping, Lesson, Repair};
pub use message::{Message, Received};
pub use pause::{Pause, PauseRequested};
pub use place::Place;
pub use plan::{Action, Change, Origin, Plan, PlanProposed, Resource};
pub use properties::{Difference, Properties};
pub use provision::{
    Observation, PlanApplied, PlanFailed, PlanStale, PlanSuperseded, RunStuck, StaleReason,
    StuckResource,
};
pub use record::Record;
pub use remedy::{Decision, Escalated, Remedy, RemedyAsked, RemedyKind};
pub use resume::ResumeRequested;
pub use source::{Grounded, Source};
pub use stack::{Claim, Outcome, ResourceState, Run, Session, StackState, Step, StepState};
pub use subject::{Filter, Subject};
pub use watch::{Announcement, StackObservation, Taken, TakenHint, Watch};
