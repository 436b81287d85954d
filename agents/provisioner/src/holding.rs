//! Makes a change to an object that is always there: hold it, or let it go.
//!
//! Each part can be repeated: joining a claim twice is joining it once, and a value is set only where
//! it is not so already.

use bus_schema::{Place, Properties};
use cloud::Observed;

use crate::claims::{self, Leaving};
use crate::moves;
use crate::step::{Made, Spot, Task, Trouble};

/// Makes the change once. Takes hold of what is wanted before it lets go of what is not, so that a
/// dispute is known before anything is changed.
pub(crate) async fn attempt(task: &Task, touched: &mut bool) -> Result<Option<Box<Made>>, Trouble> {
    let key = |spot: &Spot| {
        let natural = task.kind.key(&task.address, &spot.properties);
        claims::key(&task.address.kind, &spot.place, &natural)
    };
    let made = match &task.to {
        Some(to) => Some(Box::new(hold(task, to, &key(to), touched).await?)),
        None => None,
    };
    if let Some(from) = &task.from
        && task.to.as_ref().map(key) != Some(key(from))
    {
        release(task, from, &key(from), touched).await?;
    }
    Ok(made)
}

async fn hold(task: &Task, to: &Spot, key: &str, touched: &mut bool) -> Result<Made, Trouble> {
    let there = find(task, to).await?;
    let prior = task.prior.as_ref().unwrap_or(&there.properties);
    let claim = claims::join(&*task.records, key, &task.address, &to.properties, prior).await?;
    *touched = true;
    let wanted = task.yielding(&to.properties, Some(&there));
    let observed = if moves::shows(&there, &wanted) {
        there
    } else {
        runtime::failpoint!("holding::before_setting");
        let set = task.cloud.create(&task.resource(&to.place, &wanted)).await?;
        runtime::failpoint!("holding::after_setting");
        set
    };
    Ok(Made { observed, prior: Some(claim.prior) })
}

async fn release(task: &Task, from: &Spot, key: &str, touched: &mut bool) -> Result<(), Trouble> {
    let (leaving, revision) = claims::leave(&*task.records, key, &task.address).await?;
    *touched = true;
    let (Leaving::Last(claim), Some(revision)) = (leaving, revision) else { return Ok(()) };
    let there = find(task, from).await?;
    set(task, &from.place, &there, &claim.prior).await?;
    if !claims::forget(&*task.records, key, revision).await?
        && let Some((claim, _)) = task.records.claim(key).await.map_err(claims::ClaimError::from)?
    {
        // Somebody joined after the claim was empty: its value may just have been overwritten.
        let there = find(task, from).await?;
        set(task, &from.place, &there, &claim.properties).await?;
    }
    Ok(())
}

async fn set(
    task: &Task,
    place: &Place,
    there: &Observed,
    wanted: &Properties,
) -> Result<(), Trouble> {
    let wanted = task.yielding(wanted, Some(there));
    if !moves::shows(there, &wanted) {
        runtime::failpoint!("holding::before_restoring");
        task.cloud.update(&task.resource(place, &wanted), &there.id).await?;
        runtime::failpoint!("holding::after_restoring");
    }
    Ok(())
}

async fn find(task: &Task, spot: &Spot) -> Result<Observed, Trouble> {
    let key = task.kind.key(&task.address, &spot.properties);
    let listing = task.cloud.list(&task.address.kind, &spot.place).await?;
    listing.into_iter().find(|it| it.key == key).ok_or_else(|| {
        Trouble::Hindered(
            format!("{}: {} has no {key}", task.address, spot.place),
            "check the plan of that zone: not every one has every setting",
        )
    })
}
