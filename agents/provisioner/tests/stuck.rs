//! A run that cannot be undone, and how a person gets it going again.

#![cfg(test)]

mod support;

use bus_schema::Outcome;
use provisioner::admission::{Admission, admit};
use support::cloud::Fault;
use support::scene::{Scene, essence, first, play, scenes};
use support::{Site, address, plan};

/// A scene whose plan failed, and what it had made cannot be deleted.
async fn stuck() -> (Scene, Site, Outcome) {
    let scene = scenes().await.remove(0);
    let site = scene.site.copy();
    {
        let mut world = site.world.lock().unwrap();
        world.always.push(("create edge/cloudflare.item/route".to_owned(), Fault::Refused));
        world.always.push(("delete cloudflare.item".to_owned(), Fault::Refused));
    }
    let process = site.process("one");
    let mut outcomes = process.turn(&scene.proposed, scene.sequence).await.unwrap().unwrap();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    (scene, site, outcomes.remove(0))
}

fn mend(site: &Site) {
    site.world.lock().unwrap().always.clear();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_named_and_said_again_on_redelivery() {
    let (scene, site, outcome) = stuck().await;
    let Outcome::Stuck(stuck) = &outcome else { panic!("{outcome:?}") };
    assert!(stuck.reason.contains("route"), "{}", stuck.reason);
    assert!(stuck.next.contains("`zerodrift resume edge`"), "{}", stuck.next);
    let script = stuck.resources.iter().find(|it| it.resource == address("item/script")).unwrap();
    assert!(script.cloud_id.is_some());
    assert_eq!(script.wanted, None, "it should be gone");
    assert!(script.reason.contains("that will not do"), "{}", script.reason);
    let store = stuck.resources.iter().find(|it| it.resource == address("named/store"));
    assert!(store.unwrap().reason.contains("waits"), "what it rests on is kept");

    let again = site.process("one").turn(&scene.proposed, scene.sequence).await;
    assert_eq!(again.unwrap().unwrap(), [outcome], "said again on redelivery");
}

#[tokio::test(start_paused = true)]
async fn nothing_else_goes_on_until_a_person_says_so() {
    let (scene, site, _) = stuck().await;
    mend(&site);
    let calls = site.world.lock().unwrap().calls;
    let other = site.apply("two", &first(), 2).await;
    let Outcome::Failed(failed) = &other else { panic!("{other:?}") };
    assert!(failed.reason.contains("is stuck"), "{}", failed.reason);
    assert!(failed.next.contains("`zerodrift resume edge`"), "{}", failed.next);
    assert_eq!(failed.undone, 0);
    assert_eq!(site.world.lock().unwrap().calls, calls, "the cloud was left alone");

    let put_back = site.process("two").resume(&scene.proposed).await.unwrap().unwrap();
    assert!(matches!(put_back, Some(Outcome::Failed(_))), "{put_back:?}");
    let third = site.apply("three", &first(), 3).await;
    assert!(matches!(third, Outcome::Applied(_)), "{third:?}");
    let (undisturbed, ..) = play(&scene, &[], None).await;
    assert_eq!(site.world.lock().unwrap().picture(), undisturbed.picture);
}

#[tokio::test(start_paused = true)]
async fn what_still_cannot_be_undone_is_stuck_again() {
    let (scene, site, before) = stuck().await;
    let still = site.process("two").resume(&scene.proposed).await.unwrap().unwrap().unwrap();
    assert_eq!(still, before);
    mend(&site);
    let put_back = site.process("two").resume(&scene.proposed).await.unwrap().unwrap().unwrap();
    let Outcome::Failed(failed) = &put_back else { panic!("{put_back:?}") };
    assert!(failed.undone > 0);
    let again = site.process("two").resume(&scene.proposed).await.unwrap().unwrap();
    assert_eq!(again, Some(put_back), "said again on redelivery");
}

#[tokio::test(start_paused = true)]
async fn a_resumption_killed_at_any_point_is_finished_by_the_next() {
    let (scene, stuck_site, _) = stuck().await;
    mend(&stuck_site);
    let calm = stuck_site.copy();
    let process = calm.process("two");
    let expected = process.resume(&scene.proposed).await.unwrap().unwrap();
    let points = process.life.points();
    assert!(points > 5, "{points} points are passed");
    let before = scene.site.world.lock().unwrap().picture();
    for point in 0..points {
        let site = stuck_site.copy();
        let killed = site.process("two");
        killed.life.dies_at(point);
        assert!(killed.resume(&scene.proposed).await.is_none(), "killed at {point}");
        let outcome = site.process("three").resume(&scene.proposed).await.unwrap().unwrap();
        assert_eq!(outcome, expected, "killed at {point}");
        assert_eq!(site.world.lock().unwrap().picture(), before, "killed at {point}");
        assert_eq!(essence(site.state()), essence(calm.state()), "killed at {point}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_from_before_is_not_taken_for_one_that_is_blocked() {
    let (_, site, _) = stuck().await;
    let other = plan(None, &first(), 2);
    let me = bus_schema::InstanceId::new("two").unwrap();
    let mut state = site.state().unwrap();
    let blocked = admit(Some(&state), &other, &me, false);
    assert!(matches!(blocked, Admission::Blocked(_)), "{blocked:?}");
    // As after it was applied, and another got stuck.
    state.generation = state.generation.next();
    let past = admit(Some(&state), &other, &me, false);
    assert_eq!(past, Admission::Stale { current: state.generation });
}
