//! The colours, each with its meaning. Taken out again by [`anstream`] where there is no terminal.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

const fn foreground(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// Headings and names one looks for.
pub const STRONG: Style = Style::new().bold();
/// What is there for completeness.
pub const FAINT: Style = Style::new().dimmed();
/// Done, converged, created.
pub const GOOD: Style = foreground(AnsiColor::Green);
/// Changed, waiting, worth a look.
pub const CHANGED: Style = foreground(AnsiColor::Yellow);
/// Failed, refused, deleted.
pub const BAD: Style = foreground(AnsiColor::Red);
/// The word `error:`.
pub const ERROR: Style = foreground(AnsiColor::Red).bold();
/// What to do next.
pub const ADVICE: Style = foreground(AnsiColor::Cyan);
/// Who acts: an agent.
pub const AGENT: Style = foreground(AnsiColor::Blue);
/// A person's own words where a value came from.
pub const WORDS: Style = foreground(AnsiColor::Cyan).underline().bold();

/// Text in a style.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
