//! What the process answers to the shell.

use std::process::ExitCode;

use bus_schema::IntentPhase;

/// How a command ended. Scripts rely on the numbers: they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Ok = 0,
    /// 1: could not be done.
    Error = 1,
    /// 2: the command line itself was wrong.
    Usage = 2,
    /// 3: the intent was refused; nothing was changed.
    Refused = 3,
    /// 4: the intent failed and was rolled back.
    Failed = 4,
    /// 5: the intent could not be rolled back; a person is needed.
    Stuck = 5,
    /// 6: it did not happen in the time given.
    TimedOut = 6,
    /// 7: a later intent for the same stack took its place, or it was withdrawn.
    Superseded = 7,
}

/// Shown under `--help`.
pub const TABLE: &str = "\
Exit codes:
  0  done (with --wait: the intent converged)
  1  an error, explained on the standard error
  2  the command line is wrong
  3  the intent was refused; nothing was changed
  4  the intent failed and was rolled back
  5  the intent is stuck: rolled back only in part, a person is needed
  6  not within the time given
  7  a later intent for the same stack took its place, or it was withdrawn";

impl Exit {
    /// What an intent's last phase means; `None` while it has not ended.
    pub const fn of_phase(phase: IntentPhase) -> Option<Self> {
        match phase {
            IntentPhase::Planned => None,
            IntentPhase::Converged => Some(Self::Ok),
            IntentPhase::Refused => Some(Self::Refused),
            IntentPhase::Failed => Some(Self::Failed),
            IntentPhase::Stuck => Some(Self::Stuck),
            IntentPhase::Superseded | IntentPhase::Withdrawn => Some(Self::Superseded),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
