//! Numbers and the words for their magnitudes and units.

use crate::understand::text::Token;
use crate::understand::words::is_particle;

/// What comes after the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Per {
    Second,
    Minute,
    Hour,
    Day,
}

/// `초당`, `분당`, `시간당`, `매초`.
pub(super) fn korean_rate(token: &Token) -> Option<Per> {
    match token.form.as_str() {
        "초당" | "매초" | "초에" => Some(Per::Second),
        "분당" | "매분" => Some(Per::Minute),
        "시간당" | "매시간" => Some(Per::Hour),
        "일당" | "하루" | "하루에" | "일일" | "하루당" | "매일" => Some(Per::Day),
        _ => None,
    }
}

/// The `분에` of `1분에 150만 요청`.
pub(super) fn one_korean_rate(one: &Token, unit: &Token) -> Option<Per> {
    let unit = match unit.form.as_str() {
        "초에" | "초당" | "초에는" => Per::Second,
        "분에" | "분당" | "분에는" => Per::Minute,
        "시간에" | "시간당" | "시간에는" => Per::Hour,
        "일에" | "일당" => Per::Day,
        _ => return None,
    };
    matches!(one.form.as_str(), "1" | "한").then_some(unit)
}

/// What follows a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnitWord {
    Rate(Per),
    /// Seconds in one of it.
    Time(u64),
    /// Requests, with no word about the time.
    Requests,
    /// A unit that no parameter has, as `GB` or `%`.
    Other,
}

/// Exact: `digits` / 10^`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    pub(super) const fn of(digits: u128) -> Self {
        Self { digits, scale: 0 }
    }

    /// `10`, `10,000`, `1.5`; not `1.2.3`, not `1,5`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let mut groups = whole.split(',');
        let first = groups.next()?;
        let mut digits = first.to_owned();
        for group in groups {
            if group.len() != 3 || first.len() > 3 {
                return None;
            }
            digits.push_str(group);
        }
        digits.push_str(fraction);
        let valid = !first.is_empty()
            && digits.len() <= 18
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !text.ends_with('.');
        if !valid {
            return None;
        }
        Some(Self { digits: digits.parse().ok()?, scale: u32::try_from(fraction.len()).ok()? })
    }

    pub(super) const fn times(self, factor: u64) -> Self {
        // 18 digits times the largest factor stays far below 2^128.
        Self { digits: self.digits * factor as u128, scale: self.scale }
    }

    pub(super) fn plus(self, other: u64) -> Option<Self> {
        let other = u128::from(other).checked_mul(10_u128.checked_pow(self.scale)?)?;
        Some(Self { digits: self.digits.checked_add(other)?, scale: self.scale })
    }

    pub(super) fn whole(self) -> Option<u64> {
        let divisor = 10_u128.checked_pow(self.scale)?;
        if !self.digits.is_multiple_of(divisor) {
            return None;
        }
        u64::try_from(self.digits / divisor).ok()
    }
}

/// `krps` is thousands of `rps`; `min` is not millions of `in`.
pub(super) fn suffix_parts(suffix: &str) -> (u64, &str) {
    if unit_word(suffix).is_some() && !matches!(suffix, "m" | "krps") {
        return (1, suffix);
    }
    let (magnitude, rest) = match suffix.split_at_checked(1) {
        Some(("k", rest)) => (1_000, rest),
        Some(("m", rest)) => (1_000_000, rest),
        Some(("b", rest)) => (1_000_000_000, rest),
        _ => return (1, suffix),
    };
    if rest.is_empty() || unit_word(rest).is_some() { (magnitude, rest) } else { (1, suffix) }
}

pub(super) fn unit_word(word: &str) -> Option<UnitWord> {
    Some(match word {
        "rps" | "krps" | "rsp" | "qps" | "tps" | "r/s" | "hits/sec" | "calls/s" | "/s" | "/sec"
        | "/second" | "req/s" | "reqs/s" | "requests/s" | "req/sec" | "reqs/sec"
        | "requests/sec" | "requests/second" | "req/second" | "hits/s" => {
            UnitWord::Rate(Per::Second)
        }
        "rpm" | "/m" | "/min" | "/minute" | "req/min" | "reqs/min" | "requests/min"
        | "requests/minute" | "req/m" => UnitWord::Rate(Per::Minute),
        "rph" | "/h" | "/hour" | "req/h" | "requests/hour" => UnitWord::Rate(Per::Hour),
        "request" | "requests" | "req" | "reqs" | "hits" | "queries" | "calls" | "times"
        | "lookups" | "visits" | "gets" | "clicks" | "orders" | "transactions" | "messages"
        | "reads" | "searches" | "logins" | "events" | "pageviews" | "views" | "connections"
        | "sessions" | "invocations" | "impressions" | "pings" => UnitWord::Requests,
        "s" | "sec" | "secs" | "second" | "seconds" => UnitWord::Time(1),
        "m" | "min" | "mins" | "minute" | "minutes" => UnitWord::Time(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => UnitWord::Time(3_600),
        "d" | "day" | "days" => UnitWord::Time(86_400),
        "w" | "week" | "weeks" => UnitWord::Time(604_800),
        // A year of 365 days.
        "year" | "years" | "yr" | "yrs" => UnitWord::Time(31_536_000),
        "ms" | "kb" | "mb" | "gb" | "tb" | "gbps" | "mbps" | "users" | "percent" | "gib"
        | "mib" | "kib" | "bytes" | "months" | "month" => UnitWord::Other,
        _ => return misspelled(word),
    })
}

/// `minuts`, `requets`: one slip of the pen.
fn misspelled(word: &str) -> Option<UnitWord> {
    const UNITS: [(&str, UnitWord); 7] = [
        ("second", UnitWord::Time(1)),
        ("seconds", UnitWord::Time(1)),
        ("minutes", UnitWord::Time(60)),
        ("minute", UnitWord::Time(60)),
        ("hours", UnitWord::Time(3_600)),
        ("requests", UnitWord::Requests),
        ("request", UnitWord::Requests),
    ];
    // `hour` and `second` are near to other words.
    let near = |unit: &str| {
        word.len() > 4
            && word.as_bytes().first() == unit.as_bytes().first()
            && word.bytes().all(|b| b.is_ascii_lowercase())
            && strsim::osa_distance(unit, word) == 1
    };
    UNITS.iter().find(|(unit, _)| near(unit)).map(|(_, meant)| *meant)
}

pub(super) fn korean_magnitude_of(form: &str) -> Option<(u64, &str)> {
    const MAGNITUDES: [(&str, u64); 8] = [
        ("천만", 10_000_000),
        ("백만", 1_000_000),
        ("십만", 100_000),
        ("억", 100_000_000),
        ("만", 10_000),
        ("천", 1_000),
        ("백", 100),
        ("십", 10),
    ];
    MAGNITUDES.iter().find_map(|(word, factor)| form.strip_prefix(word).map(|rest| (*factor, rest)))
}

/// What may follow a Korean numeral in the same word: a counter, with its particle.
pub(super) fn is_counter(rest: &str) -> bool {
    ["건", "개", "회", "번", "요청", "콜", "까지", "으로", "을", "를", "이", "의", "정도", "명"]
        .iter()
        .any(|counter| rest.starts_with(counter))
}

pub(super) fn korean_unit(form: &str) -> Option<UnitWord> {
    let ends = |rest: &str| {
        rest.is_empty()
            || is_particle(rest)
            || [
                "간", "동안", "마다", "이", "정도", "쯤", "씩", "입니", "까지", "으로", "짜리",
                "내", "안에", "전", "후", "면", "예요", "도", "만",
            ]
            .iter()
            .any(|end| rest.starts_with(end))
    };
    for (word, unit) in [
        ("시간", UnitWord::Time(3_600)),
        ("초", UnitWord::Time(1)),
        ("분", UnitWord::Time(60)),
        ("일", UnitWord::Time(86_400)),
        ("주", UnitWord::Time(604_800)),
        ("개월", UnitWord::Other),
        ("년", UnitWord::Time(31_536_000)),
        ("요청", UnitWord::Requests),
        ("건", UnitWord::Requests),
        ("회", UnitWord::Requests),
        ("콜", UnitWord::Requests),
        ("명", UnitWord::Other),
        ("기가", UnitWord::Other),
    ] {
        if form.strip_prefix(word).is_some_and(ends) {
            return Some(unit);
        }
    }
    None
}
