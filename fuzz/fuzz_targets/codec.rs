//! Whatever arrives on the bus: is refused, or is a message that reads the same once written again.
#![no_main]

use bus_schema::{
    Claim, IntentRefused, IntentState, IntentSubmitted, PlanApplied, PlanFailed, PlanProposed,
    PlanStale, PlanSuperseded, ResumeRequested, RunStuck, Session, StackState, codec,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let content_type = match choice % 3 {
        0 => None,
        1 => Some(codec::JSON),
        _ => Some(codec::MESSAGEPACK),
    };
    macro_rules! each {
        ($($message:ty),+) => {$(
            if let Ok(read) = codec::decode::<$message>(content_type, bytes) {
                // What grew over the limit by being written out is the only thing not written.
                if let Ok(written) = codec::encode(&read) {
                    let again = codec::decode::<$message>(None, &written).expect("reads its own writing");
                    assert_eq!(again, read);
                }
            }
        )+};
    }
    each!(
        IntentSubmitted,
        IntentRefused,
        PlanProposed,
        PlanApplied,
        PlanFailed,
        PlanStale,
        PlanSuperseded,
        RunStuck,
        ResumeRequested,
        IntentState,
        StackState,
        Session,
        Claim
    );
    if let Ok(plan) = codec::decode::<PlanProposed>(content_type, bytes) {
        assert_eq!(plan.plan.id(), plan.plan.clone().id());
    }
    // What the command line shows of a dead letter.
    drop(codec::decode::<Value>(content_type, bytes));
});
