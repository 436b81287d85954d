//! A text cut into tokens that know where they stand in it.
//!
//! Every token keeps the bytes it came from, in the text as it was written; only its *form* is
//! normalised (NFKC, lower case). So whatever is read out of a text can be pointed at in it.

use unicode_normalization::UnicodeNormalization;

/// First byte of some words in the original text, and one past their last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    /// Whether the two share a byte.
    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The smallest span that holds both.
    pub(crate) fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// What a token is written in. A change of script ends a token: `prod를` is `prod` and `를`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// Letters and digits but Hangul, with what stands inside names, numbers and addresses.
    Latin,
    Hangul,
}

/// A piece of text without white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) span: Span,
    /// NFKC, lower case.
    pub(crate) form: String,
    pub(crate) script: Script,
    /// Counts sentences and the parts that commas, semicolons and dashes cut them into.
    pub(crate) clause: usize,
    /// Counts sentences and lines.
    pub(crate) sentence: usize,
    /// Whether it touches the token before it.
    pub(crate) glued: bool,
    /// Whether it was cut out of a name in another script, as `example.com` out of
    /// `예제.example.com`: then it is not the whole name and must not be read as one.
    pub(crate) torn: bool,
}

/// A text and its tokens.
#[derive(Debug, Clone)]
pub(crate) struct Text<'a> {
    pub(crate) original: &'a str,
    pub(crate) tokens: Vec<Token>,
}

impl<'a> Text<'a> {
    pub(crate) fn of(original: &'a str) -> Self {
        let mut cutter = Cutter::default();
        for (at, char) in original.char_indices() {
            cutter.take(original, at, char);
        }
        cutter.finish(original, original.len());
        Self { original, tokens: cutter.tokens }
    }

    /// The words as written.
    pub(crate) fn slice(&self, span: Span) -> &'a str {
        self.original.get(span.start..span.end).unwrap_or_default()
    }

    /// Whether more of it is Korean than not, by letters.
    pub(crate) fn is_korean(&self) -> bool {
        let hangul = self.original.chars().filter(|c| is_hangul(*c)).count();
        let latin = self
            .tokens
            .iter()
            .filter(|token| token.script == Script::Latin && !token.form.contains(['.', '/']))
            .flat_map(|token| token.form.chars())
            .filter(|c| c.is_alphabetic())
            .count();
        // A Korean syllable says about as much as two or three letters, and the names of things
        // are English in both.
        hangul > 0 && hangul * 3 >= latin
    }
}

pub(crate) fn is_hangul(char: char) -> bool {
    matches!(char,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}')
}

/// NFKC and lower case.
pub(crate) fn normalise(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii() || matches!(c, '\u{ac00}'..='\u{d7a3}')) {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// One character as a reader takes it: full-width forms are their plain selves.
fn plain(char: char) -> char {
    if char.is_ascii() || matches!(char, '\u{ac00}'..='\u{d7a3}') {
        return char;
    }
    let mut forms = std::iter::once(char).nfkc();
    match (forms.next(), forms.next()) {
        (Some(one), None) => one,
        _ => char,
    }
}

#[derive(Debug, Default)]
struct Cutter {
    tokens: Vec<Token>,
    open: Option<(usize, Script)>,
    clause: usize,
    sentence: usize,
}

impl Cutter {
    fn take(&mut self, text: &str, at: usize, char: char) {
        let plain = plain(char);
        let script = if is_hangul(plain) {
            Some(Script::Hangul)
        } else if plain.is_alphanumeric()
            || matches!(plain, '.' | '-' | '_' | '/' | ':' | '*')
            || plain == ',' && between_digits(text, at, char)
            || is_defanged(text, at)
        {
            Some(Script::Latin)
        } else {
            None
        };
        if self.open.map(|(_, script)| script) != script {
            self.finish(text, at);
            self.open = script.map(|script| (at, script));
        }
        if matches!(plain, ';' | '!' | '?' | '\n' | ',' | '|' | '。' | '、') && script.is_none() {
            self.clause += 1;
            self.sentence += usize::from(matches!(plain, '!' | '?' | '\n' | '。'));
        }
    }

    fn finish(&mut self, text: &str, end: usize) {
        let Some((start, script)) = self.open.take() else { return };
        match script {
            Script::Hangul => self.push(text, Span { start, end }, script),
            Script::Latin => self.latin(text, Span { start, end }),
        }
    }

    /// Leaves out punctuation at the ends, and cuts `WAF/DDoS` but not `/v1/items`, `req/s` or a URL.
    fn latin(&mut self, text: &str, run: Span) {
        let raw = text.get(run.start..run.end).unwrap_or_default();
        // `대상: www / 응답 TTL: 5분`: a stroke by itself parts what stands beside it; `under /` is a
        // path.
        let rest = text.get(run.end..).unwrap_or_default();
        let under = |it: &Token| {
            matches!(it.form.as_str(), "under" | "at" | "below" | "path" | "on" | "경로" | "경로는")
        };
        if raw == "/" && rest.starts_with(' ') && !self.tokens.last().is_some_and(under) {
            self.clause += 1;
            return;
        }
        let ends = |c: char| matches!(plain(c), '.' | ':' | '-' | '_');
        let body = raw.trim_end_matches(ends);
        let closes = raw.len() > body.len();
        // `::1` is an address.
        let address = body.len() > 2 && body.starts_with("::");
        let inner = if address { body } else { body.trim_start_matches(ends) };
        let start = run.start + (body.len() - inner.len());
        let span = Span { start, end: start + inner.len() };
        if !inner.is_empty() {
            let form = normalise(inner);
            let whole = !form.contains('/')
                || form.starts_with('/')
                || form.contains("://")
                || form.split('/').next().is_some_and(|first| first.contains('.'))
                || per_time(&form);
            let torn = is_torn(text, run, span);
            if whole {
                self.push(text, span, Script::Latin);
            } else {
                let mut at = start;
                for part in inner.split_inclusive('/') {
                    let name = part.trim_end_matches('/');
                    if !name.is_empty() {
                        self.push(text, Span { start: at, end: at + name.len() }, Script::Latin);
                    }
                    at += part.len();
                }
            }
            if let Some(last) = self.tokens.last_mut() {
                last.torn = torn;
            }
        }
        // A full stop, a colon or a dash of its own ends a clause; a dot inside a name does not.
        if closes || inner.is_empty() && raw.contains(['.', ':', '-']) {
            self.clause += 1;
            self.sentence += usize::from(raw.ends_with(|c| plain(c) == '.'));
        }
    }

    fn push(&mut self, text: &str, span: Span, script: Script) {
        let mut form = normalise(text.get(span.start..span.end).unwrap_or_default());
        if form.contains(DEFANGED) {
            form = form.replace(DEFANGED, ".").replace("hxxp", "http");
        }
        let glued = self.tokens.last().is_some_and(|last| last.span.end == span.start);
        let (clause, sentence) = (self.clause, self.sentence);
        self.tokens.push(Token { span, form, script, clause, sentence, glued, torn: false });
    }
}

/// Whether the run was a part of a longer name, the rest of which is in another script.
fn is_torn(text: &str, run: Span, inner: Span) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| plain(c).is_alphanumeric());
    let before = text.get(..run.start).unwrap_or_default().chars().next_back();
    let after = text.get(run.end..).unwrap_or_default().chars().next();
    let lead = text.get(run.start..inner.start).unwrap_or_default();
    let tail = text.get(inner.end..run.end).unwrap_or_default();
    (letter(before) && lead.chars().any(|c| plain(c) == '.'))
        || (letter(after) && tail.chars().any(|c| plain(c) == '.'))
}

/// `evil[.]example`: how those who report harmful names write their dots, lest anybody click.
const DEFANGED: &str = "[.]";

/// Whether that byte is a bracket around such a dot.
fn is_defanged(text: &str, at: usize) -> bool {
    let stands = |from: Option<usize>| {
        from.and_then(|from| text.get(from..)).is_some_and(|it| it.starts_with(DEFANGED))
    };
    stands(Some(at)) || stands(at.checked_sub(2))
}

fn between_digits(text: &str, at: usize, char: char) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| plain(c).is_ascii_digit());
    digit(text.get(..at).unwrap_or_default().chars().next_back())
        && digit(text.get(at + char.len_utf8()..).unwrap_or_default().chars().next())
}

/// `10k/s`, `req/min`.
fn per_time(form: &str) -> bool {
    form.split_once('/').is_some_and(|(_, per)| {
        matches!(per, "s" | "sec" | "second" | "m" | "min" | "minute" | "h" | "hour")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<String> {
        Text::of(text).tokens.into_iter().map(|token| token.form).collect()
    }

    #[test]
    fn names_numbers_and_addresses_stay_whole() {
        assert_eq!(
            forms("Point docs.Example.com. to 203.0.113.20, at 10,000 req/s (WAF/DDoS)"),
            [
                "point",
                "docs.example.com",
                "to",
                "203.0.113.20",
                "at",
                "10,000",
                "req/s",
                "waf",
                "ddos"
            ]
        );
    }

    #[test]
    fn a_change_of_script_ends_a_token() {
        assert_eq!(
            forms("prod를 초당 1만 요청까지"),
            ["prod", "를", "초당", "1", "만", "요청까지"]
        );
    }

    #[test]
    fn full_width_and_decomposed_text_reads_like_plain_text() {
        assert_eq!(forms("ＷＡＦ １０ｋ"), ["waf", "10k"]);
        assert_eq!(forms("\u{1100}\u{1161}"), ["가"]);
        assert_eq!(forms("docs．example．com"), ["docs.example.com"]);
    }

    #[test]
    fn a_part_of_a_name_in_another_script_is_known_to_be_one() {
        let text = Text::of("예제.example.com 그리고 www.example.한국");
        assert!(
            text.tokens.iter().filter(|t| t.script == Script::Latin).all(|t| t.torn),
            "{text:?}"
        );
        assert!(Text::of("docs.example.com을 www.example.com으로").tokens.iter().all(|t| !t.torn));
    }
}
