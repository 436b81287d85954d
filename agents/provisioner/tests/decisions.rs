//! What is decided, case by case.

#![cfg(test)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use ::cloud::{Marker, Observed};
use bus_schema::{
    Action, Generation, InstanceId, IntentId, Outcome, PlanFailed, PlanProposed, Properties,
    ResourceState, Run, StackState, Step, StepState,
};
use provisioner::admission::{self, Admission, Resumption, admit, contender};
use provisioner::moves::{self, Hindrance, Seen, Sought, Then};
use provisioner::outputs::{self, Outputs};
use provisioner::{check, ending, preflight};
use support::{address, kinds, plan, properties, resource, zone};

fn object(id: &str, owner: Option<&str>, fields: &Properties) -> Observed {
    Observed {
        id: id.to_owned(),
        key: fields.text("name").unwrap_or_default().to_owned(),
        owner: owner.map(|local| Marker::of(&address(local))),
        properties: fields.clone(),
        outputs: BTreeMap::new(),
        modified_at: None,
    }
}

fn item(value: &str) -> Properties {
    properties(&[("name", "a"), ("value", value)])
}

fn recorded(fields: &Properties, id: &str, outputs: &[(&str, &str)]) -> ResourceState {
    ResourceState {
        place: zone("example.com"),
        declared: fields.clone(),
        observed: Some(fields.clone()),
        cloud_id: Some(id.to_owned()),
        outputs: outputs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        depends_on: Vec::new(),
        prior: None,
    }
}

fn ours(object: Observed) -> Seen {
    Seen { ours: Some(object), ..Seen::default() }
}

#[test]
fn a_change_is_finished_from_wherever_it_got_to() {
    let (old, new, odd) = (item("old"), item("new"), item("odd"));
    let there = |fields: &Properties| ours(object("1", Some("item/a"), fields));
    let then = |action, before, after, seen: &Seen| {
        moves::forward(action, before, after, seen).map(|todo| (todo.delete, todo.then))
    };
    let nothing = Seen::default();
    let update = Ok((None, Then::Update("1".to_owned())));
    let replace = Ok((Some("1".to_owned()), Then::Create));
    let create = Ok((None, Then::Create));
    let is_done = |outcome| matches!(outcome, Ok((None, Then::Nothing(_))));
    let foreign = |outcome| matches!(outcome, Err(Hindrance::Changed(_)));

    assert_eq!(then(Action::Create, None, Some(&new), &nothing), create);
    assert!(is_done(then(Action::Create, None, Some(&new), &there(&new))), "answer was lost");
    assert_eq!(then(Action::Create, None, Some(&new), &there(&odd)), update, "never made twice");

    assert_eq!(then(Action::Update, Some(&old), Some(&new), &there(&old)), update);
    assert!(is_done(then(Action::Update, Some(&old), Some(&new), &there(&new))));
    assert!(foreign(then(Action::Update, Some(&old), Some(&new), &there(&odd))));
    assert!(foreign(then(Action::Update, Some(&old), Some(&new), &nothing)));

    assert_eq!(then(Action::Replace, Some(&old), Some(&new), &there(&old)), replace);
    assert_eq!(then(Action::Replace, Some(&old), Some(&new), &nothing), create, "half done");
    assert!(is_done(then(Action::Replace, Some(&old), Some(&new), &there(&new))));
    assert!(foreign(then(Action::Replace, Some(&old), Some(&new), &there(&odd))));

    let gone = Ok((Some("1".to_owned()), Then::Nothing(None)));
    assert_eq!(then(Action::Delete, Some(&old), None, &there(&old)), gone);
    assert!(is_done(then(Action::Delete, Some(&old), None, &nothing)));
    assert!(foreign(then(Action::Delete, Some(&old), None, &there(&odd))));
}

#[test]
fn what_is_in_the_way_stays() {
    let seen = Seen { obstacle: Some(object("9", None, &item("x"))), ..Seen::default() };
    let forward = moves::forward(Action::Create, None, Some(&item("new")), &seen);
    assert!(matches!(forward, Err(Hindrance::InTheWay(_))));
    let backward = moves::backward(Some(&item("old")), false, &seen);
    assert!(matches!(backward, Err(Hindrance::InTheWay(_))));
    let backward = moves::backward(None, false, &seen).unwrap();
    assert_eq!((backward.delete, backward.then), (None, Then::Nothing(None)));
}

#[test]
fn ours_is_told_by_its_mark_then_by_its_id_never_by_its_key() {
    let wanted = item("x");
    let me = address("item/a");
    let sought = |id| Sought {
        kind: &kinds::Item,
        address: &me,
        shapes: [Some(&wanted), None],
        id,
        deleted: &[],
    };
    let (marked, bare) = (object("1", Some("item/a"), &wanted), object("2", None, &wanted));
    let theirs = object("3", Some("item/b"), &wanted);

    let listing = [bare.clone(), marked.clone()];
    assert_eq!(moves::find(&listing, sought(Some("2")), None), (Some(marked), None));
    assert_eq!(
        moves::find(std::slice::from_ref(&bare), sought(Some("2")), None),
        (Some(bare.clone()), None)
    );
    assert_eq!(
        moves::find(std::slice::from_ref(&bare), sought(None), None),
        (None, Some(bare.clone()))
    );
    assert_eq!(moves::find(std::slice::from_ref(&theirs), sought(Some("3")), None).0, None);
}

#[test]
fn a_deleted_object_is_told_by_an_id_that_is_no_name() {
    let (wanted, me) = (item("x"), address("item/a"));
    let deleted = ["1".to_owned(), "a".to_owned()];
    let sought = Sought {
        kind: &kinds::Item,
        address: &me,
        shapes: [Some(&wanted), None],
        id: None,
        deleted: &deleted,
    };
    let shown = |id| moves::find(&[object(id, Some("item/a"), &wanted)], sought, None);
    assert_eq!(shown("1"), (None, None), "the listing lags");
    assert!(shown("a").0.is_some(), "made anew under its name");
    let theirs = object("1", Some("item/b"), &wanted);
    assert_eq!(moves::find(std::slice::from_ref(&theirs), sought, None), (None, Some(theirs)));
}

#[test]
fn what_the_cloud_keeps_for_itself_is_not_compared() {
    let mut shown = item("x");
    shown.0.insert("precedence".to_owned(), 7.into());
    assert!(moves::shows(&object("1", None, &shown), &item("x")));
    assert!(!moves::shows(&object("1", None, &item("x")), &shown));
}

#[test]
fn what_is_put_back_refers_to_what_was_made_anew() {
    let declared = properties(&[("name", "a"), ("link", "${cloudflare.named/store.id}")]);
    let mut script = recorded(&declared, "1", &[]);
    script.observed = Some(properties(&[("name", "a"), ("value", ""), ("link", "old-id")]));
    let state_with = |id: &str| {
        let mut state = ending::blank(&plan(None, &[named()], 1).plan, jiff::Timestamp::now());
        let store = recorded(&properties(&[("size", "1")]), id, &[("id", id)]);
        state.resources.insert(address("named/store"), store);
        Outputs::of(Some(&state))
    };
    let (then, now) = (state_with("old-id"), state_with("new-id"));
    let back = outputs::restored(&kinds::Item, &script, &then, &now, &BTreeSet::new()).unwrap();
    assert_eq!(back.text("link"), Some("new-id"));

    // Somebody had linked it elsewhere: that is what was there.
    script.observed = Some(properties(&[("name", "a"), ("value", ""), ("link", "elsewhere")]));
    let back = outputs::restored(&kinds::Item, &script, &then, &now, &BTreeSet::new()).unwrap();
    assert_eq!(back.text("link"), Some("elsewhere"));
    script.observed = None;
    assert_eq!(outputs::restored(&kinds::Item, &script, &then, &now, &BTreeSet::new()), None);
}

fn named() -> bus_schema::Resource {
    resource("named/store", &[("size", "1")], &[])
}

fn run(proposed: &PlanProposed, holder: &str) -> Run {
    Run {
        plan: proposed.id.clone(),
        sequence: 5,
        intent: proposed.plan.intent,
        origin: proposed.plan.origin,
        holder: InstanceId::new(holder).unwrap(),
        steps: BTreeMap::new(),
        failure: None,
        failed_at: None,
        stuck: false,
        resting: false,
        started_at: jiff::Timestamp::now(),
    }
}

fn at(generation: u64, order: u64) -> StackState {
    let mut state = ending::blank(&plan(None, &[named()], 1).plan, jiff::Timestamp::now());
    state.generation = Generation(generation);
    state.order = order;
    state.intent = (order > 0).then(|| IntentId::of_stream_sequence(order));
    state
}

#[test]
fn a_plan_is_admitted_by_generation_and_order() {
    let me = InstanceId::new("me").unwrap();
    let proposed = plan(None, &[named()], 3);
    let decide = |state: Option<&StackState>| admit(state, &proposed, &me, false);
    assert_eq!(decide(None), Admission::Begin);
    assert_eq!(decide(Some(&at(0, 0))), Admission::Begin);
    assert_eq!(decide(Some(&at(2, 2))), Admission::Stale { current: Generation(2) });
    let by = IntentId::of_stream_sequence(9);
    assert_eq!(decide(Some(&at(2, 9))), Admission::Superseded { by });
    assert_eq!(decide(Some(&at(0, 9))), Admission::Superseded { by }, "it changed nothing");
    let later = plan(Some(&at(4, 1)), &[named()], 3);
    assert_eq!(
        admit(None, &later, &me, false),
        Admission::Stale { current: Generation(0) },
        "of a stack that is not there"
    );
}

#[test]
fn a_run_is_taken_up_only_from_the_dead() {
    let me = InstanceId::new("me").unwrap();
    let (mine, other) = (plan(None, &[named()], 3), plan(None, &[named()], 2));
    let mut state = at(0, 0);
    state.run = Some(run(&mine, "them"));
    assert_eq!(contender(Some(&state), &me).map(InstanceId::as_str), Some("them"));
    assert!(matches!(admit(Some(&state), &mine, &me, true), Admission::Wait { .. }));
    assert_eq!(admit(Some(&state), &mine, &me, false), Admission::Resume);
    state.run = Some(run(&mine, "me"));
    assert_eq!(contender(Some(&state), &me), None);
    assert_eq!(admit(Some(&state), &mine, &me, false), Admission::Resume);
    assert_eq!(admit(Some(&state), &other, &me, false), Admission::FinishOther { sequence: 5 });

    let mut stuck = run(&mine, "them");
    stuck.stuck = true;
    stuck.failure = Some("why".to_owned());
    let step = Step { state: StepState::Stuck, before: None, after: None, error: None };
    stuck.steps.insert(address("named/store"), step);
    state.run = Some(stuck);
    assert_eq!(contender(Some(&state), &me), None, "nobody works on it");
    let again = admit(Some(&state), &mine, &me, false);
    assert!(
        matches!(&again, Admission::Repeat(it) if matches!(**it, Outcome::Stuck(_))),
        "{again:?}"
    );
    let blocked = admit(Some(&state), &other, &me, false);
    assert!(matches!(&blocked, Admission::Blocked(it) if it.plan == mine.id), "{blocked:?}");
}

#[test]
fn a_stuck_run_goes_on_when_a_person_says_so() {
    let me = InstanceId::new("me").unwrap();
    let (mine, other) = (plan(None, &[named()], 3), plan(None, &[named()], 2));
    let ask = |state: &StackState, alive| admission::resume(Some(state), &mine.id, &me, alive);
    assert_eq!(admission::resume(None, &mine.id, &me, false), Resumption::Nothing);
    let mut state = at(0, 0);
    state.run = Some(Run { stuck: true, ..run(&mine, "them") });
    assert_eq!(ask(&state, true), Resumption::TryAgain { sequence: 5 });
    state.run = Some(run(&mine, "them"));
    assert!(matches!(ask(&state, true), Resumption::Wait { .. }), "somebody tries already");
    assert_eq!(ask(&state, false), Resumption::GoOn { sequence: 5 }, "and died of it");
    state.run = Some(Run { stuck: true, ..run(&other, "them") });
    assert_eq!(ask(&state, false), Resumption::Nothing, "another run than was looked at");
    state.run = None;
    assert_eq!(ask(&state, false), Resumption::Nothing);
    let failed = Outcome::Failed(PlanFailed {
        stack: state.stack.clone(),
        intent: mine.plan.intent,
        plan: mine.id.clone(),
        origin: bus_schema::Origin::Intent,
        resource: None,
        reason: String::new(),
        next: String::new(),
        undone: 1,
    });
    state.last = Some(failed.clone());
    assert_eq!(ask(&state, false), Resumption::Repeat(Box::new(failed)));
}

#[test]
fn a_plan_is_looked_at_scope_by_scope() {
    let proposed = plan(
        None,
        &[
            named(),
            resource("item/a", &[("name", "a")], &[]),
            resource("item/b", &[("name", "b")], &[]),
        ],
        1,
    );
    let scopes = preflight::scopes(&proposed.plan, None);
    assert_eq!(scopes.len(), 2, "each once: {scopes:?}");
}

#[test]
fn what_is_no_plan_is_told_why() {
    let good = plan(None, &[named(), resource("item/a", &[("name", "a")], &["named/store"])], 1);
    let broken = |change: &dyn Fn(&mut bus_schema::Plan)| {
        let mut plan = good.plan.clone();
        change(&mut plan);
        check::check(&PlanProposed::new(plan), kinds::catalogue()).unwrap_err().to_string()
    };
    assert_eq!(check::check(&good, kinds::catalogue()), Ok(()));
    assert!(broken(&|plan| plan.to = Generation(7)).contains("cannot lead to g7"));
    assert!(broken(&|plan| plan.changes.reverse()).contains("does not come before it"));
    assert!(broken(&|plan| plan.changes[1].after = None).contains("lacks"));
    assert!(
        broken(&|plan| plan.changes[1].resource = plan.changes[0].resource.clone())
            .contains("twice")
    );
    assert!(
        broken(&|plan| plan.changes[0].resource.stack = "x".parse().unwrap()).contains("names x/")
    );
    let kind = |plan: &mut bus_schema::Plan| {
        plan.changes[0].resource.kind = "cloudflare.moon".parse().unwrap();
    };
    assert!(broken(&kind).contains("no such kind: cloudflare.moon"));
}
