//! What needs no swarm: understanding, help, mistakes on the command line.

use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_zerodrift")).args(arguments).output()?)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_text_is_understood_with_a_source_for_every_value() -> anyhow::Result<()> {
    let output = run(&["understand", "--json", "Secure edge cache for API with DDoS guardrails"])?;
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_str(&out(&output))?;
    assert_eq!(answer["path"], "edge-cache");
    let parameters = answer["parameters"].as_object().unwrap();
    assert!(!parameters.is_empty());
    assert!(parameters.values().all(|it| it["source"]["from"].is_string()), "{answer}");
    Ok(())
}

#[test]
fn each_line_of_a_file_is_answered_on_a_line() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("intents.txt");
    std::fs::write(&file, "Point docs.example.com to 203.0.113.20\n\nhello\n")?;
    let output = run(&["understand", "--json", "--file", file.to_str().unwrap()])?;
    assert_eq!(output.status.code(), Some(3));
    let answers: Vec<Value> =
        out(&output).lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["path"], "dns-record");
    assert!(answers[1]["refusal"]["reason"].is_string());
    Ok(())
}

#[test]
fn words_are_marked_only_where_colours_are_wanted() -> anyhow::Result<()> {
    let text = "Point docs.example.com to 203.0.113.20";
    let plain = out(&run(&["understand", text])?);
    assert!(!plain.contains('\u{1b}'));
    let colours = out(&run(&["understand", "--color", "always", text])?);
    assert!(colours.contains('\u{1b}'));
    Ok(())
}

#[test]
fn help_documents_the_exit_codes() -> anyhow::Result<()> {
    let output = run(&["--help"])?;
    assert!(output.status.success());
    let help = out(&output);
    for expected in ["Exit codes", "3  the intent was refused", "zerodrift demo"] {
        assert!(help.contains(expected), "{help}");
    }
    Ok(())
}

#[test]
fn a_wrong_command_line_ends_with_two() -> anyhow::Result<()> {
    assert_eq!(run(&["submit"])?.status.code(), Some(2));
    assert_eq!(run(&["dance"])?.status.code(), Some(2));
    Ok(())
}

#[test]
fn without_a_swarm_it_says_how_to_get_one() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().to_str().unwrap();
    let output = run(&["status", "--json", "--state", state])?;
    assert_eq!(output.status.code(), Some(1));
    let failure: Value = serde_json::from_slice(&output.stderr)?;
    assert!(failure["advice"].as_str().unwrap().contains("zerodrift up"));
    Ok(())
}

#[test]
fn completions_are_made_for_every_shell() -> anyhow::Result<()> {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell])?;
        assert!(output.status.success());
        assert!(out(&output).contains("zerodrift"));
    }
    Ok(())
}
