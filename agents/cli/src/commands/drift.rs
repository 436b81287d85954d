//! `drift`: what is not as declared, who did it, and what is being done about it.

use std::collections::BTreeMap;

use bus_schema::{Finding, Lesson, Signature, StackName, StackObservation, StackState, Watch};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::output::finding::{self, Doing};
use crate::output::style::{ADVICE, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::table::{Cell, Table, cut};
use crate::output::time::ago;
use crate::output::timeline::count;
use crate::output::{Output, watched};
use crate::swarm::Swarm;

/// Most objects of nobody's that are listed unless all are wanted.
const FEW: usize = 20;

/// Of which stack.
#[derive(Debug, Args)]
#[command(
    after_help = "Each field is shown as declared → as it is in the cloud. A finding is named by \
    its id, or by as much of the beginning of it as tells it from the others.\n\n\
    What you can do about a finding:\n  \
      zerodrift heal FINDING     put it back now\n  \
      zerodrift adopt FINDING    declare it as it is\n  \
      zerodrift leave FINDING    leave it as it is this time\n\n\
    And about a stack: `zerodrift pause STACK` keeps hands off, `zerodrift lessons` shows what keeps \
    coming back."
)]
pub struct Drift {
    /// The stack; without it, all of them and what nobody owns
    #[arg(value_name = "STACK")]
    stack: Option<StackName>,
    /// List everything nobody owns, not only some of it
    #[arg(long)]
    all: bool,
}

/// All that is known of what is not as declared.
struct Known {
    observations: Vec<StackObservation>,
    stacks: BTreeMap<StackName, StackState>,
    lessons: BTreeMap<Signature, Lesson>,
    watches: Vec<Watch>,
    now: Timestamp,
}

impl Known {
    async fn of(swarm: &Swarm) -> Result<Self, Failure> {
        let (observations, stacks, lessons, watches) = tokio::try_join!(
            swarm.observations(),
            swarm.stacks(),
            swarm.lessons(),
            swarm.watches()
        )?;
        Ok(Self {
            observations,
            stacks: stacks.into_iter().map(|it| (it.stack.clone(), it)).collect(),
            lessons: lessons.into_iter().map(|it| (it.signature.clone(), it)).collect(),
            watches,
            now: Timestamp::now(),
        })
    }

    fn doing(&self, stack: &StackName, finding: &Finding) -> Doing {
        let lesson = self.lessons.get(&finding.signature);
        finding::doing(finding, lesson, self.stacks.get(stack), self.now)
    }

    /// What nobody owns, by the scope it was seen in.
    fn unmanaged(&self) -> impl Iterator<Item = &Finding> {
        self.watches.iter().flat_map(|watch| watch.unmanaged.values())
    }
}

pub(super) async fn run(command: &Drift, common: &Common, output: Output) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    if let Some(name) = &command.stack {
        swarm.known_stack(name).await?;
    }
    let mut known = Known::of(&swarm).await?;
    known.observations.retain(|it| command.stack.as_ref().is_none_or(|name| *name == it.stack));
    if command.stack.is_some() {
        known.watches.clear();
    }
    if output.is_json() {
        return tell_programs(&known, output);
    }
    let open: usize = known.observations.iter().map(|it| it.findings.len()).sum();
    if open == 0 {
        output.line(nothing(&known, command.stack.as_ref()))?;
    }
    let ids = known.observations.iter().flat_map(|it| it.findings.values());
    let long = finding::telling(ids.map(|it| it.id.as_str()));
    for (nth, observation) in
        known.observations.iter().filter(|it| !it.findings.is_empty()).enumerate()
    {
        let blank = if nth == 0 { "" } else { "\n" };
        output.line(format!("{blank}{}", of_stack(&known, observation, long)))?;
    }
    if let Some(page) = unowned(&known, command.all) {
        output.line(format!("\n{page}"))?;
    }
    if open > 0 {
        let first = known.observations.iter().flat_map(|it| it.findings.values()).next();
        let id: String =
            first.map(|it| it.id.as_str().chars().take(long).collect()).unwrap_or_default();
        output.note(format!(
            "\n{} zerodrift heal {id}  puts it back now; adopt {id}  declares it as it is; leave \
             {id}  leaves it",
            paint(ADVICE, "→")
        ));
    }
    Ok(Exit::Ok)
}

fn tell_programs(known: &Known, output: Output) -> Result<Exit, Failure> {
    for observation in &known.observations {
        for finding in observation.findings.values() {
            let doing = known.doing(&observation.stack, finding);
            output.json(&json!({
                "stack": observation.stack, "finding": finding, "doing": doing,
            }))?;
        }
    }
    for finding in known.unmanaged() {
        output.json(&json!({"stack": null, "finding": finding, "doing": null}))?;
    }
    Ok(Exit::Ok)
}

fn nothing(known: &Known, stack: Option<&StackName>) -> String {
    let what = match stack {
        Some(stack) => format!("{stack} is as declared."),
        None => "Everything is as declared.".to_owned(),
    };
    let what = format!("{} {what}", paint(GOOD, "✓"));
    match watched::promise(&known.watches) {
        Some(promise) => format!("{what}\n  {promise}"),
        None => what,
    }
}

fn of_stack(known: &Known, observation: &StackObservation, long: usize) -> String {
    let stack = known.stacks.get(&observation.stack);
    let mut heading = paint(STRONG, &observation.stack);
    if let Some(stack) = stack {
        let generation = format!("  {} in {}", stack.generation, stack.environment);
        heading.push_str(&paint(FAINT, generation));
        if let Some(pause) = &stack.paused {
            let reason = pause.reason.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
            let since = ago(pause.since, known.now);
            heading.push_str(&paint(CHANGED, format!("  paused {since}{reason}")));
        }
    }
    heading.push_str(&paint(FAINT, "  (declared → as it is)"));
    let mut findings: Vec<&Finding> = observation.findings.values().collect();
    findings.sort_by(|a, b| (&a.resource, &a.id).cmp(&(&b.resource, &b.id)));
    let pages = findings.into_iter().map(|it| {
        let id: String = it.id.as_str().chars().take(long).collect();
        let differences = finding::whole(it, stack, observation);
        let doing = known.doing(&observation.stack, it);
        finding::page(it, &id, &differences, &doing, known.now)
    });
    std::iter::once(heading).chain(pages).collect::<Vec<_>>().join("\n")
}

/// What is in a watched place and nobody owns.
fn unowned(known: &Known, all: bool) -> Option<String> {
    let more: u64 = known.watches.iter().map(|watch| watch.unmanaged_left_out).sum();
    let findings: Vec<&Finding> = known.unmanaged().collect();
    if findings.is_empty() {
        return None;
    }
    let shown = if all { findings.len() } else { FEW };
    let total = u64::try_from(findings.len()).unwrap_or(u64::MAX).saturating_add(more);
    let mut table = Table::new(["", "", "", "", ""]).indented(2);
    for finding in findings.iter().take(shown) {
        table.row([
            Cell::styled(FAINT, "?"),
            finding.scope.kind.as_str().into(),
            cut(&finding.object, 48).into(),
            Cell::styled(FAINT, finding.scope.place.to_string()),
            Cell::styled(FAINT, format!("seen {}", ago(finding.detected_at, known.now))),
        ]);
    }
    let total = count(usize::try_from(total).unwrap_or(usize::MAX), "object");
    let mut lines = vec![
        format!(
            "{}  {}",
            paint(STRONG, "Owned by nobody"),
            paint(FAINT, format!("{total}; never changed, never deleted"))
        ),
        table.render(),
    ];
    let hidden = findings.len().saturating_sub(shown);
    if hidden > 0 {
        lines.push(format!("  {}", paint(FAINT, format!("and {hidden} more: --all lists them"))));
    }
    if let Some(first) = findings.first() {
        let (place, kind) = (&first.scope.place, first.scope.kind.local());
        lines.push(format!(
            "  {} zerodrift import cloudflare {place} --kind {kind} --as NAME --dry-run  shows what \
             could be made a stack of",
            paint(ADVICE, "→")
        ));
    }
    Some(lines.join("\n"))
}
