//! Which object of a listing is a resource's. Pure.

use bus_schema::{Properties, ResourceAddress};

use crate::{Kind, Observed, Ownership};

/// Which object a listing is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'it> {
    /// What it is.
    pub kind: &'it dyn Kind,
    /// Whose it is.
    pub address: &'it ResourceAddress,
    /// Its owned fields, as they may be: wanted first.
    pub shapes: [Option<&'it Properties>; 2],
    /// The id that was recorded when it was made.
    pub id: Option<&'it str>,
    /// Ids of objects of ours that were deleted: a listing that still shows one lags behind.
    pub deleted: &'it [String],
}

/// The object of a resource in a listing of its kind and place; else one that stands in its way.
///
/// What the object shows of its owner decides. Where it shows none, the recorded id tells it as well:
/// a tool that writes a whole object wipes the mark, but cannot give another the id. An object that
/// merely has the same key is somebody else's.
pub fn locate(listing: &[Observed], sought: Sought<'_>) -> (Option<Observed>, Option<Observed>) {
    let Sought { kind, address, shapes, id, deleted } = sought;
    let shapes: Vec<&Properties> = shapes.into_iter().flatten().collect();
    let same_id = |it: &&Observed| id.is_some_and(|id| it.id == id);
    let owned = |it: &&Observed| shapes.iter().any(|shape| kind.is_of(address, shape, it));
    let wanted_key = shapes.first().map(|shape| kind.key(address, shape));
    let same_key = |it: &&Observed| wanted_key.as_ref() == Some(&it.key);
    let claimed = kind.describe().ownership == Ownership::Claimed;
    // What shows another owner or none was put there by somebody else, whatever its id; and where the
    // id is the object's name, one made anew has it again.
    let lagging =
        |it: &&Observed| !claimed && it.id != it.key && deleted.contains(&it.id) && owned(it);
    let listing = || listing.iter().filter(|it| !lagging(it));
    let ours = listing()
        .filter(owned)
        .find(same_id)
        .or_else(|| listing().filter(owned).find(same_key))
        .or_else(|| listing().find(owned))
        .or_else(|| listing().filter(|it| !claimed && it.owner.is_none()).find(same_id));
    match ours {
        Some(ours) => (Some(ours.clone()), None),
        None => (None, listing().find(same_key).cloned()),
    }
}

/// Whether an object shows every one of these fields so. What a declaration leaves out is left to the
/// cloud.
pub fn shows(object: &Observed, wanted: &Properties) -> bool {
    wanted.0.iter().all(|(field, value)| object.properties.get(field) == Some(value))
}
