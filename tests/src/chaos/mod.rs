//! The fault harness: a swarm at work, trouble of one sort made from a seed, and the checker's word on
//! what is left. The same seed makes the same work and the same trouble; when exactly it strikes is
//! up to the machine.

mod draw;
mod points;
mod recovery;
mod report;
mod run;
mod submit;
mod trouble;
mod work;
mod world;

pub use draw::Draw;
pub use points::{Point, points, points_of};
pub use report::{KILLED, REPEATED, Report};
pub use run::{Outcome, Scenario, run};
pub use trouble::{CLOUD_FAULTS, Trouble};
