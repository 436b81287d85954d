//! Fields that are somebody else's: what is there of them stays, and what is declared stays declared.

#![cfg(test)]

mod support;

use bus_schema::{IgnoreRequested, Outcome, ResourceAddress};
use provisioner::ignores::NotIgnorable;
use provisioner::turn::TurnError;
use support::scene::{first, scenes};
use support::{Process, STACK, Site, address, plan, resource};

fn asked(local: &str, fields: &[&str], ignored: bool) -> IgnoreRequested {
    IgnoreRequested {
        stack: STACK.parse().unwrap(),
        resource: address(local),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        ignored,
        reason: Some("theirs".to_owned()),
        by: Some("kim".to_owned()),
    }
}

async fn ignore(
    process: &Process,
    asked: &IgnoreRequested,
    sequence: u64,
) -> Result<(), TurnError> {
    process.applier.ignore(asked, sequence, jiff::Timestamp::now()).await
}

/// A site where the first stack is applied, and the value of its item is somebody else's.
async fn site() -> Site {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    ignore(&site.process("one"), &asked("item/alone", &["value"], true), 10).await.unwrap();
    site
}

/// What the cloud shows of a field.
fn shown(site: &Site, key: &str, field: &str) -> Option<String> {
    let world = site.world.lock().unwrap();
    let mut objects = world.objects.values().flatten();
    objects.find(|it| it.key == key)?.properties.text(field).map(str::to_owned)
}

fn declared(site: &Site, local: &str, field: &str) -> Option<String> {
    let state = site.state().unwrap();
    state.resources[&address(local)].declared.text(field).map(str::to_owned)
}

fn applied(outcome: &Outcome) -> usize {
    let Outcome::Applied(applied) = outcome else { panic!("{outcome:?}") };
    applied.changes
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_it_is_left_and_does_not_make_a_plan_stale() {
    let site = site().await;
    site.world.lock().unwrap().edit("alone", "value", "theirs");
    let outcome = site.apply("one", &first(), 2).await;
    assert_eq!(applied(&outcome), 0);
    assert_eq!(shown(&site, "alone", "value").as_deref(), Some("theirs"));
    assert_eq!(declared(&site, "item/alone", "value").as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn it_stays_as_it_is_when_another_field_is_written() {
    let site = site().await;
    let mut wanted = first();
    let fields = [("name", "alone"), ("value", "2"), ("link", "there")];
    wanted[3] = resource("item/alone", &fields, &[]);
    // Edited after the plan was made: nobody looked.
    let proposed = plan(site.state().as_ref(), &wanted, 2);
    site.world.lock().unwrap().edit("alone", "value", "theirs");
    assert_eq!(applied(&site.propose("one", &proposed).await), 1);
    assert_eq!(shown(&site, "alone", "value").as_deref(), Some("theirs"));
    assert_eq!(shown(&site, "alone", "link").as_deref(), Some("there"));
    assert_eq!(declared(&site, "item/alone", "value").as_deref(), Some("2"), "what was asked for");

    // Theirs no longer: what was declared last is what comes.
    ignore(&site.process("one"), &asked("item/alone", &["value"], false), 11).await.unwrap();
    let stale = site.apply("one", &wanted, 3).await;
    if matches!(stale, Outcome::Stale(_)) {
        assert_eq!(applied(&site.apply("one", &wanted, 3).await), 1);
    }
    assert_eq!(shown(&site, "alone", "value").as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_made_with_all_that_is_declared() {
    let site = site().await;
    site.world
        .lock()
        .unwrap()
        .objects
        .values_mut()
        .for_each(|it| it.retain(|it| it.key != "alone"));
    let stale = site.apply("one", &first(), 2).await;
    assert!(matches!(stale, Outcome::Stale(_)), "{stale:?}");
    assert_eq!(applied(&site.apply("one", &first(), 2).await), 1);
    assert_eq!(shown(&site, "alone", "value").as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_is_ignored_is_neither_set_nor_put_back() {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    ignore(&site.process("one"), &asked("setting/tls", &["value"], true), 10).await.unwrap();
    site.world.lock().unwrap().edit("tls", "value", "theirs");
    assert_eq!(applied(&site.apply("one", &first(), 2).await), 0);
    assert!(applied(&site.apply("one", &[], 3).await) > 0);
    assert_eq!(shown(&site, "tls", "value").as_deref(), Some("theirs"));
    assert_eq!(shown(&site, "http3", "value").as_deref(), Some("off"));
    assert!(site.state().unwrap().ignored.is_empty(), "nothing is left to be ignored");
}

#[tokio::test(start_paused = true)]
async fn it_holds_between_two_changes_of_a_run_under_way() {
    let scene = scenes().await.into_iter().find(|scene| scene.name == "change").unwrap();
    let route = address("item/route");
    let (mut left, mut written, mut point) = (0, 0, 0);
    loop {
        let site = scene.site.copy();
        let (one, other) = (site.process("one"), site.process("other"));
        one.life.halts_at(point);
        let meddling = async {
            one.life.halts().await;
            site.world.lock().unwrap().edit("route", "value", "theirs");
            let before = begun(&site, &route);
            ignore(&other, &asked("item/route", &["value"], true), 100).await.unwrap();
            // It halts in one of the things it does at once; another may have gone on just before.
            let begun = before || begun(&site, &route);
            one.life.goes_on();
            begun
        };
        let working = async {
            let outcomes = one.turn(&scene.proposed, scene.sequence).await.unwrap();
            one.life.goes_on();
            outcomes
        };
        let (outcomes, begun) = tokio::join!(working, meddling);
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            // It saw that somebody wrote the record before it had begun: it comes again.
            Err(TurnError::Write(_)) => {
                one.turn(&scene.proposed, scene.sequence).await.unwrap().unwrap()
            }
            Err(error) => panic!("{error}"),
        };
        let state = site.state().unwrap();
        if !state.ignored.contains_key(&route) {
            break;
        }
        if begun {
            written += 1;
        } else {
            assert_eq!(shown(&site, "route", "value").as_deref(), Some("theirs"), "@{point}");
            assert!(matches!(outcomes.as_slice(), [Outcome::Applied(_)]), "@{point}: {outcomes:?}");
            left += 1;
        }
        if matches!(outcomes.as_slice(), [Outcome::Applied(_)]) {
            assert_eq!(declared(&site, "item/route", "value").as_deref(), Some("y"), "@{point}");
            assert!(state.run.is_none());
        }
        point += 1;
        if one.life.points() <= point {
            break;
        }
    }
    assert!(left > 10 && written > 0, "{left} {written}");
}

/// Whether a resource's change was begun.
fn begun(site: &Site, resource: &ResourceAddress) -> bool {
    let state = site.state().unwrap();
    state.generation.0 > 1 || state.run.is_some_and(|run| run.steps.contains_key(resource))
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_ignored_is_refused_with_what_could() {
    let site = site().await;
    let one = site.process("one");
    let refused = async |asked: IgnoreRequested| match ignore(&one, &asked, 20).await {
        Err(TurnError::NotIgnorable(why)) => why,
        other => panic!("{other:?}"),
    };
    let why = refused(asked("item/alone", &["value", "valeu"], true)).await;
    assert!(why.to_string().contains("no field `valeu`; it has name, value, link"), "{why}");
    let why = refused(asked("item/aloen", &["value"], true)).await;
    assert!(why.to_string().contains("cloudflare.item/alone"), "{why}");
    let why = refused(asked("item/alone", &[], true)).await;
    assert!(matches!(why, NotIgnorable::Nothing { .. }), "{why}");
    let elsewhere = IgnoreRequested {
        stack: "other".parse().unwrap(),
        ..asked("item/alone", &["value"], true)
    };
    assert!(matches!(refused(elsewhere).await, NotIgnorable::NoStack { .. }));
    assert_eq!(site.state().unwrap().ignored.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_late_does_not_undo_a_later_one_of_the_field() {
    let site = site().await;
    let one = site.process("one");
    ignore(&one, &asked("item/alone", &["value"], false), 12).await.unwrap();
    ignore(&one, &asked("item/alone", &["value", "link"], true), 11).await.unwrap();
    let left = site.state().unwrap().ignored_of(&address("item/alone"));
    assert_eq!(left.into_iter().collect::<Vec<_>>(), ["link"]);
}
