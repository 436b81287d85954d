//! The provisioner: makes the clouds be as plans declare; the only agent that changes one.
//!
//! What decides is pure: [`check`] (is this a plan at all), [`admission`] (what is to be done about
//! it), [`preflight`] (is the cloud as the plan found it), [`journal`] and [`ending`] (what may be
//! written, what follows), [`moves`] (what is left to do of a change), [`outputs`] and [`tasks`].
//! What does has no choices: [`applier`] takes a plan through its [`turn`], `resumption` a stuck run
//! through another, [`pauses`] keeps hands off,
//! [`ignores`] off a field, `importing` makes a stack of what nobody owns (see [`imports`]), [`saga`] runs it, [`step`] and `holding` make one change, [`records`],
//! [`claims`] and [`sessions`] keep what is kept, [`clouds`] lists.
//!
//! Not here: how a cloud is spoken to (`cloud`), how a message arrives (`runtime`), what a plan is
//! made from (`planner`).

pub mod admission;
pub mod applier;
pub mod check;
pub mod claims;
pub mod clouds;
mod concern;
pub mod ending;
mod holding;
pub mod ignores;
mod importing;
pub mod imports;
pub mod journal;
pub mod moves;
pub mod outputs;
pub mod pauses;
pub mod preflight;
mod provisioner;
pub mod records;
mod resumption;
pub mod saga;
pub mod sessions;
mod settings;
pub mod step;
pub mod tasks;
pub mod turn;

pub use provisioner::Provisioner;
pub use settings::ProvisionerSettings;
