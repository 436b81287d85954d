//! What can go wrong with a call to a cloud, and what may be done about it.

use std::fmt;
use std::time::Duration;

use bus_schema::{KindName, Place, ResourceAddress};

/// A call to a cloud that failed.
///
/// Two questions decide what comes next, each answered in one place: whether trying again can help
/// ([`Error::retry`]) and whether the call may have taken effect all the same
/// ([`Error::took_effect`]).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Understood and refused; asking the same again gets the same answer.
    #[error("could not {attempt}: refused with {reply}")]
    Refused {
        /// What was being done.
        attempt: Attempt,
        /// What the cloud said.
        reply: Reply,
    },
    /// The credentials are not valid, or do not allow this.
    #[error("could not {attempt}: the credentials do not allow it ({reply})")]
    Unauthorised {
        /// What was being done.
        attempt: Attempt,
        /// What the cloud said.
        reply: Reply,
    },
    /// The object, or the place it should be in, is not there.
    #[error("could not {attempt}: not found ({reply})")]
    NotFound {
        /// What was being done.
        attempt: Attempt,
        /// What the cloud said.
        reply: Reply,
    },
    /// An object with the same key is there already, ours after a lost answer or someone else's: a
    /// listing tells which.
    #[error("could not {attempt}: it exists already ({reply})")]
    Conflict {
        /// What was being done.
        attempt: Attempt,
        /// What the cloud said.
        reply: Reply,
    },
    /// Over the cloud's rate limit; the call was refused before it had an effect.
    #[error("could not {attempt}: over the rate limit for {} s more", retry_after.as_secs())]
    RateLimited {
        /// What was being done.
        attempt: Attempt,
        /// How long the cloud asks to wait.
        retry_after: Duration,
    },
    /// The cloud was not reached, or failed inside, on a call that changes nothing or certainly
    /// did not arrive.
    #[error("could not {attempt}: the cloud is not available ({reply})")]
    Unavailable {
        /// What was being done.
        attempt: Attempt,
        /// What the cloud said, where it said something.
        reply: Reply,
        /// Why it was not reached, where it was not.
        source: Option<Source>,
    },
    /// The call was sent and its answer was lost, or says that the cloud failed half-way: it may
    /// have taken effect.
    #[error("no telling whether it took effect to {attempt} ({reply})")]
    OutcomeUnknown {
        /// What was being done.
        attempt: Attempt,
        /// What the cloud said, where it said something.
        reply: Reply,
        /// How the answer was lost, where it was.
        source: Option<Source>,
    },
    /// It took several calls, and one before this failure has taken effect or may have.
    #[error("could not finish to {attempt}")]
    Unfinished {
        /// What was being done.
        attempt: Attempt,
        /// What it was stopped by.
        source: Box<Self>,
    },
    /// An answer that is not what the cloud's documentation says. A call that changes something has
    /// probably taken effect.
    #[error("could not {attempt}: the cloud's answer was not understood: {reason}")]
    InvalidResponse {
        /// What was being done.
        attempt: Attempt,
        /// What is wrong with it.
        reason: String,
        /// The parser's complaint, where there is one.
        source: Option<Source>,
    },
    /// Asked for what this cloud does not have or cannot do; no call was made.
    #[error("cannot {attempt}: {reason}")]
    Unsupported {
        /// What was asked.
        attempt: Attempt,
        /// Why it cannot be.
        reason: String,
    },
}

/// The cause of an [`Error`].
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// What was being done when a call failed, for example `create cloudflare.dns_record in
/// zone/example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt(Box<What>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct What {
    verb: &'static str,
    kind: KindName,
    place: Place,
    object: Option<String>,
}

impl Attempt {
    /// An attempt on a whole scope; the verb is `list`, `read`, `create`, `update` or `delete`.
    pub fn on_scope(verb: &'static str, kind: &KindName, place: &Place) -> Self {
        Self(Box::new(What { verb, kind: kind.clone(), place: place.clone(), object: None }))
    }

    /// An attempt on the object with this id.
    pub fn on_object(verb: &'static str, kind: &KindName, place: &Place, id: &str) -> Self {
        let mut attempt = Self::on_scope(verb, kind, place);
        attempt.0.object = Some(id.to_owned());
        attempt
    }

    /// An attempt on a resource.
    pub fn on_resource(verb: &'static str, address: &ResourceAddress, place: &Place) -> Self {
        Self::on_object(verb, &address.kind, place, &address.to_string())
    }

    /// The kind of object.
    pub fn kind(&self) -> &KindName {
        &self.0.kind
    }

    /// Where.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// Whether it changes nothing.
    pub fn only_reads(&self) -> bool {
        matches!(self.0.verb, "list" | "read")
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let What { verb, kind, place, object } = &*self.0;
        match object {
            // A resource's address names its kind itself.
            Some(object) if object.contains(kind.as_str()) => {
                write!(f, "{verb} {object} in {place}")
            }
            Some(object) => write!(f, "{verb} {kind} {object} in {place}"),
            None => write!(f, "{verb} {kind} in {place}"),
        }
    }
}

/// What the cloud said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status; 0 where there was no answer.
    pub status: u16,
    /// Each complaint.
    pub errors: Vec<ApiError>,
    /// The cloud's id for the request (Cloudflare: `cf-ray`), for its support.
    pub request_id: Option<String>,
}

impl Reply {
    /// Whether one of the complaints has this code.
    pub fn has_code(&self, code: i64) -> bool {
        self.errors.iter().any(|error| error.code == code)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status == 0 {
            return f.write_str("no answer");
        }
        write!(f, "HTTP {}", self.status)?;
        for (i, error) in self.errors.iter().enumerate() {
            write!(f, "{} {error}", if i == 0 { ":" } else { ";" })?;
        }
        self.request_id.as_ref().map_or(Ok(()), |id| write!(f, " [request {id}]"))
    }
}

/// One complaint of a cloud's API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code}{})", pointer.as_ref().map(|it| format!(", at {it}")).unwrap_or_default())]
pub struct ApiError {
    /// The cloud's code.
    pub code: i64,
    /// The cloud's words.
    pub message: String,
    /// The field complained of, as a JSON pointer.
    pub pointer: Option<String>,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It cannot.
    Never,
    /// It can, after this long. Where the call may have taken effect, look first.
    After(Duration),
}

/// Whether a failed call had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It had none.
    No,
    /// It may have had.
    Unknown,
}

impl Error {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unfinished { source, .. } => source.retry(),
            Self::RateLimited { retry_after, .. } => Retry::After(*retry_after),
            Self::Unavailable { .. } => Retry::After(Duration::from_secs(1)),
            Self::OutcomeUnknown { .. } => Retry::After(Duration::from_millis(250)),
            Self::Refused { .. }
            | Self::Unauthorised { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::InvalidResponse { .. }
            | Self::Unsupported { .. } => Retry::Never,
        }
    }

    /// Whether the call may have taken effect although it failed.
    pub fn took_effect(&self) -> Effect {
        match self {
            Self::OutcomeUnknown { .. } | Self::Unfinished { .. } => Effect::Unknown,
            Self::InvalidResponse { attempt, .. } if !attempt.only_reads() => Effect::Unknown,
            Self::InvalidResponse { .. }
            | Self::Refused { .. }
            | Self::Unauthorised { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::RateLimited { .. }
            | Self::Unavailable { .. }
            | Self::Unsupported { .. } => Effect::No,
        }
    }

    /// The failure itself, without what had taken effect before it.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::Unfinished { source, .. } => source.innermost(),
            Self::Refused { .. }
            | Self::Unauthorised { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::RateLimited { .. }
            | Self::Unavailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::InvalidResponse { .. }
            | Self::Unsupported { .. } => self,
        }
    }

    /// The same failure of an attempt of which something has taken effect, or may have.
    pub(crate) fn unfinished(self) -> Self {
        match self.took_effect() {
            Effect::No => {
                let attempt = self.attempt().clone();
                Self::Unfinished { attempt, source: Box::new(self) }
            }
            Effect::Unknown => self,
        }
    }

    const fn attempt(&self) -> &Attempt {
        match self {
            Self::Refused { attempt, .. }
            | Self::Unauthorised { attempt, .. }
            | Self::NotFound { attempt, .. }
            | Self::Conflict { attempt, .. }
            | Self::RateLimited { attempt, .. }
            | Self::Unavailable { attempt, .. }
            | Self::OutcomeUnknown { attempt, .. }
            | Self::Unfinished { attempt, .. }
            | Self::InvalidResponse { attempt, .. }
            | Self::Unsupported { attempt, .. } => attempt,
        }
    }

    /// What the cloud said, where it answered.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Unfinished { source, .. } => source.reply(),
            Self::Refused { reply, .. }
            | Self::Unauthorised { reply, .. }
            | Self::NotFound { reply, .. }
            | Self::Conflict { reply, .. }
            | Self::Unavailable { reply, .. }
            | Self::OutcomeUnknown { reply, .. } => Some(reply),
            Self::RateLimited { .. } | Self::InvalidResponse { .. } | Self::Unsupported { .. } => {
                None
            }
        }
    }

    /// What a person can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unfinished { source, .. } => source.advice(),
            Self::Refused { .. } => {
                "change what is asked for as the cloud's words say, and submit again"
            }
            Self::Unauthorised { .. } => {
                "give the provisioner a token that may edit this kind here"
            }
            Self::NotFound { .. } => {
                "check that the account and the zone exist and the token may see them"
            }
            Self::Conflict { .. } => "remove or rename what is in the way, or ask for another name",
            Self::RateLimited { .. } => "wait, and submit again",
            Self::Unavailable { .. } | Self::OutcomeUnknown { .. } => {
                "check the cloud's status page, and submit again once it is well"
            }
            Self::InvalidResponse { .. } | Self::Unsupported { .. } => {
                "report this as a defect, with the request's id"
            }
        }
    }
}
