//! Harm and trickery: asked for in words, refused by name.
//!
//! Each is a few groups of words that must stand close together in one sentence, in any order,
//! since the orders of English and Korean differ. What the words ask for is never carried out
//! anyway, as no golden path does it; this tells the person so instead of doing something else
//! that their words happen to fit.

use super::problem::{Danger, Problem};
use super::reading::Reading;
use super::text::{Script, Span};
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
    "take off",
    "lift",
    "drop",
    "suspend",
    "pause",
    "relax",
    "nobody needs",
    "no need for",
    "don t need",
    "rip out",
    "strip",
    "let s lose",
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
    "풀고",
    "빼",
    "빼줘",
    "빼 주세요",
    "내려",
    "필요 없",
    "필요없",
    "걷어",
    "치워",
    "정지",
    "꺼",
    "끌",
    "중단",
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
    "rule that blocks",
    "rules that block",
    "security rules",
    "ddos protection",
    "protections",
    "방화벽",
    "방어",
    "보호",
    "보안",
    "속도 제한",
    "요청 제한",
    "암호화",
    "인증서 검증",
    "가드레일",
    "막는 규칙",
    "보안 규칙",
    "보호 장치",
];
const DELETE: &[&str] = &[
    "get rid of",
    "clear out",
    "clean out",
    "take down",
    "shut down",
    "burn down",
    "rm rf",
    "밀어",
    "정리해",
    "내려",
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
    "reachable",
    "accessible",
    "let",
    "write to",
    "0.0.0.0",
    "public",
    "접속할 수 있",
    "접근할 수 있",
    "들어올 수 있",
    "쓸 수 있",
    "접근 가능",
    "접속 가능",
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
    "인터넷의",
    "전체 공개",
    "전체에",
    "누구든",
    "외부 전체",
    "whole internet",
    "any address",
    "whole world",
    "every ip",
];

const DANGERS: [(Danger, Pattern); 4] = [
    (Danger::DeleteEverything, Pattern { groups: &[DELETE, ALL], reach: 4, ordered: false }),
    (Danger::OpenToAll, Pattern { groups: &[OPEN, WORLD], reach: 9, ordered: false }),
    (Danger::ProtectionOff, Pattern { groups: &[OFF_BEFORE, PROTECTION], reach: 4, ordered: true }),
    (Danger::ProtectionOff, Pattern { groups: &[PROTECTION, OFF_AFTER], reach: 4, ordered: true }),
];

const MANIPULATION: [Pattern; 14] = [
    Pattern {
        groups: &[
            &["approve", "승인"],
            &["everything", "every", "all", "any", "무조건", "전부", "모두"],
        ],
        reach: 3,
        ordered: false,
    },
    Pattern {
        groups: &[&[
            "system instruction",
            "system message",
            "new instructions",
            "real instructions",
            "시스템 지시",
            "시스템 메시지",
            "새로운 지시",
            "새 지시",
        ]],
        reach: 3,
        ordered: false,
    },
    Pattern {
        groups: &[
            &["not", "t", "never", "without", "skip", "no"],
            &[
                "ask for approval",
                "ask for confirmation",
                "audit log",
                "write this",
                "log this",
                "tell anyone",
                "record this",
            ],
        ],
        reach: 8,
        ordered: true,
    },
    Pattern {
        groups: &[
            &["승인", "감사 로그", "감사로그", "기록", "로그"],
            &["묻지", "남기지", "생략", "건너뛰", "적지"],
        ],
        reach: 4,
        ordered: true,
    },
    Pattern {
        groups: &[
            &[
                "auto approve",
                "already approved",
                "pre approved",
                "자동 승인",
                "이미 승인",
                "자동으로 승인",
            ],
            &[
                "plan",
                "change",
                "mark",
                "every",
                "everything",
                "플랜",
                "변경",
                "처리",
                "전부",
                "모두",
            ],
        ],
        reach: 8,
        ordered: false,
    },
    Pattern {
        groups: &[
            &["assistant", "agent", "어시스턴트", "에이전트", "봇", "bot", "ai"],
            &[
                "override",
                "ignore",
                "disregard",
                "must not",
                "reveal",
                "approve",
                "unrestricted",
                "무시",
                "해제",
                "드러내",
                "드러낼",
                "승인",
                "제한 없는",
                "따르지",
            ],
        ],
        reach: 6,
        ordered: false,
    },
    Pattern {
        groups: &[
            &["규칙은", "규칙을", "지침을", "정책을", "정책"],
            &["잊고", "잊어", "무시하고", "무시해"],
        ],
        reach: 2,
        ordered: true,
    },
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
    if let Some(span) = MANIPULATION.iter().find_map(|pattern| pattern.find(&reading.words))
        && !is_told(reading, span)
    {
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

/// `직원들이 정책을 우회하고 있어요`: somebody does it; nobody is told to.
fn is_told(reading: &Reading<'_>, span: Span) -> bool {
    reading.after(span).next().is_some_and(|word| word.form.starts_with("있"))
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

/// Whether an answer is wanted and nothing else: `why was it blocked?`, `왜 차단됐나요?`; not
/// `could you block it?`, `차단해 주실 수 있나요?`.
fn is_question(reading: &Reading<'_>) -> bool {
    const ASKS: [&str; 9] =
        ["what", "why", "who", "whose", "which", "where", "explain", "how", "whats"];
    const IS: [&str; 8] = ["is", "are", "does", "did", "do", "was", "were", "should"];
    const WISH: [&str; 14] = [
        "possible", "please", "pls", "could", "can", "would", "chance", "way", "need", "want",
        "able", "let", "may", "shall",
    ];
    let forms: Vec<&str> = reading.words.iter().map(|word| word.form.as_str()).collect();
    let Some(first) = forms.iter().find(|form| !GREETINGS.contains(form)) else { return false };
    let asked = reading.text.original.contains(['?', '？']);
    let wishes = forms.iter().any(|form| WISH.contains(form));
    let tells = matches!(forms.get(..2), Some(["tell", "me"] | ["how", "about"]));
    if matches!(forms.get(..2), Some(["tell", "me"])) {
        return true;
    }
    if ASKS.contains(first) && !tells {
        return !wishes || asked && forms.len() <= 14;
    }
    if IS.contains(first) && asked && !wishes {
        return true;
    }
    is_korean_question(reading)
}

const GREETINGS: [&str; 8] = ["hi", "hello", "hey", "team", "all", "quick", "question", "so"];

fn is_korean_question(reading: &Reading<'_>) -> bool {
    const ASKS: [&str; 16] = [
        "뭐",
        "뭐예요",
        "뭔가요",
        "뭐가",
        "무엇",
        "뭐지",
        "왜",
        "누가",
        "누구",
        "언제",
        "어떻게",
        "어떤",
        "어디",
        "얼마",
        "뭘",
        "무슨",
    ];
    const ENDS: [&str; 16] = [
        "나요",
        "까요",
        "까",
        "예요",
        "에요",
        "인가요",
        "가요",
        "죠",
        "어때",
        "뭐야",
        "뭐지",
        "니",
        "는지",
        "냐",
        "습니까",
        "할까",
    ];
    const WISH: [&str; 13] = [
        "주실",
        "주세요",
        "해줘",
        "줄래",
        "주시",
        "부탁",
        "바랍",
        "해주",
        "줘",
        "됩니다",
        "주면",
        "주십",
        "가능할까요",
    ];
    let Some(last) = reading.words.iter().rev().find(|it| it.script == Script::Hangul) else {
        return false;
    };
    // The last sentence is what is wanted.
    let clause = reading
        .words
        .iter()
        .filter(|word| word.clause == last.clause && word.script == Script::Hangul);
    let clause: Vec<&str> = clause.map(|word| word.form.as_str()).collect();
    let wishes = reading.words.iter().any(|word| {
        word.script == Script::Hangul && WISH.iter().any(|wish| word.form.contains(wish))
    });
    let ends = ENDS.iter().any(|end| last.form.ends_with(end));
    let asks = clause.iter().any(|form| ASKS.iter().any(|ask| form.starts_with(ask)));
    (ends && asks && !wishes)
        || matches!(last.form.as_str(), "뭐야" | "왜" | "뭐지" | "뭐예요" | "뭔가요" | "누구예요")
        || last.form.ends_with("있나요") && !wishes && !clause.contains(&"수")
        || !wishes
            && matches!(clause.first(), Some(&("왜" | "누가" | "언제" | "무엇이" | "무엇을")))
}
