//! The auditor: compares what is running with what is declared, and says what is not so.
//!
//! What decides is pure: [`schedule`] (when a scope is looked at, and by whom), [`judge`] (what of a
//! listing may be believed), [`findings`] (what is new, what has ended), [`promise`] (how long a
//! change can stay unseen), [`signed`] (whether a hint from outside may be believed). What does has
//! no choices: [`watching`] takes what is due, `looking` looks, `telling` announces, [`intake`] takes
//! hints over HTTP.
//!
//! It only reads: all it can do to a cloud is in [`sight`]. Not here: how two states compare
//! (`cloud`), what is done about a finding (the remediator), how a cloud is changed (the
//! provisioner).

mod auditor;
pub mod findings;
pub mod intake;
pub mod judge;
mod looking;
mod measuring;
mod meters;
pub mod promise;
pub mod schedule;
mod settings;
pub mod sight;
pub mod signed;
mod telling;
mod texts;
pub mod watching;

pub use auditor::Auditor;
pub use settings::{AuditorSettings, Cadences, Intake};
