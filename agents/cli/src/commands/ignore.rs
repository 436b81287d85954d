//! `ignore`: leaves fields of a resource to somebody else.

use std::time::Duration;

use bus_schema::{
    Hint, IgnoreRequested, IntentId, MessageId, ResourceAddress, Scope, StackName, StackState,
};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::output::style::{ADVICE, FAINT, GOOD, STRONG, paint};
use crate::output::table::{Cell, Table};
use crate::output::time::ago;
use crate::swarm::{Swarm, taken};

/// Between two looks at the stack.
const LOOK: Duration = Duration::from_millis(50);

/// Which fields.
#[derive(Debug, Args)]
#[command(
    after_help = "An ignored field is somebody else's, as an autoscaler's: what is declared of it \
    stays declared, but nobody compares it with the cloud and nobody puts it back. Where the object is \
    written for another field, the value that is there is sent along. It holds at once, also for a \
    plan under way.\n\n\
    Examples:\n  \
    zerodrift ignore edge-cache-api dns_record/site ttl proxied --reason \"the CDN team tunes it\"\n  \
    zerodrift ignore edge-cache-api dns_record/site ttl --undo\n  \
    zerodrift ignore edge-cache-api                       # what is ignored there"
)]
pub struct Ignore {
    /// The stack
    #[arg(value_name = "STACK")]
    stack: StackName,
    /// Its resource, as `zerodrift drift` and `zerodrift plan show` name it: `dns_record/site`
    #[arg(value_name = "KIND/NAME", requires = "fields")]
    resource: Option<String>,
    /// The fields
    #[arg(value_name = "FIELD")]
    fields: Vec<String>,
    /// Compare them and put them back again
    #[arg(long, requires = "resource")]
    undo: bool,
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

pub(super) async fn run(command: Ignore, common: &Common, output: Output) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    let Some((state, _)) = swarm.stack(&command.stack).await? else {
        return Err(Failure::new(format!("there is no stack {}", command.stack))
            .advise("`zerodrift status` lists those there are"));
    };
    let Some(said) = &command.resource else { return list(&state, output) };
    let resource = resource_meant(&state, said)?;
    known_fields(&resource, &command.fields)?;
    let asked = IgnoreRequested {
        stack: command.stack,
        resource: resource.clone(),
        fields: command.fields,
        ignored: !command.undo,
        reason: command.reason,
        by: command.by,
    };
    let state = ask(&swarm, &asked, Duration::from_secs(command.timeout)).await?;
    look_there(&swarm, &state, &asked).await;
    if output.is_json() {
        let ignored = state.ignored_of(&resource);
        output.json(&json!({"stack": state.stack, "resource": resource, "ignored": ignored}))?;
        return Ok(Exit::Ok);
    }
    let fields = paint(STRONG, asked.fields.join(", "));
    let (what, next) = if asked.ignored {
        (
            "left to others: what is there stays",
            format!(
                "zerodrift ignore {} {} {} --undo takes it back",
                asked.stack,
                short(&resource),
                asked.fields.join(" ")
            ),
        )
    } else {
        (
            "compared and put back again",
            format!("zerodrift drift {} shows what is not as declared", asked.stack),
        )
    };
    output.line(format!("{} {fields} of {resource}: {what}", paint(GOOD, "✓")))?;
    output.note(format!("{} {next}", paint(ADVICE, "→")));
    Ok(Exit::Ok)
}

/// What is ignored of a stack.
fn list(state: &StackState, output: Output) -> Result<Exit, Failure> {
    if output.is_json() {
        let ignored = state.ignored.keys().map(|at| (at.to_string(), state.ignored_of(at)));
        let ignored: serde_json::Map<_, _> =
            ignored.map(|(at, fields)| (at, json!(fields))).collect();
        output.json(&json!({"stack": state.stack, "ignored": ignored}))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["RESOURCE", "FIELD", "SINCE", "BY", "REASON"]);
    let (now, mut any) = (Timestamp::now(), false);
    for (resource, fields) in &state.ignored {
        for (field, it) in fields.iter().filter(|(_, it)| !it.lifted) {
            any = true;
            table.row([
                Cell::from(short(resource)),
                Cell::styled(STRONG, field.clone()),
                Cell::styled(FAINT, ago(it.since, now)),
                Cell::from(it.by.clone().unwrap_or_default()),
                Cell::from(it.reason.clone().unwrap_or_default()),
            ]);
        }
    }
    if any {
        output.line(table.render())?;
    } else {
        output.line(format!("Every field of {} is compared and put back.", state.stack))?;
    }
    Ok(Exit::Ok)
}

/// A resource within its stack, its cloud left out.
fn short(resource: &ResourceAddress) -> String {
    format!("{}/{}", resource.kind.local(), resource.name)
}

/// The resource a person means: whole, without its stack, or without its cloud as well.
fn resource_meant(state: &StackState, said: &str) -> Result<ResourceAddress, Failure> {
    let is =
        |at: &&ResourceAddress| at.to_string() == said || at.local() == said || short(at) == said;
    if let Some(meant) = state.resources.keys().find(is) {
        return Ok(meant.clone());
    }
    let known: Vec<String> = state.resources.keys().map(short).collect();
    let known = if known.is_empty() { "it holds nothing".to_owned() } else { known.join(", ") };
    Err(Failure::new(format!("stack {} has no {said}", state.stack))
        .advise(format!("one of these: {known}")))
}

fn known_fields(resource: &ResourceAddress, fields: &[String]) -> Result<(), Failure> {
    let Some(kind) = cloud::cloudflare::catalogue().get(&resource.kind) else { return Ok(()) };
    let description = kind.describe();
    let Some(unknown) = fields.iter().find(|field| description.field(field).is_none()) else {
        return Ok(());
    };
    let known: Vec<&str> = description.fields.iter().map(|it| it.name).collect();
    let title = description.title;
    let advice = if known.is_empty() {
        format!("a {title} has no field of its own")
    } else {
        format!("a {title} has {}", known.join(", "))
    };
    Err(Failure::new(format!("{} has no field `{unknown}`", short(resource))).advise(advice))
}

/// Says it, and waits until it holds; answers the stack.
async fn ask(
    swarm: &Swarm,
    asked: &IgnoreRequested,
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
        let heeded = |state: &StackState| {
            let said = state.ignored.get(&asked.resource);
            asked.fields.iter().all(|field| {
                said.and_then(|it| it.get(field)).is_some_and(|it| it.heeded >= sequence)
            })
        };
        if let Some((state, _)) = swarm.stack(&asked.stack).await?
            && heeded(&state)
        {
            return Ok(state);
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(format!("it does not hold within {} s", patience.as_secs()))
                .advise(
                    "the request is kept: `zerodrift status` shows whether the provisioner is \
                     there, `zerodrift dead list` whether it could not be heeded",
                )
                .exits(Exit::TimedOut));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Has the auditor look there, so that what is open only because of these fields ends soon. Without
/// it, it ends with the next look that is due.
async fn look_there(swarm: &Swarm, state: &StackState, asked: &IgnoreRequested) {
    let Some(resource) = state.resources.get(&asked.resource) else { return };
    let scope = Scope::new(asked.resource.kind.clone(), resource.place.clone());
    let id = MessageId::given(IntentId::fresh().to_string());
    drop(swarm.bus.publish(&Hint { scope, by: asked.by.clone() }, &id).await);
}
