//! What nobody owns becomes a stack, and is a stack from then on.

#![cfg(test)]

mod support;

use bus_schema::{ImportAnswered, ImportAsked, Outcome, Resource, StackState};
use support::scene::first;
use support::{STACK, Site, plan, properties, zone};

const NEW: &str = "site";

fn asked(stack: &str) -> ImportAsked {
    ImportAsked {
        stack: stack.parse().unwrap(),
        environment: "prod".parse().unwrap(),
        place: zone("example.com"),
        kinds: Vec::new(),
        only: Vec::new(),
        dry_run: false,
        by: Some("kim".to_owned()),
    }
}

async fn import(site: &Site, asked: &ImportAsked, sequence: u64) -> ImportAnswered {
    site.process("one").applier.import(asked, sequence).await.unwrap()
}

/// A stack of ours, and two objects of somebody else's beside it.
async fn site() -> Site {
    let site = Site::new();
    site.apply("one", &first(), 1).await;
    for name in ["shop", "blog"] {
        let fields = properties(&[("name", name), ("value", "theirs")]);
        site.world.lock().unwrap().foreign("cloudflare.item", name, fields);
    }
    site
}

fn names(answer: &ImportAnswered) -> Vec<String> {
    answer.taken.iter().map(|it| it.resource.local()).collect()
}

/// What a stack declares.
fn desired(state: &StackState) -> Vec<Resource> {
    let resources = state.resources.iter().map(|(address, it)| Resource {
        address: address.clone(),
        place: it.place.clone(),
        properties: it.declared.clone(),
        depends_on: it.depends_on.clone(),
    });
    resources.collect()
}

#[tokio::test(start_paused = true)]
async fn what_nobody_owns_becomes_a_stack_without_a_call_that_changes_anything() {
    let site = site().await;
    let calls = site.world.lock().unwrap().calls;
    let answer = import(&site, &asked(NEW), 50).await;
    assert_eq!(names(&answer), ["cloudflare.item/blog", "cloudflare.item/shop"]);
    assert_eq!((answer.refused.as_deref(), answer.asked), (None, 50));
    let kinds: Vec<&str> = answer.left.iter().map(|it| it.kind.local()).collect();
    assert_eq!(kinds, ["named", "setting"], "whole kinds cannot be taken");
    assert_eq!(site.world.lock().unwrap().calls, calls);
    let state = site.state_of(NEW).unwrap();
    assert_eq!((state.generation.0, state.order), (1, 50));
    let again = import(&site, &asked(NEW), 50).await;
    assert_eq!(again, answer, "said again on redelivery");
    assert_eq!(site.state_of(NEW).unwrap(), state);

    let taken = import(&site, &asked("other"), 51).await;
    assert!(taken.refused.unwrap().contains("nothing in zone/example.com"));
    assert!(site.state_of("other").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_at_it_leaves_what_another_answers() {
    let whole = import(&site().await, &asked(NEW), 50).await;
    for point in 0..2 {
        let site = site().await;
        let one = site.process("one");
        one.life.dies_at(point);
        let asked = asked(NEW);
        let killed = one.until_killed(one.applier.import(&asked, 50)).await;
        assert!(killed.is_none(), "@{point}");
        assert_eq!(import(&site, &asked, 50).await, whole, "@{point}");
        assert_eq!(site.state_of(NEW).unwrap().generation.0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_imported_stack_is_repaired_and_retired_as_any_other() {
    let site = site().await;
    import(&site, &asked(NEW), 50).await;
    let wanted = desired(&site.state_of(NEW).unwrap());
    site.world.lock().unwrap().edit("shop", "value", "changed");
    let repaired = async |order| {
        let proposed = plan(site.state_of(NEW).as_ref(), &wanted, order);
        site.propose("one", &proposed).await
    };
    assert!(matches!(repaired(60).await, Outcome::Stale(_)));
    assert!(matches!(repaired(60).await, Outcome::Applied(_)));
    let value = |site: &Site| {
        let world = site.world.lock().unwrap();
        let shop = world.objects.values().flatten().find(|it| it.key == "shop").cloned();
        shop.and_then(|it| it.properties.text("value").map(str::to_owned))
    };
    assert_eq!(value(&site).as_deref(), Some("theirs"));
    let retire = plan(site.state_of(NEW).as_ref(), &[], 61);
    assert!(matches!(site.propose("one", &retire).await, Outcome::Applied(_)));
    assert_eq!(value(&site), None);
    assert_eq!(site.state_of(STACK).unwrap().resources.len(), first().len());
    // Its name is free again.
    let fields = properties(&[("name", "new"), ("value", "theirs")]);
    site.world.lock().unwrap().foreign("cloudflare.item", "new", fields);
    assert_eq!(names(&import(&site, &asked(NEW), 70).await), ["cloudflare.item/new"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_and_nothing_is_recorded() {
    let site = site().await;
    let why = async |asked: ImportAsked| {
        let answer = import(&site, &asked, 50).await;
        assert!(answer.taken.is_empty());
        assert!(site.state_of(NEW).is_none());
        answer.refused.unwrap()
    };
    assert!(why(asked(STACK)).await.contains("there is a stack edge already"));
    let unknown = ImportAsked { only: vec!["shop".into(), "shpo".into()], ..asked(NEW) };
    assert!(why(unknown).await.contains("nothing called shpo"));
    let kind = ImportAsked { kinds: vec!["cloudflare.thing".parse().unwrap()], ..asked(NEW) };
    assert!(why(kind).await.contains("there are cloudflare.item,"));
    let dry = ImportAsked { dry_run: true, only: vec!["shop".into()], ..asked(NEW) };
    assert_eq!(names(&import(&site, &dry, 50).await), ["cloudflare.item/shop"]);
    assert!(site.state_of(NEW).is_none());
}
