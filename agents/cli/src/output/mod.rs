//! All that is printed: colours only on a terminal, JSON for programs, progress where something
//! takes longer than a second.
//!
//! Results go to the standard output; progress, notes and errors to the standard error, so that a
//! pipe carries results alone.

pub mod diff;
pub mod explain;
pub mod finding;
pub mod lesson;
pub mod plan;
pub mod progress;
pub mod stuck;
pub mod style;
pub mod table;
pub mod time;
pub mod timeline;
pub mod watched;
pub mod words;

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::json;

use crate::Failure;
use crate::arguments::Color;
use crate::output::progress::Progress;
use crate::output::style::{ADVICE, ERROR, paint};

/// Where a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    silent: bool,
}

impl Output {
    /// Prints for programs or for people; the choice of colours holds for the process.
    pub fn new(json: bool, color: Color) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { json, silent: false }
    }

    /// Prints nothing, for work whose steps nobody wants to see.
    pub(crate) const fn silent() -> Self {
        Self { json: false, silent: true }
    }

    /// Whether a program reads.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// One or more lines of the result, for people.
    pub fn line(self, text: impl AsRef<str>) -> io::Result<()> {
        if self.silent {
            return Ok(());
        }
        let mut out = anstream::stdout().lock();
        writeln!(out, "{}", text.as_ref())?;
        out.flush()
    }

    /// One object of the result, for programs, on a line of its own.
    pub fn json(self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value)?;
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// A remark beside the result; programs are spared it.
    pub fn note(self, text: impl AsRef<str>) {
        if !self.json && !self.silent {
            // A remark nobody can read is no reason to stop.
            drop(writeln!(anstream::stderr(), "{}", text.as_ref()));
        }
    }

    /// A line of progress that lasts until it is dropped.
    pub fn progress(self, what: impl Into<String>) -> Progress {
        Progress::new(what.into(), !self.json && !self.silent && io::stderr().is_terminal())
    }

    /// Why the command could not do its work.
    pub(crate) fn failure(self, failure: &Failure) {
        let mut err = anstream::stderr();
        let text = if self.json {
            json!({
                "error": failure.to_string(),
                "causes": failure.causes(),
                "advice": failure.advice(),
                "exit": failure.exit as u8,
            })
            .to_string()
        } else {
            explain(failure)
        };
        // With the standard error gone there is nobody to tell; the exit code still says it.
        drop(writeln!(err, "{text}"));
    }
}

fn explain(failure: &Failure) -> String {
    let mut text = format!("{} {failure}", paint(ERROR, "error:"));
    for cause in failure.causes() {
        text.push_str("\n  because ");
        text.push_str(&cause.replace('\n', "\n    "));
    }
    if let Some(advice) = failure.advice() {
        text.push_str("\n  ");
        text.push_str(&paint(ADVICE, "→ "));
        text.push_str(&advice.replace('\n', "\n    "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let failure = Failure::new("the swarm cannot be reached")
            .because(io::Error::other("connection refused"))
            .advise("start one with `zerodrift up`");
        assert_eq!(
            anstream::adapter::strip_str(&explain(&failure)).to_string(),
            "error: the swarm cannot be reached\n  because connection refused\n  \
             → start one with `zerodrift up`"
        );
    }
}
