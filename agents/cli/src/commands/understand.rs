//! `understand`: what the planner would make of a text. Offline: nothing is submitted.

use std::path::PathBuf;

use bus_schema::{EnvironmentName, Refusal, Request, Understanding};
use clap::{ArgGroup, Args};
use planner::{Explanation, Library};
use policy::{Environments, GoldenPaths};
use serde::Serialize;

use crate::Failure;
use crate::commands::{following, installed, submit};
use crate::exit::Exit;
use crate::output::style::{BAD, FAINT, STRONG, paint};
use crate::output::{Output, explain, words};

/// Which text.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).multiple(false).args(["text", "file"]),
    after_help = "The exit code is 3 where any text would be refused.\n\
        With --json each text gives one object on a line: text, then either path, stack, \
        environment and parameters (each with value and source), or the refusal."
)]
pub struct Understand {
    /// The text
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// Each line of a file is a text; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Say what was seen in the text: things, acts, concerns with their weights, the runner-up
    #[arg(long)]
    explain: bool,
    /// The environment, where the text names none
    #[arg(long, value_name = "NAME")]
    environment: Option<EnvironmentName>,
    /// Environments instead of the shipped ones: a folder of YAML files
    #[arg(long, value_name = "FOLDER")]
    environments: Option<PathBuf>,
    /// Golden paths instead of the shipped ones: a folder of YAML files
    #[arg(long, value_name = "FOLDER")]
    golden_paths: Option<PathBuf>,
}

/// One text and what was made of it.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    text: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    understanding: Option<&'a Understanding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a Refusal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
}

pub(super) fn run(command: &Understand, output: Output) -> Result<Exit, Failure> {
    let (paths, environments) = (command.golden_paths.as_deref(), command.environments.as_deref());
    let Library { environments, paths } = installed::library(paths, environments)?;
    let texts: Vec<String> = match &command.file {
        Some(file) => submit::read(file)?
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect(),
        None => vec![command.text.join(" ")],
    };
    let mut refused = false;
    for (nth, text) in texts.iter().enumerate() {
        let request = Request {
            text: Some(text.clone()),
            environment: command.environment.clone(),
            ..Request::default()
        };
        let understood = planner::understand(&request, &environments, &paths);
        refused |= understood.is_err();
        let explanation =
            command.explain.then(|| planner::explain(&request, &environments, &paths)).flatten();
        if output.is_json() {
            output.json(&Answer {
                text,
                understanding: understood.as_ref().ok(),
                refusal: understood.as_ref().err(),
                explanation: explanation.as_ref(),
            })?;
        } else {
            if nth > 0 {
                output.line("")?;
            }
            output.line(page(text, &understood, &environments, &paths))?;
            if let Some(explanation) = &explanation {
                output.line("")?;
                output.line(explain::page(explanation))?;
            }
        }
    }
    Ok(if refused { Exit::Refused } else { Exit::Ok })
}

fn page(
    text: &str,
    understood: &Result<Understanding, Refusal>,
    environments: &Environments,
    paths: &GoldenPaths,
) -> String {
    match understood {
        Ok(it) => {
            let path = paths.get(&it.path).map_or("", |path| path.title.as_str());
            let zones = environments
                .get(&it.environment)
                .map(|it| it.cloudflare.zones.join(", "))
                .unwrap_or_default();
            [
                format!("“{}”", words::marked(text, &it.parameters)),
                format!(
                    "  {}  {} {}",
                    paint(FAINT, "path       "),
                    paint(STRONG, &it.path),
                    paint(FAINT, path)
                ),
                format!("  {}  {}", paint(FAINT, "stack      "), paint(STRONG, &it.stack)),
                format!(
                    "  {}  {} {}",
                    paint(FAINT, "environment"),
                    paint(STRONG, &it.environment),
                    paint(FAINT, zones)
                ),
                String::new(),
                words::parameters(&it.parameters),
            ]
            .join("\n")
        }
        Err(refusal) => {
            let mut lines = vec![
                format!("“{text}”"),
                format!("  {} {}", paint(BAD, "refused"), refusal.reason),
            ];
            lines.extend(following::help(refusal));
            lines.join("\n")
        }
    }
}
