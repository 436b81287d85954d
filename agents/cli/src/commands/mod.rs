//! One command, one file. This one is the table of contents.

pub(crate) mod adopt;
pub(crate) mod bootstrap;
pub(crate) mod completions;
pub(crate) mod dead;
mod deciding;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod drift;
mod following;
pub(crate) mod heal;
pub(crate) mod ignore;
pub(crate) mod import;
mod installed;
pub(crate) mod leave;
pub(crate) mod lessons;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod resume;
pub(crate) mod run_child;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod understand;
pub(crate) mod up;
pub(crate) mod watch;

use crate::Failure;
use crate::arguments::{Arguments, Command};
use crate::exit::Exit;
use crate::output::Output;

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let common = &arguments.common;
    match arguments.command {
        Command::Demo(it) => Box::pin(demo::run(it, common, output)).await,
        Command::Up(it) => Box::pin(up::run(it, common, output)).await,
        Command::Down(it) => down::run(&it, common, output).await,
        Command::Submit(it) => Box::pin(submit::run(it, common, output)).await,
        Command::Understand(it) => understand::run(&it, output),
        Command::Watch(it) => Box::pin(watch::run(&it, common, output)).await,
        Command::Status(it) => Box::pin(status::run(&it, common, output)).await,
        Command::Plan(it) => plan::run(&it, common, output).await,
        Command::Drift(it) => drift::run(&it, common, output).await,
        Command::Heal(it) => heal::run(it, common, output).await,
        Command::Adopt(it) => adopt::run(it, common, output).await,
        Command::Leave(it) => leave::run(it, common, output).await,
        Command::Lessons(it) => lessons::run(&it, common, output).await,
        Command::Pause(it) => pause::run(it, common, output).await,
        Command::Resume(it) => Box::pin(resume::run(it, common, output)).await,
        Command::Ignore(it) => ignore::run(it, common, output).await,
        Command::Import(it) => import::run(it, common, output).await,
        Command::Dead(it) => dead::run(&it, common, output).await,
        Command::Doctor(it) => Box::pin(doctor::run(&it, common, output)).await,
        Command::Bootstrap(it) => bootstrap::run(&it, common, output).await,
        Command::Completions(it) => completions::run(&it),
        Command::RunChild(it) => run_child::run(&it),
    }
}
