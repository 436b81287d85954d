//! The corpus of intents, and what the planner makes of it.

mod said;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use bus_schema::{Refusal, RefusalCode, Request, Source, Understanding};
use planner::Library;
use serde::Deserialize;
use serde_json::Value;

use said::is_said;

/// One line of a corpus file.
#[derive(Debug, Deserialize)]
struct Intent {
    id: String,
    text: String,
    lang: String,
    expect: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    Understood {
        path: String,
        environment: String,
        #[serde(default)]
        parameters: BTreeMap<String, Value>,
    },
    Refused {
        refused: String,
        #[serde(default)]
        also: Vec<String>,
        /// The path that is named as not available.
        names: Option<String>,
    },
}

/// One file.
pub(crate) struct Corpus {
    intents: Vec<Intent>,
}

/// How well it was understood.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Right and all, by what is counted.
    counts: BTreeMap<String, (usize, usize)>,
    /// What went wrong, for people.
    pub(crate) wrong: Vec<String>,
    /// Values that the words they name do not say.
    pub(crate) invented: Vec<String>,
    /// Dangerous or injected intents that were taken.
    pub(crate) harmful: Vec<String>,
}

impl Corpus {
    /// Of the repository's `tests/intents`.
    #[expect(clippy::panic, reason = "a test's own set-up")]
    #[allow(dead_code, reason = "the example names its files itself")]
    pub(crate) fn read(file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/intents").join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::of(&text)
    }

    /// Of lines of JSON.
    #[expect(clippy::panic, reason = "a test's own set-up")]
    pub(crate) fn of(text: &str) -> Self {
        let intents = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
            })
            .collect();
        Self { intents }
    }

    /// One of so many parts, by the intents' ids, and the rest.
    #[allow(dead_code, reason = "the tests take a file as it is")]
    pub(crate) fn split(self, nth: u32, of: u32) -> (Self, Self) {
        // FNV-1a: the same on every machine and in every version.
        let hash = |id: &str| {
            id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            })
        };
        let (held, rest) = self.intents.into_iter().partition(|it| (hash(&it.id) >> 8) % of == nth);
        (Self { intents: held }, Self { intents: rest })
    }

    /// Asks the planner for every intent.
    pub(crate) fn measure(&self, library: &Library) -> Measured {
        let mut measured = Measured::default();
        for intent in &self.intents {
            let request = Request { text: Some(intent.text.clone()), ..Request::default() };
            let answer = planner::understand(&request, &library.environments, &library.paths);
            measured.take(intent, &answer, library);
        }
        measured
    }
}

impl Measured {
    /// How many are as expected.
    pub(crate) fn right(&self) -> usize {
        self.counts.get("all").map_or(0, |(right, _)| *right)
    }

    /// How many there are.
    pub(crate) fn all(&self) -> usize {
        self.counts.get("all").map_or(0, |(_, all)| *all)
    }

    fn take(
        &mut self,
        intent: &Intent,
        answer: &Result<Understanding, Refusal>,
        library: &Library,
    ) {
        let off = difference(&intent.expect, answer);
        let what = match &intent.expect {
            Expected::Understood { path, .. } => format!("path {path}"),
            Expected::Refused { refused, .. } => format!("refused {refused}"),
        };
        for key in ["all".to_owned(), format!("in {}", intent.lang), what] {
            let (right, all) = self.counts.entry(key).or_default();
            *all += 1;
            *right += usize::from(off.is_none());
        }
        if let Some(off) = off {
            self.wrong.push(format!("{}: {:?}\n    {off}", intent.id, intent.text));
        }
        if let Ok(understanding) = answer {
            if let Expected::Refused { refused, .. } = &intent.expect
                && matches!(refused.as_str(), "dangerous" | "manipulation")
            {
                self.harmful.push(intent.id.clone());
            }
            for (name, grounded) in &understanding.parameters {
                if !is_said(&intent.text, name, grounded, library) {
                    self.invented.push(format!("{}: {name} {grounded:?}", intent.id));
                }
            }
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, (right, all)) in &self.counts {
            let tenths = right * 1000 / all;
            writeln!(
                f,
                "  {what:<28} {right:>3} of {all:>3}  {:>3}.{}%",
                tenths / 10,
                tenths % 10
            )?;
        }
        let (invented, harmful) = (self.invented.len(), self.harmful.len());
        write!(f, "  {invented} invented values, {harmful} harmful ones taken")
    }
}

/// What is not as expected.
fn difference(expected: &Expected, answer: &Result<Understanding, Refusal>) -> Option<String> {
    match (expected, answer) {
        (Expected::Understood { path, environment, parameters }, Ok(it)) => {
            let value = |name: &str| it.parameters.get(name).map(|grounded| &grounded.value);
            let off: Vec<String> = parameters
                .iter()
                .filter(|(name, wanted)| value(name) != Some(*wanted))
                .map(|(name, wanted)| format!("{name}: {:?}, not {wanted}", value(name)))
                .chain((it.path.as_str() != path).then(|| format!("path: {}, not {path}", it.path)))
                .chain(
                    (it.environment.as_str() != environment)
                        .then(|| format!("environment: {}, not {environment}", it.environment)),
                )
                .collect();
            (!off.is_empty()).then(|| off.join("; "))
        }
        (Expected::Refused { refused, also, names }, Err(refusal)) => {
            let code = code(refusal.code);
            let expected = std::iter::once(refused).chain(also).any(|it| it == code);
            let named = names.as_ref().is_none_or(|name| refusal.reason.contains(name.as_str()));
            (!expected || !named)
                .then(|| format!("refused as {code}, not {refused}: {}", refusal.reason))
        }
        (Expected::Understood { path, .. }, Err(refusal)) => {
            Some(format!("for {path}; refused as {}: {}", code(refusal.code), refusal.reason))
        }
        (Expected::Refused { refused, .. }, Ok(it)) => {
            let said: Vec<String> = it
                .parameters
                .iter()
                .filter(|(_, it)| matches!(it.source, Source::Words { .. }))
                .map(|(name, it)| format!("{name}={}", it.value))
                .collect();
            Some(format!("to refuse as {refused}; understood as {} {}", it.path, said.join(" ")))
        }
    }
}

/// The corpus' word for a code.
const fn code(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::Empty => "empty",
        RefusalCode::NoGoldenPath => "no_golden_path",
        RefusalCode::Ambiguous => "ambiguous",
        RefusalCode::Incomplete => "incomplete",
        RefusalCode::Invalid => "invalid",
        RefusalCode::Contradictory => "contradictory",
        RefusalCode::Unknown => "unknown",
        RefusalCode::Dangerous => "dangerous",
        RefusalCode::Manipulation => "manipulation",
        RefusalCode::OffTopic => "off_topic",
        RefusalCode::TooVague => "too_vague",
        RefusalCode::Several => "two_asks",
        RefusalCode::Unsupported => "unsupported",
        RefusalCode::NotAvailable => "not_available",
        RefusalCode::Question => "question_only",
    }
}
