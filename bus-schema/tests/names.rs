//! Names, subjects and filters.

use bus_schema::*;
use proptest::prelude::*;

#[test]
fn a_name_that_does_not_fit_says_what_would() {
    let error = StackName::new("Edge API!").unwrap_err().to_string();
    assert_eq!(error, "`Edge API!` is not a stack name: 1 to 40 of a-z, 0-9 and inner hyphens");
    assert!(KindName::new("dns_record").is_err());
    assert!("edge-api/cloudflare.dns_record".parse::<ResourceAddress>().is_err());
    assert!("zone/".parse::<Place>().is_err());
}

#[test]
fn every_subject_is_covered_by_its_filter_and_the_stream() {
    let stack: StackName = "edge-api".parse().unwrap();
    let id = IntentId::fresh();
    for (subject, filter) in [
        (Subject::intent_submit(), Filter::INTENT_SUBMIT),
        (Subject::intent_refused(id), Filter::INTENT_REFUSED),
        (Subject::plan_proposed(&stack), Filter::PLAN_PROPOSED),
        (Subject::stack_resume(&stack), Filter::STACK_RESUME),
    ] {
        assert!(filter.matches(subject.as_str()), "{filter} {subject}");
        assert!(Filter::SWARM.matches(subject.as_str()));
        assert!(!Filter::PROVISION.matches(subject.as_str()));
    }
    assert!(Filter::DEAD.matches(Subject::dead("planner-intents").as_str()));
    assert!(!Filter::INTENT_SUBMIT.matches("swarm.intent.submit.more"));
    assert!(!Filter::SWARM.matches("swarm"));
}

#[test]
fn the_id_of_what_is_emitted_follows_from_the_cause() {
    let cause = MessageId::given("a");
    assert_eq!(cause.derive("plan"), MessageId::given("a").derive("plan"));
    assert_ne!(cause.derive("plan"), cause.derive("refusal"));
    assert_ne!(cause.derive("plan"), MessageId::given("b").derive("plan"));
    assert_eq!(IntentId::of_stream_sequence(1), IntentId::of_stream_sequence(1));
    assert_ne!(IntentId::of_stream_sequence(1), IntentId::of_stream_sequence(2));
}

#[test]
fn an_inverse_taken_twice_is_the_change() {
    let change = Change {
        resource: "a/cloudflare.dns_record/b".parse().unwrap(),
        place: "zone/example.com".parse().unwrap(),
        action: Action::Create,
        before: None,
        after: Some(Properties::default()),
        depends_on: vec![],
        waits_for: vec![],
        object: None,
    };
    assert_eq!(change.inverse().action, Action::Delete);
    assert_eq!(change.inverse().after, None);
    assert_eq!(change.inverse().inverse(), change);
}

proptest! {
    #[test]
    fn whatever_a_name_accepts_is_one_safe_token(text in ".{0,50}") {
        if let Ok(name) = StackName::new(text) {
            let subject = Subject::plan_proposed(&name);
            prop_assert!(Filter::PLAN_PROPOSED.matches(subject.as_str()));
            prop_assert_eq!(subject.as_str().split('.').count(), 4);
            prop_assert!(!subject.as_str().contains(['*', '>', ' ']));
        }
    }
}
