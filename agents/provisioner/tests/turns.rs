//! What becomes of a plan, case by case.

#![cfg(test)]

mod support;

use bus_schema::{Outcome, StaleReason};
use support::cloud::Fault;
use support::scene::{first, play, scenes, second};
use support::{Site, address, plan, properties, resource};

#[tokio::test(start_paused = true)]
async fn a_foreign_edit_makes_the_plan_stale_and_the_next_one_repairs_it() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    site.world.lock().unwrap().edit("alone", "value", "tampered");
    let outcome = site.apply("one", &first(), 2).await;
    let Outcome::Stale(stale) = &outcome else { panic!("{outcome:?}") };
    let StaleReason::Cloud { observations } = &stale.because else { panic!("{stale:?}") };
    assert_eq!(observations.len(), 1);
    assert_eq!(
        observations[0].properties,
        Some(properties(&[("name", "alone"), ("value", "tampered")]))
    );
    assert_eq!(site.state().unwrap().generation.0, 1);
    let outcome = site.apply("one", &first(), 2).await;
    assert!(matches!(&outcome, Outcome::Applied(it) if it.changes == 1), "{outcome:?}");
    let outcome = site.apply("one", &first(), 3).await;
    assert!(matches!(&outcome, Outcome::Applied(it) if it.changes == 0), "{outcome:?}");
    let record = site.state().unwrap();
    assert_eq!((record.generation.0, record.order), (2, 3), "verified without a new generation");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_object_and_one_without_its_mark_are_repaired() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    {
        let mut world = site.world.lock().unwrap();
        let items = world.scope("cloudflare.item", &support::zone("example.com"));
        items.retain(|it| it.key != "route");
        let alone = items.iter_mut().find(|it| it.key == "alone").unwrap();
        alone.owner = None;
        alone.properties = properties(&[("name", "alone"), ("value", "other")]);
    }
    let outcome = site.apply("one", &first(), 2).await;
    assert!(matches!(outcome, Outcome::Stale(_)), "{outcome:?}");
    let outcome = site.apply("one", &first(), 2).await;
    assert!(matches!(&outcome, Outcome::Applied(it) if it.changes == 2), "{outcome:?}");
    let fresh = Site::new();
    fresh.apply("one", &first(), 1).await;
    assert_eq!(
        site.world.lock().unwrap().picture(),
        fresh.world.lock().unwrap().picture(),
        "the mark is back too"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_never_touched() {
    let site = Site::new();
    let theirs = properties(&[("name", "alone"), ("value", "theirs")]);
    site.world.lock().unwrap().foreign("cloudflare.item", "alone", theirs);
    let before = site.world.lock().unwrap().picture();
    let outcome = site.apply("one", &first(), 1).await;
    let Outcome::Failed(failed) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(failed.resource, Some(address("item/alone")));
    assert!(failed.reason.contains("exists and is not ours"), "{}", failed.reason);
    assert!(failed.next.contains("remove or rename"), "{}", failed.next);
    assert_eq!(site.world.lock().unwrap().picture(), before);
    assert_eq!(site.world.lock().unwrap().calls, 0, "nothing was tried");
}

#[tokio::test(start_paused = true)]
async fn retiring_puts_back_what_was_there_before() {
    let site = Site::new();
    let before = site.world.lock().unwrap().picture();
    site.apply("one", &first(), 1).await;
    site.apply("one", &second(), 2).await;
    let outcome = site.apply("one", &[], 3).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert_eq!(site.world.lock().unwrap().picture(), before);
    assert!(site.shelf.lock().unwrap().claims.is_empty());
    assert!(site.state().unwrap().resources.is_empty(), "the record stays, empty");
}

#[tokio::test(start_paused = true)]
async fn stacks_share_a_setting_while_they_agree() {
    let site = Site::new();
    let before = site.world.lock().unwrap().picture();
    let wants = |stack: &str, value: &str| {
        let mut tls = resource("setting/tls", &[("setting", "tls"), ("value", value)], &[]);
        tls.address = support::address_in(stack, "setting/tls");
        let proposed = plan(site.state_of(stack).as_ref(), &[tls], 1);
        let (site, stack) = (site.clone(), stack.to_owned());
        async move { (stack, site.propose("one", &proposed).await) }
    };
    let (_, edge) = wants("edge", "strict").await;
    assert!(matches!(edge, Outcome::Applied(_)), "{edge:?}");
    let (_, other) = wants("other", "flexible").await;
    let Outcome::Failed(failed) = &other else { panic!("{other:?}") };
    assert!(failed.reason.contains("edge/cloudflare.setting/tls holds it"), "{}", failed.reason);
    assert!(failed.reason.contains("strict"), "{}", failed.reason);
    let (_, other) = wants("other", "strict").await;
    assert!(matches!(other, Outcome::Applied(_)), "{other:?}");

    let held = site.world.lock().unwrap().picture();
    let retired = site.apply("one", &[], 2).await;
    assert!(matches!(retired, Outcome::Applied(_)), "{retired:?}");
    assert_eq!(site.world.lock().unwrap().picture(), held, "the other stack still holds it");
    let retire = plan(site.state_of("other").as_ref(), &[], 2);
    let retired = site.propose("one", &retire).await;
    assert!(matches!(retired, Outcome::Applied(_)), "{retired:?}");
    assert_eq!(site.world.lock().unwrap().picture(), before, "the last one puts it back");
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_comes_too_late_is_superseded() {
    let site = Site::new();
    let late = plan(None, &first(), 1);
    site.apply("one", &second(), 2).await;
    let sequence = site.publish(&late);
    let outcomes = site.process("one").turn(&late, sequence).await.unwrap().unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Superseded(_)]), "{outcomes:?}");

    let early = plan(None, &first(), 3);
    let outcomes = site.process("one").turn(&early, sequence).await.unwrap().unwrap();
    let [Outcome::Stale(stale)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert!(matches!(stale.because, StaleReason::Generation { current } if current.0 == 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_left_behind_is_finished_first_and_a_live_one_waited_for() {
    let scene = scenes().await.remove(0);
    let site = scene.site.copy();
    let one = site.process("one");
    one.life.dies_at(8);
    assert!(one.turn(&scene.proposed, scene.sequence).await.is_none(), "it died");
    let open = site.state().unwrap();
    assert!(open.run.is_some());

    let mine = plan(None, &second(), 2);
    let sequence = site.publish(&mine);
    site.shelf.lock().unwrap().sessions.insert("one".to_owned());
    let error = site.process("two").turn(&mine, sequence).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("being worked on by one"), "{error}");

    site.shelf.lock().unwrap().sessions.remove("one");
    let outcomes = site.process("two").turn(&mine, sequence).await.unwrap().unwrap();
    let [Outcome::Applied(theirs), Outcome::Stale(_)] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    assert_eq!(theirs.plan, scene.proposed.id);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_overtaken_does_nothing_more() {
    let scene = scenes().await.remove(0);
    let site = scene.site.copy();
    let one = site.process("one");
    let (turn, ()) = tokio::join!(one.turn(&scene.proposed, scene.sequence), async {
        // Taken over in the middle of its first wave.
        while site.state().is_none() {
            tokio::task::yield_now().await;
        }
        site.shelf.lock().unwrap().sessions.remove("one");
        let taken = site.process("two").turn(&scene.proposed, scene.sequence).await;
        let outcomes = taken.unwrap().unwrap();
        assert!(matches!(outcomes.as_slice(), [Outcome::Applied(_)]), "{outcomes:?}");
    });
    let error = turn.unwrap().unwrap_err();
    assert!(runtime::chain(&error).contains("taken over"), "{error}");
    let (undisturbed, ..) = play(&scene, &[], None).await;
    assert_eq!(site.world.lock().unwrap().picture(), undisturbed.picture);
}

#[tokio::test(start_paused = true)]
async fn one_resource_costs_two_writes() {
    let site = Site::new();
    let desired = [resource("item/alone", &[("name", "alone"), ("value", "1")], &[])];
    site.apply("one", &desired, 1).await;
    assert_eq!(site.shelf.lock().unwrap().history.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_stays_away_is_waited_for_and_then_given_up() {
    let site = Site::new();
    let down = ("create".to_owned(), Fault::Unavailable);
    site.world.lock().unwrap().always.push(down);
    let proposed = plan(None, &first(), 1);
    let sequence = site.publish(&proposed);
    let mut process = site.process("one");
    let error = process.turn(&proposed, sequence).await.unwrap().unwrap_err();
    assert!(runtime::chain(&error).contains("waits for the cloud"), "{error}");
    assert!(site.state().unwrap().run.is_some(), "the run is kept");

    process.applier.saga.patience = std::time::Duration::ZERO;
    let outcomes = process.turn(&proposed, sequence).await.unwrap().unwrap();
    let [Outcome::Failed(failed)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert!(failed.reason.contains("given up"), "{}", failed.reason);
    assert_eq!(site.world.lock().unwrap().picture(), Site::new().world.lock().unwrap().picture());
}

#[tokio::test(start_paused = true)]
async fn a_plan_too_large_to_be_journalled_fails_before_anything_is_done() {
    let site = Site::new();
    let value = "x".repeat(300 * 1024);
    let desired = [resource("item/alone", &[("name", "alone"), ("value", value.as_str())], &[])];
    let outcome = site.apply("one", &desired, 1).await;
    let Outcome::Failed(failed) = &outcome else { panic!("{outcome:?}") };
    assert!(failed.reason.contains("cannot be journalled"), "{}", failed.reason);
    assert_eq!(site.world.lock().unwrap().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_whose_content_was_altered_is_no_plan() {
    let site = Site::new();
    let mut proposed = plan(None, &first(), 1);
    proposed.plan.changes.pop();
    let error = site.process("one").turn(&proposed, 1).await.unwrap().unwrap_err();
    assert_eq!(runtime::Retryable::retry(&error), runtime::Retry::Never);
    assert!(runtime::chain(&error).contains("its content has the id"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_delivered_again_after_its_intent_has_ended_is_not_begun() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    let before = site.world.lock().unwrap().picture();
    let late = plan(site.state().as_ref(), &second(), 2);
    site.shelf.lock().unwrap().ended.insert(late.plan.intent.to_string());
    let sequence = site.publish(&late);
    let outcomes = site.process("one").turn(&late, sequence).await.unwrap().unwrap();
    assert_eq!(outcomes, vec![]);
    assert_eq!(site.world.lock().unwrap().picture(), before);
}
