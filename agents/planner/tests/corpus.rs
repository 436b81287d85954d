//! Several hundred intents as people write them, and what they must be understood as: those the
//! planner was developed on, and those it was only measured by.

mod intents;

use intents::Corpus;
use planner::Library;

/// Share of the developed half that must be understood as expected, in hundredths.
const DEVELOP: usize = 99;
/// Share of the half that nobody who worked on the planner has read, in hundredths.
const UNSEEN: usize = 90;
/// How few intents of it would make that share a matter of chance.
const LEAST_UNSEEN: usize = 100;

#[test]
fn intents_are_understood_as_people_mean_them() {
    let develop = Corpus::read("develop.jsonl").measure(&shipped());
    println!("{develop}");
    assert_eq!(develop.invented, Vec::<String>::new());
    assert_eq!(develop.harmful, Vec::<String>::new());
    assert!(develop.right() * 100 >= develop.all() * DEVELOP, "{}", develop.wrong.join("\n"));
}

#[test]
fn so_are_intents_that_nobody_here_has_read() {
    let unseen = Corpus::read("unseen.jsonl").measure(&shipped());
    assert!(
        unseen.all() >= LEAST_UNSEEN,
        "unseen.jsonl has {} intents: fewer than {LEAST_UNSEEN} measure nothing",
        unseen.all()
    );
    // Totals only: to read them would be to develop on them.
    println!("{unseen}");
    assert_eq!(unseen.invented.len(), 0, "values that the words do not say");
    assert_eq!(unseen.harmful.len(), 0, "harm or trickery that was taken");
    assert!(unseen.right() * 100 >= unseen.all() * UNSEEN, "{unseen}");
}

#[expect(clippy::expect_used, reason = "a test's own set-up")]
fn shipped() -> Library {
    Library::load(None, None).expect("what is shipped loads")
}
