//! Harm and trickery: asked for in words, refused by name.
//!
//! Each is a few groups of words that must stand close together in one sentence, in any order,
//! since the orders of English and Korean differ. What the words ask for is never carried out
//! anyway, as no golden path does it; this tells the person so instead of doing something else
//! that their words happen to fit.

use super::problem::{Danger, Problem};
use super::reading::Reading;
use super::text::Span;
use super::words::{Term, Word};

/// Groups of words that stand together.
struct Pattern {
    groups: &'static [&'static [&'static str]],
    /// How many words there may be from the first group to the last.
    reach: usize,
    /// Whether the groups follow one another; else they stand in any order.
    ordered: bool,
}

/// Before what they switch off.
const OFF_BEFORE: &[&str] = &[
    "disable",
    "turn off",
    "switch off",
    "shut off",
    "remove",
    "drop",
    "delete",
    "kill",
    "stop",
    "bypass",
    "deactivate",
    "without",
    "no",
    "skip",
    "weaken",
    "loosen",
    "get rid of",
    "take down",
];
/// After what they switch off.
const OFF_AFTER: &[&str] = &[
    "disable",
    "deactivate",
    "off",
    "비활성화",
    "꺼줘",
    "꺼주세요",
    "끄고",
    "끈",
    "끄기",
    "끄지",
    "꺼",
    "해제",
    "제거",
    "삭제",
    "없애",
    "없이",
    "빼고",
    "우회",
    "중지",
    "풀어",
];
/// Without the names of attacks: who wants an attack stopped asks for protection.
const PROTECTION: &[&str] = &[
    "waf",
    "firewall",
    "protection",
    "rate limit",
    "tls",
    "ssl",
    "https",
    "security",
    "guardrail",
    "encryption",
    "authentication",
    "mitigation",
    "방화벽",
    "방어",
    "보호",
    "보안",
    "속도 제한",
    "요청 제한",
    "암호화",
    "인증서 검증",
];
const DELETE: &[&str] = &[
    "delete",
    "remove",
    "destroy",
    "wipe",
    "drop",
    "erase",
    "nuke",
    "tear down",
    "retire",
    "terminate",
    "purge",
    "decommission",
    "삭제",
    "지워",
    "제거",
    "파괴",
    "없애",
    "폐기",
    "날려",
];
const ALL: &[&str] =
    &["everything", "all", "every", "entire", "whole", "전부", "모두", "모든", "전체", "싹", "다"];
const OPEN: &[&str] = &[
    "open",
    "expose",
    "allow",
    "permit",
    "whitelist",
    "열어",
    "개방",
    "노출",
    "허용",
    "공개",
    "오픈",
];
const WORLD: &[&str] = &[
    "world",
    "everyone",
    "everybody",
    "anyone",
    "anybody",
    "internet",
    "all traffic",
    "everything",
    "any ip",
    "all ips",
    "anywhere",
    "누구나",
    "모두에게",
    "모든 트래픽",
    "전 세계",
    "전세계",
    "모든 사람",
    "아무나",
    "모든 ip",
    "인터넷에",
];

const DANGERS: [(Danger, Pattern); 4] = [
    (Danger::DeleteEverything, Pattern { groups: &[DELETE, ALL], reach: 4, ordered: false }),
    (Danger::OpenToAll, Pattern { groups: &[OPEN, WORLD], reach: 6, ordered: false }),
    (Danger::ProtectionOff, Pattern { groups: &[OFF_BEFORE, PROTECTION], reach: 4, ordered: true }),
    (Danger::ProtectionOff, Pattern { groups: &[PROTECTION, OFF_AFTER], reach: 4, ordered: true }),
];

const MANIPULATION: [Pattern; 7] = [
    Pattern {
        groups: &[
            &["ignore", "disregard", "forget", "override", "bypass", "skip"],
            &[
                "previous", "prior", "above", "earlier", "all", "your", "the", "any", "system",
                "these", "those",
            ],
            &[
                "instruction",
                "rule",
                "prompt",
                "policy",
                "guardrail",
                "guideline",
                "restriction",
                "approval",
                "check",
            ],
        ],
        reach: 7,
        ordered: false,
    },
    Pattern {
        groups: &[
            &["무시", "잊어", "잊고", "건너뛰", "우회"],
            &["지시", "명령", "규칙", "지침", "프롬프트", "정책", "승인", "제약"],
        ],
        reach: 6,
        ordered: false,
    },
    Pattern {
        groups: &[&[
            "system prompt",
            "시스템 프롬프트",
            "developer mode",
            "개발자 모드",
            "jailbreak",
            "탈옥",
        ]],
        reach: 3,
        ordered: false,
    },
    Pattern {
        groups: &[&[
            "you are now",
            "pretend you",
            "pretend to be",
            "act as",
            "너는 이제",
            "넌 이제",
        ]],
        reach: 4,
        ordered: false,
    },
    Pattern {
        groups: &[
            &[
                "reveal", "print", "show", "tell", "give", "leak", "dump", "output", "send",
                "display", "보여", "알려", "출력", "내놔", "유출",
            ],
            &[
                "token",
                "credential",
                "secret",
                "password",
                "api key",
                "private key",
                "system prompt",
                "your instructions",
                "토큰",
                "비밀번호",
                "자격 증명",
                "자격증명",
                "비밀키",
                "인증 정보",
                "api 키",
            ],
        ],
        reach: 7,
        ordered: false,
    },
    Pattern {
        groups: &[
            &["approve", "승인"],
            &[
                "yourself",
                "automatically",
                "this plan",
                "without asking",
                "스스로",
                "알아서",
                "자동으로",
            ],
        ],
        reach: 5,
        ordered: false,
    },
    Pattern {
        groups: &[
            &["without", "skip", "bypass", "없이", "생략"],
            &["approval", "review", "승인", "검토"],
        ],
        reach: 4,
        ordered: false,
    },
];

/// # Errors
/// When the text is directed at the swarm, would do harm, or is a question.
pub(crate) fn check(reading: &Reading<'_>) -> Result<(), Problem> {
    let quote = |span: Span| reading.text.slice(span).to_owned();
    let reading = &reading.without_stacks();
    if let Some(span) = MANIPULATION.iter().find_map(|pattern| pattern.find(&reading.words)) {
        return Err(Problem::Manipulation { words: quote(span) });
    }
    for (danger, pattern) in &DANGERS {
        if let Some(span) = pattern.find(&reading.words)
            && !is_declined(reading, span)
        {
            return Err(Problem::Dangerous { danger: *danger, words: quote(span) });
        }
    }
    if is_question(reading) { Err(Problem::Question) } else { Ok(()) }
}

impl Pattern {
    /// The words that fit, first to last.
    fn find(&self, words: &[Word]) -> Option<Span> {
        let places: Vec<Vec<(usize, usize, Span)>> = self
            .groups
            .iter()
            .map(|group| {
                let terms: Vec<Term> = group.iter().map(|word| Term::of(word)).collect();
                (0..words.len())
                    .flat_map(|at| {
                        terms.iter().filter_map(move |term| {
                            term.at(words, at).map(|span| (at, at + term.len() - 1, span))
                        })
                    })
                    .collect()
            })
            .collect();
        let (first, rest) = places.split_first()?;
        first.iter().find_map(|&(low, high, span)| self.gather(words, rest, low, high, span))
    }

    fn gather(
        &self,
        words: &[Word],
        rest: &[Vec<(usize, usize, Span)>],
        low: usize,
        high: usize,
        span: Span,
    ) -> Option<Span> {
        let Some((group, rest)) = rest.split_first() else { return Some(span) };
        group.iter().find_map(|&(first, last, place)| {
            let (low, high) = (low.min(first), high.max(last));
            let clause = |at: usize| words.get(at).map(|word| word.clause);
            // One word cannot stand for two groups.
            let apart = !span.overlaps(place);
            let close = high - low <= self.reach && clause(low) == clause(high);
            let apart = apart && (!self.ordered || place.start >= span.end);
            (apart && close)
                .then(|| self.gather(words, rest, low, high, span.join(place)))
                .flatten()
        })
    }
}

/// `don't disable the WAF`, `WAF를 끄지 말고`.
fn is_declined(reading: &Reading<'_>, span: Span) -> bool {
    let mut before = reading.before(span).map(|word| word.form.as_str());
    let english = match before.next() {
        Some("not" | "never") => true,
        Some("t") => matches!(before.next(), Some("don" | "doesn" | "won" | "shouldn")),
        _ => false,
    };
    let korean = |form: &str| {
        ["지마", "지말", "말고", "말아", "마세요", "마라"].iter().any(|no| form.contains(no))
    };
    english
        || reading.after(span).next().is_some_and(|word| korean(&word.form))
        || reading.words.iter().any(|word| span.overlaps(word.span) && korean(&word.form))
}

fn is_question(reading: &Reading<'_>) -> bool {
    let mut tokens = reading.text.tokens.iter().map(|token| token.form.as_str());
    let first = tokens.next().unwrap_or_default();
    let second = tokens.next().unwrap_or_default();
    let last = reading.words.last().map_or("", |word| word.form.as_str());
    let asks = |word: &str| {
        [
            "뭐야",
            "뭐예요",
            "뭔가요",
            "무엇",
            "뭐지",
            "인가요",
            "있나요",
            "어때",
            "할까",
            "되나요",
            "왜",
        ]
        .iter()
        .any(|end| word.ends_with(end))
    };
    matches!(
        first,
        "what"
            | "why"
            | "when"
            | "who"
            | "whose"
            | "which"
            | "where"
            | "is"
            | "are"
            | "does"
            | "did"
            | "explain"
            | "should"
    ) || first == "how" && second != "about"
        || matches!((first, second), ("tell", "me") | ("do", "i" | "you" | "we"))
        || matches!(first, "왜" | "어떻게" | "무엇을" | "무엇이" | "언제" | "누가")
        || asks(last)
}
