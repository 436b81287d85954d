//! An error as a person meets it: what could not be done, why, and what to do about it.

use std::error::Error as StdError;
use std::io;

use crate::exit::Exit;

type Cause = Box<dyn StdError + Send + Sync>;

/// What ends a command that could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// What could not be done, as a sentence without its full stop.
    what: String,
    #[source]
    cause: Option<Cause>,
    /// What the person can do; a sentence, or a command to type.
    advice: Option<String>,
    /// What the process answers.
    pub exit: Exit,
}

impl Failure {
    /// What could not be done.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), cause: None, advice: None, exit: Exit::Error }
    }

    /// Why not.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Another exit code than 1.
    #[must_use]
    pub const fn exits(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// What to do about it, where that is known.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }

    /// The chain of causes, outermost first, each once.
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Some libraries repeat their source in their own text; saying it once is enough.
            if !causes.iter().any(|said| said.contains(&text)) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }

    /// Whether the reader of our output went away, which is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        let mut next = self.source();
        while let Some(cause) = next {
            if cause
                .downcast_ref::<io::Error>()
                .is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
            {
                return self.what == PRINTING;
            }
            next = cause.source();
        }
        false
    }
}

const PRINTING: &str = "the output could not be written";

impl From<io::Error> for Failure {
    /// Only printing yields a bare I/O error; every other one is given its sentence where it occurs.
    fn from(error: io::Error) -> Self {
        Self::new(PRINTING).because(error)
    }
}

/// Gives an error of a library its sentence and advice.
pub(crate) trait Explain<T> {
    /// What could not be done.
    fn or_fail(self, what: impl Into<String>) -> Result<T, Failure>;
    /// What could not be done, and what to do about it.
    fn or_advise(self, what: impl Into<String>, advice: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<Cause>> Explain<T> for Result<T, E> {
    fn or_fail(self, what: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(what).because(error))
    }

    fn or_advise(self, what: impl Into<String>, advice: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(what).because(error).advise(advice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("no route: connection refused")]
        struct Outer(#[source] io::Error);

        let outer = Outer(io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused"));
        let failure = Failure::new("the swarm cannot be reached").because(outer);
        assert_eq!(failure.causes(), ["no route: connection refused"]);
    }

    #[test]
    fn only_printing_may_meet_a_broken_pipe_quietly() {
        let pipe = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(Failure::from(pipe()).is_broken_pipe());
        assert!(!Failure::new("the server went away").because(pipe()).is_broken_pipe());
    }
}
