//! Operators and what may stand after them: which depends on the type before them.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use regex::{Regex, RegexBuilder};

use super::Error;
use super::ast::{Literal, Operator, Set, Type};
use super::parse::{Parser, Typed};
use super::token::{Spanned, Token};

/// Bounds what a regular expression may compile to, in bytes.
const MAXIMUM_REGEX: usize = 1 << 20;

impl Parser<'_> {
    /// An operator with its right side.
    pub(super) fn operator(&mut self, left: &Typed) -> Result<Operator, Error> {
        let (token, span) = self.take("a comparison operator")?;
        let Token::Word(word) = token else {
            return Err(self.error(&span, "expected a comparison operator"));
        };
        let kind = left.kind;
        if matches!(kind, Type::Bools | Type::Ints | Type::Texts | Type::Map | Type::Bool) {
            let reason =
                format!("{} cannot be compared; test it by itself or index it", kind.name());
            return Err(self.error(&left.span, reason));
        }
        let fits = match word.as_str() {
            "eq" | "ne" | "in" => true,
            "lt" | "le" | "gt" | "ge" => kind != Type::Address,
            "contains" | "matches" | "wildcard" | "strict" => kind == Type::Text,
            other => {
                let reason = format!("unknown or unsupported comparison operator `{other}`");
                return Err(self.error(&span, reason));
            }
        };
        if !fits {
            let reason = format!("the operator `{word}` cannot be used with {}", kind.name());
            return Err(self.error(&span, reason));
        }
        Ok(match word.as_str() {
            "eq" => Operator::Equal(self.literal(kind)?),
            "ne" => Operator::NotEqual(self.literal(kind)?),
            "lt" => Operator::Less(self.literal(kind)?),
            "le" => Operator::LessOrEqual(self.literal(kind)?),
            "gt" => Operator::Greater(self.literal(kind)?),
            "ge" => Operator::GreaterOrEqual(self.literal(kind)?),
            "in" => Operator::In(self.set(kind)?),
            "contains" => Operator::Contains(self.text()?.0),
            "matches" if !self.dialect.regex => {
                return Err(self.error(
                    &span,
                    "not entitled: the use of operator Matches is not allowed, a Business plan or \
                     a WAF Advanced plan is required",
                ));
            }
            "matches" => {
                let (pattern, at) = self.text()?;
                Operator::Matches(self.regex(&pattern, false, &at)?)
            }
            "wildcard" => self.wildcard(true)?,
            _ => {
                let (token, span) = self.take("`wildcard`")?;
                if token != Token::Word("wildcard".to_owned()) {
                    return Err(self.error(&span, "expected `wildcard` after `strict`"));
                }
                self.wildcard(false)?
            }
        })
    }

    fn text(&mut self) -> Result<(String, std::ops::Range<usize>), Error> {
        let (token, span) = self.take("a quoted string")?;
        match token {
            Token::Text(text) => Ok((text, span)),
            Token::Word(_) | Token::List(_) | Token::Mark(_) => {
                Err(self.error(&span, "expected a quoted string"))
            }
        }
    }

    fn literal(&mut self, kind: Type) -> Result<Literal, Error> {
        if kind == Type::Text {
            return Ok(Literal::Text(self.text()?.0));
        }
        let (token, span) = self.take(kind.name())?;
        let Token::Word(word) = token else {
            return Err(self.error(&span, format!("expected {}", kind.name())));
        };
        let literal = if kind == Type::Int {
            integer(&word).map(Literal::Int)
        } else {
            word.parse().ok().map(Literal::Address)
        };
        literal.ok_or_else(|| self.error(&span, format!("expected {}", kind.name())))
    }

    fn set(&mut self, kind: Type) -> Result<Set, Error> {
        let (token, span) = self.take("`{`")?;
        match token {
            Token::Mark('{') => {}
            Token::List(_) if self.dialect.lists => return Ok(Set::List),
            Token::List(name) => {
                return Err(self.error(&span, format!("the list `${name}` does not exist")));
            }
            Token::Word(_) | Token::Text(_) | Token::Mark(_) => {
                return Err(self.error(&span, "expected `{`"));
            }
        }
        let mut items = Vec::new();
        while !self.next_is('}') {
            items.push(self.take("a value or `}`")?);
        }
        let end = self.expect('}')?;
        if items.is_empty() {
            return Err(self.error(&(span.start..end), "expected a value in the set"));
        }
        Ok(match kind {
            Type::Text => Set::Texts(self.each(items, |token| match token {
                Token::Text(text) => Some(text),
                Token::Word(_) | Token::List(_) | Token::Mark(_) => None,
            })?),
            Type::Int => Set::Ints(self.each(items, |token| range(token, integer))?),
            // Other types were turned away above.
            Type::Bool | Type::Address | Type::Bools | Type::Ints | Type::Texts | Type::Map => {
                Set::Addresses(self.each(items, |token| {
                    let word =
                        if let Token::Word(word) = &token { word.clone() } else { return None };
                    network(&word).or_else(|| {
                        let found = range(token, |word| word.parse::<IpAddr>().ok())?;
                        (found.start().is_ipv4() == found.end().is_ipv4()).then_some(found)
                    })
                })?)
            }
        })
    }

    fn each<T, C: FromIterator<T>>(
        &self,
        items: Vec<Spanned>,
        read: impl Fn(Token) -> Option<T>,
    ) -> Result<C, Error> {
        let wrong = "expected values of the field's type, parted by spaces";
        items
            .into_iter()
            .map(|(token, span)| read(token).ok_or_else(|| self.error(&span, wrong)))
            .collect()
    }

    /// `*` stands for any characters, `\*` and `\\` for themselves, as on Cloudflare.
    fn wildcard(&mut self, ignore_case: bool) -> Result<Operator, Error> {
        let (pattern, span) = self.text()?;
        if pattern.contains("**") {
            return Err(self.error(&span, "a wildcard may not hold two `*` in a row"));
        }
        let mut regex = String::from("(?s)^");
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                '*' => regex.push_str(".*"),
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '\\')) => {
                        regex.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
                    }
                    _ => return Err(self.error(&span, "expected `\\*` or `\\\\` in the wildcard")),
                },
                other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
            }
        }
        regex.push('$');
        Ok(Operator::Matches(self.regex(&regex, ignore_case, &span)?))
    }

    fn regex(
        &self,
        pattern: &str,
        ignore_case: bool,
        span: &std::ops::Range<usize>,
    ) -> Result<Regex, Error> {
        let mut builder = RegexBuilder::new(pattern);
        builder.case_insensitive(ignore_case).size_limit(MAXIMUM_REGEX);
        builder.build().map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().to_owned();
            self.error(span, format!("invalid regular expression: {last}"))
        })
    }
}

fn integer(word: &str) -> Option<i64> {
    match word.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

/// `from..to`, or one value; `from` at most `to`.
fn range<T: PartialOrd + Copy>(
    token: Token,
    read: impl Fn(&str) -> Option<T>,
) -> Option<RangeInclusive<T>> {
    let Token::Word(word) = token else { return None };
    let (from, to) = word.split_once("..").unwrap_or((&word, &word));
    let (from, to) = (read(from)?, read(to)?);
    (from <= to).then_some(from..=to)
}

/// `address/prefix` as the range it covers.
fn network(word: &str) -> Option<RangeInclusive<IpAddr>> {
    let (address, prefix) = word.split_once('/')?;
    let prefix: u32 = prefix.parse().ok()?;
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => {
            32_u32.checked_sub(prefix)?;
            let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
            let low = address.to_bits() & !hosts;
            IpAddr::V4(low.into())..=IpAddr::V4((low | hosts).into())
        }
        IpAddr::V6(address) => {
            128_u32.checked_sub(prefix)?;
            let hosts = u128::MAX.checked_shr(prefix).unwrap_or(0);
            let low = address.to_bits() & !hosts;
            IpAddr::V6(low.into())..=IpAddr::V6((low | hosts).into())
        }
    })
}
