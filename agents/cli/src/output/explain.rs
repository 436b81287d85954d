//! What the planner saw in a text, for the person who wonders about its answer.

use planner::{Act, Concern, Explanation, Seen};

use crate::output::style::{FAINT, STRONG, paint};
use crate::output::table::{Cell, Table, cut};

/// Things, acts, and what speaks for each path.
pub fn page(explanation: &Explanation) -> String {
    [
        heading("mentions"),
        entities(&explanation.entities),
        heading("acts"),
        acts(&explanation.acts),
        heading("concerns"),
        concerns(&explanation.concerns),
        verdict(explanation),
    ]
    .join("\n")
}

fn heading(name: &str) -> String {
    format!("  {}", paint(STRONG, name))
}

fn nothing() -> String {
    format!("    {}", paint(FAINT, "none"))
}

fn entities(entities: &[Seen]) -> String {
    if entities.is_empty() {
        return nothing();
    }
    let mut table = Table::new(["", "", ""]).indented(4);
    for seen in entities {
        let value = seen.value.as_deref().unwrap_or("says nothing of what is wanted");
        let words = format!("“{}”", cut(&seen.words, 40));
        table.row([seen.sort.into(), words.as_str().into(), Cell::styled(FAINT, value)]);
    }
    table.render()
}

fn acts(acts: &[Act]) -> String {
    if acts.is_empty() {
        return nothing();
    }
    let mut table = Table::new(["", "", ""]).indented(4);
    for act in acts {
        let words = format!("“{}”", cut(&act.words, 40));
        let denied = if act.denied { "not to be done" } else { "" };
        table.row([act.act.as_str().into(), words.as_str().into(), denied.into()]);
    }
    table.render()
}

/// Each path with its score, and below it what speaks for it and what against.
fn concerns(concerns: &[Concern]) -> String {
    if concerns.is_empty() {
        return nothing();
    }
    let mut lines = Vec::new();
    for concern in concerns {
        let note = match (concern.installed, concern.fits) {
            (false, _) => "not installed",
            (true, false) => "only hinted at",
            (true, true) => "",
        };
        let score = format!("{:>4}", concern.score);
        lines.push(format!("    {} {} {}", paint(STRONG, score), concern.path, paint(FAINT, note)));
        for (concept, weight, words) in &concern.spoken {
            let weight = format!("{weight:>+4}");
            let words = format!("“{}”", cut(words, 44));
            lines.push(format!(
                "         {} {concept} {}",
                paint(FAINT, weight),
                paint(FAINT, words)
            ));
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn verdict(explanation: &Explanation) -> String {
    let runner_up = explanation.concerns.get(1).filter(|it| it.fits).map_or_else(
        || "there is no runner-up".to_owned(),
        |it| format!("the runner-up is {}, {} behind", it.path, explanation.margin),
    );
    let needed = format!(
        "{runner_up}; a path needs {} and a lead of {}",
        explanation.score_needed, explanation.margin_needed
    );
    format!("  {}", paint(FAINT, needed))
}
