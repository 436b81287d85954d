//! Streams, buckets and consumers, as data. One bootstrap step creates them; agents only use them.

use std::time::Duration;

use crate::Filter;

/// A JetStream stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Its name.
    pub name: &'static str,
    /// What it is for, shown by `nats stream ls`.
    pub description: &'static str,
    /// What it holds.
    pub subjects: Filter,
    /// How long it remembers `Nats-Msg-Id`; nothing's correctness rests on it.
    pub dedup_window: Duration,
    /// Whether deleting and purging are refused, as for a ledger.
    pub append_only: bool,
}

/// Everything that happened.
pub const SWARM: Stream = Stream {
    name: "SWARM",
    description: "Everything that happened in the swarm; the ledger is made from it",
    subjects: Filter::SWARM,
    dedup_window: Duration::from_secs(120),
    append_only: true,
};

/// What could not be handled, with the reason in its headers.
pub const DEAD: Stream = Stream {
    name: "DEAD",
    description: "Messages given up by a consumer, each with its reason",
    subjects: Filter::DEAD,
    dedup_window: Duration::from_secs(120),
    append_only: false,
};

/// Every stream.
pub const STREAMS: [Stream; 2] = [SWARM, DEAD];

/// A KV bucket. Each has one writing agent: who may write one key of a bucket can wipe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Revisions kept of each key.
    pub history: i64,
}

impl Bucket {
    /// Written by the planner.
    pub const INTENTS: Self =
        Self { name: "intents", description: "Where each intent stands (planner)", history: 16 };
    /// Written by the provisioner.
    pub const STACKS: Self = Self {
        name: "stacks",
        description: "Declared state, generation and run journal of each stack (provisioner)",
        history: 16,
    };

    /// Written by the auditor.
    pub const OBSERVATIONS: Self = Self {
        name: "observations",
        description: "When each scope is looked at, and what is not as declared (auditor)",
        history: 4,
    };
    /// Written by the remediator.
    pub const LESSONS: Self = Self {
        name: "lessons",
        description: "What trouble came how often, and how repairs went (remediator)",
        history: 4,
    };

    /// The stream behind it, as KV names it.
    pub fn stream_name(&self) -> String {
        format!("KV_{}", self.name)
    }

    /// The subject of one key, or of many with a wildcard.
    pub fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }
}

/// Every bucket.
pub const BUCKETS: [Bucket; 4] =
    [Bucket::INTENTS, Bucket::STACKS, Bucket::OBSERVATIONS, Bucket::LESSONS];

/// A durable pull consumer of `SWARM`, shared by the replicas of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumer {
    /// Its durable name.
    pub name: &'static str,
    /// The agent that reads it.
    pub agent: &'static str,
    /// What it delivers.
    pub filter: Filter,
    /// How long a delivery may go without a sign of life.
    pub ack_wait: Duration,
    /// How often a message is delivered before it is given up.
    pub max_deliver: i64,
    /// Deliveries under way at once, over all replicas.
    pub max_ack_pending: i64,
}

/// Intents, for the planner.
pub const PLANNER_INTENTS: Consumer = Consumer {
    name: "planner-intents",
    agent: "planner",
    filter: Filter::INTENT_SUBMIT,
    ack_wait: Duration::from_secs(5),
    max_deliver: 20,
    max_ack_pending: 1_000,
};

/// What became of plans, for the planner.
pub const PLANNER_OUTCOMES: Consumer = Consumer {
    name: "planner-outcomes",
    agent: "planner",
    filter: Filter::PROVISION,
    ack_wait: Duration::from_secs(5),
    max_deliver: 20,
    max_ack_pending: 1_000,
};

/// Plans, for the provisioner.
pub const PROVISIONER_PLANS: Consumer = Consumer {
    name: "provisioner-plans",
    agent: "provisioner",
    filter: Filter::PLAN_PROPOSED,
    ack_wait: Duration::from_secs(5),
    max_deliver: 100,
    max_ack_pending: 1_000,
};

/// Requests to go on with a stuck run, for the provisioner.
pub const PROVISIONER_RESUMES: Consumer = Consumer {
    name: "provisioner-resumes",
    agent: "provisioner",
    filter: Filter::STACK_RESUME,
    ack_wait: Duration::from_secs(5),
    max_deliver: 100,
    max_ack_pending: 1_000,
};

/// Requests to leave a stack alone, for the provisioner.
pub const PROVISIONER_PAUSES: Consumer = Consumer {
    name: "provisioner-pauses",
    agent: "provisioner",
    filter: Filter::STACK_PAUSE,
    ack_wait: Duration::from_secs(5),
    max_deliver: 100,
    max_ack_pending: 1_000,
};

/// Requests to leave fields to somebody else, for the provisioner.
pub const PROVISIONER_IGNORES: Consumer = Consumer {
    name: "provisioner-ignores",
    agent: "provisioner",
    filter: Filter::STACK_IGNORE,
    ack_wait: Duration::from_secs(5),
    max_deliver: 100,
    max_ack_pending: 1_000,
};

/// Requests to import, for the provisioner.
pub const PROVISIONER_IMPORTS: Consumer = Consumer {
    name: "provisioner-imports",
    agent: "provisioner",
    filter: Filter::STACK_IMPORT,
    ack_wait: Duration::from_secs(5),
    max_deliver: 100,
    // One after the other over all replicas: two at once could take the same object.
    max_ack_pending: 1,
};

/// Hints, for the auditor.
pub const AUDITOR_HINTS: Consumer = Consumer {
    name: "auditor-hints",
    agent: "auditor",
    filter: Filter::HINT,
    ack_wait: Duration::from_secs(5),
    max_deliver: 20,
    max_ack_pending: 1_000,
};

/// Applied plans, for the auditor.
pub const AUDITOR_APPLIED: Consumer = Consumer {
    name: "auditor-applied",
    agent: "auditor",
    filter: Filter::PROVISION_APPLIED,
    ack_wait: Duration::from_secs(5),
    max_deliver: 20,
    max_ack_pending: 1_000,
};

/// Findings and their ends, for the remediator.
pub const REMEDIATOR_FINDINGS: Consumer = Consumer {
    name: "remediator-findings",
    agent: "remediator",
    filter: Filter::FINDING,
    ack_wait: Duration::from_secs(5),
    // A repair that has to wait does so in its message, delivered again when it may be made: also once
    // a second while a stack is paused for days.
    max_deliver: 1_000_000,
    max_ack_pending: 10_000,
};

/// What became of repairs, for the remediator.
pub const REMEDIATOR_OUTCOMES: Consumer = Consumer {
    name: "remediator-outcomes",
    agent: "remediator",
    filter: Filter::PROVISION,
    ack_wait: Duration::from_secs(5),
    max_deliver: 20,
    max_ack_pending: 1_000,
};

/// What people decide about findings, for the remediator.
pub const REMEDIATOR_DECISIONS: Consumer = Consumer {
    name: "remediator-decisions",
    agent: "remediator",
    filter: Filter::REMEDY_ASK,
    ack_wait: Duration::from_secs(5),
    max_deliver: 20,
    max_ack_pending: 1_000,
};

/// Every consumer.
pub const CONSUMERS: [Consumer; 12] = [
    PLANNER_INTENTS,
    PLANNER_OUTCOMES,
    PROVISIONER_PLANS,
    PROVISIONER_RESUMES,
    PROVISIONER_PAUSES,
    PROVISIONER_IGNORES,
    PROVISIONER_IMPORTS,
    AUDITOR_HINTS,
    AUDITOR_APPLIED,
    REMEDIATOR_FINDINGS,
    REMEDIATOR_OUTCOMES,
    REMEDIATOR_DECISIONS,
];
