//! Expression text to tokens. Knows nothing of fields or types.

use std::ops::Range;

use super::Error;

/// The smallest part of an expression. Operators written as symbols become their English words, so
/// that the parser knows one spelling of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A field, function, operator, number, address or range: what stands without quotes.
    Word(String),
    /// A quoted or raw string, unescaped.
    Text(String),
    /// `$name`, the name alone.
    List(String),
    /// One of `( ) { } [ ] , *`.
    Mark(char),
}

/// A token and the bytes it was read from.
pub(super) type Spanned = (Token, Range<usize>);

/// Symbols and their words; a longer symbol stands before its own prefix.
const SYMBOLS: [(&str, &str); 13] = [
    ("==", "eq"),
    ("!=", "ne"),
    ("<=", "le"),
    (">=", "ge"),
    ("&&", "and"),
    ("||", "or"),
    ("^^", "xor"),
    ("<", "lt"),
    (">", "gt"),
    ("!", "not"),
    ("~", "matches"),
    ("&", "bitwise_and"),
    ("=", "="),
];

/// Splits a whole expression.
pub(super) fn tokens(expression: &str) -> Result<Vec<Spanned>, Error> {
    let mut lexer = Lexer { expression, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    expression: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.expression.get(self.at..).unwrap_or("")
    }

    fn next(&mut self) -> Result<Option<Spanned>, Error> {
        self.at +=
            self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
        let start = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let token = match first {
            '(' | ')' | '{' | '}' | '[' | ']' | ',' | '*' => {
                self.at += 1;
                Token::Mark(first)
            }
            '"' => {
                self.at += 1;
                Token::Text(self.quoted(start)?)
            }
            'r' if self.rest().starts_with("r\"") || self.rest().starts_with("r#") => {
                self.at += 1;
                Token::Text(self.raw(start)?)
            }
            '$' => {
                self.at += 1;
                let name = self.run(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
                if name.is_empty() {
                    return Err(self.error(start, "expected the name of a list after `$`"));
                }
                Token::List(name)
            }
            _ => self.word_or_symbol(first)?,
        };
        Ok(Some((token, start..self.at)))
    }

    fn word_or_symbol(&mut self, first: char) -> Result<Token, Error> {
        let symbol = SYMBOLS.iter().find(|(symbol, _)| self.rest().starts_with(symbol));
        if let Some((symbol, word)) = symbol {
            self.at += symbol.len();
            return Ok(Token::Word((*word).to_owned()));
        }
        let start = self.at;
        if first.is_ascii_alphanumeric() || "_:-".contains(first) {
            // One run covers names, numbers, `8000..9000`, `10.0.0.0/8` and `2001:db8::/32`: which
            // of these is meant depends on the field's type and is for the parser.
            return Ok(Token::Word(self.run(|c| c.is_ascii_alphanumeric() || "_.:/-".contains(c))));
        }
        self.at += first.len_utf8();
        Err(self.error(start, format!("unexpected character `{}`", first.escape_default())))
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let run: String = self.rest().chars().take_while(|c| belongs(*c)).collect();
        self.at += run.len();
        run
    }

    /// What stands between quotes, the opening one already read.
    fn quoted(&mut self, start: usize) -> Result<String, Error> {
        let mut text = Vec::new();
        let mut bytes = self.expression.bytes().enumerate().skip(self.at);
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.at = at + 1;
                    return String::from_utf8(text)
                        .map_err(|_| self.error(start, "the escapes do not make valid UTF-8"));
                }
                b'\\' => match bytes.next() {
                    Some((_, escaped @ (b'"' | b'\\'))) => text.push(escaped),
                    Some((at, b'x')) => {
                        let digits = self.expression.get(at + 1..at + 3);
                        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                        let Some(byte) = byte else {
                            return Err(
                                self.at(at - 1..at + 1, "expected two hex digits after `\\x`")
                            );
                        };
                        text.push(byte);
                        bytes.nth(1);
                    }
                    _ => {
                        return Err(self.at(
                            at..at + 1,
                            "expected `\\\"`, `\\\\` or `\\xHH`; write r\"…\" for a raw string",
                        ));
                    }
                },
                other => text.push(other),
            }
        }
        self.at = self.expression.len();
        Err(self.error(start, "expected a closing `\"`"))
    }

    /// A raw string, its `r` already read.
    fn raw(&mut self, start: usize) -> Result<String, Error> {
        let hashes = self.run(|c| c == '#');
        let rest = self.rest();
        let close = format!("\"{hashes}");
        let found = rest.strip_prefix('"').and_then(|rest| rest.split_once(&close));
        let Some((text, _)) = found else {
            self.at = self.expression.len();
            return Err(self.error(start, format!("expected a raw string closed by `{close}`")));
        };
        let text = text.to_owned();
        self.at += 1 + text.len() + close.len();
        Ok(text)
    }

    fn error(&self, start: usize, reason: impl Into<String>) -> Error {
        self.at(start..self.at, reason)
    }

    fn at(&self, span: Range<usize>, reason: impl Into<String>) -> Error {
        Error::new(self.expression, &span, reason)
    }
}
