//! What is done about a finding: by the environment's rules, or by a person's word. Pure.

use std::collections::BTreeSet;

use bus_schema::{Decision, Drift, Finding, KindName, RemedyKind};
use policy::{Mode, Remediation, Verdict};

/// What is done about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Course {
    /// It is put back, but for these fields, which are left as they are.
    Revert {
        /// Fields that are left.
        but: BTreeSet<String>,
    },
    /// It is declared as it is.
    Adopt,
    /// Nothing.
    Leave,
    /// Nothing by itself: a person is asked, for this reason.
    Ask(String),
    /// Nothing yet: a person is asked whether this may be done.
    Propose(Box<Course>),
}

/// What is done about a finding. What a person decided about it goes before every rule.
pub fn of(finding: &Finding, rules: &Remediation, decision: Option<&Decision>) -> Course {
    match decision.map(|decision| decision.remedy) {
        Some(RemedyKind::Leave) => return Course::Leave,
        Some(RemedyKind::Revert) if finding.drift != Drift::Unmanaged => {
            return Course::Revert { but: BTreeSet::new() };
        }
        Some(RemedyKind::Adopt) if matches!(finding.drift, Drift::Changed | Drift::Missing) => {
            return Course::Adopt;
        }
        Some(RemedyKind::Revert | RemedyKind::Adopt) | None => {}
    }
    let course = by_rule(finding, rules);
    match (rules.mode, course) {
        (Mode::Observe, _) => Course::Leave,
        (Mode::Propose, course @ (Course::Revert { .. } | Course::Adopt)) => {
            Course::Propose(Box::new(course))
        }
        (_, course) => course,
    }
}

fn by_rule(finding: &Finding, rules: &Remediation) -> Course {
    let kind = &finding.scope.kind;
    match finding.drift {
        Drift::Changed => by_field(finding, kind, rules),
        Drift::Missing => match rules.verdict(kind, None) {
            Verdict::Revert => Course::Revert { but: BTreeSet::new() },
            Verdict::Adopt => Course::Adopt,
            Verdict::Ignore => Course::Leave,
            Verdict::Escalate => Course::Ask(reserved(kind, &[])),
        },
        Drift::Surplus => match rules.verdict(kind, None) {
            Verdict::Revert => Course::Revert { but: BTreeSet::new() },
            Verdict::Ignore => Course::Leave,
            Verdict::Adopt => Course::Ask(format!(
                "{} is one too many, and what is one too many cannot be declared",
                finding.object
            )),
            Verdict::Escalate => Course::Ask(reserved(kind, &[])),
        },
        Drift::Unmanaged => Course::Leave,
    }
}

/// What is put back is put back first: the rest is another finding then.
fn by_field(finding: &Finding, kind: &KindName, rules: &Remediation) -> Course {
    let fields: Vec<&str> = finding.differences.iter().map(|it| it.field.as_str()).collect();
    let of = |verdict: Verdict| -> Vec<&str> {
        let is = |field: &&str| rules.verdict(kind, Some(field)) == verdict;
        fields.iter().copied().filter(is).collect()
    };
    let (adopted, ignored, reserved_ones) =
        (of(Verdict::Adopt), of(Verdict::Ignore), of(Verdict::Escalate));
    if !of(Verdict::Revert).is_empty() {
        let but = adopted.iter().chain(&ignored).chain(&reserved_ones);
        return Course::Revert { but: but.map(|it| (*it).to_owned()).collect() };
    }
    if !reserved_ones.is_empty() {
        return Course::Ask(reserved(kind, &reserved_ones));
    }
    match (adopted.is_empty(), ignored.is_empty()) {
        (true, _) => Course::Leave,
        (false, true) => Course::Adopt,
        (false, false) => Course::Ask(format!(
            "{} would be declared as it is, and {} left: that cannot be done at once",
            adopted.join(", "),
            ignored.join(", ")
        )),
    }
}

fn reserved(kind: &KindName, fields: &[&str]) -> String {
    let what = if fields.is_empty() { String::new() } else { format!(" of {}", fields.join(", ")) };
    format!("the environment's rules leave a change{what} of a {} to people", kind.local())
}
