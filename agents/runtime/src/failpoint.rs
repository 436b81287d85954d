//! Places where a test has this process die at once, as by `kill -9` or a power cut.
//!
//! A place is named where it is, by [`crate::failpoint!`]; tests find all there are in the source.
//! One is armed through `ZERODRIFT_FAILPOINT=<name>[:<nth>]`, which
//! only debug builds read. In release builds a place is nothing at all.

#[cfg(debug_assertions)]
use rustix::process::{Signal, getpid, kill_process};

/// A place where a test can have this process die: before and after every effect.
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        $crate::failpoint::reach($name)
    };
}

/// A place where a test can have this process die: before and after every effect.
#[cfg(not(debug_assertions))]
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {};
}

/// Arms a place: the process dies when it comes there for the `nth` time.
///
/// # Errors
/// When the text names none.
#[cfg(debug_assertions)]
pub(crate) fn arm(text: &str) -> Result<(), String> {
    let wrong = |why: String| format!("ZERODRIFT_FAILPOINT: `{text}` is no <name>[:<nth>]: {why}");
    // Names have colons of their own, always in pairs.
    let (name, nth) = match text.rsplit_once(':') {
        Some((name, nth)) if !name.ends_with(':') => {
            (name, nth.parse::<u32>().map_err(|error| wrong(error.to_string()))?)
        }
        _ => (text, 1),
    };
    let Some(before) = nth.checked_sub(1) else { return Err(wrong("nth counts from 1".into())) };
    let actions = if before == 0 { "return".to_owned() } else { format!("{before}*off->return") };
    fail::cfg(name, &actions).map_err(wrong)
}

/// Where [`crate::failpoint!`] leads.
#[cfg(debug_assertions)]
#[doc(hidden)]
pub fn reach(name: &str) {
    if fail::eval(name, |_| ()).is_some()
        && let Err(error) = kill_process(getpid(), Signal::KILL)
    {
        tracing::error!(%error, name, "a failpoint did not kill");
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_how_often_it_is_reached() {
        let reached = |name| fail::eval(name, |_| ()).is_some();
        arm("test::third:3").unwrap();
        assert_eq!([1, 2, 3].map(|_| reached("test::third")), [false, false, true]);
        arm("test::first").unwrap();
        assert!(reached("test::first"));
        assert!(!reached("test::not_armed"));
        arm("test::never:0").unwrap_err();
        arm("test::never:x").unwrap_err();
    }
}
