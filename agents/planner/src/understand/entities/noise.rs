//! Numbers that stand for nothing an intent is about: the names of tickets and of versions, dates,
//! times of day, telephone numbers, percentages, prices, sizes. Each would else be mistaken for a
//! load, for how long something is kept, or for a stack.

use crate::understand::text::{Script, Span, Text, Token};

/// What a piece of text is, that is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    /// `OPS-511`, `INC0012345`, `#88231`.
    Ticket,
    /// `2026-12-09`, `4 December`, `12월 4일`.
    Date,
    /// `10:30`, `3pm`, `오후 3시`.
    Time,
    /// `v2.3.1`, `6.4.2`.
    Version,
    /// `12%`, `12퍼센트`.
    Percentage,
    /// `555-0142`, `+82 2 0000 0177`.
    Telephone,
    /// `$29`, `2,000 euros`, `120만 원`.
    Price,
    /// `10 MB`, `2GB`, `900메가`.
    Size,
    /// `port 22`, `8080번 포트`, the `8443` of a URL.
    Port,
    /// `ap-northeast-2`, `us-east-1`.
    Region,
    /// `config.yaml`, `index.html`.
    File,
}

const MONTHS: [&str; 23] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
];

const MONEY: [&str; 14] = [
    "euro", "euros", "eur", "dollar", "dollars", "usd", "won", "krw", "yen", "cents", "pounds",
    "gbp", "bucks", "원",
];

/// Everything of that sort, by where it stands.
pub(super) fn find(text: &Text<'_>) -> Vec<(Noise, Span)> {
    (0..text.tokens.len()).filter_map(|at| read(text, at)).collect()
}

fn read(text: &Text<'_>, at: usize) -> Option<(Noise, Span)> {
    let token = text.tokens.get(at)?;
    let form = token.form.as_str();
    let named = form.rsplit_once('.').is_some_and(|(name, end)| {
        !name.is_empty() && !form.contains(['/', ':']) && super::host::FILE_ENDS.contains(&end)
    });
    if token.script == Script::Latin && named && !form.contains("..") {
        return Some((Noise::File, token.span));
    }
    if token.script != Script::Latin || !form.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let next = |ahead: usize| text.tokens.get(at + ahead).map_or("", |it| it.form.as_str());
    let join = |ahead: usize| {
        text.tokens.get(at + ahead).map_or(token.span, |other| token.span.join(other.span))
    };
    let last = at.checked_sub(1).and_then(|at| text.tokens.get(at));
    let before = last.map_or("", |it| it.form.as_str());
    if let Some(found) = super::measure::read(token, before, next(1), join(1)) {
        return Some(found);
    }
    let char_before = text.original.get(..token.span.start)?.chars().next_back();
    let char_after = text.original.get(token.span.end..)?.chars().next();
    if char_before == Some('#') || is_ticket(text, token) {
        return Some((Noise::Ticket, token.span));
    }
    if matches!(char_after, Some('%' | '％')) || matches!(next(1), "percent" | "pct") {
        return Some((Noise::Percentage, token.span));
    }
    if next(1).starts_with("퍼센트")
        || next(1).starts_with("프로") && !next(1).starts_with("프로덕")
    {
        return Some((Noise::Percentage, join(1)));
    }
    if matches!(char_before, Some('$' | '€' | '£' | '₩' | '¥')) {
        return Some((Noise::Price, token.span));
    }
    // `1.2 million won`, `120만 원`, `4만원`.
    for ahead in 1..=2 {
        let word = next(ahead);
        let korean = ["만원", "천원", "억원", "원"].iter().any(|it| word.starts_with(it))
            && !word.starts_with("원본");
        if MONEY.contains(&word) || korean {
            return Some((Noise::Price, join(ahead)));
        }
        if !matches!(word, "k" | "thousand" | "million" | "m" | "만" | "천" | "억") {
            break;
        }
    }
    if is_telephone(form) || char_before == Some('+') {
        return Some((Noise::Telephone, token.span));
    }
    if is_date(form) {
        return Some((Noise::Date, token.span));
    }
    let short = form.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']);
    let day = short.bytes().all(|b| b.is_ascii_digit()) && (1..=4).contains(&short.len());
    if day
        && (MONTHS.contains(&before)
            || MONTHS.contains(&next(1))
            || next(1) == "of" && MONTHS.contains(&next(2)))
    {
        return Some((Noise::Date, token.span));
    }
    let year = form.len() == 4 && (form.starts_with("19") || form.starts_with("20"));
    if year && next(1).starts_with('년') || next(1).starts_with('월') {
        return Some((Noise::Date, join(1)));
    }
    if next(1).starts_with('일') && before.starts_with('월') {
        return Some((Noise::Date, join(1)));
    }
    let clock = form
        .split_once(':')
        .is_some_and(|(hours, rest)| hours.len() <= 2 && rest.len() >= 2 && is_digits(hours));
    if clock && form.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'-')) {
        return Some((Noise::Time, token.span));
    }
    let hour = form.trim_end_matches(['a', 'p', 'm']);
    if hour.len() < form.len()
        && form.ends_with('m')
        && form.len() - hour.len() == 2
        && is_digits(hour)
        || matches!(next(1), "am" | "pm" | "o'clock")
    {
        return Some((Noise::Time, token.span));
    }
    let korean_hour = next(1).starts_with('시') && !next(1).starts_with("시간");
    if korean_hour
        || next(1).starts_with('분') && before.starts_with('시') && !before.starts_with("시간")
    {
        return Some((Noise::Time, join(1)));
    }
    let dots = form.bytes().filter(|b| *b == b'.').count();
    let number = form.strip_prefix('v').unwrap_or(form);
    let numeric = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let versioned = number.len() < form.len() && dots > 0;
    if numeric && (versioned || dots == 2) {
        return Some((Noise::Version, token.span));
    }
    None
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Capital letters, then digits: `SEC-901`, `CVE-2026-1234`, `INC0012345`.
fn is_ticket(text: &Text<'_>, token: &Token) -> bool {
    let written = text.slice(token.span);
    let letters = written.bytes().take_while(u8::is_ascii_uppercase).count();
    let rest = written.get(letters..).unwrap_or_default();
    let numbered = rest.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && rest.bytes().any(|b| b.is_ascii_digit());
    (1..=10).contains(&letters)
        && numbered
        && (rest.starts_with('-') || rest.len() >= 4 && letters > 1)
}

/// Groups of digits with hyphens between, the last of four: `02-0000-0142`, `555-0199`.
fn is_telephone(form: &str) -> bool {
    let groups: Vec<&str> = form.split('-').collect();
    groups.len() >= 2
        && groups.iter().all(|group| is_digits(group))
        && groups.last().is_some_and(|last| last.len() == 4)
        && groups.first().is_some_and(|first| first.len() <= 3)
}

fn is_date(form: &str) -> bool {
    let groups: Vec<&str> = form.split(['-', '/', '.']).collect();
    groups.len() == 3
        && groups.iter().all(|group| is_digits(group) && group.len() <= 4)
        && groups.first().is_some_and(|first| first.len() == 4)
}
