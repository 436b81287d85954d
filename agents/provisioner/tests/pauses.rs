//! Hands off: a stack that is to be left alone sees no write from then on, and goes on from there.

#![cfg(test)]

mod support;

use bus_schema::{
    Generation, Origin, Outcome, PauseRequested, PlanProposed, Remedy, StackState, StepState,
};
use provisioner::turn::TurnError;
use support::scene::{Scene, claims, essence, first, play, scenes, second};
use support::{Process, STACK, Site, plan};

fn asked(paused: bool) -> PauseRequested {
    PauseRequested {
        stack: STACK.parse().unwrap(),
        paused,
        reason: Some("an incident".to_owned()),
        by: Some("kim".to_owned()),
    }
}

async fn heed(process: &Process, paused: bool, sequence: u64) {
    let at = jiff::Timestamp::now();
    process.applier.heed(&asked(paused), sequence, at).await.unwrap();
}

/// Gives every plan that waited its turn, as the agent does.
async fn take_waiting(site: &Site, process: &Process) -> Vec<Outcome> {
    let stack = STACK.parse().unwrap();
    let mut outcomes = Vec::new();
    while let Some(sequence) = process.applier.first_waiting(&stack).await.unwrap() {
        let index = usize::try_from(sequence).unwrap() - 1;
        let proposed = site.shelf.lock().unwrap().plans[index].clone();
        outcomes.extend(process.turn(&proposed, sequence).await.unwrap().unwrap());
        process.applier.waited(&stack, sequence).await.unwrap();
    }
    outcomes
}

/// Resources whose changes were begun, as the record says, and the ids of their objects.
fn begun(state: &StackState) -> Vec<String> {
    let steps = state.run.iter().flat_map(|run| &run.steps);
    steps
        .filter(|(_, step)| matches!(step.state, StepState::Started | StepState::Undoing))
        .flat_map(|(resource, step)| {
            let id = step.before.iter().filter_map(|before| before.cloud_id.clone());
            id.map(|id| format!(" {id} ")).chain([resource.to_string()])
        })
        .collect()
}

/// Pauses when the process has passed this many points. Answers whether it came in time.
async fn paused_at(scene: &Scene, point: usize) -> bool {
    let site = scene.site.copy();
    let (one, other) = (site.process("one"), site.process("other"));
    one.life.halts_at(point);
    let meddling = async {
        one.life.halts().await;
        let there = site.state().is_some();
        heed(&other, true, 100).await;
        let calls = site.world.lock().unwrap().log.len();
        let begun = there.then(|| (calls, begun(&site.state().unwrap())));
        one.life.goes_on();
        begun
    };
    let working = async {
        let outcomes = one.turn(&scene.proposed, scene.sequence).await.unwrap();
        one.life.goes_on();
        outcomes
    };
    let (outcomes, paused) = tokio::join!(working, meddling);
    let Some((calls, begun)) = paused else { return true };
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        // It saw that somebody wrote the record before it had begun: it comes again.
        Err(TurnError::Write(_)) => {
            one.turn(&scene.proposed, scene.sequence).await.unwrap().unwrap()
        }
        Err(error) => panic!("{error}"),
    };
    let written = site.world.lock().unwrap().log[calls..].to_vec();
    for call in &written {
        assert!(begun.iter().any(|it| call.contains(it)), "{}@{point}: {call}", scene.name);
    }
    let state = site.state().unwrap();
    if !outcomes.is_empty() {
        assert!(state.run.is_none() && state.waiting.is_empty());
        return false;
    }
    assert_eq!(state.waiting, [scene.sequence]);

    // While it is left alone, whoever comes waits too, and nothing is written.
    let calls = site.world.lock().unwrap().calls;
    let again = other.turn(&scene.proposed, scene.sequence).await.unwrap().unwrap();
    assert!(again.is_empty());
    assert_eq!(site.state().unwrap(), state);
    assert_eq!(site.world.lock().unwrap().calls, calls);

    // Somebody else goes on, though the first one is alive.
    heed(&other, false, 101).await;
    let outcomes = take_waiting(&site, &other).await;
    let (whole, _, expected) = play(scene, &[], None).await;
    assert_eq!(outcomes, [whole.outcome], "{}@{point}", scene.name);
    assert_eq!(site.world.lock().unwrap().picture(), whole.picture, "{}@{point}", scene.name);
    assert!(site.world.lock().unwrap().creates.values().all(|&n| n == 1));
    let state = site.state().unwrap();
    assert!(state.waiting.is_empty());
    assert_eq!(essence(Some(state)), whole.state);
    assert_eq!(claims(&site), claims(&expected));
    true
}

#[tokio::test(start_paused = true)]
async fn a_run_stops_between_two_changes_wherever_it_is_and_goes_on_from_there() {
    for scene in scenes().await {
        let mut point = 0;
        while paused_at(&scene, point).await {
            point += 1;
            assert!(point < 200, "{}: it never came too late", scene.name);
        }
        assert!(point > 10, "{}: {point}", scene.name);
    }
}

#[tokio::test(start_paused = true)]
async fn plans_that_came_meanwhile_have_their_turns_in_their_order() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    let one = site.process("one");
    heed(&one, true, 10).await;
    let calls = site.world.lock().unwrap().calls;
    for order in [2, 3] {
        let proposed = plan(site.state().as_ref(), &second(), order);
        let sequence = site.publish(&proposed);
        assert!(one.turn(&proposed, sequence).await.unwrap().unwrap().is_empty());
    }
    assert_eq!(site.state().unwrap().waiting, [2, 3]);
    assert_eq!(site.world.lock().unwrap().calls, calls);
    heed(&one, false, 11).await;
    let outcomes = take_waiting(&site, &one).await;
    assert!(
        matches!(outcomes.as_slice(), [Outcome::Applied(_), Outcome::Stale(_)]),
        "{outcomes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_late_does_not_undo_a_later_one() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    let one = site.process("one");
    heed(&one, true, 10).await;
    let pause = site.state().unwrap().paused.unwrap();
    assert_eq!((pause.reason.as_deref(), pause.by.as_deref()), (Some("an incident"), Some("kim")));
    heed(&one, false, 11).await;
    heed(&one, true, 10).await;
    assert_eq!(site.state().unwrap().paused, None);
}

/// The same plan as a repair.
fn repair(site: &Site, origin: Origin) -> PlanProposed {
    let mut plan = plan(site.state().as_ref(), &first(), 1).plan;
    plan.origin = origin;
    if origin == Origin::Adopt {
        plan.to = plan.from.next();
    }
    let reason = "for a test".to_owned();
    plan.remedy = Some(Remedy { findings: Vec::new(), attempt: 1, reason });
    PlanProposed::new(plan)
}

#[tokio::test(start_paused = true)]
async fn a_repair_puts_back_what_is_declared_and_nothing_else() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    let intent = site.state().unwrap().intent.unwrap().to_string();
    site.shelf.lock().unwrap().ended.insert(intent);
    site.world.lock().unwrap().edit("alone", "value", "tampered");
    let tampered = support::properties(&[("name", "alone"), ("value", "tampered")]);
    let seen = Some(tampered.clone());
    {
        let mut shelf = site.shelf.lock().unwrap();
        let (state, _) = shelf.stacks.get_mut(STACK).unwrap();
        state.overlay([(&support::address("item/alone"), &seen)]);
    }
    let heal = repair(&site, Origin::Heal);
    let mut hostile = heal.plan.clone();
    hostile.changes[0].after = Some(support::properties(&[("name", "alone"), ("value", "mine")]));
    let hostile = PlanProposed::new(hostile);
    let sequence = site.publish(&hostile);
    let error = site.process("one").turn(&hostile, sequence).await.unwrap().unwrap_err();
    assert!(matches!(error, TurnError::Invalid(_)), "{error}");

    let outcome = site.propose("one", &heal).await;
    let Outcome::Applied(applied) = &outcome else { panic!("{outcome:?}") };
    assert_eq!((applied.changes, applied.origin), (1, Origin::Heal));
    let state = site.state().unwrap();
    assert_eq!((state.generation, state.order), (Generation(2), 1));
    let fresh = Site::new();
    fresh.apply("one", &first(), 1).await;
    assert_eq!(
        site.world.lock().unwrap().picture(),
        fresh.world.lock().unwrap().picture(),
        "as if nobody had touched it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_removed_and_the_original_stays() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    let fresh = site.world.lock().unwrap().picture();
    {
        let mut world = site.world.lock().unwrap();
        let items = world.scope("cloudflare.item", &support::zone("example.com"));
        let mut copy = items.iter().find(|it| it.key == "alone").unwrap().clone();
        copy.id = "copy".to_owned();
        copy.key = "other".to_owned();
        items.insert(0, copy);
    }
    let mut heal = repair(&site, Origin::Heal).plan;
    assert!(heal.changes.is_empty());
    heal.changes.push(bus_schema::Change {
        resource: support::address("item/alone-0a1b2c3d"),
        place: support::zone("example.com"),
        action: bus_schema::Action::Delete,
        before: Some(bus_schema::Properties::default()),
        after: None,
        depends_on: Vec::new(),
        waits_for: Vec::new(),
        object: Some("copy".to_owned()),
    });
    heal.to = heal.from.next();
    let mut hostile = heal.clone();
    hostile.changes[0].object = None;
    hostile.changes[0].resource = support::address("item/alone");
    hostile.unchanged.retain(|it| it.address != support::address("item/alone"));
    let hostile = PlanProposed::new(hostile);
    let sequence = site.publish(&hostile);
    let error = site.process("one").turn(&hostile, sequence).await.unwrap().unwrap_err();
    assert!(matches!(error, TurnError::Invalid(_)), "it cannot remove what is declared: {error}");

    let outcome = site.propose("one", &PlanProposed::new(heal)).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert_eq!(site.world.lock().unwrap().picture(), fresh);
    assert_eq!(site.state().unwrap().resources.len(), first().len());
}

#[tokio::test(start_paused = true)]
async fn an_adoption_declares_what_is_there_and_calls_nothing() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    site.world.lock().unwrap().edit("alone", "value", "theirs");
    let calls = site.world.lock().unwrap().calls;
    let mut adoption = repair(&site, Origin::Adopt).plan;
    let alone = support::address("item/alone");
    let theirs = support::properties(&[("name", "alone"), ("value", "theirs")]);
    adoption.unchanged.iter_mut().find(|it| it.address == alone).unwrap().properties =
        theirs.clone();
    let outcome = site.propose("one", &PlanProposed::new(adoption)).await;
    let Outcome::Applied(applied) = &outcome else { panic!("{outcome:?}") };
    assert_eq!((applied.changes, applied.origin), (0, Origin::Adopt));
    assert_eq!(site.world.lock().unwrap().calls, calls);
    let state = site.state().unwrap();
    assert_eq!(state.generation, Generation(2));
    let resource = &state.resources[&alone];
    assert_eq!((&resource.declared, resource.observed.as_ref()), (&theirs, Some(&theirs)));
}
