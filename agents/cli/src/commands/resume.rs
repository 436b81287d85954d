//! `resume`: has the swarm put back what a stuck run has left, once a person has mended it.

use std::time::Duration;

use bus_schema::{MessageId, Outcome, PlanId, ResumeRequested, StackName, StackState};
use clap::Args;
use runtime::Revision;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::output::style::{ADVICE, GOOD, STRONG, paint};
use crate::output::timeline::count;
use crate::output::{Output, stuck};
use crate::swarm::{Swarm, taken};

/// Between two looks at the stack.
const LOOK: Duration = Duration::from_millis(100);

/// Which stack.
#[derive(Debug, Args)]
#[command(after_help = "`zerodrift status` names each object that could not be put back, and the \
    state it should have. Mend it, or whatever keeps the swarm from doing so, and resume: what is \
    left is put back, the intent ends as failed, and the stack takes new intents again.\n\
    The exit code is 0 when all is put back, 5 when it is still stuck, 6 when not in time.")]
pub struct Resume {
    /// The stack that is stuck
    #[arg(value_name = "STACK")]
    stack: StackName,
    /// Who says so, for the record
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// How long to wait for it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

pub(super) async fn run(command: Resume, common: &Common, output: Output) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let name = command.stack;
    let Some((state, revision)) = swarm.stack(&name).await? else {
        return Err(Failure::new(format!("there is no stack {name}"))
            .advise("`zerodrift status` lists those there are"));
    };
    let Some(run) = state.run.as_ref().filter(|run| run.stuck) else {
        if output.is_json() {
            output.json(&json!({"stack": name, "outcome": null}))?;
        } else {
            output.line(format!("{name} is not stuck: there is nothing to do"))?;
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
    let patience = Duration::from_secs(command.timeout);
    let progress = output.progress(format!("putting back what {name} has left"));
    let state = ended(&swarm, &name, &plan, revision, patience).await?;
    drop(progress);
    tell(&state, &plan, output)
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

fn tell(state: &StackState, plan: &PlanId, output: Output) -> Result<Exit, Failure> {
    let outcome = state.outcome_of(plan);
    let page = stuck::page(state);
    if output.is_json() {
        output.json(&json!({"stack": state.stack, "plan": plan, "outcome": outcome}))?;
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
