//! What is going on, where it takes longer than a second.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::output::style::{BAD, FAINT, GOOD, paint};
use crate::output::time::span;

/// One line that turns while something goes on. Without a terminal it is silent, and only its
/// endings are printed by whoever wants them.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    what: String,
    began: Instant,
}

impl Progress {
    pub(crate) fn new(what: String, visible: bool) -> Self {
        let bar = if visible { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("  {spinner:.cyan} {wide_msg}") {
            bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        }
        bar.set_message(what.clone());
        bar.enable_steady_tick(Duration::from_millis(80));
        Self { bar, what, began: Instant::now() }
    }

    /// What is going on now.
    pub fn now(&self, what: impl AsRef<str>) {
        self.bar.set_message(format!("{} {}", self.what, paint(FAINT, what.as_ref())));
    }

    /// The line that stays when it went well.
    pub fn done(self, result: impl AsRef<str>) -> String {
        self.bar.finish_and_clear();
        format!(
            "  {} {} {}",
            paint(GOOD, "✓"),
            result.as_ref(),
            paint(FAINT, span(self.began.elapsed()))
        )
    }

    /// The line that stays when it went wrong.
    pub fn failed(self, result: impl AsRef<str>) -> String {
        self.bar.finish_and_clear();
        format!("  {} {}", paint(BAD, "✗"), result.as_ref())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
