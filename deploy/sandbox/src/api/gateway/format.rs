//! Wire expressions as Cloudflare gives them back: words for operators, one space between tokens.
//! Pure.

/// The expression reformatted; what stands in quotes stays.
pub(super) fn reformat(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression.trim();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' => {
                let length = quoted(rest);
                (rest.get(..length).unwrap_or(rest), length)
            }
            _ if first.is_whitespace() => (" ", first.len_utf8()),
            _ if rest.starts_with("&&") => (" and ", 2),
            _ if rest.starts_with("||") => (" or ", 2),
            _ if ["==", "!=", ">=", "<="].iter().any(|sign| rest.starts_with(sign)) => {
                (rest.get(..2).unwrap_or(rest), 2)
            }
            '!' => ("not ", 1),
            '{' => (" {", 1),
            _ => (rest.get(..first.len_utf8()).unwrap_or(rest), first.len_utf8()),
        };
        match token {
            "==" | "!=" | ">=" | "<=" => push(&mut out, &format!(" {token} ")),
            token => push(&mut out, token),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out.trim_end().to_owned()
}

/// Adds a token, never a second space, and none after an opening or before a closing bracket.
fn push(out: &mut String, token: &str) {
    let mut token = token;
    if out.is_empty() || out.ends_with([' ', '(', '{', '[']) {
        token = token.trim_start_matches(' ');
    }
    if token.starts_with([')', '}', ']', ',']) {
        out.truncate(out.trim_end_matches(' ').len());
    }
    out.push_str(token);
}

/// The length of the quoted string at the beginning, its quotes with it.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return index + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::reformat;

    #[test]
    fn operators_become_words_and_space_becomes_single() {
        let cases = [
            ("any(dns.domains[*] in $abc)", "any(dns.domains[*] in $abc)"),
            (
                "  dns.fqdn==\"a  b\"&&!(x in{\"y\"  \"z\" })",
                "dns.fqdn == \"a  b\" and not (x in {\"y\" \"z\"})",
            ),
            ("a ||   b", "a or b"),
            ("http.request.uri matches \".*\\\"&&\"", "http.request.uri matches \".*\\\"&&\""),
        ];
        for (given, wanted) in cases {
            assert_eq!(reformat(given), wanted);
            assert_eq!(reformat(wanted), wanted, "twice is once");
        }
    }
}
