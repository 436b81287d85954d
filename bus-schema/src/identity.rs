//! Who may say and hear what: the permissions of every identity, as data, made from the streams,
//! consumers and buckets; and the server configuration that grants them.
//!
//! Whoever may publish to one key of a bucket can wipe it, and whoever may make a consumer can
//! have a bucket delivered wherever they like: so each bucket has one writer, and only bootstrap
//! makes consumers.

use std::collections::BTreeSet;
use std::fmt;

use crate::Filter;
use crate::stream::{BUCKETS, Bucket, CONSUMERS, Consumer, STREAMS, SWARM};

/// An identity on the bus: one key pair, one set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// Makes streams, buckets and consumers, and nothing else.
    Bootstrap,
    /// The planner.
    Planner,
    /// The provisioner.
    Provisioner,
    /// The auditor.
    Auditor,
    /// The remediator.
    Remediator,
    /// A person at the command line: everything.
    Operator,
    /// May submit intents and hear the acknowledgement.
    Submitter,
}

impl Identity {
    /// Every identity.
    pub const ALL: [Self; 7] = [
        Self::Bootstrap,
        Self::Planner,
        Self::Provisioner,
        Self::Auditor,
        Self::Remediator,
        Self::Operator,
        Self::Submitter,
    ];

    /// Its name; an agent's is the agent's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Planner => "planner",
            Self::Provisioner => "provisioner",
            Self::Auditor => "auditor",
            Self::Remediator => "remediator",
            Self::Operator => "operator",
            Self::Submitter => "submitter",
        }
    }

    /// Prefix of the subjects on which it hears answers; its own, so that nobody else hears them.
    pub const fn inbox_prefix(self) -> &'static str {
        match self {
            Self::Bootstrap => "_INBOX_bootstrap",
            Self::Planner => "_INBOX_planner",
            Self::Provisioner => "_INBOX_provisioner",
            Self::Auditor => "_INBOX_auditor",
            Self::Remediator => "_INBOX_remediator",
            Self::Operator => "_INBOX_operator",
            Self::Submitter => "_INBOX_submitter",
        }
    }

    /// What it may do.
    pub fn permissions(self) -> Permissions {
        let mut permissions = Permissions::default();
        permissions.subscribe(format!("{}.>", self.inbox_prefix()));
        match self {
            Self::Operator => {
                permissions.publish(">");
                permissions.subscribe(">");
            }
            Self::Submitter => permissions.publish(Filter::INTENT_SUBMIT.as_str()),
            Self::Bootstrap => permissions.bootstrap(),
            Self::Planner => {
                permissions.agent(self.name());
                permissions.publish(Filter::INTENT_REFUSED.as_str());
                permissions.publish(Filter::PLAN_PROPOSED.as_str());
                permissions.write(&Bucket::INTENTS);
                permissions.read(&Bucket::STACKS);
                permissions.read(&Bucket::OBSERVATIONS);
            }
            Self::Provisioner => {
                permissions.agent(self.name());
                permissions.publish(Filter::PROVISION.as_str());
                permissions.publish(Filter::STACK_IMPORTED.as_str());
                permissions.write(&Bucket::STACKS);
                // What is somebody's already is not imported.
                permissions.read_all(&Bucket::STACKS);
                permissions.read(&Bucket::INTENTS);
            }
            Self::Auditor => {
                permissions.agent(self.name());
                permissions.publish(Filter::FINDING.as_str());
                permissions.publish(Filter::HINT.as_str());
                permissions.write(&Bucket::OBSERVATIONS);
                permissions.read_all(&Bucket::OBSERVATIONS);
                permissions.read_all(&Bucket::STACKS);
                // The trace of the intent that declared what is found changed.
                permissions.read(&Bucket::INTENTS);
            }
            Self::Remediator => {
                permissions.agent(self.name());
                permissions.publish(Filter::PLAN_PROPOSED.as_str());
                permissions.publish(Filter::REMEDY_ESCALATED.as_str());
                permissions.write(&Bucket::LESSONS);
                permissions.read(&Bucket::STACKS);
                permissions.read(&Bucket::OBSERVATIONS);
                // The trace of the intent that a repair serves.
                permissions.read(&Bucket::INTENTS);
            }
        }
        permissions
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Subjects an identity may publish and subscribe to; nothing else is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// May be published to.
    pub publish: BTreeSet<String>,
    /// May be subscribed to.
    pub subscribe: BTreeSet<String>,
}

impl Permissions {
    fn publish(&mut self, subject: impl Into<String>) {
        self.publish.insert(subject.into());
    }

    fn subscribe(&mut self, subject: impl Into<String>) {
        self.subscribe.insert(subject.into());
    }

    /// What every agent needs: its consumers, dead letters, reading the stream back, and answering
    /// as a micro service.
    fn agent(&mut self, name: &str) {
        for consumer in CONSUMERS.iter().filter(|consumer| consumer.agent == name) {
            self.consume(consumer);
        }
        self.publish(format!("$JS.API.DIRECT.GET.{}", SWARM.name));
        // Answers to people, whose tools use the usual inbox.
        self.publish(format!("{}.>", Identity::Operator.inbox_prefix()));
        self.publish(format!("{USUAL_INBOX}.>"));
        self.subscribe("$SRV.>");
        self.subscribe(status_subject(name));
    }

    fn consume(&mut self, consumer: &Consumer) {
        let (stream, name) = (SWARM.name, consumer.name);
        self.publish(format!("$JS.API.CONSUMER.INFO.{stream}.{name}"));
        self.publish(format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"));
        // Acknowledgements have two forms; with domain and account in front is the coming one.
        self.publish(format!("$JS.ACK.{stream}.{name}.>"));
        self.publish(format!("$JS.ACK.*.*.{stream}.{name}.>"));
        self.publish(crate::Subject::dead(name).as_str());
    }

    fn read(&mut self, bucket: &Bucket) {
        let stream = bucket.stream_name();
        self.publish(format!("$JS.API.DIRECT.GET.{stream}.{}", bucket.subject(">")));
    }

    /// Every key at once, and what was written since: a view of the whole bucket.
    fn read_all(&mut self, bucket: &Bucket) {
        self.publish(format!("$JS.API.DIRECT.GET.{}", bucket.stream_name()));
    }

    fn write(&mut self, bucket: &Bucket) {
        self.read(bucket);
        self.publish(bucket.subject(">"));
    }

    fn bootstrap(&mut self) {
        let streams = STREAMS.iter().map(|stream| stream.name.to_owned());
        for stream in streams.chain(BUCKETS.iter().map(Bucket::stream_name)) {
            for action in ["CREATE", "UPDATE", "INFO"] {
                self.publish(format!("$JS.API.STREAM.{action}.{stream}"));
            }
        }
        for consumer in &CONSUMERS {
            let (stream, name) = (SWARM.name, consumer.name);
            self.publish(format!("$JS.API.CONSUMER.INFO.{stream}.{name}"));
            self.publish(format!(
                "$JS.API.CONSUMER.CREATE.{stream}.{name}.{}",
                consumer.filter.as_str()
            ));
        }
    }
}

/// Where an agent says how it stands, as a micro service.
pub fn status_subject(agent: &str) -> String {
    format!("agent.{agent}.status")
}

/// An `authorization` block for nats-server that lets in exactly these public nkeys (`U…`), each
/// with its identity's permissions. With `anonymous`, whoever comes without a key is that identity,
/// and hears answers where tools usually do: for one machine only.
pub fn render_authorization(keys: &[(Identity, &str)], anonymous: Option<Identity>) -> String {
    let mut users: Vec<String> = keys
        .iter()
        .map(|(identity, key)| {
            user(&format!("nkey: \"{key}\""), *identity, &identity.permissions())
        })
        .collect();
    let Some(identity) = anonymous else {
        return format!("authorization {{\n  users: [\n{}  ]\n}}\n", users.concat());
    };
    let who = format!("user: \"{ANONYMOUS}\", password: \"{ANONYMOUS}\"");
    let mut permissions = identity.permissions();
    permissions.subscribe(format!("{USUAL_INBOX}.>"));
    users.push(user(&who, identity, &permissions));
    format!(
        "no_auth_user: \"{ANONYMOUS}\"\nauthorization {{\n  users: [\n{}  ]\n}}\n",
        users.concat()
    )
}

fn user(who: &str, identity: Identity, permissions: &Permissions) -> String {
    let (publish, subscribe) = (list(&permissions.publish), list(&permissions.subscribe));
    format!(
        "    # {identity}\n    {{ {who}, permissions: {{\n      publish: {publish}\n      \
         subscribe: {subscribe}\n    }} }}\n"
    )
}

/// Where clients hear answers unless told otherwise.
const USUAL_INBOX: &str = "_INBOX";
/// Name of the user that connections without a key become.
const ANONYMOUS: &str = "anonymous";

fn list(subjects: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = subjects.iter().map(|subject| format!("\"{subject}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Subjects whose publishing changes a bucket.
    fn writes(identity: Identity, bucket: &Bucket) -> bool {
        identity.permissions().publish.contains(&bucket.subject(">"))
    }

    #[test]
    fn each_bucket_has_one_writing_agent() {
        for bucket in &BUCKETS {
            let writers: Vec<Identity> =
                Identity::ALL.into_iter().filter(|it| writes(*it, bucket)).collect();
            assert_eq!(writers.len(), 1, "{bucket:?}: {writers:?}");
        }
    }

    #[test]
    fn only_bootstrap_and_operator_make_anything() {
        for identity in Identity::ALL {
            if matches!(identity, Identity::Bootstrap | Identity::Operator) {
                continue;
            }
            let publish = identity.permissions().publish;
            assert!(publish.iter().all(|it| !it.contains("CREATE") && it != ">"), "{publish:?}");
        }
    }

    #[test]
    fn a_submitter_may_submit_and_hear_the_answer_only() {
        let permissions = Identity::Submitter.permissions();
        assert_eq!(permissions.publish, BTreeSet::from(["swarm.intent.submit".to_owned()]));
        assert_eq!(permissions.subscribe, BTreeSet::from(["_INBOX_submitter.>".to_owned()]));
    }

    #[test]
    fn no_two_identities_share_an_inbox() {
        let prefixes: BTreeSet<&str> =
            Identity::ALL.into_iter().map(Identity::inbox_prefix).collect();
        assert_eq!(prefixes.len(), Identity::ALL.len());
    }
}
