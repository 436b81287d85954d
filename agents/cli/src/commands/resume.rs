//! `resume`: goes on with a stack that was paused, or that is stuck once a person has mended it.

use std::time::Duration;

use bus_schema::{
    MessageId, Outcome, PauseRequested, PlanId, ResumeRequested, StackName, StackState,
};
use clap::Args;
use runtime::Revision;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::pause;
use crate::exit::Exit;
use crate::output::style::{ADVICE, GOOD, STRONG, paint};
use crate::output::timeline::count;
use crate::output::{Output, stuck};
use crate::swarm::{Swarm, taken};

/// Between two looks at the stack.
const LOOK: Duration = Duration::from_millis(100);

/// Which stack.
#[derive(Debug, Args)]
#[command(after_help = "A paused stack goes on: what came while it was paused gets its turn.\n\
    Of a stuck one, `zerodrift status` names each object that could not be put back, and the \
    state it should have. Mend it, or whatever keeps the swarm from doing so, and resume: what is \
    left is put back, the intent ends as failed, and the stack takes new intents again.\n\
    The exit code is 0 when all is put back, 5 when it is still stuck, 6 when not in time.")]
pub struct Resume {
    /// The stack that is paused or stuck
    #[arg(value_name = "STACK")]
    stack: StackName,
    /// Who says so, for the record
    #[arg(long, env = "USER", value_name = "NAME", hide_env_values = true)]
    by: Option<String>,
    /// How long to wait for it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

pub(super) async fn run(command: Resume, common: &Common, output: Output) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let name = command.stack;
    let (mut state, mut revision) = swarm.known_stack(&name).await?;
    let patience = Duration::from_secs(command.timeout);
    let was_paused = state.paused.is_some();
    if was_paused {
        let (stack, by) = (name.clone(), command.by.clone());
        let asked = PauseRequested { stack, paused: false, reason: None, by };
        let progress = output.progress(format!("resuming {name}"));
        pause::ask(&swarm, &asked, patience).await?;
        drop(progress);
        tell_resumed(&state, output)?;
        (state, revision) = swarm.known_stack(&name).await?;
    }
    let Some(run) = state.run.as_ref().filter(|run| run.stuck) else {
        if output.is_json() {
            output.json(&json!({"stack": name, "resumed": was_paused, "outcome": null}))?;
        } else if !was_paused {
            output.line(format!("{name} is neither paused nor stuck: there is nothing to do"))?;
        }
        return Ok(Exit::Ok);
    };
    let plan = run.plan.clone();
    let asked = ResumeRequested { stack: name.clone(), plan: plan.clone(), by: command.by };
    // Of what was looked at: two who ask at once ask once.
    let id = MessageId::given(plan.as_str()).derive(&format!("resume/{}", revision.0));
    swarm.bus.publish(&asked, &id).await.map_err(|error| {
        let advice = taken::advice(&error);
        Failure::new("the request was not taken by the server").because(error).advise(advice)
    })?;
    let progress = output.progress(format!("putting back what {name} has left"));
    let state = ended(&swarm, &name, &plan, revision, patience).await?;
    drop(progress);
    tell(&state, &plan, was_paused, output)
}

/// That the stack is left alone no longer, and what that sets going; `before`: as it was paused.
fn tell_resumed(before: &StackState, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(());
    }
    let goes_on = match (&before.run, before.waiting.len()) {
        (Some(run), _) if run.stuck => "its stuck run is next".to_owned(),
        (Some(_), 0 | 1) => "its run goes on where it stopped".to_owned(),
        (Some(_), n) => {
            format!("its run goes on where it stopped, then {}", count(n - 1, "plan"))
        }
        (None, 0) => "nothing had come meanwhile".to_owned(),
        (None, n) => format!(
            "{} that waited {} applied now",
            count(n, "plan"),
            if n == 1 { "is" } else { "are" }
        ),
    };
    output.line(format!(
        "{} {} is paused no longer: {goes_on}",
        paint(GOOD, "✓"),
        paint(STRONG, &before.stack)
    ))?;
    if before.waiting.is_empty() {
        return Ok(());
    }
    output.note(format!("{} zerodrift watch shows it", paint(ADVICE, "→")));
    Ok(())
}

/// The stack once the run has ended or is stuck again.
async fn ended(
    swarm: &Swarm,
    stack: &StackName,
    plan: &PlanId,
    before: Revision,
    patience: Duration,
) -> Result<StackState, Failure> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some((state, revision)) = swarm.stack(stack).await? {
            let open = state.run.as_ref().is_some_and(|run| run.plan == *plan);
            let halted = matches!(&state.last, Some(Outcome::Stuck(it)) if it.plan == *plan);
            if !open
                || (halted && revision > before && state.run.as_ref().is_some_and(|run| run.stuck))
            {
                return Ok(state);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(Failure::new(format!("{stack} is not put back within {} s", patience.as_secs()))
        .advise(
            "it goes on without us: `zerodrift status` shows where it stands and whether all agents \
             are there",
        )
        .exits(Exit::TimedOut))
}

fn tell(state: &StackState, plan: &PlanId, resumed: bool, output: Output) -> Result<Exit, Failure> {
    let outcome = state.outcome_of(plan);
    let page = stuck::page(state);
    if output.is_json() {
        output.json(&json!({
            "stack": state.stack, "resumed": resumed, "plan": plan, "outcome": outcome,
        }))?;
    } else if let Some(page) = &page {
        output.line(page)?;
    } else {
        let undone = match &outcome {
            Some(Outcome::Failed(failed)) => format!(", {} undone", count(failed.undone, "change")),
            _ => String::new(),
        };
        output.line(format!(
            "{} {} is as it was before the intent{undone}",
            paint(GOOD, "✓"),
            paint(STRONG, &state.stack)
        ))?;
        output.note(format!(
            "{} the stack takes intents again; submit yours once more if you still want it",
            paint(ADVICE, "→")
        ));
    }
    Ok(if page.is_some() { Exit::Stuck } else { Exit::Ok })
}
