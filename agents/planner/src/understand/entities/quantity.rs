//! Numbers with their units: `10k RPS`, `10,000 requests per second`, `초당 1만`, `5 minutes`.
//!
//! A quantity is exact or it is not one: what does not come out as a whole number of its unit
//! (`1.5 rps`, `100 a minute`) is left out rather than rounded.

use super::Found;
use super::units::{
    Decimal, Per, UnitWord, is_counter, korean_magnitude_of, korean_rate, korean_unit,
    suffix_parts, unit_word,
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
    let number = cursor.more_korean(number, plural);
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
        // `peak_rps: 250`.
        (None, None) if is_labelled_rate(text, at) => per_second(number, Per::Second),
        (None, Some(UnitWord::Requests) | None) => {
            number.whole().map(|amount| Quantity { amount, unit: Unit::Plain })
        }
        // `초당 30초`, `초당 5 rps`: nobody knows what is meant.
        (Some(_), Some(UnitWord::Rate(_) | UnitWord::Time(_))) | (_, Some(UnitWord::Other)) => None,
    };
    Some((quantity.map(|value| Found { value, span: cursor.span }), cursor.next))
}

/// Whether a label that names requests per second stands right before it.
fn is_labelled_rate(text: &Text<'_>, at: usize) -> bool {
    let label = at.checked_sub(1).and_then(|at| text.tokens.get(at));
    let number = text.tokens.get(at);
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
        if token.script != Script::Latin {
            return None;
        }
        if !token.form.starts_with(|c: char| c.is_ascii_digit()) {
            return self.english_numeral();
        }
        let (number, suffix) = split(&token.form)?;
        if suffix.is_empty() {
            self.take(1);
            let number = self.more_groups(number);
            let magnitude = self.korean_magnitude().or_else(|| self.english_magnitude());
            return Some((number, magnitude.unwrap_or(1)));
        }
        let written = self.text.slice(token.span);
        let (magnitude, unit) = suffix_parts(suffix);
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

    /// The `000` of `12 000`.
    fn more_groups(&mut self, mut number: Decimal) -> Decimal {
        while number.whole().is_some_and(|it| it > 0)
            && self.form(0).len() == 3
            && self.form(0).bytes().all(|b| b.is_ascii_digit())
        {
            let Some(group) = self.form(0).parse().ok() else { return number };
            let Some(more) = number.times(1_000).plus(group) else { return number };
            self.take(1);
            number = more;
        }
        number
    }

    /// `ten thousand`, `twenty-five`, `five hundred`, `half an` hour is none.
    fn english_numeral(&mut self) -> Option<(Decimal, u64)> {
        let token = self.text.tokens.get(self.next)?;
        let mut sum = 0;
        for part in token.form.split('-') {
            sum += english_number(part)?;
        }
        // One alone is a word of speech.
        let follows = |word: &str| {
            unit_word(word).is_some() || matches!(word, "hundred" | "thousand" | "million")
        };
        let next = self.text.tokens.get(self.next + 1).map_or("", |it| it.form.as_str());
        if !follows(next) {
            return None;
        }
        self.take(1);
        let hundred = self.form(0) == "hundred";
        if hundred {
            self.take(1);
        }
        let magnitude = self.english_magnitude().unwrap_or(1);
        Some((Decimal::of(sum), magnitude * if hundred { 100 } else { 1 }))
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
        // Glued to its digits it is a numeral whatever follows: `2천인데`.
        if !(rest.is_empty() || is_counter(rest) || token.glued) {
            return None;
        }
        self.take(1);
        Some(magnitude)
    }

    /// The `5천` of `1만 5천`, the `5백` of `2천5백`.
    fn more_korean(&mut self, mut number: Decimal, mut magnitude: u64) -> Decimal {
        loop {
            let (Some(digits), Some(next)) = (self.peek(0), self.peek(1)) else { return number };
            let (Some((more, "")), Some((factor, rest))) =
                (split(&digits.form), korean_magnitude_of(&next.form))
            else {
                return number;
            };
            let fits = next.glued && (rest.is_empty() || is_counter(rest) || next.glued);
            let more = more.times(factor).whole().filter(|more| *more < magnitude);
            match more.and_then(|more| number.plus(more)) {
                Some(sum) if factor < magnitude && fits => {
                    self.take(2);
                    (number, magnitude) = (sum, factor);
                }
                _ => return number,
            }
        }
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
        // `10 to 20`: a letter that stands alone is a unit only when glued.
        if self.form(0).len() == 1 {
            return None;
        }
        self.take(1);
        match word {
            UnitWord::Requests => Some(self.per().map_or(UnitWord::Requests, UnitWord::Rate)),
            other @ (UnitWord::Rate(_) | UnitWord::Time(_) | UnitWord::Other) => Some(other),
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

fn english_number(word: &str) -> Option<u128> {
    const NUMERALS: [(&str, u128); 27] = [
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 5),
        ("six", 6),
        ("seven", 7),
        ("eight", 8),
        ("nine", 9),
        ("ten", 10),
        ("eleven", 11),
        ("twelve", 12),
        ("thirteen", 13),
        ("fourteen", 14),
        ("fifteen", 15),
        ("sixteen", 16),
        ("seventeen", 17),
        ("eighteen", 18),
        ("nineteen", 19),
        ("twenty", 20),
        ("thirty", 30),
        ("forty", 40),
        ("fifty", 50),
        ("sixty", 60),
        ("seventy", 70),
        ("eighty", 80),
        ("ninety", 90),
    ];
    NUMERALS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number)
}

fn split(form: &str) -> Option<(Decimal, &str)> {
    let end =
        form.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(form.len());
    let (digits, suffix) = form.split_at(end);
    Some((Decimal::parse(digits)?, suffix.trim_start_matches('-')))
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
