//! What is wrong with an expression and where, in the form Cloudflare's API shows it.

use std::fmt;
use std::ops::Range;

/// An expression that cannot be saved. Displays as Cloudflare does: line and column, the line
/// itself, carets under the place, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    line: usize,
    column: usize,
    width: usize,
    text: String,
    reason: String,
}

impl Error {
    /// An error at the bytes `span` of `expression`.
    pub(super) fn new(expression: &str, span: &Range<usize>, reason: impl Into<String>) -> Self {
        let before = expression.get(..span.start).unwrap_or(expression);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let text = expression.get(start..).unwrap_or("").lines().next().unwrap_or("");
        let within = expression.get(span.clone()).unwrap_or("");
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(start..).unwrap_or("").chars().count() + 1,
            width: within.lines().next().unwrap_or("").chars().count().max(1),
            text: text.to_owned(),
            reason: reason.into(),
        }
    }

    /// The reason alone.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, width, text, reason } = self;
        let indent = " ".repeat(column.saturating_sub(1));
        let carets = "^".repeat(*width);
        write!(f, "Filter parsing error ({line}:{column}):\n{text}\n{indent}{carets} {reason}")
    }
}

impl std::error::Error for Error {}
