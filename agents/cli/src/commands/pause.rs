//! `pause`: hands off a stack, at once.

use std::time::Duration;

use bus_schema::{IntentId, MessageId, PauseRequested, StackName, StackState};
use clap::Args;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::output::style::{ADVICE, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::timeline::count;
use crate::swarm::{Swarm, taken};

/// Between two looks at the stack.
const LOOK: Duration = Duration::from_millis(50);
/// How long a change that is under way may take to end, before it is only said that it is.
const LAST_CHANGE: Duration = Duration::from_secs(5);

/// Which stack.
#[derive(Debug, Args)]
#[command(
    after_help = "From now on nothing of the stack is changed in the cloud, however much drifts \
    and whatever is asked for; a run under way stops after the change it is at. What comes meanwhile \
    waits, and gets its turn with `zerodrift resume`.\n\n\
    Example:\n  zerodrift pause edge-cache-api --reason \"incident 17\""
)]
pub struct Pause {
    /// The stack
    #[arg(value_name = "STACK")]
    stack: StackName,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who says so, for the record
    #[arg(long, env = "USER", value_name = "NAME", hide_env_values = true)]
    by: Option<String>,
    /// How long to wait until it holds, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

pub(super) async fn run(command: Pause, common: &Common, output: Output) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let stack = command.stack;
    swarm.known_stack(&stack).await?;
    let patience = Duration::from_secs(command.timeout);
    let progress = output.progress(format!("pausing {stack}"));
    let asked = PauseRequested {
        stack: stack.clone(),
        paused: true,
        reason: command.reason,
        by: command.by,
    };
    let state = ask(&swarm, &asked, patience).await?;
    let state = rested(&swarm, state).await?;
    drop(progress);
    if output.is_json() {
        output.json(&json!({"stack": stack, "paused": state.paused, "run": state.run}))?;
        return Ok(Exit::Ok);
    }
    output.line(format!(
        "{} {} is paused: nothing of it is changed",
        paint(GOOD, "✓"),
        paint(STRONG, &stack)
    ))?;
    if let Some(run) = &state.run {
        let done = run.steps.values().filter(|step| step.after.is_some()).count();
        let done = count(done, "change");
        output.line(if run.stuck {
            format!("  {} its run is stuck: `zerodrift status` says why", paint(CHANGED, "•"))
        } else if run.resting {
            let text = format!("its run stopped between two changes, {done} made so far");
            format!("  {} {text}", paint(CHANGED, "•"))
        } else {
            let text = "a change that was under way ends; the run stops after it";
            format!("  {} {text} {}", paint(CHANGED, "•"), paint(FAINT, format!("({done} made)")))
        })?;
    }
    output.note(format!("{} zerodrift resume {stack} goes on with it", paint(ADVICE, "→")));
    Ok(Exit::Ok)
}

/// Asks that a stack be left alone, or no longer, and waits until that holds; answers the stack.
pub(super) async fn ask(
    swarm: &Swarm,
    asked: &PauseRequested,
    patience: Duration,
) -> Result<StackState, Failure> {
    // Each time it is said is another: between two there may have been its opposite.
    let id = MessageId::given(IntentId::fresh().to_string());
    let sequence = swarm.bus.publish(asked, &id).await.map_err(|error| {
        let advice = taken::advice(&error);
        Failure::new("the request was not taken by the server").because(error).advise(advice)
    })?;
    let deadline = Instant::now() + patience;
    loop {
        if let Some((state, _)) = swarm.stack(&asked.stack).await?
            && state.heeded >= sequence
        {
            return Ok(state);
        }
        if Instant::now() >= deadline {
            let what = if asked.paused { "paused" } else { "resumed" };
            return Err(Failure::new(format!(
                "{} is not {what} within {} s",
                asked.stack,
                patience.as_secs()
            ))
            .advise(
                "the request is kept and will be heeded: `zerodrift status` shows whether the \
                 provisioner is there",
            )
            .exits(Exit::TimedOut));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The stack once its run rests between two changes, where one is under way.
async fn rested(swarm: &Swarm, mut state: StackState) -> Result<StackState, Failure> {
    let deadline = Instant::now() + LAST_CHANGE;
    while state.run.as_ref().is_some_and(|run| !run.resting && !run.stuck)
        && Instant::now() < deadline
    {
        tokio::time::sleep(LOOK).await;
        if let Some((now, _)) = swarm.stack(&state.stack).await? {
            state = now;
        }
    }
    Ok(state)
}
