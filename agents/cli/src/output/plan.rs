//! A plan as a page: what for, where its values come from, what it changes.

use bus_schema::{Action, IntentState, Plan};

use crate::output::diff::{self, Detail};
use crate::output::style::{BAD, CHANGED, FAINT, GOOD, STRONG, paint};
use crate::output::words;

/// The whole page.
pub fn page(plan: &Plan, intent: Option<&IntentState>, detail: Detail) -> String {
    let mut parts = vec![heading(plan)];
    if let Some(request) = intent.and_then(|state| state.request.text.as_deref()) {
        parts.push(format!("  “{}”", words::marked(request.trim(), &plan.parameters)));
    }
    if !plan.parameters.is_empty() {
        parts.push(format!(
            "\n{}\n{}",
            paint(STRONG, "Where the values come from"),
            words::parameters(&plan.parameters)
        ));
    }
    parts.push(format!("\n{}", paint(STRONG, summary(plan))));
    if detail == Detail::Outline {
        parts.push(diff::outline(&plan.changes));
    } else {
        parts.extend(plan.changes.iter().map(|change| diff::change(change, detail)));
    }
    if !plan.unchanged.is_empty() && detail == Detail::Full {
        parts.push(format!("\n{}", paint(STRONG, "Already as declared")));
        parts.extend(plan.unchanged.iter().map(|resource| {
            format!("    {}  {}", resource.address.local(), paint(FAINT, &resource.place))
        }));
    }
    parts.join("\n")
}

fn heading(plan: &Plan) -> String {
    let generations = if plan.from == plan.to {
        format!("stays at {}", plan.to)
    } else {
        format!("{} → {}", plan.from, plan.to)
    };
    format!(
        "{} {}  {}",
        paint(STRONG, &plan.stack),
        generations,
        paint(FAINT, format!("{} in {}, plan {}", plan.path, plan.environment, plan.id().short()))
    )
}

/// `7 to create, 1 to update; 2 already as declared`.
pub fn summary(plan: &Plan) -> String {
    let changes = counts(plan)
        .into_iter()
        .map(|(_, count, what)| format!("{count} to {what}"))
        .collect::<Vec<_>>();
    let text = if changes.is_empty() { "nothing to change".to_owned() } else { changes.join(", ") };
    match plan.unchanged.len() {
        0 => text,
        n => format!("{text}; {n} already as declared"),
    }
}

/// `+7 ~1 -2`, in colours.
pub fn signs(plan: &Plan) -> String {
    counts(plan)
        .into_iter()
        .map(|(sign, count, what)| {
            let style = match what {
                "create" => GOOD,
                "delete" => BAD,
                _ => CHANGED,
            };
            paint(style, format!("{sign}{count}"))
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn counts(plan: &Plan) -> Vec<(char, usize, &'static str)> {
    [
        ('+', Action::Create, "create"),
        ('~', Action::Update, "update"),
        ('±', Action::Replace, "replace"),
        ('-', Action::Delete, "delete"),
    ]
    .into_iter()
    .map(|(sign, action, what)| {
        (sign, plan.changes.iter().filter(|change| change.action == action).count(), what)
    })
    .filter(|(_, count, _)| *count > 0)
    .collect()
}
