//! A run ends as it should whatever goes wrong with any of its calls, wherever it is killed, and
//! though reads lag behind writes.

#![cfg(test)]

mod support;

use std::time::Duration;

use bus_schema::Outcome;
use support::cloud::Fault;
use support::scene::{Scene, claims, essence, play, scenes};

/// Every scene in a cloud that shows each write at once, and in one whose reads lag.
fn both(scenes: Vec<Scene>) -> impl Iterator<Item = Scene> {
    scenes.into_iter().flat_map(|scene| {
        let lagging = Scene {
            name: format!("{}, reads lagging", scene.name),
            site: scene.site.copy(),
            ..scene.clone()
        };
        lagging.site.world.lock().unwrap().lag = Duration::from_millis(1_500);
        [scene, lagging]
    })
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_point_it_ends_as_if_nothing_had_happened() {
    for scene in both(scenes().await) {
        let (undisturbed, points, _) = play(&scene, &[], None).await;
        assert!(matches!(undisturbed.outcome, Outcome::Applied(_)), "{:?}", undisturbed.outcome);
        assert!(points > 10, "{points} points are passed");
        for point in 0..points {
            let (killed, _, site) = play(&scene, &[], Some(point)).await;
            let at = format!("{} killed at {point}", scene.name);
            assert_eq!(killed.outcome, undisturbed.outcome, "{at}");
            assert_eq!(killed.picture, undisturbed.picture, "{at}");
            assert_eq!(killed.state, undisturbed.state, "{at}");
            let world = site.world.lock().unwrap();
            assert!(world.creates.values().all(|&n| n == 1), "{at}: {:?}", world.creates);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_or_a_short_outage_changes_nothing() {
    for scene in both(scenes().await) {
        let (undisturbed, _, site) = play(&scene, &[], None).await;
        let calls = site.world.lock().unwrap().calls;
        for call in 0..calls {
            for fault in [Fault::Lost, Fault::Unavailable] {
                let (ending, _, site) = play(&scene, &[(call, fault)], None).await;
                let at = format!("{} with call {call} {fault:?}", scene.name);
                assert_eq!(ending.outcome, undisturbed.outcome, "{at}");
                assert_eq!(ending.picture, undisturbed.picture, "{at}");
                assert_eq!(ending.state, undisturbed.state, "{at}");
                let world = site.world.lock().unwrap();
                assert!(world.creates.values().all(|&n| n == 1), "{at}: {:?}", world.creates);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_rolled_back_wherever_the_rolling_back_is_killed() {
    for scene in both(scenes().await) {
        let before = scene.site.world.lock().unwrap().picture();
        let state = essence(scene.site.state());
        let (undisturbed, _, site) = play(&scene, &[], None).await;
        let calls = site.world.lock().unwrap().calls;
        for call in 0..calls {
            let faults = [(call, Fault::Refused)];
            let (_, points, _) = play(&scene, &faults, None).await;
            for kill in std::iter::once(None).chain((0..points).map(Some)) {
                let at = format!("{} with call {call} refused, killed at {kill:?}", scene.name);
                let (ending, _, site) = play(&scene, &faults, kill).await;
                let Outcome::Failed(failed) = &ending.outcome else {
                    // Killed before the refusal was recorded, and not refused the second time.
                    assert!(kill.is_some(), "{at}: {:?}", ending.outcome);
                    assert_eq!(ending.outcome, undisturbed.outcome, "{at}");
                    assert_eq!(ending.picture, undisturbed.picture, "{at}");
                    continue;
                };
                assert!(failed.reason.contains("that will not do"), "{at}: {}", failed.reason);
                assert!(failed.next.contains("submit"), "{at}: {}", failed.next);
                assert_eq!(ending.picture, before, "{at}");
                if scene.site.state().is_some() {
                    assert_eq!(ending.state, state, "{at}");
                }
                assert_eq!(claims(&site), claims(&scene.site), "{at}");
            }
        }
    }
}
