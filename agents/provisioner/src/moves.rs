//! What is left to do of a change, from what is there. Pure.
//!
//! Every answer is derived from the cloud as it is now, never from what was tried: so a change whose
//! call was made and whose answer was lost is finished, not made twice, and a change somebody else
//! got in the way of is left alone.

use bus_schema::{Action, Properties};
use cloud::Observed;
use cloud::locate;
pub use cloud::{Sought, shows};

/// The object of a resource in a listing of its kind and place; else one that stands in its way. With
/// `object`, that one and no other, where it carries the mark of the same stack.
pub fn find(
    listing: &[Observed],
    sought: Sought<'_>,
    object: Option<&str>,
) -> (Option<Observed>, Option<Observed>) {
    let Some(id) = object else { return locate(listing, sought) };
    let stack = &sought.address.stack;
    let ours = |it: &&Observed| {
        it.id == id && it.owner.as_ref().is_some_and(|owner| owner.stack == *stack)
    };
    (listing.iter().find(ours).cloned(), None)
}

/// What a listing holds of one resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The resource's object in the place where it belongs once the change is made.
    pub ours: Option<Observed>,
    /// Its object in the place it moves out of, where that is another.
    pub stray: Option<Observed>,
    /// Where ours is not there: the object of somebody else that stands where it should be.
    pub obstacle: Option<Observed>,
}

/// What is left to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Todo {
    /// Delete the object with this id from the place moved out of.
    pub delete_stray: Option<String>,
    /// Delete the object with this id from the place it belongs in.
    pub delete: Option<String>,
    /// Then this.
    pub then: Then,
}

/// The last thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// Nothing: this is there, or nothing is to be there.
    Nothing(Option<Box<Observed>>),
    /// Make it.
    Create,
    /// Change the object with this id.
    Update(String),
}

/// Why nothing can be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Hindrance {
    /// Somebody else changed the object since it was looked at for the plan; absent: removed it.
    Changed(Option<Box<Observed>>),
    /// An object that is not ours stands where ours should be.
    InTheWay(Box<Observed>),
}

/// The recorded id of an object that no listing shows and the change would leave behind if it were
/// there after all: one that lags behind can leave it out. Deleting what is gone does no harm.
pub fn unseen<'it>(
    todo: &Todo,
    seen: &Seen,
    holds_data: bool,
    id: Option<&'it str>,
) -> Option<&'it str> {
    let shown = seen.ours.is_some() || seen.stray.is_some();
    let taken = |id: &str| seen.obstacle.as_ref().is_some_and(|obstacle| obstacle.id == id);
    let left_behind = match todo.then {
        // The cloud refuses a second of the name, and then it is looked at again.
        Then::Create => !holds_data,
        Then::Nothing(None) => true,
        Then::Nothing(Some(_)) | Then::Update(_) => false,
    };
    id.filter(|id| left_behind && !shown && !taken(id))
}

/// What is left to do of a change from `before` to `after`.
///
/// # Errors
/// When what is there is neither of the two, nor a half-made object of ours.
pub fn forward(
    action: Action,
    before: Option<&Properties>,
    after: Option<&Properties>,
    seen: &Seen,
) -> Result<Todo, Hindrance> {
    let is = |object: &Observed, wanted: Option<&Properties>| {
        wanted.is_some_and(|wanted| shows(object, wanted))
    };
    let changed = |object: &Observed| Hindrance::Changed(Some(Box::new(object.clone())));
    let delete_stray = match &seen.stray {
        Some(stray) if is(stray, before) => Some(stray.id.clone()),
        Some(stray) => return Err(changed(stray)),
        None => None,
    };
    let (delete, then) = match (action, &seen.ours) {
        (Action::Delete, None) => (None, Then::Nothing(None)),
        (Action::Delete, Some(ours)) if is(ours, before) => {
            (Some(ours.id.clone()), Then::Nothing(None))
        }
        (Action::Create | Action::Update | Action::Replace, Some(ours)) if is(ours, after) => {
            (None, Then::Nothing(Some(Box::new(ours.clone()))))
        }
        (Action::Create | Action::Replace, None) => match &seen.obstacle {
            Some(obstacle) => return Err(Hindrance::InTheWay(Box::new(obstacle.clone()))),
            None => (None, Then::Create),
        },
        (Action::Update, None) => return Err(Hindrance::Changed(None)),
        (Action::Update, Some(ours)) if is(ours, before) => (None, Then::Update(ours.id.clone())),
        (Action::Replace, Some(ours)) if delete_stray.is_none() && is(ours, before) => {
            (Some(ours.id.clone()), Then::Create)
        }
        // Ours, and of no other making than this change's: it was made, then touched.
        (Action::Create, Some(ours)) => (None, Then::Update(ours.id.clone())),
        (Action::Delete | Action::Update | Action::Replace, Some(ours)) => {
            return Err(changed(ours));
        }
    };
    Ok(Todo { delete_stray, delete, then })
}

/// What is left to do to put back `target`, whatever has become of the object since; `replaced`:
/// the change had replaced the object, so it cannot be updated back.
///
/// # Errors
/// When an object that is not ours stands where ours was.
pub fn backward(
    target: Option<&Properties>,
    replaced: bool,
    seen: &Seen,
) -> Result<Todo, Hindrance> {
    let delete_stray = seen.stray.as_ref().map(|stray| stray.id.clone());
    let (delete, then) = match (target, &seen.ours) {
        (None, ours) => (ours.as_ref().map(|ours| ours.id.clone()), Then::Nothing(None)),
        (Some(target), Some(ours)) if shows(ours, target) => {
            (None, Then::Nothing(Some(Box::new(ours.clone()))))
        }
        (Some(_), Some(ours)) if replaced => (Some(ours.id.clone()), Then::Create),
        (Some(_), Some(ours)) => (None, Then::Update(ours.id.clone())),
        (Some(_), None) => match &seen.obstacle {
            Some(obstacle) => return Err(Hindrance::InTheWay(Box::new(obstacle.clone()))),
            None => (None, Then::Create),
        },
    };
    Ok(Todo { delete_stray, delete, then })
}
