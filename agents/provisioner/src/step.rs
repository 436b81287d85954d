//! Makes one change, or takes it back.
//!
//! What is to be done is worked out from what is there (see [`crate::moves`]), so a task can be run
//! again after any failure at any point of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bus_schema::{Action, Place, Properties, Resource, ResourceAddress};
use cloud::{Cloud, Effect, Kind, Observed, Ownership};
use runtime::Retryable;

use crate::claims::ClaimError;
use crate::holding;
use crate::moves::{self, Hindrance, Seen, Sought, Then, Todo};
use crate::records::Records;

/// How often a call is tried again before the run is handed back.
const ATTEMPTS: u32 = 6;
/// Before the first repetition; doubled with each.
const PAUSE: Duration = Duration::from_millis(500);
/// Where the cloud asks for a longer wait, the run is handed back instead.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One change, or its undoing, with everything needed to make it.
#[derive(Debug, Clone)]
pub struct Task {
    /// The cloud.
    pub cloud: Arc<dyn Cloud>,
    /// For objects that cannot say whose they are.
    pub records: Arc<dyn Records>,
    /// What the object is.
    pub kind: &'static dyn Kind,
    /// Whose it is.
    pub address: ResourceAddress,
    /// What the plan does to it.
    pub action: Action,
    /// Whether it is taken back.
    pub backward: bool,
    /// How the object is before this task; references resolved.
    pub from: Option<Spot>,
    /// How it is to be; references resolved.
    pub to: Option<Spot>,
    /// Its id, as recorded.
    pub id: Option<String>,
    /// The one object meant, where it is not the resource's.
    pub object: Option<String>,
    /// Where the object with that id was made.
    pub made_in: Option<Place>,
    /// Ids of objects of ours that were deleted.
    pub deleted: Vec<String>,
    /// How an object that is always there was before anybody declared it, where recorded.
    pub prior: Option<Properties>,
    /// Fields that are somebody else's: what is there of them stays.
    pub ignored: BTreeSet<String>,
    /// What a listing made just now holds of it; without one, a call may have been made already.
    pub seen: Option<Seen>,
    /// Longest that the cloud's reads lag behind its writes: a look at what a call may have left
    /// waits so long first.
    pub lag: Duration,
}

/// An object in a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// Where.
    pub place: Place,
    /// Its owned fields.
    pub properties: Properties,
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// It is as it is to be.
    Done(Option<Box<Made>>),
    /// It cannot be made.
    Failed {
        /// Why, for a person.
        error: String,
        /// What that person can do.
        advice: Option<String>,
        /// Whether nothing at all was changed.
        untouched: bool,
    },
    /// It could not be made yet.
    Interrupted {
        /// Why, for a person.
        error: String,
        /// When to try again.
        after: Duration,
    },
}

/// An object as it was left.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The object.
    pub observed: Observed,
    /// How it was before anybody declared it, where it is always there.
    pub prior: Option<Properties>,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Cloud(#[from] cloud::Error),
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error("{0}")]
    Hindered(String, &'static str),
}

impl Task {
    /// Makes the change.
    pub async fn run(mut self) -> Ended {
        let claimed = self.kind.describe().ownership == Ownership::Claimed;
        // Without a fresh listing, an earlier process may have done a part of it.
        let mut touched = self.seen.is_none() && !claimed;
        if touched || self.backward {
            tokio::time::sleep(self.lag).await;
        }
        let (mut attempt, mut looked) = (1, false);
        loop {
            let outcome = if claimed {
                holding::attempt(&self, &mut touched).await
            } else {
                self.attempt(&mut touched)
                    .await
                    .map(|found| found.map(|observed| Box::new(Made { observed, prior: None })))
            };
            let trouble = match outcome {
                Ok(made) => return Ended::Done(made),
                Err(trouble) => trouble,
            };
            tracing::warn!(resource = %self.address, attempt, error = %text(&trouble), "cloud call failed");
            match after(&trouble, attempt, &mut touched, &mut looked) {
                After::Again(pause) if touched => tokio::time::sleep(pause.max(self.lag)).await,
                After::Again(pause) => tokio::time::sleep(pause).await,
                After::End(ended) => return ended,
            }
            attempt += 1;
        }
    }

    /// Where the object is once the task is done, or was until then.
    pub(crate) fn home(&self) -> Option<&Place> {
        self.to.as_ref().or(self.from.as_ref()).map(|spot| &spot.place)
    }

    /// The object as it is to be, for the cloud.
    pub(crate) fn resource(&self, place: &Place, properties: &Properties) -> Resource {
        Resource {
            address: self.address.clone(),
            place: place.clone(),
            properties: properties.clone(),
            depends_on: Vec::new(),
        }
    }

    async fn attempt(&mut self, touched: &mut bool) -> Result<Option<Observed>, Trouble> {
        let seen = match self.seen.take() {
            Some(seen) => seen,
            None => self.look().await?,
        };
        let there = seen.ours.as_ref().or(seen.stray.as_ref());
        let yielding = |spot: &Option<Spot>| {
            spot.as_ref().map(|spot| self.yielding(&spot.properties, there).into_owned())
        };
        let (from, to) = (yielding(&self.from), yielding(&self.to));
        let (from, to) = (from.as_ref(), to.as_ref());
        let todo = if self.backward {
            moves::backward(to, self.action == Action::Replace, &seen)
        } else {
            moves::forward(self.action, from, to, &seen)
        };
        let todo = todo.map_err(|hindrance| self.hindered(&hindrance))?;
        self.clear(&todo, &seen).await?;
        let outcome = self.act(&todo, to, touched).await;
        if matches!(outcome, Err(cloud::Error::RateLimited { .. })) && !*touched {
            // Refused at the door: what was seen still holds.
            self.seen = Some(seen);
        }
        let made = outcome?;
        if let (Some(made), Some(wanted)) = (&made, to)
            && !moves::shows(made, wanted)
        {
            tracing::warn!(resource = %self.address, "the cloud shows other values than were set");
        }
        Ok(made)
    }

    async fn look(&self) -> Result<Seen, cloud::Error> {
        let (from, to) = (self.from.as_ref(), self.to.as_ref());
        let Some(home) = self.home() else { return Ok(Seen::default()) };
        let shapes = [to.or(from).map(|it| &it.properties), to.and(from).map(|it| &it.properties)];
        let sought = Sought {
            kind: self.kind,
            address: &self.address,
            shapes,
            id: self.id.as_deref(),
            deleted: &self.deleted,
        };
        let object = self.object.as_deref();
        let listing = self.cloud.list(&self.address.kind, home).await?;
        let (ours, obstacle) = moves::find(&listing, sought, object);
        let stray = match from.filter(|from| from.place != *home) {
            Some(from) => {
                let listing = self.cloud.list(&self.address.kind, &from.place).await?;
                let there = Sought { shapes: [Some(&from.properties), None], ..sought };
                moves::find(&listing, there, object).0
            }
            None => None,
        };
        Ok(Seen { ours, stray, obstacle })
    }

    /// Deletes what is recorded and not seen, where it would be left behind.
    async fn clear(&self, todo: &Todo, seen: &Seen) -> Result<(), cloud::Error> {
        let holds_data = self.kind.describe().holds_data;
        let unseen = moves::unseen(todo, seen, holds_data, self.id.as_deref());
        let (Some(id), Some(place)) = (unseen, &self.made_in) else { return Ok(()) };
        match self.cloud.delete(&self.address.kind, place, id).await {
            Ok(()) | Err(cloud::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The fields with what is there of those that are ignored; all of them as they are wanted where
    /// nothing is there.
    pub(crate) fn yielding<'it>(
        &self,
        wanted: &'it Properties,
        there: Option<&Observed>,
    ) -> Cow<'it, Properties> {
        match there {
            Some(there) if !self.ignored.is_empty() => {
                Cow::Owned(cloud::yielding(wanted, &there.properties, &self.ignored))
            }
            Some(_) | None => Cow::Borrowed(wanted),
        }
    }

    async fn act(
        &self,
        todo: &Todo,
        to: Option<&Properties>,
        touched: &mut bool,
    ) -> Result<Option<Observed>, cloud::Error> {
        let kind = &self.address.kind;
        if let (Some(id), Some(from)) = (&todo.delete_stray, &self.from) {
            runtime::failpoint!("step::before_delete_elsewhere");
            self.cloud.delete(kind, &from.place, id).await?;
            runtime::failpoint!("step::after_delete_elsewhere");
            *touched = true;
        }
        if let (Some(id), Some(home)) = (&todo.delete, self.home()) {
            runtime::failpoint!("step::before_delete");
            self.cloud.delete(kind, home, id).await?;
            runtime::failpoint!("step::after_delete");
            *touched = true;
        }
        let home = self.to.as_ref().map(|to| &to.place);
        let wanted = home.zip(to).map(|(home, to)| self.resource(home, to));
        match (&todo.then, wanted) {
            (Then::Nothing(found), _) => Ok(found.as_deref().cloned()),
            (Then::Create, Some(wanted)) => {
                runtime::failpoint!("step::before_create");
                let made = self.cloud.create(&wanted).await;
                runtime::failpoint!("step::after_create");
                made.map(Some)
            }
            (Then::Update(id), Some(wanted)) => {
                runtime::failpoint!("step::before_update");
                let made = self.cloud.update(&wanted, id).await;
                runtime::failpoint!("step::after_update");
                made.map(Some)
            }
            (Then::Create | Then::Update(_), None) => Ok(None),
        }
    }

    fn hindered(&self, hindrance: &Hindrance) -> Trouble {
        let place = self.home().map(ToString::to_string).unwrap_or_default();
        match hindrance {
            Hindrance::InTheWay(object) => {
                Trouble::Hindered(in_the_way(&self.address, &place, object), IN_THE_WAY_ADVICE)
            }
            Hindrance::Changed(found) => Trouble::Hindered(
                format!(
                    "{} in {place} was {} by somebody else while the plan was being applied",
                    self.address,
                    if found.is_some() { "changed" } else { "removed" }
                ),
                "submit the intent again: it is planned anew from what is there now",
            ),
        }
    }
}

/// What follows from a failed attempt: the one place that decides whether a call is made again.
fn after(trouble: &Trouble, attempt: u32, touched: &mut bool, looked: &mut bool) -> After {
    let error = text(trouble);
    let (retry, advice) = match trouble {
        Trouble::Cloud(cloud_error) => {
            *touched |= cloud_error.took_effect() == Effect::Unknown;
            // What is there now can tell more than the refusal: an object of our own making
            // after a lost answer, or somebody else's.
            let look_again = !*looked
                && matches!(
                    cloud_error.innermost(),
                    cloud::Error::Conflict { .. }
                        | cloud::Error::NotFound { .. }
                        | cloud::Error::InvalidResponse { .. }
                );
            *looked |= look_again;
            let retry = match cloud_error.retry() {
                cloud::Retry::After(pause) => Some(pause),
                cloud::Retry::Never if look_again => Some(Duration::ZERO),
                cloud::Retry::Never => None,
            };
            (retry, Some(cloud_error.advice()))
        }
        Trouble::Claim(claim_error) => {
            let retry = match claim_error.retry() {
                runtime::Retry::After(pause) | runtime::Retry::Later(pause) => Some(pause),
                runtime::Retry::Never => None,
            };
            (retry, None)
        }
        Trouble::Hindered(_, advice) => (None, Some(*advice)),
    };
    let Some(asked) = retry else {
        let advice = advice.map(str::to_owned);
        return After::End(Ended::Failed { error, advice, untouched: !*touched });
    };
    if attempt >= ATTEMPTS || asked > LONGEST_PAUSE {
        return After::End(Ended::Interrupted { error, after: asked.max(PAUSE) });
    }
    if asked.is_zero() {
        return After::Again(asked);
    }
    After::Again(asked.max(PAUSE * 2_u32.saturating_pow(attempt - 1)))
}

enum After {
    Again(Duration),
    End(Ended),
}

/// What a person can do about an object in the way.
pub const IN_THE_WAY_ADVICE: &str =
    "remove or rename that object, or ask for another name, and submit the intent again";

/// Says that an object stands where one of ours should be made.
pub fn in_the_way(address: &ResourceAddress, place: &str, object: &Observed) -> String {
    let owner = match &object.owner {
        Some(owner) => format!("belongs to {owner}"),
        None => "carries no ownership marker".to_owned(),
    };
    format!(
        "{address}: {place} has such an object already (id {}, {}); it exists and is not ours: it \
         {owner}, and what is not ours is never changed",
        object.id, object.key
    )
}

fn text(error: &dyn std::error::Error) -> String {
    runtime::chain(error)
}
