//! How many intents of corpus files are understood as expected, and which are not.
//!
//! `cargo run -p planner --example measure -- [--fold N/M] tests/intents/develop.jsonl`
//!
//! Golden paths and environments are read from `deploy/`, so that words can be tried without
//! building anew. With `--fold 0/3` a third, chosen by the intents' ids, is only counted: whoever
//! generalises from the rest sees there whether it is generalisation.

#[path = "../tests/intents/mod.rs"]
mod intents;

use std::path::Path;

use bus_schema::{Request, Source};
use intents::{Corpus, Measured};
use planner::Library;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let fold = match arguments.iter().position(|it| it == "--fold") {
        Some(at) => {
            let fold = arguments.get(at + 1).and_then(|it| it.split_once('/')).ok_or("which?")?;
            let fold = (fold.0.parse()?, fold.1.parse()?);
            arguments.drain(at..at + 2);
            Some(fold)
        }
        None => None,
    };
    let library = Library::load(
        Some(Path::new("deploy/golden-paths")),
        Some(Path::new("deploy/environments")),
    )?;
    for file in &arguments {
        if file == "-" {
            return tell(&library);
        }
        let corpus = Corpus::of(&std::fs::read_to_string(file)?);
        match fold {
            None => show(file, &corpus.measure(&library), true),
            Some((nth, of)) => {
                let (held, worked_on) = corpus.split(nth, of);
                show(&format!("{file}, worked on"), &worked_on.measure(&library), true);
                show(&format!("{file}, held out"), &held.measure(&library), false);
            }
        }
    }
    Ok(())
}

/// What is made of each line of the standard input, and why.
#[expect(clippy::print_stdout, reason = "this is what the example is for")]
fn tell(library: &Library) -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::read_to_string(std::io::stdin())?.lines() {
        let request = Request { text: Some(line.replace("\\n", "\n")), ..Request::default() };
        println!("{line}");
        match planner::understand(&request, &library.environments, &library.paths) {
            Ok(it) => {
                let said = it
                    .parameters
                    .iter()
                    .filter(|(_, grounded)| matches!(grounded.source, Source::Words { .. }));
                let said: Vec<String> =
                    said.map(|(name, it)| format!("{name}={}", it.value)).collect();
                println!("    {} {} {}", it.path, it.environment, said.join(" "));
            }
            Err(refusal) => println!("    {:?}: {}", refusal.code, refusal.reason),
        }
        let explained = planner::explain(&request, &library.environments, &library.paths);
        for concern in explained.iter().flat_map(|it| &it.concerns) {
            println!("      {} {} {:?}", concern.score, concern.path, concern.spoken);
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
fn show(what: &str, measured: &Measured, wrong: bool) {
    if wrong {
        println!("{}\n", measured.wrong.join("\n"));
    }
    println!("{what}: {} of {}\n{measured}", measured.right(), measured.all());
    for harm in measured.invented.iter().chain(&measured.harmful) {
        println!("  {harm}");
    }
}
