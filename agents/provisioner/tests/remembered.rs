//! What a stack's record remembers outlives what overwrites it.

#![cfg(test)]

mod support;

use ::cloud::Observed;
use bus_schema::{Outcome, PlanFailed, Resource, StackState, StaleReason};
use support::cloud::Fault;
use support::scene::{first, scenes, second};
use support::{Site, address, plan, resource};

/// A plan whose failing is recorded, and was never published.
async fn failed(site: &Site) -> (bus_schema::PlanProposed, u64, Outcome) {
    site.world.lock().unwrap().always.push(("create".to_owned(), Fault::Refused));
    let proposed = plan(site.state().as_ref(), &first(), 1);
    let sequence = site.publish(&proposed);
    let outcome = site.process("one").turn(&proposed, sequence).await.unwrap().unwrap();
    site.world.lock().unwrap().always.clear();
    let [outcome @ Outcome::Failed(_)] = outcome.as_slice() else { panic!("{outcome:?}") };
    (proposed, sequence, outcome.clone())
}

#[tokio::test(start_paused = true)]
async fn a_failed_plan_is_not_begun_again_after_another_plan() {
    let site = Site::new();
    let (proposed, sequence, outcome) = failed(&site).await;
    // The next one fails too, so that generation and order are as they were.
    site.world.lock().unwrap().always.push(("create".to_owned(), Fault::Refused));
    let next = site.apply("two", &second(), 2).await;
    assert!(matches!(next, Outcome::Failed(_)), "{next:?}");
    site.world.lock().unwrap().always.clear();
    let calls = site.world.lock().unwrap().calls;
    let again = site.process("three").turn(&proposed, sequence).await.unwrap().unwrap();
    assert_eq!(again, [outcome], "its own outcome, said again");
    assert_eq!(site.world.lock().unwrap().calls, calls, "nothing was tried");
    let third = site.apply("two", &second(), 3).await;
    assert!(matches!(third, Outcome::Applied(_)), "{third:?}");
}

#[tokio::test(start_paused = true)]
async fn a_put_back_run_is_told_of_after_another_plan() {
    let scene = scenes().await.remove(0);
    let site = scene.site.copy();
    {
        let mut world = site.world.lock().unwrap();
        world.always.push(("create edge/cloudflare.item/route".to_owned(), Fault::Refused));
        world.always.push(("delete cloudflare.item".to_owned(), Fault::Refused));
    }
    let stuck = site.process("one").turn(&scene.proposed, scene.sequence).await.unwrap().unwrap();
    assert!(matches!(stuck.as_slice(), [Outcome::Stuck(_)]), "{stuck:?}");
    site.world.lock().unwrap().always.clear();
    // Put back and recorded; then the process dies before it says so.
    let put_back = site.process("one").resume(&scene.proposed).await.unwrap().unwrap();
    assert!(matches!(put_back, Some(Outcome::Failed(_))), "{put_back:?}");
    let next = site.apply("two", &first(), 2).await;
    assert!(matches!(next, Outcome::Applied(_)), "{next:?}");
    let again = site.process("three").resume(&scene.proposed).await.unwrap().unwrap();
    assert_eq!(again, put_back, "the request delivered again is answered");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_leaves_out_what_was_seen_meanwhile_is_planned_again() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    site.apply("one", &[], 2).await;
    // Planned while the stack was empty ...
    let retire = plan(site.state().as_ref(), &[], 4);
    assert!(retire.plan.is_empty());
    let create = plan(site.state().as_ref(), &first(), 3);
    // ... and then a listing shows an object of the stack, as one that lags behind does.
    let ghost = {
        let busy = Site::new();
        busy.apply("one", &first(), 1).await;
        let mut world = busy.world.lock().unwrap();
        let items = world.scope("cloudflare.item", &support::zone("example.com")).clone();
        let found = items.into_iter().find(|it| it.key == "alone").unwrap();
        Observed { id: "not-known".to_owned(), ..found }
    };
    let scope = support::zone("example.com");
    site.world.lock().unwrap().scope("cloudflare.item", &scope).push(ghost);
    let seen = site.propose("one", &create).await;
    assert!(matches!(seen, Outcome::Stale(_)), "{seen:?}");
    site.world.lock().unwrap().scope("cloudflare.item", &scope).clear();

    let outcome = site.propose("one", &retire).await;
    let Outcome::Stale(stale) = &outcome else { panic!("the ghost is left behind: {outcome:?}") };
    let StaleReason::Cloud { observations } = &stale.because else { panic!("{stale:?}") };
    assert_eq!(
        observations.iter().map(|it| &it.resource).collect::<Vec<_>>(),
        [&address("item/alone")]
    );
    // Planned again it names what was seen; that it is gone after all is noted, then taken over.
    let mut outcome = site.apply("one", &[], 4).await;
    while matches!(outcome, Outcome::Stale(_)) {
        outcome = site.apply("one", &[], 4).await;
    }
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert!(site.state().unwrap().resources.is_empty());
}

/// One record, by itself.
fn record(name: &str, zone: &str) -> Resource {
    let record = resource("item/record", &[("name", name)], &[]);
    Resource { place: support::zone(zone), ..record }
}

/// Plans and applies until it is not stale any more.
async fn settle(site: &Site, desired: &[Resource], order: u64) -> Outcome {
    for _ in 0..4 {
        let outcome = site.apply("one", desired, order).await;
        if !matches!(outcome, Outcome::Stale(_)) {
            return outcome;
        }
    }
    panic!("planned again and again");
}

#[tokio::test(start_paused = true)]
async fn what_a_lagging_listing_leaves_out_is_not_left_behind() {
    let moved = [record("a", "example.net")];
    let renamed = [record("b", "example.com")];
    for (desired, listings) in [(&moved[..], 8), (&renamed[..], 8), (&[][..], 8), (&moved, 1)] {
        let site = Site::new();
        // Nothing is there yet, and that is what is shown for long after.
        let before = site.world.lock().unwrap().clone();
        site.apply("one", &[record("a", "example.com")], 1).await;
        site.world.lock().unwrap().show(&before, listings);
        let outcome = settle(&site, desired, 2).await;
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        let calm = Site::new();
        if !desired.is_empty() {
            calm.apply("one", desired, 1).await;
        }
        assert_eq!(
            site.world.lock().unwrap().picture(),
            calm.world.lock().unwrap().picture(),
            "{listings} listings lag"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_is_not_believed_to_be_there() {
    let desired = [record("a", "example.com")];
    for listings in 1..6 {
        let site = Site::new();
        site.apply("one", &desired, 1).await;
        let before = site.world.lock().unwrap().clone();
        site.apply("one", &[], 2).await;
        site.world.lock().unwrap().show(&before, listings);
        let outcome = settle(&site, &desired, 3).await;
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        let world = site.world.lock().unwrap();
        let made: usize = world.creates.values().sum();
        assert_eq!(made, 2, "made anew though {listings} listings show the old one");
        let recorded = site.state().unwrap().resources[&address("item/record")].clone();
        let there =
            world.objects.values().flatten().any(|it| Some(&it.id) == recorded.cloud_id.as_ref());
        assert!(there, "what is recorded is there");
    }
}

#[test]
fn what_is_remembered_is_bounded_and_read_by_older_records() {
    let mut state: StackState =
        provisioner::ending::blank(&plan(None, &first(), 1).plan, jiff::Timestamp::now());
    let failed = |number: usize| {
        let mut failed = PlanFailed {
            stack: state.stack.clone(),
            intent: bus_schema::IntentId::of_stream_sequence(1),
            plan: bus_schema::PlanId::new(format!("{number:064x}")).unwrap(),
            origin: bus_schema::Origin::Intent,
            resource: None,
            reason: "x".repeat(100_000),
            next: String::new(),
            undone: 0,
        };
        failed.reason.insert(0, '가');
        failed
    };
    let all: Vec<PlanFailed> = (0..20).map(failed).collect();
    for failed in &all {
        state.conclude(Outcome::Failed(failed.clone()));
        state.conclude(Outcome::Failed(failed.clone()));
    }
    assert_eq!(state.failed.len(), StackState::MOST_FAILED);
    assert_eq!(state.outcome_of(&all[19].plan), Some(Outcome::Failed(all[19].clone())));
    assert!(matches!(state.outcome_of(&all[18].plan), Some(Outcome::Failed(_))));
    assert_eq!(state.outcome_of(&all[10].plan), None);
    assert!(bus_schema::codec::encode(&state).unwrap().len() < 200_000);
}
