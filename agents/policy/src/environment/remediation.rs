//! What is done about what somebody else changed: rules people declare, and their reading.

use bus_schema::KindName;

use crate::yaml::{Node, Reader};

/// What is done about what is not as declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remediation {
    /// Whether anything is done without a person.
    pub mode: Mode,
    /// The first that fits decides; where none does, it is reverted.
    pub rules: Vec<RemediationRule>,
}

/// How far the swarm goes without a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It reports.
    Observe,
    /// It says what it would do, and waits for a person.
    Propose,
    /// It does it.
    #[default]
    Heal,
}

/// What is done about one kind, one field, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemediationRule {
    /// Of this kind only.
    pub kind: Option<KindName>,
    /// Of this field only.
    pub field: Option<String>,
    /// What is done.
    pub verdict: Verdict,
}

/// What is done about a difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It is put back as declared.
    #[default]
    Revert,
    /// It is declared as it is.
    Adopt,
    /// It is left as it is.
    Ignore,
    /// It is left as it is, and a person is asked.
    Escalate,
}

impl Remediation {
    /// What is done about a field of an object of a kind; without a field, about the object itself:
    /// it is gone, or there is one too many.
    pub fn verdict(&self, kind: &KindName, field: Option<&str>) -> Verdict {
        let fits = |rule: &&RemediationRule| {
            rule.kind.as_ref().is_none_or(|it| it == kind)
                && rule.field.as_deref().is_none_or(|it| Some(it) == field)
        };
        self.rules.iter().find(fits).map(|rule| rule.verdict).unwrap_or_default()
    }

    pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Self> {
        let mut fields = reader.map(node, "remediation")?;
        let mode = fields.take("mode").and_then(|node| {
            choice(
                reader,
                node,
                "remediation.mode",
                &[("observe", Mode::Observe), ("propose", Mode::Propose), ("heal", Mode::Heal)],
            )
        });
        let mut rules = Vec::new();
        if let Some(list) =
            fields.take("rules").and_then(|node| reader.list(node, "remediation.rules"))
        {
            for (i, node) in list.iter().enumerate() {
                rules.extend(RemediationRule::read(
                    reader,
                    node,
                    &format!("remediation.rules[{i}]"),
                ));
            }
        }
        fields.end(reader, &["mode", "rules"]);
        Some(Self { mode: mode.unwrap_or_default(), rules })
    }
}

impl RemediationRule {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Option<Self> {
        let mut fields = reader.map(node, path)?;
        let kind = fields.take("kind").map(|node| reader.name(node, &format!("{path}.kind")));
        let field = fields.take("field").map(|node| reader.text(node, &format!("{path}.field")));
        let verdict = fields.need(reader, "verdict").and_then(|node| {
            choice(
                reader,
                node,
                &format!("{path}.verdict"),
                &[
                    ("revert", Verdict::Revert),
                    ("adopt", Verdict::Adopt),
                    ("ignore", Verdict::Ignore),
                    ("escalate", Verdict::Escalate),
                ],
            )
        });
        fields.end(reader, &["kind", "field", "verdict"]);
        // A rule without the kind or field that was meant would fit more than was meant.
        let (kind, field) = (
            kind.map_or(Some(None), |it| it.map(Some))?,
            field.map_or(Some(None), |it| it.map(Some))?,
        );
        Some(Self { kind, field, verdict: verdict? })
    }
}

fn choice<T: Copy>(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    choices: &[(&str, T)],
) -> Option<T> {
    let given = reader.text(node, path)?;
    if let Some((_, chosen)) = choices.iter().find(|(name, _)| *name == given) {
        return Some(*chosen);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    reader.wrong(node.at, path, format!("`{given}` is none of {}", names.join(", ")));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environments;

    const ENVIRONMENT: &str = "name: prod\ndefault: true\ncloudflare:\n  account: \
        0123456789abcdef0123456789abcdef\n  zones: [example.com]\n";

    fn load(remediation: &str) -> Result<Remediation, String> {
        let text = format!("{ENVIRONMENT}{remediation}");
        Environments::load([("prod.yaml", text.as_str())])
            .map(|it| it.default_environment().remediation.clone())
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn without_a_word_everything_is_put_back() {
        let remediation = load("").unwrap();
        assert_eq!(remediation, Remediation { mode: Mode::Heal, rules: Vec::new() });
        let kind = "cloudflare.dns_record".parse().unwrap();
        assert_eq!(remediation.verdict(&kind, Some("ttl")), Verdict::Revert);
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let remediation = load(
            "remediation:\n  mode: propose\n  rules:\n    - {kind: cloudflare.dns_record, field: ttl, verdict: ignore}\n    - {kind: cloudflare.dns_record, verdict: escalate}\n    - {field: description, verdict: adopt}\n",
        )
        .unwrap();
        assert_eq!(remediation.mode, Mode::Propose);
        let verdict = |kind: &str, field| remediation.verdict(&kind.parse().unwrap(), field);
        assert_eq!(verdict("cloudflare.dns_record", Some("ttl")), Verdict::Ignore);
        assert_eq!(verdict("cloudflare.dns_record", Some("content")), Verdict::Escalate);
        assert_eq!(verdict("cloudflare.dns_record", None), Verdict::Escalate);
        assert_eq!(verdict("cloudflare.waf_rule", Some("description")), Verdict::Adopt);
        assert_eq!(verdict("cloudflare.waf_rule", None), Verdict::Revert);
    }

    #[test]
    fn every_mistake_is_named() {
        let problems = load(
            "remediation:\n  mode: maybe\n  rules:\n    - {kind: dns, verdict: undo}\n    - {field: ttl}\n  rule: 1\n",
        )
        .unwrap_err();
        for wrong in [
            "`maybe` is none of observe, propose, heal",
            "`dns` is not a kind",
            "`undo` is none of revert, adopt, ignore, escalate",
            "remediation.rules[1]",
            "rule",
        ] {
            assert!(problems.contains(wrong), "{wrong}: {problems}");
        }
    }
}
