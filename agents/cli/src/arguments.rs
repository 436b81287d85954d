//! The command line's grammar. Each command's own flags stand in its file under `commands/`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    adopt, bootstrap, completions, dead, demo, doctor, down, drift, heal, ignore, import, leave,
    lessons, pause, plan, resume, run_child, status, submit, understand, up, watch,
};
use crate::exit;

/// `zerodrift` and its flags.
#[derive(Debug, Parser)]
#[command(
    name = "zerodrift",
    version,
    about = "Say what you want from your infrastructure; a swarm of agents makes it so",
    long_about = "Say what you want from your infrastructure; a swarm of agents makes it so.\n\n\
        New here? `zerodrift demo` shows everything in a minute, on this machine, without an \
        account.\nThen `zerodrift up` starts a swarm and `zerodrift submit --wait \"…\"` gives it \
        something to do.",
    after_help = exit::TABLE,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Arguments {
    /// Flags every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Flags of every command")]
pub struct Common {
    /// Print JSON for programs instead of text for people, one object a line where there are several
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// State folder of a swarm on this machine [default: the nearest .zerodrift, from here upwards]
    #[arg(
        long,
        global = true,
        env = "ZERODRIFT_STATE",
        value_name = "FOLDER",
        hide_env_values = true
    )]
    pub state: Option<PathBuf>,
    /// A swarm elsewhere: its NATS server, for example `nats://nats.example.com:4222`
    #[arg(
        long,
        global = true,
        env = "ZERODRIFT_NATS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub nats: Option<String>,
    /// Who you are there: a file with an nkey seed
    #[arg(
        long,
        global = true,
        env = "ZERODRIFT_NATS_NKEY_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub nkey: Option<PathBuf>,
    /// Who you are there: a credentials file
    #[arg(
        long,
        global = true,
        env = "ZERODRIFT_NATS_CREDENTIALS",
        value_name = "FILE",
        hide_env_values = true,
        conflicts_with = "nkey"
    )]
    pub credentials: Option<PathBuf>,
    /// The certificate authority that server's certificate is checked against
    #[arg(
        long,
        global = true,
        env = "ZERODRIFT_NATS_TLS_CA",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub tls_ca: Option<PathBuf>,
    /// Where answers to you arrive there, as your permissions say; needed by all but operators
    #[arg(
        long,
        global = true,
        env = "ZERODRIFT_NATS_INBOX_PREFIX",
        value_name = "PREFIX",
        hide_env_values = true
    )]
    pub inbox_prefix: Option<String>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything in a minute: intents made true, proven from outside, and kept so
    Demo(demo::Demo),
    /// Start a swarm on this machine and keep it running
    Up(up::Up),
    /// Stop the swarm that runs on this machine
    Down(down::Down),
    /// Ask for something, in your own words or by golden path
    Submit(submit::Submit),
    /// Show what the planner would make of a text; submits nothing and needs no swarm
    Understand(understand::Understand),
    /// Follow one intent, or everything, as it happens
    Watch(watch::Watch),
    /// What there is: stacks, what is watched, agents, dead letters
    Status(status::Status),
    /// Look at plans
    #[command(subcommand)]
    Plan(plan::Plan),
    /// What somebody else changed, and what is being done about it
    Drift(drift::Drift),
    /// Have a finding put back as declared, now
    Heal(heal::Heal),
    /// Declare what was found as it is
    Adopt(adopt::Adopt),
    /// Leave a finding as it is, this time
    Leave(leave::Leave),
    /// What keeps coming back: how often, how quickly it was put back, who does it
    Lessons(lessons::Lessons),
    /// Keep the swarm's hands off a stack, at once
    Pause(pause::Pause),
    /// Go on with a stack that is paused, or that is stuck and mended
    Resume(resume::Resume),
    /// Leave fields of a resource to somebody else, such as an autoscaler
    Ignore(ignore::Ignore),
    /// Make a stack of what nobody owns, without a write to the cloud
    Import(import::Import),
    /// Look at what the swarm could not handle, and give it back
    #[command(subcommand)]
    Dead(dead::Dead),
    /// Check this machine: what is missing and how to get it
    Doctor(doctor::Doctor),
    /// Create the streams, buckets and consumers on a NATS server; safe to repeat
    Bootstrap(bootstrap::Bootstrap),
    /// Print a script that completes commands in your shell
    Completions(completions::Completions),
    /// Become another program that ends when `zerodrift` does
    #[command(hide = true)]
    RunChild(run_child::RunChild),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_of_every_command_may_follow_the_command() {
        let arguments = Arguments::try_parse_from(["zerodrift", "status", "--json"]).unwrap();
        assert!(arguments.common.json);
    }

    #[test]
    fn nothing_at_all_shows_the_help() {
        let error = Arguments::try_parse_from(["zerodrift"]).unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        for command in Arguments::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no description", command.get_name());
        }
    }
}
