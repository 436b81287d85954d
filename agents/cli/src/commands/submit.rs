//! `submit`: asks the swarm for something.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus_schema::{
    EnvironmentName, IntentId, IntentState, IntentSubmitted, MessageId, PathName, Request,
    StackName,
};
use clap::{ArgGroup, Args};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Failure;
use crate::arguments::Common;
use crate::commands::following::{self, Look};
use crate::exit::Exit;
use crate::failure::Explain as _;
use crate::output::Output;
use crate::output::style::{FAINT, STRONG, paint};
use crate::output::timeline::Clock;
use crate::swarm::feed::Follow;
use crate::swarm::{Swarm, taken};

/// What is wanted.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).multiple(false).args(["text", "file", "path"]),
    after_help = "Examples:\n  \
        zerodrift submit --wait \"Secure edge cache for API with DDoS guardrails\"\n  \
        zerodrift submit --wait \"docs.example.com 을 203.0.113.20 으로 연결해줘\"\n  \
        zerodrift submit --path dns-record --set hostname=docs.example.com --set target=203.0.113.20\n\n\
        `zerodrift understand` shows beforehand what would be made of a text.\n\
        With --wait the exit code says how it ended: 0 converged, 3 refused, 4 failed, 5 stuck, \
        6 not in time, 7 superseded."
)]
pub struct Submit {
    /// What you want, in your own words, English or Korean
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// Read the text from a file; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A golden path by name, instead of words
    #[arg(long, value_name = "NAME")]
    path: Option<PathName>,
    /// A parameter of the golden path: `name=value`, where a value that is JSON is taken as such
    #[arg(long = "set", value_name = "NAME=VALUE", requires = "path", value_parser = parameter)]
    parameters: Vec<(String, Value)>,
    /// The environment, for example `prod`
    #[arg(long, value_name = "NAME")]
    environment: Option<EnvironmentName>,
    /// The stack, instead of the one the golden path names
    #[arg(long, value_name = "NAME")]
    stack: Option<StackName>,
    /// Who asks, for the record
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Follow it to its end
    #[arg(long)]
    wait: bool,
    /// How long to follow it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "wait")]
    timeout: u64,
    /// Show every step's beginning too
    #[arg(long, short, requires = "wait")]
    verbose: bool,
}

impl Submit {
    fn request(self) -> Result<Request, Failure> {
        let text = match &self.file {
            Some(file) => Some(read(file)?),
            None => (!self.text.is_empty()).then(|| self.text.join(" ")),
        };
        Ok(Request {
            text: text.map(|text| text.trim().to_owned()),
            path: self.path,
            parameters: self.parameters.into_iter().collect::<BTreeMap<_, _>>(),
            environment: self.environment,
            stack: self.stack,
        })
    }
}

/// A file's text; `-` is the standard input.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let what = format!("{} cannot be read", file.display());
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).or_fail("the standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).or_fail(what)
}

/// `name=value`: numbers, booleans and lists are written as in JSON, everything else is text.
fn parameter(said: &str) -> Result<(String, Value), String> {
    let (name, value) = said
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| format!("`{said}` is not name=value"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

pub(super) async fn run(command: Submit, common: &Common, output: Output) -> Result<Exit, Failure> {
    let (wait, verbose, patience) =
        (command.wait, command.verbose, Duration::from_secs(command.timeout));
    let by = command.by.clone();
    let request = command.request()?;
    let swarm = Swarm::reach(common).await?;
    if !wait {
        let (intent, sequence) = publish(&swarm, request, by).await?;
        if output.is_json() {
            output.json(&json!({"intent": intent, "sequence": sequence}))?;
        } else {
            output.line(format!("Submitted as {}", paint(STRONG, intent)))?;
            output.note(paint(FAINT, format!("zerodrift watch {intent} follows it")));
        }
        return Ok(Exit::Ok);
    }
    match follow(&swarm, request, by, verbose, Some(patience), output).await? {
        Some(state) => {
            if output.is_json() {
                output.json(&state)?;
            } else {
                output.line(format!("\n{}", following::ending(&state)))?;
            }
            Ok(Exit::of_phase(state.phase).unwrap_or(Exit::Error))
        }
        None => {
            Err(Failure::new(format!("the intent has not ended within {} s", patience.as_secs()))
                .advise(
                    "it goes on without us: `zerodrift watch last` follows it, `zerodrift status` \
            shows whether all agents are there",
                )
                .exits(Exit::TimedOut))
        }
    }
}

/// Submits and follows to the end; `None` when the time was up.
pub(super) async fn follow(
    swarm: &Swarm,
    request: Request,
    by: Option<String>,
    verbose: bool,
    patience: Option<Duration>,
    output: Output,
) -> Result<Option<IntentState>, Failure> {
    let intent = IntentId::fresh();
    // Before it is published, so that nothing is missed.
    let mut feed = swarm.follow(Follow::Intent(intent, None)).await?;
    let look =
        Look { clock: Clock::Since(Timestamp::now()), stacks: false, verbose, endings: false };
    publish_as(swarm, intent, request, by).await?;
    if !output.is_json() {
        output.line(paint(FAINT, format!("intent {intent}")))?;
    }
    following::to_the_end(&mut feed, look, patience, output).await
}

async fn publish(
    swarm: &Swarm,
    request: Request,
    by: Option<String>,
) -> Result<(IntentId, u64), Failure> {
    let intent = IntentId::fresh();
    publish_as(swarm, intent, request, by).await.map(|sequence| (intent, sequence))
}

/// Publishes under an id that was chosen; answers its place in the stream.
pub(super) async fn publish_as(
    swarm: &Swarm,
    intent: IntentId,
    request: Request,
    by: Option<String>,
) -> Result<u64, Failure> {
    let message = IntentSubmitted { id: Some(intent), request, by };
    let id = MessageId::given(intent.to_string());
    swarm.bus.publish(&message, &id).await.map_err(|error| {
        let advice = taken::advice(&error);
        Failure::new("the intent was not taken by the server").because(error).advise(advice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::Parser as _;

    fn parsed(arguments: &[&str]) -> Result<Request, clap::error::ErrorKind> {
        let all: Vec<&str> = ["zerodrift", "submit"].iter().chain(arguments).copied().collect();
        let parsed = Arguments::try_parse_from(&all).map_err(|error| error.kind())?;
        let Command::Submit(submit) = parsed.command else { panic!("{all:?} is no submit") };
        Ok(submit.request().unwrap())
    }

    #[test]
    fn words_need_no_quotes() {
        let request = parsed(&["Scale", "prod", "to", "10k", "RPS"]).unwrap();
        assert_eq!(request.text.as_deref(), Some("Scale prod to 10k RPS"));
    }

    #[test]
    fn parameters_are_json_where_they_can_be() {
        let request = parsed(&[
            "--path",
            "waf-shield",
            "--set",
            "rps=10000",
            "--set",
            "hostname=api.example.com",
            "--set",
            "hosts=[\"a\",\"b\"]",
        ])
        .unwrap();
        assert_eq!(request.parameters["rps"], json!(10000));
        assert_eq!(request.parameters["hostname"], json!("api.example.com"));
        assert_eq!(request.parameters["hosts"], json!(["a", "b"]));
    }

    #[test]
    fn words_and_path_exclude_each_other_and_one_is_needed() {
        use clap::error::ErrorKind;
        assert_eq!(parsed(&[]).unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(
            parsed(&["hello", "--path", "edge-cache"]).unwrap_err(),
            ErrorKind::ArgumentConflict
        );
        assert!(parsed(&["--set", "a=1"]).is_err());
    }
}
