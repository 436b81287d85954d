//! A run ends as it should whatever goes wrong with any of its calls, and wherever it is killed.

#![cfg(test)]

mod support;

use bus_schema::{Claim, Outcome, PlanProposed, Resource, StackState, StaleReason};
use support::cloud::Fault;
use support::{Site, address, plan, properties, resource};

/// Everything there is to do: what refers to what, what is always there, what stands alone.
fn first() -> Vec<Resource> {
    vec![
        resource("named/store", &[("size", "1")], &[]),
        resource(
            "item/script",
            &[("name", "script"), ("link", "${cloudflare.named/store.id}")],
            &["named/store"],
        ),
        resource("item/route", &[("name", "route"), ("value", "x")], &["item/script"]),
        resource("item/alone", &[("name", "alone"), ("value", "1")], &[]),
        resource("item/mover", &[("name", "mover")], &[]),
        resource("setting/tls", &[("setting", "tls"), ("value", "strict")], &[]),
        resource("setting/extra", &[("setting", "http3"), ("value", "on")], &[]),
    ]
}

/// The same stack with resources updated, replaced, moved to another zone, gone, and new.
fn second() -> Vec<Resource> {
    let mover = resource("item/mover", &[("name", "mover")], &[]);
    vec![
        Resource { place: support::zone("example.net"), ..mover },
        resource("named/store", &[("size", "2")], &[]),
        resource(
            "item/script",
            &[("name", "script2"), ("link", "${cloudflare.named/store.id}")],
            &["named/store"],
        ),
        resource("item/route", &[("name", "route"), ("value", "y")], &["item/script"]),
        resource("item/new", &[("name", "new")], &[]),
        resource("setting/tls", &[("setting", "tls"), ("value", "full")], &[]),
    ]
}

/// A site, and the plan to be applied there.
struct Scene {
    name: &'static str,
    site: Site,
    proposed: PlanProposed,
    sequence: u64,
}

async fn scenes() -> Vec<Scene> {
    let scene = |name, site: Site, desired: &[Resource], order| {
        let proposed = plan(site.state().as_ref(), desired, order);
        let sequence = site.publish(&proposed);
        Scene { name, site, proposed, sequence }
    };
    let applied = Site::new();
    let outcome = applied.apply("before", &first(), 1).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    applied.world.lock().unwrap().calls = 0;
    applied.world.lock().unwrap().creates.clear();
    vec![
        scene("create", Site::new(), &first(), 1),
        scene("change", applied.copy(), &second(), 2),
        scene("retire", applied, &[], 2),
    ]
}

/// A stack's state without what differs from one execution to another: times, ids, who did it.
fn essence(state: Option<StackState>) -> String {
    let Some(state) = state else { return "none".to_owned() };
    assert_eq!(state.run, None, "no run is left open");
    let resources: Vec<String> = state
        .resources
        .iter()
        .map(|(address, it)| {
            let linked = it.observed.clone().map(|mut observed| {
                observed.0.remove("link");
                observed
            });
            format!("{address} {} {:?} {linked:?} {:?}", it.place, it.declared, it.prior)
        })
        .collect();
    format!("{} {} {resources:#?}", state.generation, state.order)
}

fn claims(site: &Site) -> Vec<Claim> {
    site.shelf.lock().unwrap().claims.values().map(|(claim, _)| claim.clone()).collect()
}

struct Ending {
    outcome: Outcome,
    picture: Vec<String>,
    state: String,
}

/// Applies a scene's plan to a copy of its site; killed at this point of the first process, it is
/// taken up by a second.
async fn play(
    scene: &Scene,
    faults: &[(usize, Fault)],
    kill: Option<usize>,
) -> (Ending, usize, Site) {
    let site = scene.site.copy();
    site.world.lock().unwrap().faults.extend(faults.iter().copied());
    let one = site.process("one");
    if let Some(point) = kill {
        one.life.dies_at(point);
    }
    let mut turn = one.turn(&scene.proposed, scene.sequence).await;
    if turn.is_none() {
        turn = site.process("two").turn(&scene.proposed, scene.sequence).await;
    }
    let outcome = turn.unwrap().unwrap().pop().unwrap();
    let again = site.process("three").turn(&scene.proposed, scene.sequence).await;
    assert_eq!(again.unwrap().unwrap(), std::slice::from_ref(&outcome), "said again on redelivery");
    let picture = site.world.lock().unwrap().picture();
    let ending = Ending { outcome, picture, state: essence(site.state()) };
    (ending, one.life.points(), site)
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_point_it_ends_as_if_nothing_had_happened() {
    for scene in scenes().await {
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
    for scene in scenes().await {
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
    for scene in scenes().await {
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

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_stuck_until_it_can_be() {
    let scene = scenes().await.remove(0);
    let site = scene.site.copy();
    {
        let mut world = site.world.lock().unwrap();
        world.always.push(("create edge/cloudflare.item/route".to_owned(), Fault::Refused));
        world.always.push(("delete cloudflare.item".to_owned(), Fault::Refused));
    }
    let process = site.process("one");
    let outcome = process.turn(&scene.proposed, scene.sequence).await.unwrap().unwrap();
    let [Outcome::Stuck(stuck)] = outcome.as_slice() else { panic!("{outcome:?}") };
    assert!(stuck.reason.contains("route"), "{}", stuck.reason);
    let script = stuck.resources.iter().find(|it| it.resource == address("item/script")).unwrap();
    assert!(script.cloud_id.is_some());
    assert_eq!(script.wanted, None, "it should be gone");
    assert!(script.reason.contains("that will not do"), "{}", script.reason);
    let store = stuck.resources.iter().find(|it| it.resource == address("named/store"));
    assert!(store.unwrap().reason.contains("waits"), "what it rests on is kept");

    let again = process.turn(&scene.proposed, scene.sequence).await.unwrap().unwrap();
    assert_eq!(again, outcome, "said again on redelivery");

    let other = site.apply("two", &first(), 2).await;
    let Outcome::Failed(failed) = &other else { panic!("{other:?}") };
    assert!(failed.reason.contains("is stuck"), "{}", failed.reason);
    assert_eq!(failed.undone, 0);

    site.world.lock().unwrap().always.clear();
    let third = site.apply("three", &first(), 3).await;
    assert!(matches!(third, Outcome::Applied(_)), "{third:?}");
    let (undisturbed, ..) = play(&scene, &[], None).await;
    assert_eq!(site.world.lock().unwrap().picture(), undisturbed.picture);
}

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
async fn a_plan_whose_content_was_altered_is_no_plan() {
    let site = Site::new();
    let mut proposed = plan(None, &first(), 1);
    proposed.plan.changes.pop();
    let error = site.process("one").turn(&proposed, 1).await.unwrap().unwrap_err();
    assert_eq!(runtime::Retryable::retry(&error), runtime::Retry::Never);
    assert!(runtime::chain(&error).contains("its content has the id"), "{error}");
}
