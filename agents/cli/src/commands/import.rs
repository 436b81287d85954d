//! `import`: makes a stack of what nobody owns.

use std::path::PathBuf;
use std::time::Duration;

use bus_schema::{
    EnvironmentName, ImportAnswered, ImportAsked, IntentId, KindName, MessageId, NotImported,
    Place, StackName, Subject,
};
use clap::{Args, ValueEnum};
use runtime::BusError;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::Common;
use crate::commands::installed;
use crate::exit::Exit;
use crate::failure::Explain as _;
use crate::output::Output;
use crate::output::style::{ADVICE, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::{Cell, Table, cut};
use crate::output::timeline::count;
use crate::swarm::{Swarm, taken};

/// Between two looks for the answer.
const LOOK: Duration = Duration::from_millis(50);
/// Widest a reason is shown, in columns.
const WIDEST: usize = 90;

/// What becomes a stack.
#[derive(Debug, Args)]
#[command(
    after_help = "What is there becomes what is declared, without any write to the cloud. From then \
    on the stack is watched and healed as any other; an object's first repair marks it as the \
    swarm's.\n\
    What cannot be taken is named with the reason: what has an owner, what only its name would make \
    a stack's (as a Worker), what holds something that a repair would lose.\n\n\
    Examples:\n  \
    zerodrift import cloudflare zone/example.com --as site --dry-run\n  \
    zerodrift import cloudflare zone/example.com --kind dns_record --only www.example.com --as www\n\n\
    The exit code is 3 where nothing was imported."
)]
pub struct Import {
    /// The cloud
    #[arg(value_name = "CLOUD")]
    cloud: CloudName,
    /// Where in it: `zone/<name>` or `account/<id>`
    #[arg(value_name = "PLACE")]
    place: Place,
    /// The stack to be
    #[arg(long = "as", value_name = "STACK")]
    stack: StackName,
    /// Only this kind, for example `dns_record`; may be repeated
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only these objects, by name or by the cloud's id
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// The environment [default: the one that has the place]
    #[arg(long, value_name = "NAME")]
    environment: Option<EnvironmentName>,
    /// Environments instead of the shipped ones: a folder of YAML files
    #[arg(long, value_name = "FOLDER")]
    environments: Option<PathBuf>,
    /// Show what would be taken, and take nothing
    #[arg(long)]
    dry_run: bool,
    /// Who asks, for the record
    #[arg(long, env = "USER", value_name = "NAME", hide_env_values = true)]
    by: Option<String>,
    /// How long to wait for the answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// A cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CloudName {
    /// Cloudflare.
    Cloudflare,
}

impl CloudName {
    /// A kind of it, as a person writes it: with the cloud's name or without.
    fn kind(self, said: &str) -> Result<KindName, Failure> {
        let Self::Cloudflare = self;
        let whole = if said.contains('.') { said.to_owned() } else { format!("cloudflare.{said}") };
        whole.parse().or_advise(
            format!("there is no kind {}", cut(said, 60)),
            "kinds are named as in plans: dns_record, waf_rule, cache_rule, …",
        )
    }
}

pub(super) async fn run(command: Import, common: &Common, output: Output) -> Result<Exit, Failure> {
    let environment = environment(&command)?;
    let kinds = command.kinds.iter().map(|it| command.cloud.kind(it)).collect::<Result<_, _>>()?;
    let asked = ImportAsked {
        stack: command.stack,
        environment,
        place: command.place,
        kinds,
        only: command.only,
        dry_run: command.dry_run,
        by: command.by,
    };
    let swarm = Swarm::reach(common).await?;
    let progress = output.progress(format!("looking at {}", asked.place));
    let answer = ask(&swarm, &asked, Duration::from_secs(command.timeout)).await;
    drop(progress);
    tell(&asked, &answer?, output)
}

/// The environment named, else the one that has the place.
fn environment(command: &Import) -> Result<EnvironmentName, Failure> {
    if let Some(environment) = &command.environment {
        return Ok(environment.clone());
    }
    let library = installed::library(None, command.environments.as_deref())?;
    let has = |it: &&policy::Environment| match &command.place {
        Place::Account(id) => it.cloudflare.account == *id,
        Place::Zone(name) => it.cloudflare.zones.contains(name),
    };
    let mut having = library.environments.iter().filter(has);
    match (having.next(), having.next()) {
        (Some(only), None) => Ok(only.name.clone()),
        (found, _) => {
            let names: Vec<&str> = library.environments.iter().map(|it| it.name.as_str()).collect();
            let what =
                if found.is_some() { "several environments have" } else { "no environment has" };
            Err(Failure::new(format!("{what} {}", command.place))
                .advise(format!("name one with --environment: {}", names.join(", "))))
        }
    }
}

async fn ask(
    swarm: &Swarm,
    asked: &ImportAsked,
    patience: Duration,
) -> Result<ImportAnswered, Failure> {
    let id = MessageId::given(IntentId::fresh().to_string());
    let sequence = swarm.bus.publish(asked, &id).await.map_err(|error| {
        let advice = taken::advice(&error);
        Failure::new("the request was not taken by the server").because(error).advise(advice)
    })?;
    let subject = Subject::stack_imported(&asked.stack);
    let deadline = Instant::now() + patience;
    let mut from = sequence + 1;
    loop {
        match swarm.bus.message_from::<ImportAnswered>(&subject, from).await {
            Ok(Some(answer)) if answer.message.asked == sequence => return Ok(answer.message),
            Ok(Some(other)) => from = other.sequence + 1,
            Err(BusError::NotThis { sequence, .. }) => from = sequence + 1,
            Ok(None) => {
                if Instant::now() >= deadline {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
            Err(error) => return Err(error).or_fail("the answer cannot be read"),
        }
    }
    Err(Failure::new(format!("no answer within {} s", patience.as_secs()))
        .advise(
            "the request is kept and will be answered: `zerodrift status` shows whether the \
             provisioner is there and whether the stack is",
        )
        .exits(Exit::TimedOut))
}

fn tell(asked: &ImportAsked, answer: &ImportAnswered, output: Output) -> Result<Exit, Failure> {
    let exit = if answer.refused.is_some() { Exit::Refused } else { Exit::Ok };
    if output.is_json() {
        output.json(answer)?;
        return Ok(exit);
    }
    let stack = paint(STRONG, &answer.stack);
    let objects = count(answer.taken.len(), "object");
    match &answer.refused {
        Some(why) => {
            output.line(format!("{} nothing is imported: {why}", paint(CHANGED, "•")))?;
        }
        None if answer.dry_run => {
            output.line(format!("{} {stack} would hold {objects}", paint(CHANGED, "•")))?;
        }
        None => output.line(format!("{} {stack} holds {objects} now", paint(GOOD, "✓")))?,
    }
    if !answer.taken.is_empty() {
        let mut table = Table::new(["RESOURCE", "OBJECT", "ID"]).indented(2);
        for it in &answer.taken {
            let resource = format!("{}/{}", it.resource.kind.local(), it.resource.name);
            let id = Cell::styled(FAINT, it.cloud_id.clone());
            table.row([Cell::styled(STRONG, resource), cut(&it.object, 50).into(), id]);
        }
        output.line(table.render())?;
    }
    if let Some(left) = left(&answer.left, answer.left_out) {
        output.line(format!("\n{left}"))?;
    }
    let next = match (&answer.refused, answer.dry_run) {
        (Some(_), _) => return Ok(exit),
        (None, true) => "the same without --dry-run takes it".to_owned(),
        (None, false) => format!(
            "zerodrift drift {} shows what somebody changes from now on; it is put back by the \
             rules of environment {}",
            asked.stack, asked.environment
        ),
    };
    output.note(format!("{} {next}", paint(ADVICE, "→")));
    Ok(exit)
}

/// What was not taken, and why.
fn left(left: &[NotImported], left_out: u64) -> Option<String> {
    if left.is_empty() {
        return None;
    }
    let mut table = Table::new(["NOT TAKEN", "", "WHY"]).indented(2);
    for it in left {
        let object = it.object.as_deref().unwrap_or("all");
        let why = Cell::styled(FAINT, cut(&it.reason, WIDEST));
        table.row([it.kind.local().into(), cut(object, 40).into(), why]);
    }
    let more = if left_out > 0 { format!("\n  and {left_out} more") } else { String::new() };
    Some(format!("{}{more}", table.render()))
}
