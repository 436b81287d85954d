//! Numbers with their units: `10k RPS`, `10,000 requests per second`, `초당 1만`, `5 minutes`.
//!
//! A quantity is exact or it is not one: what does not come out as a whole number of its unit
//! (`1.5 rps`, `100 a minute`) is left out rather than rounded.

use super::Found;
use crate::understand::text::{Script, Span, Text, Token};

/// A whole number of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    pub(crate) amount: u64,
    pub(crate) unit: Unit,
}

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Not said.
    Plain,
    /// Requests per second.
    PerSecond,
    /// A duration in seconds.
    Seconds,
}

/// Every quantity of a text.
pub(super) fn find(text: &Text<'_>) -> Vec<Found<Quantity>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.tokens.len() {
        match read(text, at) {
            Some((quantity, next)) => {
                found.extend(quantity);
                at = next.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

/// What comes after the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

/// A quantity at that token, and the token after it. The inner `None`: a number that is not one we
/// can state exactly.
fn read(text: &Text<'_>, at: usize) -> Option<(Option<Found<Quantity>>, usize)> {
    let first = text.tokens.get(at)?;
    let before = at.checked_sub(1).and_then(|at| text.tokens.get(at));
    let rate_before = before.filter(|token| token.clause == first.clause).and_then(korean_rate);
    let mut cursor = Cursor { text, next: at, span: first.span };
    let (number, plural) = match cursor.number() {
        Some(number) => number,
        // `초당 만 건`: the numeral alone, where a rate was announced.
        None if rate_before.is_some() => (Decimal::of(1), cursor.korean_magnitude()?),
        None => return None,
    };
    let number = number.times(plural);
    if is_negative(text, first.span) {
        return Some((None, cursor.next));
    }
    let number = cursor.more_korean(number);
    let quantity = match (rate_before, cursor.unit()) {
        (Some(per), Some(UnitWord::Requests) | None) | (None, Some(UnitWord::Rate(per))) => {
            if let (Some(_), Some(token)) = (rate_before, before) {
                cursor.span = cursor.span.join(token.span);
            }
            per_second(number, per)
        }
        (None, Some(UnitWord::Time(seconds))) => {
            number.times(seconds).whole().map(|amount| Quantity { amount, unit: Unit::Seconds })
        }
        (None, Some(UnitWord::Requests) | None) => {
            number.whole().map(|amount| Quantity { amount, unit: Unit::Plain })
        }
        // `초당 30초`, `초당 5 rps`: nobody knows what is meant.
        (Some(_), Some(UnitWord::Rate(_) | UnitWord::Time(_))) | (_, Some(UnitWord::Other)) => None,
    };
    Some((quantity.map(|value| Found { value, span: cursor.span }), cursor.next))
}

fn per_second(number: Decimal, per: Per) -> Option<Quantity> {
    let seconds = match per {
        Per::Second => 1,
        Per::Minute => 60,
        Per::Hour => 3_600,
    };
    number
        .whole()
        .filter(|amount| amount % seconds == 0)
        .map(|amount| Quantity { amount: amount / seconds, unit: Unit::PerSecond })
}

fn is_negative(text: &Text<'_>, span: Span) -> bool {
    let before = text.original.get(..span.start).unwrap_or_default();
    let mut back = before.chars().rev();
    matches!(back.next(), Some('-' | '\u{2212}' | '\u{ff0d}'))
        && back.next().is_none_or(|c| c.is_whitespace() || c == '(')
}

/// `초당`, `분당`, `시간당`, `매초`.
fn korean_rate(token: &Token) -> Option<Per> {
    match token.form.as_str() {
        "초당" | "매초" | "초에" => Some(Per::Second),
        "분당" | "매분" => Some(Per::Minute),
        "시간당" | "매시간" => Some(Per::Hour),
        _ => None,
    }
}

/// What follows a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnitWord {
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
struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    const fn of(digits: u128) -> Self {
        Self { digits, scale: 0 }
    }

    /// `10`, `10,000`, `1.5`; not `1.2.3`, not `1,5`.
    fn parse(text: &str) -> Option<Self> {
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

    const fn times(self, factor: u64) -> Self {
        // 18 digits times the largest factor stays far below 2^128.
        Self { digits: self.digits * factor as u128, scale: self.scale }
    }

    fn plus(self, other: u64) -> Option<Self> {
        let other = u128::from(other).checked_mul(10_u128.checked_pow(self.scale)?)?;
        Some(Self { digits: self.digits.checked_add(other)?, scale: self.scale })
    }

    fn whole(self) -> Option<u64> {
        let divisor = 10_u128.checked_pow(self.scale)?;
        if self.digits % divisor != 0 {
            return None;
        }
        u64::try_from(self.digits / divisor).ok()
    }
}

/// Reads on while the words belong to the quantity.
struct Cursor<'a> {
    text: &'a Text<'a>,
    next: usize,
    span: Span,
}

impl Cursor<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        let here = self.text.tokens.get(self.next + ahead)?;
        let last = self.text.tokens.get(self.next.checked_sub(1)?);
        last.is_none_or(|last| last.clause == here.clause).then_some(here)
    }

    fn form(&self, ahead: usize) -> &str {
        self.peek(ahead).map_or("", |token| token.form.as_str())
    }

    fn take(&mut self, tokens: usize) {
        for _ in 0..tokens {
            if let Some(token) = self.text.tokens.get(self.next) {
                self.span = self.span.join(token.span);
            }
            self.next += 1;
        }
    }

    /// The digits, and the magnitude that follows them; the unit glued to them is left for
    /// [`Self::unit`] by not taking the token.
    fn number(&mut self) -> Option<(Decimal, u64)> {
        let token = self.text.tokens.get(self.next)?;
        if token.script != Script::Latin || !token.form.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (number, suffix) = split(&token.form)?;
        if suffix.is_empty() {
            self.take(1);
            let magnitude = self.korean_magnitude().or_else(|| self.english_magnitude());
            return Some((number, magnitude.unwrap_or(1)));
        }
        let written = self.text.slice(token.span);
        let (magnitude, unit) = suffix_parts(suffix, written.ends_with('M'));
        if unit.is_empty() {
            // `5m` is minutes and `5m rps` millions: the next word tells.
            if suffix == "m" && !written.ends_with('M') && !self.rate_at(1) {
                return Some((number, 1));
            }
            self.take(1);
            return Some((number, magnitude));
        }
        unit_word(unit).is_some().then_some((number, magnitude))
    }

    fn english_magnitude(&mut self) -> Option<u64> {
        let magnitude = match self.form(0) {
            "k" | "thousand" => 1_000,
            "m" | "million" => 1_000_000,
            "billion" => 1_000_000_000,
            _ => return None,
        };
        self.take(1);
        Some(magnitude)
    }

    /// `만`, `천`, also with what follows glued to it: `만건까지` is taken whole by [`Self::unit`].
    fn korean_magnitude(&mut self) -> Option<u64> {
        let token = self.peek(0).or_else(|| self.text.tokens.get(self.next))?;
        if token.script != Script::Hangul {
            return None;
        }
        let (magnitude, rest) = korean_magnitude_of(&token.form)?;
        if !(rest.is_empty() || is_counter(rest)) {
            return None;
        }
        self.take(1);
        Some(magnitude)
    }

    /// The `5천` of `1만 5천`.
    fn more_korean(&mut self, number: Decimal) -> Decimal {
        let (Some(digits), Some(magnitude)) = (self.peek(0), self.peek(1)) else { return number };
        let (Some((more, "")), Some((factor, rest))) =
            (split(&digits.form), korean_magnitude_of(&magnitude.form))
        else {
            return number;
        };
        let smaller = number.whole().is_some_and(|all| all % 10_000 == 0 && all > 0);
        let more = more.times(factor).whole().filter(|more| *more < 10_000);
        match more.and_then(|more| number.plus(more)) {
            Some(sum) if smaller && magnitude.glued && (rest.is_empty() || is_counter(rest)) => {
                self.take(2);
                sum
            }
            _ => number,
        }
    }

    fn unit(&mut self) -> Option<UnitWord> {
        // A unit glued to the digits: the token was not taken yet.
        if let Some(token) = self.text.tokens.get(self.next)
            && token.span.start == self.span.start
            && let Some((_, suffix)) = split(&token.form)
            && !suffix.is_empty()
        {
            let written = self.text.slice(token.span);
            let (_, unit) = suffix_parts(suffix, written.ends_with('M'));
            let unit = if unit.is_empty() { suffix } else { unit };
            let word = unit_word(unit);
            self.take(1);
            return match word {
                Some(UnitWord::Requests) => {
                    Some(self.per().map_or(UnitWord::Requests, UnitWord::Rate))
                }
                other => other,
            };
        }
        let word = match self.peek(0)?.script {
            Script::Hangul => korean_unit(self.form(0))?,
            Script::Latin => unit_word(self.form(0)).or_else(|| {
                matches!(self.form(0), "per" | "a" | "an" | "each" | "every")
                    .then_some(UnitWord::Requests)
            })?,
        };
        if matches!(self.form(0), "per" | "a" | "an" | "each" | "every") {
            return self.per().map(UnitWord::Rate);
        }
        // `10 to 20`: a letter that stands alone is a unit only when glued.
        if self.form(0).len() == 1 {
            return None;
        }
        self.take(1);
        match word {
            UnitWord::Requests => Some(self.per().map_or(UnitWord::Requests, UnitWord::Rate)),
            other => Some(other),
        }
    }

    /// `per second`, `a minute`.
    fn per(&mut self) -> Option<Per> {
        if !matches!(self.form(0), "per" | "a" | "an" | "each" | "every") {
            return None;
        }
        let per = match self.form(1) {
            "second" | "sec" | "s" => Per::Second,
            "minute" | "min" => Per::Minute,
            "hour" => Per::Hour,
            _ => return None,
        };
        self.take(2);
        Some(per)
    }

    fn rate_at(&self, ahead: usize) -> bool {
        let word = self.text.tokens.get(self.next + ahead).map_or("", |token| token.form.as_str());
        matches!(unit_word(word), Some(UnitWord::Rate(_) | UnitWord::Requests))
    }
}

fn split(form: &str) -> Option<(Decimal, &str)> {
    let end =
        form.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(form.len());
    let (digits, suffix) = form.split_at(end);
    Some((Decimal::parse(digits)?, suffix.trim_start_matches('-')))
}

/// `krps` is thousands of `rps`; `min` is not millions of `in`.
fn suffix_parts(suffix: &str, upper_m: bool) -> (u64, &str) {
    if unit_word(suffix).is_some() && !(suffix == "m" && upper_m) && suffix != "m" {
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

fn unit_word(word: &str) -> Option<UnitWord> {
    Some(match word {
        "rps" | "qps" | "tps" | "/s" | "/sec" | "/second" | "req/s" | "reqs/s" | "requests/s"
        | "req/sec" | "reqs/sec" | "requests/sec" | "requests/second" | "req/second" | "hits/s" => {
            UnitWord::Rate(Per::Second)
        }
        "rpm" | "/m" | "/min" | "/minute" | "req/min" | "reqs/min" | "requests/min"
        | "requests/minute" | "req/m" => UnitWord::Rate(Per::Minute),
        "rph" | "/h" | "/hour" | "req/h" | "requests/hour" => UnitWord::Rate(Per::Hour),
        "request" | "requests" | "req" | "reqs" | "hits" | "queries" | "calls" => {
            UnitWord::Requests
        }
        "s" | "sec" | "secs" | "second" | "seconds" => UnitWord::Time(1),
        "m" | "min" | "mins" | "minute" | "minutes" => UnitWord::Time(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => UnitWord::Time(3_600),
        "d" | "day" | "days" => UnitWord::Time(86_400),
        "w" | "week" | "weeks" => UnitWord::Time(604_800),
        "ms" | "kb" | "mb" | "gb" | "tb" | "gbps" | "mbps" | "users" | "percent" => UnitWord::Other,
        _ => return None,
    })
}

fn korean_magnitude_of(form: &str) -> Option<(u64, &str)> {
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
fn is_counter(rest: &str) -> bool {
    ["건", "개", "회", "번", "요청", "콜", "까지", "으로", "을", "를", "이", "의", "정도", "명"]
        .iter()
        .any(|counter| rest.starts_with(counter))
}

fn korean_unit(form: &str) -> Option<UnitWord> {
    let ends = |rest: &str| {
        rest.is_empty()
            || rest.starts_with("간")
            || rest.starts_with("동안")
            || rest.starts_with("마다")
            || crate::understand::words::is_particle(rest)
    };
    for (word, unit) in [
        ("시간", UnitWord::Time(3_600)),
        ("초", UnitWord::Time(1)),
        ("분", UnitWord::Time(60)),
        ("일", UnitWord::Time(86_400)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn quantities(text: &str) -> Vec<(u64, Unit, String)> {
        let text = Text::of(text);
        find(&text)
            .into_iter()
            .map(|found| (found.value.amount, found.value.unit, text.slice(found.span).to_owned()))
            .collect()
    }

    fn one(text: &str) -> (u64, Unit) {
        let all = quantities(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        (all[0].0, all[0].1)
    }

    #[test]
    fn rates_are_read_however_they_are_written() {
        for text in [
            "10k RPS",
            "10K rps",
            "10krps",
            "10,000 rps",
            "10000rps",
            "10 k rps",
            "10k req/s",
            "10,000 requests per second",
            "10 thousand requests a second",
            "10k requests/s",
            "초당 1만",
            "초당 1만 요청",
            "초당 1만 요청까지",
            "초당 만 건",
            "1만 rps",
            "초당 10,000건",
            "600,000 rpm",
            "분당 60만건",
            "초당 10000",
        ] {
            assert_eq!(one(text), (10_000, Unit::PerSecond), "{text}");
        }
        assert_eq!(one("1.5k rps"), (1_500, Unit::PerSecond));
        assert_eq!(one("2M rps"), (2_000_000, Unit::PerSecond));
        assert_eq!(one("2m rps"), (2_000_000, Unit::PerSecond));
        assert_eq!(one("초당 1만 5천 요청"), (15_000, Unit::PerSecond));
    }

    #[test]
    fn durations_and_plain_numbers_are_not_rates() {
        assert_eq!(one("5 minutes"), (300, Unit::Seconds));
        assert_eq!(one("5m"), (300, Unit::Seconds));
        assert_eq!(one("90s"), (90, Unit::Seconds));
        assert_eq!(one("10분 동안"), (600, Unit::Seconds));
        assert_eq!(one("1시간"), (3_600, Unit::Seconds));
        assert_eq!(one("1.5 hours"), (5_400, Unit::Seconds));
        assert_eq!(one("ttl 300"), (300, Unit::Plain));
    }

    #[test]
    fn what_is_not_exact_is_left_out() {
        for text in
            ["100 rpm", "1.5 rps", "-5 rps", "10 GB", "1.2.3", "99999999999999999999999 rps"]
        {
            assert_eq!(quantities(text), [], "{text}");
        }
    }

    #[test]
    fn the_words_are_pointed_at() {
        assert_eq!(quantities("Scale prod to 10k RPS with WAF")[0].2, "10k RPS");
        assert_eq!(quantities("prod를 초당 1만 요청까지")[0].2, "초당 1만 요청까지");
    }
}
