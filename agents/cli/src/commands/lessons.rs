//! `lessons`: what the swarm remembers of trouble.

use bus_schema::{Lesson, StackName};
use clap::Args;
use jiff::Timestamp;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::output::style::{ADVICE, GOOD, STRONG, paint};
use crate::output::{Output, lesson};
use crate::swarm::Swarm;

/// Of which stack.
#[derive(Debug, Args)]
#[command(
    after_help = "A line for each sort of trouble with each resource: how often it was found and \
    put back, how long that took from the change until it was seen as declared again, and who did \
    it.\nWhat comes back is put back ever later; after too often the circuit opens, and a person is \
    asked: `zerodrift drift` shows what is open."
)]
pub struct Lessons {
    /// The stack; without it, all of them
    #[arg(value_name = "STACK")]
    stack: Option<StackName>,
}

pub(super) async fn run(
    command: &Lessons,
    common: &Common,
    output: Output,
) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    if let Some(name) = &command.stack {
        swarm.known_stack(name).await?;
    }
    let mut lessons = swarm.lessons().await?;
    lessons.retain(|lesson| command.stack.as_ref().is_none_or(|stack| *stack == lesson.stack));
    if output.is_json() {
        for lesson in &lessons {
            output.json(lesson)?;
        }
        return Ok(Exit::Ok);
    }
    if lessons.is_empty() {
        output
            .line(paint(GOOD, "No lessons yet: nobody has changed anything behind the swarm."))?;
        return Ok(Exit::Ok);
    }
    let now = Timestamp::now();
    for (nth, of_stack) in lessons.chunk_by(|a, b| a.stack == b.stack).enumerate() {
        let of_stack: Vec<&Lesson> = of_stack.iter().collect();
        let name = of_stack.first().map(|it| it.stack.to_string()).unwrap_or_default();
        let blank = if nth == 0 { "" } else { "\n" };
        let page = lesson::page(&of_stack, now);
        output.line(format!("{blank}{}\n{page}", paint(STRONG, name)))?;
    }
    if lessons.iter().any(|it| it.escalated.is_some()) {
        output.note(format!(
            "\n{} zerodrift drift shows what is open; heal, adopt or leave it",
            paint(ADVICE, "→")
        ));
    }
    Ok(Exit::Ok)
}
