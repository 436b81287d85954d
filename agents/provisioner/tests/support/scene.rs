//! A stack to be made, changed and retired, with everything there is to do; and one execution of it.

use bus_schema::{Claim, Outcome, PlanProposed, Resource, StackState};

use super::cloud::Fault;
use super::{Site, plan, resource};

/// Everything there is to do: what refers to what, what is always there, what stands alone.
pub(crate) fn first() -> Vec<Resource> {
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
pub(crate) fn second() -> Vec<Resource> {
    let mover = resource("item/mover", &[("name", "mover")], &[]);
    vec![
        Resource { place: super::zone("example.net"), ..mover },
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
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) site: Site,
    pub(crate) proposed: PlanProposed,
    pub(crate) sequence: u64,
}

pub(crate) async fn scenes() -> Vec<Scene> {
    let scene = |name: &str, site: Site, desired: &[Resource], order| {
        let proposed = plan(site.state().as_ref(), desired, order);
        let sequence = site.publish(&proposed);
        Scene { name: name.to_owned(), site, proposed, sequence }
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
pub(crate) fn essence(state: Option<StackState>) -> String {
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

pub(crate) fn claims(site: &Site) -> Vec<Claim> {
    site.shelf.lock().unwrap().claims.values().map(|(claim, _)| claim.clone()).collect()
}

pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) picture: Vec<String>,
    pub(crate) state: String,
}

/// Applies a scene's plan to a copy of its site; killed at this point of the first process, it is
/// taken up by a second.
pub(crate) async fn play(
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
