//! Numbers and times that are written out: `사백 건`, `두 시간`, `half an hour`, `1시간 반`.
//!
//! Numerals of few letters are in other words as well, so each is read only where its unit follows.

use super::Found;
use super::numeral::{Cursor, split};
use super::quantity::{Quantity, Unit};
use super::units::{UnitWord, is_counter, korean_unit, unit_word};
use crate::understand::text::Script;

/// Seconds in an hour.
const HOUR: u64 = 3_600;

/// Korean numerals of its own, as they stand before what they count.
const NATIVE: [(&str, u64); 13] = [
    ("열두", 12),
    ("열한", 11),
    ("스물네", 24),
    ("다섯", 5),
    ("여섯", 6),
    ("일곱", 7),
    ("여덟", 8),
    ("아홉", 9),
    ("한", 1),
    ("두", 2),
    ("세", 3),
    ("네", 4),
    ("열", 10),
];

impl Cursor<'_> {
    /// `사백건`, `이천오백 요청`: after `초당`, or before a unit.
    pub(super) fn korean_numeral(&mut self, announced: bool) -> Option<u64> {
        let token = self.text.tokens.get(self.next).filter(|it| it.script == Script::Hangul)?;
        let (number, rest) = sino(&token.form)?;
        let syllables = token.form.chars().count() - rest.chars().count();
        let next = self.text.tokens.get(self.next + 1);
        let next = next.filter(|it| it.clause == token.clause).map_or("", |it| it.form.as_str());
        let counted = if announced {
            rest.is_empty() || is_counter(rest)
        } else {
            // `천 rps`, `삼십 분`, not `십분`.
            rest.is_empty()
                && syllables > 1
                && (matches!(unit_word(next), Some(UnitWord::Rate(_)))
                    || matches!(korean_unit(next), Some(UnitWord::Time(_))))
        };
        if !counted || syllables < 2 {
            return None;
        }
        self.take(1);
        Some(number)
    }

    /// `두 시간`, `하루 동안`, `half an hour`, `for an hour`. What was so long ago is none.
    pub(super) fn spelled_time(&mut self) -> Option<Found<Quantity>> {
        let token = self.text.tokens.get(self.next)?;
        let amount = match token.script {
            Script::Hangul => self.korean_time()?,
            Script::Latin => self.english_time()?,
        };
        let value = Quantity { amount, unit: Unit::Seconds };
        Some(Found { value, span: self.span })
    }

    fn korean_time(&mut self) -> Option<u64> {
        let form = self.text.tokens.get(self.next)?.form.as_str();
        let next = self.text.tokens.get(self.next + 1).map_or("", |it| it.form.as_str());
        if let Some(rest) = form.strip_prefix("하루") {
            // `하루 한 번`, `하루에 몇 번` say how often.
            const LASTS: [&str; 9] =
                ["동안", "간", "정도", "이상", "까지", "로", "씩", "유지", "보관"];
            const KEPT: [&str; 5] = ["캐시", "캐싱", "저장", "묵은", "지난"];
            let lasts = |it: &str| LASTS.iter().chain(&KEPT).any(|word| it.starts_with(word));
            let day = lasts(rest)
                || matches!(rest, "" | "만" | "는" | "면") && (lasts(next) || next.is_empty())
                || matches!(rest, "면" | "만" | "로") && !next.starts_with(['한', '두', '몇']);
            return day.then(|| {
                self.take(1);
                86_400
            });
        }
        let (number, rest) =
            NATIVE.iter().find_map(|(word, number)| Some((*number, form.strip_prefix(word)?)))?;
        let glued = !rest.is_empty();
        let unit = match korean_unit(if glued { rest } else { next }) {
            Some(UnitWord::Time(unit)) if unit == HOUR || unit == 604_800 => unit,
            _ => return None,
        };
        self.take(if glued { 1 } else { 2 });
        Some(number * unit + self.more_time(unit))
    }

    fn english_time(&mut self) -> Option<u64> {
        let article = |form: &str| matches!(form, "a" | "an" | "one");
        let unit = |form: &str| match unit_word(form) {
            Some(UnitWord::Time(seconds)) if form.len() > 2 && !form.ends_with('s') => {
                Some(seconds)
            }
            _ => None,
        };
        if self.form(0) == "half" && article(self.form(1)) {
            let whole = unit(self.form(2))?;
            self.take(3);
            return Some(whole / 2);
        }
        // `once an hour` and `10 calls a day` say how often.
        let lead = self.next.checked_sub(1).and_then(|at| self.text.tokens.get(at));
        let lead = lead.map_or("", |it| it.form.as_str());
        let lasts = matches!(
            lead,
            "" | "for"
                | "of"
                | "than"
                | "to"
                | "most"
                | "least"
                | "about"
                | "ttl"
                | "around"
                | "within"
                | "exactly"
                | "after"
                | "until"
        );
        let old = matches!(self.form(2), "old" | "behind" | "late" | "stale");
        if !(lasts || old) || !article(self.form(0)) {
            return None;
        }
        let whole = unit(self.form(1)).filter(|it| *it >= 60)?;
        // `an hour ago`.
        if matches!(self.form(2), "ago" | "earlier" | "later" | "before" | "or") {
            return None;
        }
        self.take(2);
        Some(whole + self.more_time(whole))
    }

    /// The `30분` of `1시간 30분`, the `반` of `1시간 반`, the `and a half` of `an hour and a half`.
    pub(super) fn more_time(&mut self, unit: u64) -> u64 {
        let half = self.form(0).strip_prefix('반').is_some_and(|rest| {
            rest.is_empty() || ["동안", "으로", "만", "까지", "이", "정도"].contains(&rest)
        });
        if half {
            self.take(1);
            return unit / 2;
        }
        if (self.form(0), self.form(1), self.form(2)) == ("and", "a", "half") {
            self.take(3);
            return unit / 2;
        }
        let and = usize::from(self.form(0) == "and");
        let Some((number, suffix)) = split(self.form(and)) else { return 0 };
        let next = if suffix.is_empty() { self.form(and + 1) } else { suffix };
        let smaller = match korean_unit(next).or_else(|| unit_word(next)) {
            Some(UnitWord::Time(seconds)) if seconds < unit => seconds,
            _ => return 0,
        };
        // `1시간 30분`, not `1 hour, 30 seconds`: whatever is of another order is another time.
        match number.times(smaller).whole().filter(|more| *more < unit && smaller * 60 >= unit) {
            Some(more) => {
                self.take(and + if suffix.is_empty() { 2 } else { 1 });
                more
            }
            None => 0,
        }
    }
}

/// `이천오백` and what follows it in the word.
fn sino(form: &str) -> Option<(u64, &str)> {
    let digit = |c: char| {
        const DIGITS: [char; 9] = ['일', '이', '삼', '사', '오', '육', '칠', '팔', '구'];
        (1..).zip(DIGITS).find(|(_, digit)| *digit == c).map(|(value, _)| value)
    };
    let (mut all, mut part, mut last) = (0_u64, 0_u64, None);
    let mut rest = form;
    for (at, char) in form.char_indices() {
        let magnitude = match char {
            '십' => 10,
            '백' => 100,
            '천' => 1_000,
            '만' => 10_000,
            _ => match digit(char).filter(|_| last.is_none()) {
                Some(value) => {
                    last = Some(value);
                    rest = form.get(at + char.len_utf8()..)?;
                    continue;
                }
                None => break,
            },
        };
        if magnitude == 10_000 {
            if all > 0 {
                break;
            }
            all = (part + last.take().unwrap_or(u64::from(part == 0))) * magnitude;
            part = 0;
        } else {
            part += last.take().unwrap_or(1) * magnitude;
        }
        rest = form.get(at + char.len_utf8()..)?;
    }
    let number = all + part + last.unwrap_or(0);
    (number > 0).then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::entities::Entities;
    use crate::understand::text::Text;

    #[test]
    fn numerals_are_read_to_their_end() {
        for (text, number, rest) in [
            ("사백건", 400, "건"),
            ("이천오백", 2_500, ""),
            ("만이천", 12_000, ""),
            ("삼만", 30_000, ""),
            ("십오만", 150_000, ""),
            ("천", 1_000, ""),
        ] {
            assert_eq!(sino(text), Some((number, rest)), "{text}");
        }
        assert_eq!(sino("건"), None);
    }

    fn read(text: &str) -> Vec<(u64, Unit)> {
        let found = Entities::of(&Text::of(text)).quantities;
        found.into_iter().map(|it| (it.value.amount, it.value.unit)).collect()
    }

    #[test]
    fn times_are_read_where_they_last() {
        for (text, seconds) in [
            ("두 시간 캐시", 7_200),
            ("한시간 동안은", 3_600),
            ("1시간 반 동안", 5_400),
            ("1시간 30분 동안", 5_400),
            ("1 hour 30 minutes", 5_400),
            ("1h30m", 0),
            ("하루 동안", 86_400),
            ("for an hour", 3_600),
            ("for an hour and a half", 5_400),
            ("half an hour", 1_800),
            ("삼십 분 동안", 1_800),
            ("45 s", 45),
            ("2 minuts", 120),
        ] {
            let expected: &[_] = if seconds == 0 { &[] } else { &[(seconds, Unit::Seconds)] };
            assert_eq!(read(text), expected, "{text}");
        }
        for text in
            ["하루에 한 번", "하루 몇 번만", "once an hour", "an hour ago", "이 시간", "충분"]
        {
            assert_eq!(read(text), [], "{text}");
        }
    }

    #[test]
    fn rates_may_be_written_out() {
        for text in
            ["초당 사백건", "초당 사백 요청", "400 requests every second", "24000 hits in a minute"]
        {
            assert_eq!(read(text).first(), Some(&(400, Unit::PerSecond)), "{text}");
        }
        assert_eq!(read("36000 requests in one minute"), [(600, Unit::PerSecond)]);
    }
}
