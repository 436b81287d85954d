//! One spelling for every way to write the same filter expression. Pure.
//!
//! Gateway gives expressions back reformatted: other white space, `&&` as `and`, list ids with or
//! without hyphens. Comparing the texts would show a change at every look.

use crate::references;

const SYMBOLS: [(&str, &str); 10] = [
    ("&&", "and"),
    ("||", "or"),
    ("==", "=="),
    ("!=", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("<", "<"),
    (">", ">"),
    ("~", "matches"),
    ("!", "not"),
];
const WORDS: [(&str, &str); 7] = [
    ("eq", "=="),
    ("ne", "!="),
    ("lt", "<"),
    ("le", "<="),
    ("gt", ">"),
    ("ge", ">="),
    ("matches", "matches"),
];

/// The expression in its one spelling. Quoted texts and references stay as they are.
pub(super) fn canonical(expression: &str) -> String {
    let mut out = String::new();
    let mut previous = Token::Open("");
    let mut braces = 0_usize;
    for token in tokens(expression) {
        if token == Token::Open("{") {
            braces += 1;
        } else if token == Token::Close("}") {
            braces = braces.saturating_sub(1);
        } else if token == Token::Comma && braces > 0 {
            // In a set a comma says no more than white space does.
            continue;
        }
        if wants_space(&previous, &token) {
            out.push(' ');
        }
        match &token {
            Token::Open(text) | Token::Close(text) | Token::Operator(text) | Token::Atom(text) => {
                out.push_str(&spelled(text));
            }
            Token::Comma => out.push(','),
        }
        previous = token;
    }
    out
}

fn spelled(text: &str) -> String {
    if text.starts_with('"') || references::holds_reference(text) {
        return text.to_owned();
    }
    let list = text.strip_prefix('$').and_then(uuid);
    list.map_or_else(|| text.to_owned(), |id| format!("${id}"))
}

/// A list's id with its hyphens, whether it was written with them or not.
fn uuid(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|it| *it != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.to_ascii_lowercase();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|it| digits.get(it).unwrap_or_default());
    Some(parts.join("-"))
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    /// `(`, `{`, `[`
    Open(&'a str),
    /// `)`, `}`, `]`
    Close(&'a str),
    Comma,
    /// In its one spelling.
    Operator(&'a str),
    Atom(&'a str),
}

fn wants_space(previous: &Token<'_>, next: &Token<'_>) -> bool {
    match (previous, next) {
        // A call or an index follows its name at once.
        (Token::Open(_), _)
        | (_, Token::Close(_) | Token::Comma)
        | (Token::Atom(_) | Token::Close(_), Token::Open("[")) => false,
        (Token::Atom(name), Token::Open("(")) => {
            matches!(name.to_ascii_lowercase().as_str(), "and" | "or" | "not" | "in" | "xor")
        }
        _ => true,
    }
}

fn tokens(expression: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let (length, token): (usize, fn(&str) -> Token<'_>) = match first {
            '(' | '{' | '[' => (1, |it| Token::Open(it)),
            ')' | '}' | ']' => (1, |it| Token::Close(it)),
            ',' => (1, |_| Token::Comma),
            '"' => (quoted(rest), |it| Token::Atom(it)),
            _ => match SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
                Some((symbol, _)) => (symbol.len(), operator),
                None => (atom(rest), word),
            },
        };
        let (text, after) =
            rest.split_at_checked(length.max(first.len_utf8())).unwrap_or((rest, ""));
        tokens.push(token(text));
        rest = after.trim_start();
    }
    tokens
}

fn operator(text: &str) -> Token<'_> {
    let spelling = SYMBOLS.iter().find(|(symbol, _)| *symbol == text).map(|(_, it)| *it);
    match spelling.unwrap_or(text) {
        // These are words when written out, and a bracket after them is set apart.
        word @ ("and" | "or" | "not") => Token::Atom(word),
        operator => Token::Operator(operator),
    }
}

fn word(text: &str) -> Token<'_> {
    WORDS
        .iter()
        .find(|(word, _)| *word == text)
        .map_or(Token::Atom(text), |(_, spelling)| Token::Operator(spelling))
}

/// Length of a quoted text with its quotes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a name, number or list, with the references in it.
fn atom(text: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        if rest.starts_with("${") {
            at += rest.find('}').map_or(rest.len(), |end| end + 1);
            continue;
        }
        match rest.chars().next() {
            Some(c) if !c.is_whitespace() && !"(){}[],\"=!<>&|~".contains(c) => at += c.len_utf8(),
            _ => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_spellings_are_one() {
        for text in [
            r#"any(dns.domains[*] in $f174e90a-fafe-4643-bbbc-4a0ed4fc8415) and not (http.request.host == "a  b")"#,
            r#"any( dns.domains[*]  in $F174E90AFAFE4643BBBC4A0ED4FC8415 ) && !(http.request.host eq "a  b")"#,
            "any(dns.domains [*] in $f174e90afafe4643bbbc4a0ed4fc8415)\n and not(http.request.host==\"a  b\")",
        ] {
            assert_eq!(
                canonical(text),
                r#"any(dns.domains[*] in $f174e90a-fafe-4643-bbbc-4a0ed4fc8415) and not (http.request.host == "a  b")"#
            );
        }
        assert_eq!(canonical("x in {1, 2,3}"), "x in {1 2 3}");
        assert_eq!(canonical("concat( a ,b)"), "concat(a, b)");
    }

    #[test]
    fn references_stay() {
        let text = "any(dns.domains[*] in $${cloudflare.gateway_list/blocked.id})";
        assert_eq!(canonical(text), text);
    }

    proptest::proptest! {
        #[test]
        fn a_canonical_expression_is_its_own_spelling(text in r#"[a-z$*."\\(){}\[\]=!<>&|~, é0-9-]{0,60}"#) {
            let once = canonical(&text);
            proptest::prop_assert_eq!(canonical(&once), once);
        }
    }
}
