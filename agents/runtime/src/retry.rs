//! Whether trying again can help: decided here, for every handler of every agent.
//!
//! An error says what it knows ([`Retryable`]); [`decide`] turns that, and how often the message
//! has been delivered, into what is done with the message.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What an error knows about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It can help, not before this has passed. From the fifth delivery of a message on, the
    /// runtime doubles it with each one more, up to a minute.
    After(Duration),
    /// Nothing is wrong: it is only not before this has passed that there is something to do, or to
    /// look after. Neither counted nor logged as trouble, and not delayed further.
    Later(Duration),
    /// It cannot: the message goes to the dead letters.
    Never,
}

/// An error that knows whether trying again can help.
pub trait Retryable {
    /// Whether, and when.
    fn retry(&self) -> Retry;
}

/// Why a message could not be handled. Made from any error that is [`Retryable`], so that `?` does
/// in handlers.
pub struct HandleError {
    retry: Retry,
    cause: Box<dyn Error + Send + Sync>,
}

impl HandleError {
    /// For an error that does not know about trying again where the handler does.
    pub fn new(retry: Retry, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { retry, cause: cause.into() }
    }

    /// What is done about it.
    pub const fn retry(&self) -> Retry {
        self.retry
    }
}

/// `HandleError` is no [`Error`] itself; otherwise this would overlap with `From<T> for T`.
impl<E: Error + Retryable + Send + Sync + 'static> From<E> for HandleError {
    fn from(error: E) -> Self {
        Self { retry: error.retry(), cause: Box::new(error) }
    }
}

impl fmt::Debug for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.retry)
    }
}

/// The error and what caused it, in one line.
impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self.cause.as_ref()))
    }
}

/// An error and everything that caused it, in one line, each said once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Libraries that repeat their cause in their own words would say it twice.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// Longest time between two deliveries of a message.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// How soon a handler that panicked is tried again.
const AFTER_PANIC: Duration = Duration::from_secs(1);
/// Deliveries after which delays grow: short troubles are over by then, and waiting for a turn
/// should not become slow.
const PATIENT_FROM: u64 = 5;

/// How a handler ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Its effects are recorded.
    Handled,
    /// It said no.
    Failed(HandleError),
    /// It panicked, with this message.
    Panicked(String),
}

/// What is done with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Done with.
    Ack,
    /// Delivered again after this time.
    Again(Duration),
    /// The same, as it should be.
    Later(Duration),
    /// Given up, for this reason.
    Dead(String),
}

/// What is done with a message whose handler ended so on its `delivery`th delivery of `most`.
pub(crate) fn decide(ended: Ended, delivery: u64, most: u64) -> (Verdict, Option<String>) {
    let (retry, reason) = match ended {
        Ended::Handled => return (Verdict::Ack, None),
        Ended::Failed(error) => (error.retry, error.to_string()),
        Ended::Panicked(message) => {
            (Retry::After(AFTER_PANIC), format!("its handler panicked: {message}"))
        }
    };
    let verdict = match retry {
        Retry::Never => Verdict::Dead(reason.clone()),
        Retry::After(_) | Retry::Later(_) if delivery >= most => {
            Verdict::Dead(format!("given up after {delivery} deliveries: {reason}"))
        }
        Retry::After(asked) => Verdict::Again(delay(asked, delivery)),
        Retry::Later(asked) => return (Verdict::Later(asked), None),
    };
    (verdict, Some(reason))
}

fn delay(asked: Duration, delivery: u64) -> Duration {
    let doublings = u32::try_from(delivery.saturating_sub(PATIENT_FROM)).unwrap_or(u32::MAX);
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    // An error may ask for more than the longest delay, as a cloud's `Retry-After` can.
    asked.saturating_mul(factor).min(LONGEST_DELAY.max(asked))
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    impl Retryable for Outer {
        fn retry(&self) -> Retry {
            Retry::After(Duration::from_secs(1))
        }
    }

    fn outer() -> HandleError {
        Outer(std::io::Error::other("inner")).into()
    }

    #[test]
    fn the_reason_names_every_cause() {
        assert_eq!(outer().to_string(), "outer: inner");
    }

    #[test]
    fn retries_grow_after_the_fifth_delivery_up_to_the_longest() {
        let delays: Vec<u64> = (1..=14)
            .map(|delivery| match decide(Ended::Failed(outer()), delivery, 20).0 {
                Verdict::Again(delay) => delay.as_secs(),
                other @ (Verdict::Ack | Verdict::Later(_) | Verdict::Dead(_)) => {
                    panic!("{other:?}")
                }
            })
            .collect();
        assert_eq!(delays, [1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn a_longer_wait_that_was_asked_for_is_kept() {
        assert_eq!(delay(Duration::from_secs(300), 9), Duration::from_secs(300));
    }

    #[test]
    fn the_last_delivery_is_given_up_with_count_and_cause() {
        let (verdict, _) = decide(Ended::Failed(outer()), 20, 20);
        assert_eq!(verdict, Verdict::Dead("given up after 20 deliveries: outer: inner".to_owned()));
    }

    #[test]
    fn never_is_given_up_at_once() {
        let (verdict, _) = decide(Ended::Failed(HandleError::new(Retry::Never, "no")), 1, 20);
        assert_eq!(verdict, Verdict::Dead("no".to_owned()));
    }
}
