//! Numbers with their units: `10k RPS`, `10,000 requests per second`, `초당 1만`, `5 minutes`.
//!
//! A quantity is exact or it is not one: what does not come out as a whole number of its unit
//! (`1.5 rps`, `100 a minute`) is left out rather than rounded.

use super::Found;
use super::numeral::{Cursor, split};
use super::units::{
    Decimal, Per, UnitWord, korean_rate, korean_unit, one_korean_rate, suffix_parts, unit_word,
};
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

/// A quantity at that token, and the token after it. The inner `None`: a number that is not one we
/// can state exactly.
fn read(text: &Text<'_>, at: usize) -> Option<(Option<Found<Quantity>>, usize)> {
    let first = text.tokens.get(at)?;
    let before = at.checked_sub(1).and_then(|at| text.tokens.get(at));
    let near = |token: &&Token| token.clause == first.clause;
    let two = at.checked_sub(2).and_then(|at| text.tokens.get(at)).filter(near);
    let one_unit = two.zip(before.filter(near)).and_then(|(one, unit)| one_korean_rate(one, unit));
    let rate_before = before.filter(near).and_then(korean_rate).or(one_unit);
    // `1분에 150만 요청` begins with no time.
    if let Some(unit) = text.tokens.get(at + 1).filter(near)
        && one_korean_rate(first, unit).is_some()
        && text
            .tokens
            .get(at + 2)
            .is_some_and(|it| it.form.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Some((None, at + 2));
    }
    let mut cursor = Cursor { text, next: at, span: first.span };
    let (number, plural) = match cursor.number() {
        Some(number) => number,
        None => match cursor.korean_numeral(rate_before.is_some()) {
            Some(number) => (Decimal::of(u128::from(number)), 1),
            // `초당 만 건`: the numeral alone, where a rate was announced.
            None if rate_before.is_some() => (Decimal::of(1), cursor.korean_magnitude()?),
            None => {
                let time = cursor.spelled_time().or_else(|| cursor.korean_days());
                return time.map(|time| (Some(time), cursor.next));
            }
        },
    };
    let number = number.times(plural);
    if is_negative(text, first.span) {
        return Some((None, cursor.next));
    }
    let number = cursor.more_korean(number, plural);
    let quantity = match (rate_before, cursor.unit()) {
        (Some(per), Some(UnitWord::Requests))
        | (Some(per @ (Per::Second | Per::Minute | Per::Hour)), None)
        | (None, Some(UnitWord::Rate(per))) => {
            if let (Some(_), Some(token)) = (rate_before, before) {
                cursor.span = cursor.span.join(token.span);
            }
            if let (Some(_), Some(token)) = (one_unit, two) {
                cursor.span = cursor.span.join(token.span);
            }
            per_second(number, per)
        }
        (None, Some(UnitWord::Time(seconds))) => number.times(seconds).whole().map(|amount| {
            let amount = amount + cursor.more_time(seconds);
            Quantity { amount, unit: Unit::Seconds }
        }),
        // `peak_rps: 250`.
        (None, None) if is_labelled_rate(text, at) => per_second(number, Per::Second),
        (None, Some(UnitWord::Requests) | None) => {
            number.whole().map(|amount| Quantity { amount, unit: Unit::Plain })
        }
        // `초당 30초`, `초당 5 rps`: nobody knows what is meant. `매일 9시` is no load.
        (Some(_), Some(UnitWord::Rate(_) | UnitWord::Time(_)))
        | (Some(Per::Day), None)
        | (_, Some(UnitWord::Other)) => None,
    };
    Some((quantity.map(|value| Found { value, span: cursor.span }), cursor.next))
}

/// Whether a label that names requests per second stands right before it.
fn is_labelled_rate(text: &Text<'_>, at: usize) -> bool {
    let token = |before: usize| at.checked_sub(before).and_then(|at| text.tokens.get(at));
    // `RPS는 1500`.
    let topic = |it: &Token| matches!(it.form.as_str(), "은" | "는" | "이" | "가");
    let (label, number) = match token(1) {
        Some(it) if it.glued && topic(it) => (token(2), Some(it)),
        label => (label, text.tokens.get(at)),
    };
    label.zip(number).is_some_and(|(label, number)| {
        let between = text.original.get(label.span.end..number.span.start).unwrap_or_default();
        let last = label.form.rsplit(['_', '-']).next().unwrap_or_default();
        matches!(unit_word(last), Some(UnitWord::Rate(Per::Second)))
            && matches!(between.trim(), ":" | "=" | "" | "~" | "≈")
            && !between.contains('\n')
    })
}

fn per_second(number: Decimal, per: Per) -> Option<Quantity> {
    let seconds = match per {
        Per::Second => 1,
        Per::Minute => 60,
        Per::Hour => 3_600,
        Per::Day => 86_400,
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

impl Cursor<'_> {
    /// Whether an `s` stands by itself: not that of `the 90's`.
    fn is_a_lone_second(&self) -> bool {
        let before = self.peek(0).and_then(|it| self.text.original.get(..it.span.start));
        self.form(0) == "s" && before.is_some_and(|it| it.ends_with(' '))
    }

    /// `일주일`, `이틀`: days with a word of their own. What was so long ago is none.
    fn korean_days(&mut self) -> Option<Found<Quantity>> {
        const DAYS: [(&str, u64); 6] =
            [("일주일", 7), ("이틀", 2), ("사흘", 3), ("나흘", 4), ("열흘", 10), ("보름", 15)];
        const AWAY: [&str; 7] = ["전", "후", "뒤", "째", "만에", "마다", "에"];
        let token = self.text.tokens.get(self.next)?;
        let (word, days) = DAYS.iter().find(|(word, _)| token.form.starts_with(word))?;
        let rest = token.form.strip_prefix(word)?;
        let away = |form: &str| AWAY.iter().any(|it| form.starts_with(it));
        let next = self.text.tokens.get(self.next + 1).map_or("", |it| it.form.as_str());
        if away(rest) || rest.is_empty() && away(next) {
            return None;
        }
        self.take(1);
        let value = Quantity { amount: days * 86_400, unit: Unit::Seconds };
        Some(Found { value, span: self.span })
    }

    fn unit(&mut self) -> Option<UnitWord> {
        // A unit glued to the digits: the token was not taken yet.
        if let Some(token) = self.text.tokens.get(self.next)
            && token.span.start == self.span.start
            && let Some((_, suffix)) = split(&token.form)
            && !suffix.is_empty()
        {
            let (_, unit) = suffix_parts(suffix);
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
        // `5,000 ordinary requests per second`.
        let described = self.peek(0).is_some_and(|it| it.script == Script::Latin)
            && unit_word(self.form(0)).is_none()
            && self.form(0).bytes().all(|b| b.is_ascii_lowercase())
            && !matches!(self.form(0), "per" | "a" | "an" | "each" | "every" | "to" | "and" | "or")
            && matches!(unit_word(self.form(1)), Some(UnitWord::Requests));
        if described {
            self.take(1);
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
        // `10 to 20`: a letter that stands alone is a unit only when glued; `45 s` is how physics
        // writes it.
        if self.form(0).len() == 1 && !self.is_a_lone_second() {
            return None;
        }
        self.take(1);
        match word {
            UnitWord::Requests => Some(self.per().map_or(UnitWord::Requests, UnitWord::Rate)),
            other @ (UnitWord::Rate(_) | UnitWord::Time(_) | UnitWord::Other) => Some(other),
        }
    }

    /// `per second`, `a minute`, `in one minute`, `every single second`.
    fn per(&mut self) -> Option<Per> {
        let one =
            |form: &str| matches!(form, "a" | "an" | "one" | "1" | "each" | "every" | "single");
        let leads = match self.form(0) {
            "per" | "a" | "an" | "each" | "every" => 1 + usize::from(one(self.form(1))),
            "in" | "within" | "over" | "during" if one(self.form(1)) => 2,
            _ => return None,
        };
        let per = match unit_word(self.form(leads)) {
            Some(UnitWord::Time(1)) => Per::Second,
            Some(UnitWord::Time(60)) => Per::Minute,
            Some(UnitWord::Time(3_600)) => Per::Hour,
            Some(UnitWord::Time(86_400)) => Per::Day,
            _ => return None,
        };
        self.take(leads + 1);
        Some(per)
    }

    pub(super) fn rate_at(&self, ahead: usize) -> bool {
        let word = self.text.tokens.get(self.next + ahead).map_or("", |token| token.form.as_str());
        matches!(unit_word(word), Some(UnitWord::Rate(_) | UnitWord::Requests))
    }
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
