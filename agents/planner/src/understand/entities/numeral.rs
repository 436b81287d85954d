//! Numbers as they are written: `10,000`, `12 000`, `2만 5천`, `twenty-five thousand`.

use super::units::{Decimal, is_counter, korean_magnitude_of, suffix_parts, unit_word};
use crate::understand::text::{Script, Span, Text, Token};

/// Reads on while the words belong to the quantity.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a Text<'a>,
    pub(super) next: usize,
    pub(super) span: Span,
}

impl Cursor<'_> {
    pub(super) fn peek(&self, ahead: usize) -> Option<&Token> {
        let here = self.text.tokens.get(self.next + ahead)?;
        let last = self.next.checked_sub(1).and_then(|at| self.text.tokens.get(at));
        last.is_none_or(|last| last.clause == here.clause).then_some(here)
    }

    pub(super) fn form(&self, ahead: usize) -> &str {
        self.peek(ahead).map_or("", |token| token.form.as_str())
    }

    pub(super) fn take(&mut self, tokens: usize) {
        for _ in 0..tokens {
            if let Some(token) = self.text.tokens.get(self.next) {
                self.span = self.span.join(token.span);
            }
            self.next += 1;
        }
    }

    /// The digits, and the magnitude that follows them; the unit glued to them is left for
    /// [`Self::unit`] by not taking the token.
    pub(super) fn number(&mut self) -> Option<(Decimal, u64)> {
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
        // `2 krps`: its unit is read there again.
        if self.form(0) == "krps" {
            return Some(1_000);
        }
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
    pub(super) fn korean_magnitude(&mut self) -> Option<u64> {
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
    pub(super) fn more_korean(&mut self, mut number: Decimal, mut magnitude: u64) -> Decimal {
        loop {
            let (Some(digits), Some(next)) = (self.peek(0), self.peek(1)) else { return number };
            let (Some((more, "")), Some((factor, _))) =
                (split(&digits.form), korean_magnitude_of(&next.form))
            else {
                return number;
            };
            let more = more.times(factor).whole().filter(|more| *more < magnitude);
            match more.and_then(|more| number.plus(more)) {
                Some(sum) if factor < magnitude && next.glued => {
                    self.take(2);
                    (number, magnitude) = (sum, factor);
                }
                _ => return number,
            }
        }
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

pub(super) fn split(form: &str) -> Option<(Decimal, &str)> {
    let end =
        form.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(form.len());
    let (digits, suffix) = form.split_at(end);
    Some((Decimal::parse(digits)?, suffix.trim_start_matches('-')))
}
