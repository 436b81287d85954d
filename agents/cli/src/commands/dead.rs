//! `dead`: the messages the swarm gave up. Look at them, and give them back.

use bus_schema::header;
use clap::{ArgGroup, Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::Failure;
use crate::arguments::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::output::style::{ADVICE, BAD, FAINT, GOOD, STRONG, paint};
use crate::output::table::{Cell, Table, cut};
use crate::output::time::ago;
use crate::output::timeline::count;
use crate::swarm::Swarm;
use crate::swarm::dead::DeadLetter;

/// What to do with them.
#[derive(Debug, Subcommand)]
pub enum Dead {
    /// List them, newest last
    List(List),
    /// Show one: its reason, its headers, its payload
    Show(Show),
    /// Publish it again where it came from, and take it from the list
    Replay(Replay),
}

/// How many.
#[derive(Debug, Args)]
pub struct List {
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// Which one.
#[derive(Debug, Args)]
pub struct Show {
    /// Its number in the list
    #[arg(value_name = "NUMBER")]
    sequence: u64,
}

/// Which ones.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["sequences", "all"]))]
pub struct Replay {
    /// Their numbers in the list
    #[arg(value_name = "NUMBER")]
    sequences: Vec<u64>,
    /// Every one of them
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(command: &Dead, common: &Common, output: Output) -> Result<Exit, Failure> {
    let swarm = Swarm::reach(common).await?;
    match command {
        Dead::List(list) => show_all(&swarm, list.limit, output).await,
        Dead::Show(show) => show_one(&swarm.dead_letter(show.sequence).await?, output),
        Dead::Replay(which) => replay(&swarm, which, output).await,
    }
}

async fn show_all(swarm: &Swarm, limit: usize, output: Output) -> Result<Exit, Failure> {
    let letters = swarm.dead_letters(limit).await?;
    if output.is_json() {
        for letter in &letters {
            output.json(&letter.describe())?;
        }
        return Ok(Exit::Ok);
    }
    if letters.is_empty() {
        output.line(paint(GOOD, "No dead letters."))?;
        return Ok(Exit::Ok);
    }
    let now = Timestamp::now();
    let mut table = Table::new(["NUMBER", "GIVEN UP", "SUBJECT", "REASON"]);
    for letter in &letters {
        table.row([
            Cell::styled(STRONG, letter.sequence.to_string()),
            Cell::styled(FAINT, ago(letter.at, now)),
            cut(letter.subject().unwrap_or("unknown"), 44).into(),
            Cell::styled(BAD, cut(letter.reason(), 72)),
        ]);
    }
    output.line(table.render())?;
    output.note(format!(
        "{} zerodrift dead show NUMBER, zerodrift dead replay NUMBER",
        paint(ADVICE, "→")
    ));
    Ok(Exit::Ok)
}

fn show_one(letter: &DeadLetter, output: Output) -> Result<Exit, Failure> {
    if output.is_json() {
        output.json(&letter.describe())?;
        return Ok(Exit::Ok);
    }
    output.line(page(letter))?;
    Ok(Exit::Ok)
}

fn page(letter: &DeadLetter) -> String {
    let mut lines = vec![
        format!("{} {}", paint(STRONG, "Dead letter"), paint(STRONG, letter.sequence)),
        format!("  {}", paint(BAD, letter.reason())),
        String::new(),
    ];
    let mut table = Table::new(["", ""]).indented(2);
    let facts = [
        ("published on", letter.subject().unwrap_or("unknown").to_owned()),
        ("as message", letter.header(header::DEAD_SEQUENCE).unwrap_or("–").to_owned()),
        ("with id", letter.header(header::DEAD_MESSAGE_ID).unwrap_or("–").to_owned()),
        ("delivered", letter.header(header::DEAD_DELIVERIES).unwrap_or("–").to_owned()),
        ("given up", letter.at.to_string()),
        ("kept on", letter.kept_on.clone()),
    ];
    for (name, value) in facts {
        table.row([Cell::styled(FAINT, name), value.into()]);
    }
    for (name, value) in letter.own_headers() {
        table.row([Cell::styled(FAINT, name), value.into()]);
    }
    lines.push(table.render());
    lines.push(String::new());
    lines.push(if let Some(message) = letter.message() {
        let text = serde_json::to_string_pretty(&message).unwrap_or_default();
        beginning(text.chars(), letter.payload.len())
    } else {
        // Escaped as it is read: what is not shown of a large one is not worked on.
        let bytes = letter.payload.get(..MOST_SHOWN * 4).unwrap_or(&letter.payload);
        let text = String::from_utf8_lossy(bytes);
        format!(
            "{} bytes that are neither MessagePack nor JSON:\n{}",
            letter.payload.len(),
            beginning(text.chars().flat_map(char::escape_debug), letter.payload.len())
        )
    });
    lines.join("\n")
}

/// Most characters shown of a payload.
const MOST_SHOWN: usize = 16 * 1024;

fn beginning(mut text: impl Iterator<Item = char>, bytes: usize) -> String {
    let shown: String = text.by_ref().take(MOST_SHOWN).collect();
    match text.next() {
        Some(_) => format!("{shown}\n… the beginning of {bytes} bytes"),
        None => shown,
    }
}

async fn replay(swarm: &Swarm, which: &Replay, output: Output) -> Result<Exit, Failure> {
    let letters = if which.all {
        swarm.dead_letters(usize::MAX).await?
    } else {
        let mut letters = Vec::new();
        for sequence in &which.sequences {
            letters.push(swarm.dead_letter(*sequence).await?);
        }
        letters
    };
    let total = letters.len();
    for letter in letters {
        let stored = swarm.replay(&letter).await?;
        if output.is_json() {
            output.json(&json!({"replayed": letter.sequence, "sequence": stored}))?;
        } else {
            output.line(format!(
                "{} dead letter {} is message {stored} on {}",
                paint(GOOD, "✓"),
                letter.sequence,
                letter.subject().unwrap_or_default()
            ))?;
        }
    }
    if total == 0 {
        output.note(paint(GOOD, "No dead letters."));
    } else {
        output.note(format!(
            "{} replayed; what cannot be handled this time either will be in `zerodrift dead list` \
             again",
            count(total, "dead letter")
        ));
    }
    Ok(Exit::Ok)
}
