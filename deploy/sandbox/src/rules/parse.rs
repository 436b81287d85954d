//! Tokens to a type-checked tree.

use std::ops::Range;

use super::Error;
use super::ast::{Logic, Operator, Test, Type, Value};
use super::field::{Field, NOT_ENTITLED};
use super::function::Function;
use super::token::{Spanned, Token, tokens};

/// Cloudflare's limit, in characters.
pub(super) const MAXIMUM_LENGTH: usize = 4096;
/// Bounds the stack, whatever is uploaded.
const MAXIMUM_DEPTH: usize = 64;

/// Where an expression is used, and so what may be in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    pub(super) fields: &'static [Field],
    /// Whether `matches` is in the plan.
    pub(super) regex: bool,
    /// Whether there are `$lists`.
    pub(super) lists: bool,
}

impl Dialect {
    fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Reads a whole expression.
pub(super) fn parse(expression: &str, dialect: Dialect) -> Result<Logic, Error> {
    let mut parser = Parser::new(expression, dialect)?;
    let logic = parser.any()?;
    parser.end()?;
    Ok(logic)
}

/// Reads a value alone, as a rate limit's characteristic.
pub(super) fn parse_value(expression: &str, dialect: Dialect) -> Result<Value, Error> {
    let mut parser = Parser::new(expression, dialect)?;
    let typed = parser.value()?;
    parser.end()?;
    if typed.spread || typed.kind.element().is_some() || typed.kind == Type::Map {
        return Err(parser.error(&(0..expression.len()), "expected a single value"));
    }
    Ok(typed.value)
}

/// A value with what is known of it.
pub(super) struct Typed {
    pub(super) value: Value,
    /// Of each element where `spread`.
    pub(super) kind: Type,
    /// Whether it was spread by `[*]`.
    pub(super) spread: bool,
    pub(super) span: Range<usize>,
}

pub(super) struct Parser<'a> {
    expression: &'a str,
    pub(super) dialect: Dialect,
    tokens: std::iter::Peekable<std::vec::IntoIter<Spanned>>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(expression: &'a str, dialect: Dialect) -> Result<Self, Error> {
        if expression.chars().count() > MAXIMUM_LENGTH {
            let reason = format!("the expression is longer than {MAXIMUM_LENGTH} characters");
            return Err(Error::new(expression, &(0..1), reason));
        }
        let tokens = tokens(expression)?.into_iter().peekable();
        Ok(Self { expression, dialect, tokens, depth: 0 })
    }

    pub(super) fn error(&self, span: &Range<usize>, reason: impl Into<String>) -> Error {
        Error::new(self.expression, span, reason)
    }

    /// The next token, or an error that says what was expected.
    pub(super) fn take(&mut self, expected: &str) -> Result<Spanned, Error> {
        let end = self.expression.len();
        self.tokens.next().ok_or_else(|| self.error(&(end..end), format!("expected {expected}")))
    }

    pub(super) fn next_is(&mut self, mark: char) -> bool {
        matches!(self.tokens.peek(), Some((Token::Mark(found), _)) if *found == mark)
    }

    fn next_word_is(&mut self, word: &str) -> bool {
        matches!(self.tokens.peek(), Some((Token::Word(found), _)) if found == word)
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.next_word_is(word);
        if found {
            self.tokens.next();
        }
        found
    }

    /// Takes that mark and answers where it ends.
    pub(super) fn expect(&mut self, mark: char) -> Result<usize, Error> {
        let (token, span) = self.take(&format!("`{mark}`"))?;
        if token == Token::Mark(mark) {
            Ok(span.end)
        } else {
            Err(self.error(&span, format!("expected `{mark}`")))
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.tokens.next() {
            None => Ok(()),
            Some((_, span)) => Err(self.error(
                &(span.start..self.expression.len()),
                "unrecognised input: expected `and`, `or`, `xor` or the end",
            )),
        }
    }

    /// Reads one level deeper.
    fn within<T>(
        &mut self,
        span: &Range<usize>,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth == MAXIMUM_DEPTH {
            let reason = format!("the expression nests deeper than {MAXIMUM_DEPTH} levels");
            return Err(self.error(span, reason));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn any(&mut self) -> Result<Logic, Error> {
        self.chain("or", Self::odd, Logic::Any)
    }

    fn odd(&mut self) -> Result<Logic, Error> {
        self.chain("xor", Self::all, Logic::Odd)
    }

    fn all(&mut self) -> Result<Logic, Error> {
        self.chain("and", Self::not, Logic::All)
    }

    fn chain(
        &mut self,
        word: &str,
        operand: impl Fn(&mut Self) -> Result<Logic, Error>,
        combine: impl FnOnce(Vec<Logic>) -> Logic,
    ) -> Result<Logic, Error> {
        let first = operand(self)?;
        if !self.next_word_is(word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.skip_word(word) {
            operands.push(operand(self)?);
        }
        Ok(combine(operands))
    }

    fn not(&mut self) -> Result<Logic, Error> {
        let Some((token, span)) = self.tokens.peek().cloned() else {
            let end = self.expression.len();
            return Err(self.error(&(end..end), "expected a condition"));
        };
        match token {
            Token::Word(word) if word == "not" => {
                self.tokens.next();
                let inner = self.within(&span, Self::not)?;
                Ok(Logic::Not(Box::new(inner)))
            }
            Token::Mark('(') => {
                self.tokens.next();
                let inner = self.within(&span, Self::any)?;
                self.expect(')')?;
                Ok(inner)
            }
            Token::Word(word) if word == "true" || word == "false" => {
                self.tokens.next();
                Ok(Logic::Constant(word == "true"))
            }
            Token::Word(_) | Token::Text(_) | Token::List(_) | Token::Mark(_) => self.condition(),
        }
    }

    fn condition(&mut self) -> Result<Logic, Error> {
        let typed = self.value()?;
        if typed.spread {
            return Err(self.error(&typed.span, "`[*]` may stand only inside any(…) or all(…)"));
        }
        if typed.kind == Type::Bool {
            return Ok(Logic::Truth(typed.value));
        }
        Ok(Logic::Test(self.test(typed)?))
    }

    /// The operator and what follows it.
    fn test(&mut self, typed: Typed) -> Result<Test, Error> {
        let operator: Operator = self.operator(&typed)?;
        Ok(Test { value: typed.value, spread: typed.spread, operator })
    }

    /// A field or a call, with its indexes.
    fn value(&mut self) -> Result<Typed, Error> {
        let (token, span) = self.take("a field or a function")?;
        let Token::Word(word) = token else {
            return Err(self.error(&span, "expected a field or a function"));
        };
        let typed = if self.next_is('(') {
            self.call(&word, span)?
        } else {
            let Some(field) = self.dialect.field(&word) else {
                return Err(self.error(&span, unknown(&word)));
            };
            Typed { value: Value::Field(field), kind: field.kind, spread: false, span }
        };
        self.indexes(typed)
    }

    fn call(&mut self, name: &str, span: Range<usize>) -> Result<Typed, Error> {
        let Some(function) = Function::find(name) else {
            return Err(self.error(&span, format!("unknown function `{name}`")));
        };
        self.expect('(')?;
        let mut arguments = Vec::new();
        while !self.next_is(')') {
            if !arguments.is_empty() {
                self.expect(',')?;
            }
            arguments.push(self.within(&span, Self::argument)?);
        }
        let span = span.start..self.expect(')')?;
        if let Some(late) = arguments.iter().skip(1).find(|argument| argument.spread) {
            return Err(self.error(&late.span, "`[*]` may stand only in the first argument"));
        }
        let spread = arguments.first().is_some_and(|first| first.spread);
        // `any(x[*] eq 1)`: the test of each makes the array that `any` takes.
        let folds = matches!(function, Function::Any | Function::All);
        let kinds: Option<Vec<Type>> = arguments
            .iter()
            .map(|one| if folds && one.spread { one.kind.array() } else { Some(one.kind) })
            .collect();
        let result = function.result(&kinds.unwrap_or_default());
        let kind = result.map_err(|takes| self.error(&span, format!("`{name}` {takes}")))?;
        let spread = spread && !folds;
        let kind = if spread { kind.array() } else { Some(kind) };
        let Some(kind) = kind else {
            return Err(self.error(&span, format!("`{name}` cannot be called for each element")));
        };
        let arguments = arguments.into_iter().map(|argument| argument.value).collect();
        let value = Value::Call { function, arguments, spread };
        Ok(Typed { value, kind, spread: false, span })
    }

    /// A value, a test of one, or a string.
    fn argument(&mut self) -> Result<Typed, Error> {
        if let Some((Token::Text(text), span)) = self.tokens.peek().cloned() {
            self.tokens.next();
            let value = Value::Literal(super::ast::Literal::Text(text));
            return Ok(Typed { value, kind: Type::Text, spread: false, span });
        }
        let typed = self.value()?;
        if self.next_is(')') || self.next_is(',') {
            return Ok(typed);
        }
        let (spread, span) = (typed.spread, typed.span.clone());
        let test = self.test(typed)?;
        Ok(Typed { value: Value::Test(Box::new(test)), kind: Type::Bool, spread, span })
    }

    fn indexes(&mut self, mut typed: Typed) -> Result<Typed, Error> {
        while self.next_is('[') {
            self.expect('[')?;
            let (token, span) = self.take("a key, a number or `*`")?;
            let end = self.expect(']')?;
            if typed.spread {
                return Err(self.error(&span, "nothing may follow `[*]`"));
            }
            let number = if let Token::Word(word) = &token { word.parse().ok() } else { None };
            let element = typed.kind.element();
            let (value, kind, spread) = match (token, element, number) {
                (Token::Text(key), None, _) if typed.kind == Type::Map => {
                    (Value::Key(Box::new(typed.value), key), Type::Texts, false)
                }
                (Token::Mark('*'), Some(element), _) => {
                    (Value::Each(Box::new(typed.value)), element, true)
                }
                (_, Some(element), Some(number)) => {
                    (Value::Nth(Box::new(typed.value), number), element, false)
                }
                _ => {
                    let reason = format!("{} cannot be indexed so", typed.kind.name());
                    return Err(self.error(&span, reason));
                }
            };
            typed = Typed { value, kind, spread, span: typed.span.start..end };
        }
        Ok(typed)
    }
}

fn unknown(word: &str) -> String {
    let needs = NOT_ENTITLED.iter().find(|(prefix, _)| word.starts_with(prefix));
    needs.map_or_else(
        || "unknown identifier".to_owned(),
        |(_, needs)| {
            format!("not entitled: the use of field {word} is not allowed, {needs} is required")
        },
    )
}
