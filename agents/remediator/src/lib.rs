//! The remediator: judges what the auditor finds, has put back what drifts, and asks a person where
//! it should not.
//!
//! What decides is pure: [`course`] (what is done about a finding, by rule or by a person's word),
//! [`damping`] (whether a repair is made once more), [`repair`] (the plan that makes it), [`lesson`]
//! (what is remembered). What does is [`Remediator`]: it reads records, proposes plans and keeps
//! lessons.
//!
//! It holds no cloud credential: a repair is a plan like any other, through the provisioner, and it
//! is done when the auditor has seen it.

mod agent;
pub mod course;
pub mod damping;
mod environments;
mod evaluation;
pub mod lesson;
mod meters;
pub mod repair;
mod saying;
mod settings;

pub use agent::Remediator;
pub use settings::RemediatorSettings;
